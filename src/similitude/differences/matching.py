"""Match the layers of two networks: by name, by order, or by the best monotone alignment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from similitude.errors import InputError

__all__ = ["MATCHES", "Match", "align_in_order", "match_names", "match_order", "names_apart"]

Match = Literal["auto", "name", "order", "alignment"]
MATCHES: tuple[str, ...] = get_args(Match)

_SHARE = 0.5
"""Share of the smaller network's layers that must have a namesake for layers to be matched by name."""

Pairs = list[tuple[str, str]]


def match_names(first: Sequence[str], second: Sequence[str]) -> Pairs:
    """Layers of the same name, but for what stands before all names of either side, such as ``model.``.

    Parameters
    ----------
    first, second
        Names of layers, from input to output.

    Examples
    --------
    >>> match_names(["embed", "blocks.0"], ["model.embed", "model.blocks.0", "head"])
    [('embed', 'model.embed'), ('blocks.0', 'model.blocks.0')]
    """
    before, after = names_apart(first, second)
    known = {name.removeprefix(after): name for name in second if name.startswith(after)}
    stems = ((name, name.removeprefix(before)) for name in first if name.startswith(before))
    return [(name, known[stem]) for name, stem in stems if stem in known]


def names_apart(first: Sequence[str], second: Sequence[str]) -> tuple[str, str]:
    """Return what to take away from the beginnings of both sides' names so that most of them agree; one is empty."""
    options = [("", ""), *((p, "") for p in _prefixes(first)), *(("", p) for p in _prefixes(second))]

    def common(option: tuple[str, str]) -> int:
        stems = [
            {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
            for prefix, names in zip(option, (first, second), strict=True)
        ]
        return len(stems[0] & stems[1])

    return max(options, key=common)


def _prefixes(names: Sequence[str]) -> list[str]:
    found = {".".join(parts[:depth]) + "." for name in names for parts in [name.split(".")] for depth in (1, 2)}
    return sorted(prefix for prefix in found if prefix.strip("."))


def match_order(first: Sequence[str], second: Sequence[str], how: Match = "auto") -> tuple[str, Pairs] | None:
    """Match layers by name, else by order; None if only an alignment of their representations can.

    Parameters
    ----------
    first, second
        Names of layers, from input to output.
    how
        ``"name"`` or ``"order"`` asks for one of them.

    Returns
    -------
    tuple
        ``"name"`` or ``"order"``, and the pairs.

    Raises
    ------
    InputError
        By name, and no name is common; by order, and there are more layers on one side.
    """
    if how == "alignment":
        return None
    named = match_names(first, second)
    if how == "name" and not named:
        raise InputError(
            f"The networks have no layer name in common: {_told(first)}; and {_told(second)}. Match them by order or "
            "alignment, or name layers of both."
        )
    if how == "name" or (how == "auto" and len(named) >= max(1, _SHARE * min(len(first), len(second)))):
        return "name", named
    if len(first) == len(second):
        return "order", list(zip(first, second, strict=True))
    if how == "order":
        raise InputError(
            f"Layers cannot be matched by order: there are {len(first)} and {len(second)}. Name as many of both, or "
            "match them by alignment."
        )
    return None


def align_in_order(similarity: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of rows and columns, both ascending, whose similarities have the largest sum.

    As in the alignment of sequences of Needleman and Wunsch 1970, doi:10.1016/0022-2836(70)90057-4, gaps at no cost.

    Parameters
    ----------
    similarity
        Array of shape (layers of the first, layers of the second); NaN counts as 0.

    Examples
    --------
    >>> align_in_order(np.array([[0.9, 0.1, 0.2], [0.2, 0.1, 0.8]]))
    [(0, 0), (1, 2)]
    """
    gain = np.nan_to_num(similarity)
    best = np.zeros(np.add(gain.shape, 1))
    for i, j in np.ndindex(gain.shape):
        best[i + 1, j + 1] = max(best[i, j] + gain[i, j], best[i, j + 1], best[i + 1, j])
    i, j = gain.shape
    pairs = []
    while i and j:
        if best[i, j] == best[i - 1, j]:
            i -= 1
        elif best[i, j] == best[i, j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    return pairs[::-1]


def _told(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
