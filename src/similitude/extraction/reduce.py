"""How the output of a layer becomes n x d: named reductions of feature maps and of token sequences.

A layer's output is one of three kinds: a *vector* an input, (n, d); a *map* with channels, (n, c, h, w), or (n, c, l)
of a one-dimensional convolution; or *tokens*, (n, t, d). What a reduction keeps decides what is compared, so its name
is recorded with the representation.

============== =============== ===========================================================================
name           of              rows x features
============== =============== ===========================================================================
``auto``       anything        ``mean_pool`` of maps and tokens, ``none`` of vectors
``none``       vectors         n x d, as they are
``flatten``    anything        n x (c h w): where something is matters
``mean_pool``  maps, tokens    n x c: what is there, wherever; padding tokens are left out
``grid(k)``    maps            n x (c k k): means of a k x k grid, between the two
``positions``  maps            (n h w) x c: every position a row
``cls``        tokens          n x d: the first token that is not padding
``last_token`` tokens          n x d: the last token that is not padding, on whichever side the padding is
``tokens``     tokens          (all tokens that are not padding) x d: every token a row
============== =============== ===========================================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from similitude.errors import InputError, NetworkError, SimilitudeError, UnknownName, suggestion, told
from similitude.extraction.axes import Kind

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["REDUCTIONS", "Reduction", "get_reduction"]

REDUCTIONS: dict[str, tuple[Kind, ...]] = {
    "auto": ("vector", "map", "tokens"),
    "none": ("vector",),
    "flatten": ("vector", "map", "tokens"),
    "mean_pool": ("vector", "map", "tokens"),
    "grid": ("vector", "map"),
    "positions": ("vector", "map"),
    "cls": ("vector", "tokens"),
    "last_token": ("vector", "tokens"),
    "tokens": ("vector", "tokens"),
}
"""Names and the kinds of output that they take; a vector has nothing to reduce, and any of them leaves it as it is."""


@dataclass(frozen=True)
class Reduction:
    """One of the named reductions, or a function of one's own.

    Parameters
    ----------
    name
        A name of `REDUCTIONS`; recorded with the representation.
    size
        Cells along each side, for ``grid``.
    function
        Instead of a name's: takes the output (n, ...) and returns a tensor (n, d).
    """

    name: str
    size: int = 2
    function: Callable[[Any], Any] | None = None

    def __str__(self) -> str:
        return f"grid({self.size})" if self.name == "grid" else self.name

    def of(self, kind: Kind) -> Reduction:
        """The reduction that is meant for a kind of output: resolves ``auto``, and ``none`` for vectors."""
        if self.function is not None:
            return self
        if kind == "vector":
            return Reduction("none")
        return Reduction("mean_pool") if self.name == "auto" else self

    def needs_mask(self, kind: Kind) -> bool:
        """Whether padding would go unnoticed into the result."""
        return kind != "vector" and self.function is None and self.name != "cls"

    @property
    def reads_any_axes(self) -> bool:
        """Whether it makes no difference which axis holds the channels."""
        return self.function is not None or self.name == "flatten"

    def __call__(self, output: Tensor, kind: Kind, *, mask: Tensor | None = None) -> tuple[Tensor, Tensor | int]:
        """Reduce an output.

        Parameters
        ----------
        output
            Tensor of shape (n, d), (n, c, ...) or (n, t, d); see `Axes.arrange`.
        kind
            Which of the three it is.
        mask
            (n, t), non-zero where a token is not padding; None if all are real. It holds for maps (n, c, t) too.

        Returns
        -------
        tensor
            (rows, d); it may share memory with `output`.
        tensor or int
            Rows that each input has become.

        Raises
        ------
        InputError
            The reduction is not meant for this kind of output, or the mask does not fit.
        """
        if self.function is not None:
            return _checked(_own(self.function, output, self.name), self.name, len(output)), 1
        meant = self.of(kind)
        if kind not in REDUCTIONS[meant.name]:
            fit = [name for name, kinds in REDUCTIONS.items() if kind in kinds]
            raise InputError(
                f"{str(self)!r} is not for {kind} outputs such as {tuple(output.shape)}; use one of {', '.join(fit)}."
            )
        if meant.name == "none":
            return output, 1
        if kind == "tokens":
            return _reduce_tokens(meant, output, _fitting(mask, output))
        if mask is not None and output.ndim == 3 and not bool(mask.all()):
            if meant.name == "grid":
                raise InputError("a grid would average padding. Use mean_pool or positions, or inputs of one length.")
            by_token = Reduction("tokens") if meant.name == "positions" else meant
            return _reduce_tokens(by_token, output.transpose(1, 2), _fitting(mask, output.transpose(1, 2)))
        if meant.name == "flatten":
            return output.flatten(1), 1
        if meant.name == "mean_pool":
            return _wide(output).flatten(2).mean(dim=2), 1
        if meant.name == "grid":
            return _grid(_wide(output), meant.size), 1
        by_position = output.flatten(2).transpose(1, 2)
        return by_position.flatten(0, 1), by_position.shape[1]


def get_reduction(reduction: str | Reduction | Callable[[Any], Any]) -> Reduction:
    """Reduction by name, or of a function from an output (n, ...) to (n, d).

    Examples
    --------
    >>> str(get_reduction("grid(4)"))
    'grid(4)'
    """
    if isinstance(reduction, Reduction):
        return reduction
    if callable(reduction):
        return Reduction(getattr(reduction, "__name__", type(reduction).__name__), function=reduction)
    match = re.fullmatch(r"(\w+)(?:\((\d+)\))?", reduction.strip())
    name = match.group(1) if match else reduction
    if match is None or name not in REDUCTIONS or (match.group(2) and name != "grid"):
        raise UnknownName(f"Unknown reduction {reduction!r}. {suggestion(name, REDUCTIONS)}")
    if match.group(2) == "0":
        raise InputError("A grid has at least one cell per side: grid(1) or more.")
    return Reduction(name, int(match.group(2) or 2))


def _reduce_tokens(reduction: Reduction, output: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | int]:
    n, length, _ = output.shape
    if reduction.name == "flatten":
        if mask is not None and not bool(mask.all()):
            raise InputError(
                "'flatten' would compare padding tokens. Use mean_pool, cls, last_token or tokens, or inputs of one "
                "length."
            )
        return output.flatten(1), 1
    if mask is None:
        if reduction.name == "mean_pool":
            return _wide(output).mean(dim=1), 1
        if reduction.name == "tokens":
            return output.flatten(0, 1), length
        return output[:, 0 if reduction.name == "cls" else -1], 1
    if not bool(mask.any(dim=1).all()):
        raise InputError("an input consists of padding only. Remove it, or repair its attention mask.")
    if reduction.name == "mean_pool":
        weights = mask.to(_wide(output).dtype).unsqueeze(2)
        # Padding may hold anything, NaN too; it is set to zero, not multiplied by it.
        return _wide(output).masked_fill(~mask.unsqueeze(2), 0).sum(dim=1) / weights.sum(dim=1), 1
    if reduction.name == "tokens":
        return output[mask], mask.sum(dim=1)
    first = mask.int().argmax(dim=1)
    last = length - 1 - mask.flip(1).int().argmax(dim=1)
    rows = mask.new_ones(n).nonzero()[:, 0]
    return output[rows, first if reduction.name == "cls" else last], 1


def _fitting(mask: Tensor | None, output: Tensor) -> Tensor | None:
    if mask is None:
        return None
    if tuple(mask.shape) != tuple(output.shape[:2]):
        raise InputError(
            f"the mask covers {tuple(mask.shape)} tokens and the output has shape {tuple(output.shape)}. "
            "Leave this layer out, or reduce it with 'cls' or a function of your own."
        )
    return mask.bool()


def _grid(output: Tensor, size: int) -> Tensor:
    from torch.nn import functional

    sides = tuple(output.shape[2:])
    if size > min(sides):
        raise InputError(
            f"grid({size}) has more cells per side than the map of {sides} has positions; use a smaller grid."
        )
    pool = {3: functional.adaptive_avg_pool1d, 4: functional.adaptive_avg_pool2d, 5: functional.adaptive_avg_pool3d}
    return pool[output.ndim](output, size).flatten(1)


def _wide(output: Tensor) -> Tensor:
    """Half precision is upcast before summing."""
    return output.float() if output.element_size() < 4 else output


def _own(function: Callable[[Any], Any], output: Tensor, name: str) -> Any:
    shape = tuple(output.shape)
    try:
        return function(output)
    except SimilitudeError:
        raise
    except Exception as error:  # whatever the user's function raises
        raise NetworkError(f"The reduction {name!r} failed on shape {shape}: {told(error)}") from error


def _checked(rows: Any, name: str, n: int) -> Any:
    import torch

    rows = torch.as_tensor(rows) if isinstance(rows, np.ndarray) else rows
    shape = tuple(rows.shape) if isinstance(rows, torch.Tensor) else type(rows).__name__
    if len(shape) != 2 or shape[0] != n:
        raise InputError(f"the reduction {name!r} gave {shape} for {n} inputs; expected a tensor (n, d).")
    return rows
