"""Which axis of a layer's output holds the inputs, which the features, and what the others are.

Axes are written as one letter each: ``n`` the inputs, ``c`` channels or ``d`` features, ``t`` tokens, and any other
letter for a position in space or time. A convolution gives ``nchw``, a transformer ``ntd``, a recurrent network that
takes sequences first ``tnd``, Swin ``nhwc``, a convolution over sound ``ncl``.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from similitude.errors import InputError
from similitude.extraction.taps import matches

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Axes", "AxesLike", "Kind", "StatedAxes"]

Kind = Literal["vector", "map", "tokens"]
AxesLike = str | Iterable[str] | Mapping[str, str] | None

_POSITIONS = {1: "l", 2: "hw", 3: "zhw"}
_WORDS = ("channels_first", "channels_last")


@dataclass(frozen=True)
class Axes:
    """How one output is read.

    Parameters
    ----------
    letters
        One letter per axis, in the order in which the network gives them; ``?`` where nothing tells the channels from
        the positions.
    evidence
        What the reading rests on, in a few words.

    Examples
    --------
    >>> Axes("nhwc").kind, Axes("tnd").inputs, Axes("nd").kind
    ('map', 1, 'vector')
    """

    letters: str
    evidence: str = "as stated"

    @classmethod
    def of(cls, ndim: int, inputs: int, channels: int | None, evidence: str) -> Axes:
        """Axes of a tensor whose inputs lie on one axis and whose channels on another (None: not known)."""
        others = [axis for axis in range(ndim) if axis not in (inputs, channels)]
        letters = ["?"] * ndim
        letters[inputs] = "n"
        if channels is not None:
            is_tokens = len(others) == 1 and channels == ndim - 1
            letters[channels] = "d" if is_tokens or not others else "c"
            names = "t" if is_tokens else _POSITIONS.get(len(others), "p" * len(others))
            for axis, letter in zip(others, names, strict=True):
                letters[axis] = letter
        return cls("".join(letters), evidence)

    @functools.cached_property
    def inputs(self) -> int:
        """Axis of the inputs."""
        return self.letters.index("n")

    @functools.cached_property
    def channels(self) -> int | None:
        """Axis of the channels or features; None where it is not known."""
        return next((axis for axis, letter in enumerate(self.letters) if letter in "cd"), None)

    @functools.cached_property
    def kind(self) -> Kind:
        """``vector``, ``tokens`` or ``map``; an output of three unknown axes counts as tokens."""
        if len(self.letters) == 2:
            return "vector"
        return "tokens" if "t" in self.letters or self.letters.count("?") == 2 else "map"

    def arrange(self, output: Tensor) -> Tensor:
        """View of an output as (n, d), (n, t, d) or (n, c, positions)."""
        channels = self.channels
        if channels is None:
            return output.movedim(self.inputs, 0)
        return output.movedim((self.inputs, channels), (0, -1 if self.kind == "tokens" else 1))

    def __str__(self) -> str:
        return f"{self.letters} ({self.evidence})"


class StatedAxes:
    """Axes that the user states, for all outputs with as many axes, or for the layers that match a glob.

    Parameters
    ----------
    stated
        Letters, as in ``"nhwc"``; ``"channels_first"`` or ``"channels_last"`` for maps; several of them; or a dict of
        layer globs to letters. An entry ``"glob=nhwc"`` is a dict's entry, as the command line writes it.

    Raises
    ------
    InputError
        Not letters of axes.

    Examples
    --------
    >>> StatedAxes({"encoder.*": "nld"}).find("encoder.0", 3).letters
    'ntd'
    """

    def __init__(self, stated: AxesLike = None) -> None:
        split = [entry.rpartition("=") for entry in self.entries(stated)]
        self._entries = [(glob or "**", _checked(letters)) for glob, _, letters in split]

    @staticmethod
    def entries(stated: AxesLike) -> list[str]:
        """What is stated, as a list of ``letters`` and ``glob=letters``."""
        if isinstance(stated, Mapping):
            return [f"{glob}={letters}" for glob, letters in stated.items()]
        return [stated] if isinstance(stated, str) else list(stated or ())

    def find(self, layer: str, ndim: int) -> Axes | None:
        """Axes stated for an output of a layer, or None; a glob of layers that is given with other axes is an error."""
        for glob, letters in self._entries:
            if glob != "**" and not matches(layer, glob):
                continue
            if letters in _WORDS:
                if ndim > 3:
                    return Axes.of(ndim, 0, 1 if letters == "channels_first" else ndim - 1, "as stated")
            elif len(letters) == ndim:
                return Axes(letters)
            elif glob != "**":
                raise InputError(f"Layer {layer!r} has an output of {ndim} axes; axes {letters!r} are stated for it.")
        return None

    def __str__(self) -> str:
        return ", ".join(f"{glob}={letters}" for glob, letters in self._entries)


def _checked(letters: str) -> str:
    """Letters with one name for each role: ``b`` is ``n``, a single ``l`` or ``s`` before a last ``d`` is ``t``."""
    if letters in _WORDS:
        return letters
    plain = letters.lower().replace("b", "n")
    features = [letter for letter in plain if letter in "cd"]
    if not plain.isalpha() or len(plain) < 2 or plain.count("n") != 1 or len(features) != 1:
        raise InputError(
            f"Axes {letters!r}: write one letter per axis, n for the inputs and c (or d) for the channels, such as "
            "'nchw', 'nhwc', 'ntd' or 'tnd'."
        )
    if len(plain) == 3:
        other = next(letter for letter in plain if letter not in "ncd")
        return plain.replace(other, "t" if plain.endswith(("c", "d")) or other == "t" else "l")
    return plain.replace("t", "l")  # several axes of positions are a map, not tokens
