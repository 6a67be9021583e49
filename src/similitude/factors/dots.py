"""Inner products of large factors, such as RDMs, of which reading them from memory takes most of the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from similitude.factors.base import Cross, Factor
from similitude.factors.pair import Pair, Side
from similitude.linalg.ranking import parts

__all__ = ["Dot", "Square", "dots"]

_PART = 1 << 13
"""Entries of each vector that are multiplied at a time: those of some twenty vectors stay in the cache."""


def dots(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[float]:
    """Inner products of pairs of arrays of one shape.

    A part of all of them at a time, so that an array that occurs in many pairs is read from memory once. Each value is
    computed as if the pair were alone.
    """
    flat = {id(array): array.reshape(-1) for pair in pairs for array in pair}
    totals = [0.0] * len(pairs)
    for part in parts(next(iter(flat.values())).size, _PART):
        cut = {key: array[part] for key, array in flat.items()}
        for i, (x, y) in enumerate(pairs):
            totals[i] += float(cut[id(x)] @ cut[id(y)])
    return totals


@dataclass(frozen=True)
class Dot(Cross):
    """Inner product of a factor of one side and the same of the other.

    Parameters
    ----------
    factor
        Its value is one array, of the same shape for all sides of as many inputs.
    """

    factor: Factor

    work = "6nn"
    when_swapped = "same"
    together = True

    @property
    def reads(self) -> tuple[Factor, ...]:  # type: ignore[override]  # depends on the parameter
        """The factor."""
        return (self.factor,)

    def __call__(self, pair: Pair) -> float:
        """One of many."""
        return self.of_many([pair])[0]

    def of_many(self, pairs: Sequence[Pair], threads: int = 1) -> list[float]:
        """See `dots`."""
        return dots([(pair.x[self.factor], pair.y[self.factor]) for pair in pairs])


@dataclass(frozen=True)
class Square(Factor):
    """Inner product of another factor with itself."""

    factor: Factor

    work = "6nn"
    size = ""
    under_permutation = "unchanged"

    @property
    def reads(self) -> tuple[Factor, ...]:  # type: ignore[override]  # depends on the parameter
        """The factor."""
        return (self.factor,)

    def __call__(self, side: Side) -> float:
        """As for a pair."""
        return dots([(side[self.factor], side[self.factor])])[0]
