"""Nearest neighbours within one representation, and what two representations share of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy import sparse
from scipy.spatial.distance import squareform

from similitude.errors import MeasureError
from similitude.factors.base import Cross, Factor
from similitude.factors.distances import GRAIN, RESOLVED, CosineDistances, Cosines, Dissimilarities, grain
from similitude.factors.pair import Pair, Side, as_numpy
from similitude.linalg.ranking import TIED

__all__ = ["CommonNeighbours", "NeighbourLists", "Neighbours"]

_BLOCK = 32
"""Inputs whose similarities to all are searched at a time, so that they stay in the cache."""

Closeness = Literal["cosine", "euclidean", "inner_product"]


class NeighbourLists(NamedTuple):
    """The k nearest neighbours of each input, nearest first."""

    indices: np.ndarray
    """One row per input, n x k."""
    similarities: np.ndarray
    """Cosine (or minus the distance of unit rows), inner product, or minus the distance; n x k."""

    def matrix(self, values: np.ndarray | None = None) -> sparse.csr_array:
        """Sparse n x n matrix with `values`, or ones, at the neighbours of each row."""
        n, k = self.indices.shape
        entries = np.ones(n * k) if values is None else values.ravel()
        return sparse.csr_array((entries, self.indices.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))


@dataclass(frozen=True)
class Neighbours(Factor):
    """The k nearest neighbours of every input; of equally near ones the earlier first.

    Parameters
    ----------
    k
        How many.
    closeness
        Cosine or inner product of rows, or their Euclidean distance.
    with_self
        Whether an input can be its own neighbour; it is left out by its index, whatever duplicates it has.
    """

    k: int
    closeness: Closeness = "cosine"
    with_self: bool = False

    work = "30nn"

    @property
    def reads(self) -> tuple[Factor, ...]:  # type: ignore[override]  # depends on the parameters
        """All similarities, but for inner products, which nothing else reads."""
        by_cosine: tuple[Factor, ...] = (Cosines(), CosineDistances())
        return {"cosine": by_cosine, "euclidean": (Dissimilarities("euclidean"),)}.get(self.closeness, ())

    def __call__(self, side: Side) -> NeighbourLists:
        """Select by the order of similarities, in which neighbours that differ by rounding are tied."""
        n = side.n
        if self.k > n - (not self.with_self):
            raise MeasureError(f"{side.key or 'A side'} has {n} inputs, too few for {self.k} neighbours of each.")
        similarities, floor = self._similarities(side)
        blocks, told_apart = [], np.empty(n, dtype=bool)
        for start in range(0, n, _BLOCK):
            block = similarities[start : start + _BLOCK].copy()
            farthest = block.min(axis=1)
            if not self.with_self:
                np.fill_diagonal(block[:, start:], -np.inf)
            spread = block.max(axis=1) - farthest
            told_apart[start : start + _BLOCK] = spread > RESOLVED * TIED * (np.abs(farthest) + floor)
            least = np.partition(block, n - self.k, axis=1)[:, n - self.k, None]
            candidates = np.flatnonzero(block >= least - 2.0 * TIED * (np.abs(least) + floor))
            row, column = np.divmod(candidates, n)
            near = block.ravel()[candidates]
            order = np.lexsort((-near, row))
            gaps = -np.diff(near[order], prepend=0.0)
            place = np.empty_like(order)
            place[order] = np.cumsum(gaps > TIED * (np.abs(near[order]) + floor))
            order = np.lexsort((place, row))  # stable, and columns ascend
            first = np.searchsorted(row, np.arange(len(block)))
            blocks.append(column[order[first[:, None] + np.arange(self.k)]])
        if 2 * np.count_nonzero(told_apart) < n:
            raise MeasureError(
                f"{side.key or 'A side'}: most inputs are equally near to all others, but for rounding: they have no "
                "nearest neighbours. If a large common mean hides how they differ, centre the features first."
            )
        indices = np.concatenate(blocks)
        return NeighbourLists(indices, np.take_along_axis(similarities, indices, axis=1))

    def _similarities(self, side: Side) -> tuple[np.ndarray, float]:
        """Similarities of all, and the floor for their ties."""
        if self.closeness == "cosine":
            distances = side[CosineDistances()]
            return (side[Cosines()], 1.0) if distances is None else (-distances, GRAIN)
        if self.closeness == "euclidean":
            return -squareform(side[Dissimilarities("euclidean")], checks=False), grain(side)
        values = as_numpy(side.values)
        return values @ values.T, grain(side) ** 2

    def permuted(self, value: NeighbourLists, order: np.ndarray) -> NeighbourLists:
        """Rows in the new order, pointing to where their neighbours have gone."""
        position = np.empty_like(order)
        position[order] = np.arange(order.size)
        return NeighbourLists(position[value.indices[order]], value.similarities[order])


@dataclass(frozen=True)
class CommonNeighbours(Cross):
    """Which of x's neighbours of an input are also y's: the position in y's list, or -1; n x k."""

    neighbours: Neighbours

    @property
    def reads(self) -> tuple[Factor, ...]:  # type: ignore[override]  # depends on the parameters
        """The neighbours of both sides."""
        return (self.neighbours,)

    def __call__(self, pair: Pair) -> np.ndarray:
        """Write y's positions into a table, and look x's neighbours up in it, a block of inputs at a time."""
        x, y = pair.x[self.neighbours].indices, pair.y[self.neighbours].indices
        n, k = x.shape
        found, table = np.empty((n, k), dtype=np.int64), np.full((_BLOCK, n), -1)
        for start in range(0, n, _BLOCK):
            near_x, near_y = x[start : start + _BLOCK], y[start : start + _BLOCK]
            rows = np.arange(len(near_x))[:, None]
            table[rows, near_y] = np.arange(k)
            found[start : start + _BLOCK] = table[rows, near_x]
            table[rows, near_y] = -1
        return found
