"""Inner products of centred Gaussian kernels of several bandwidths, computed together from the squared distances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from similitude.factors.base import Cost, Cross
from similitude.factors.distances import Dissimilarities
from similitude.factors.kernels import MedianDistance
from similitude.factors.linear_kernels import InnerProducts
from similitude.factors.pair import Pair, Side
from similitude.linalg.threads import map_in_order

__all__ = ["GaussianKernels", "inner_products"]

_ENTRIES = 1 << 13
"""Entries of each kernel matrix that are worked on at a time: those of some twenty sides stay in the cache."""

_ALIGNED = 8
"""Entries of a side's part are padded to a multiple of this."""

_SQUARES = Dissimilarities("squared_euclidean")


@dataclass(frozen=True)
class GaussianKernels(Cross):
    """<K, L>, <K, K> and <L, L> of the centred Gaussian kernels of both sides, one of each for every bandwidth.

    Kernels are computed again from the squared distances for each group of pairs, and none is kept: exponentials take
    little more time than reading them from memory would, and all bandwidths the memory of half a matrix.

    Parameters
    ----------
    bandwidths
        Multiples of the median distance between two inputs.
    """

    bandwidths: tuple[float, ...]

    reads = (_SQUARES, MedianDistance())
    when_swapped = "exchanged"
    together = True

    def cost(self, n: int, p: int, q: int) -> Cost:
        """Inner products of long vectors run at a fraction of the speed of matrix products."""
        return Cost(3.0 * n * n * len(self.bandwidths), 0.0)

    def cost_of_side(self, n: int, d: int) -> Cost:
        """Half of the entries of each kernel."""
        return Cost(40.0 * n * n * len(self.bandwidths), 16.0 * max(_ENTRIES, n))

    def __call__(self, pair: Pair) -> InnerProducts:
        """Of one pair."""
        return self.of_many([pair])[0]

    def of_many(self, pairs: Sequence[Pair], threads: int = 1) -> list[InnerProducts]:
        """From a few rows of all kernel matrices at a time."""
        sides = list({id(side): side for pair in pairs for side in (pair.x, pair.y)}.values())
        place = {id(side): i for i, side in enumerate(sides)}
        wanted = [(place[id(pair.x)], place[id(pair.y)]) for pair in pairs]
        products = self._products(sides, wanted, threads)
        return [InnerProducts(products[i, j], products[i, i], products[j, j]) for i, j in wanted]

    def mirrored(self, value: InnerProducts) -> InnerProducts:
        """The same, of the sides in the other order."""
        return InnerProducts(value.xy, value.yy, value.xx)

    def _products(self, sides: Sequence[Side], wanted: Sequence[tuple[int, int]], threads: int) -> np.ndarray:
        """Inner products, sides x sides x bandwidths, for i = j and the pairs wanted, either way round.

        Centring does not change with a constant that is subtracted from all entries. With 1 subtracted, the diagonal
        is 0, and wide kernels keep their digits.
        """
        last = list(range(len(sides)))  # the highest partner of each
        for i, j in wanted:
            last[min(i, j)] = max(last[min(i, j)], i, j)
        medians = np.array([side[MedianDistance()] for side in sides])
        rates = -0.5 / (medians[:, None] * np.array(self.bandwidths)) ** 2
        return inner_products([side[_SQUARES] for side in sides], rates, last, sides[0].n, threads).centred


class Products(NamedTuple):
    """Inner products of kernels, and what they are centred by."""

    centred: np.ndarray
    """of the centred kernels, matrices x matrices x bandwidths"""
    sums: np.ndarray
    """of the entries of each row less 1, matrices x bandwidths x n"""


def inner_products(
    squares: Sequence[np.ndarray], rates: np.ndarray, last: Sequence[int], n: int, threads: int = 1
) -> Products:
    """Inner products of the kernels exp(r D), less 1, one of each for every bandwidth.

    Parameters
    ----------
    squares
        Upper triangles of the matrices D of squared distances.
    rates
        The numbers r, matrices x bandwidths.
    last
        Of each matrix, the position of the last with which its inner products are wanted.
    n
        Number of inputs.
    threads
        That this may use.
    """
    count = len(squares)

    def of_rows(rows: slice) -> _Part:
        return _of_rows(rows, n, squares, rates, last)

    products, sums = np.zeros((count, count, rates.shape[1])), np.zeros((*rates.shape, n))
    for part in map_in_order(of_rows, _row_slices(n), threads):
        products += 2.0 * part.products
        sums[:, :, part.rows] += part.of_rows
        sums[:, :, part.rows.start :] += part.of_columns
    totals = sums.sum(axis=-1)
    for i in range(count):
        for j in range(i, last[i] + 1):
            correction = 2.0 * np.vecdot(sums[i], sums[j]) - totals[i] * totals[j] / n
            products[i, j] -= correction / n
            products[j, i] = products[i, j]
    return Products(products, sums)


class _Part(NamedTuple):
    """Contribution of some rows of the upper triangles of all kernels."""

    rows: slice
    products: np.ndarray
    """sides x sides x bandwidths"""
    of_rows: np.ndarray
    """Sum of each row; sides x bandwidths x rows"""
    of_columns: np.ndarray
    """Sum of each column from the first row's diagonal on; sides x bandwidths x columns"""


def _of_rows(rows: slice, n: int, squares: Sequence[np.ndarray], rates: np.ndarray, last: Sequence[int]) -> _Part:
    height, width = rows.stop - rows.start, n - rows.start
    count, bandwidths = rates.shape
    # Every part starts as far from a boundary of vector registers: the order of some sums depends on that.
    padded = -(-height * width // _ALIGNED) * _ALIGNED
    distances = np.zeros((count, height, width))
    for i, packed in enumerate(squares):
        for row in range(rows.start, rows.stop):
            start = row * n - row * (row + 1) // 2
            distances[i, row - rows.start, row - rows.start + 1 :] = packed[start : start + n - 1 - row]
    flat = np.zeros((count, padded))
    kernels = flat[:, : height * width].reshape(count, height, width)
    products = np.zeros((count, count, bandwidths))
    of_rows, of_columns = np.empty((count, bandwidths, height)), np.empty((count, bandwidths, width))
    for b in range(bandwidths):
        for i in range(count):
            kernel = kernels[i]
            np.multiply(distances[i], rates[i, b], out=kernel)
            np.exp(kernel, out=kernel)
            kernel -= 1.0  # 0 on and below the diagonal
            of_rows[i, b], of_columns[i, b] = kernel.sum(axis=1), kernel.sum(axis=0)
        for i in range(count):
            products[i, i : last[i] + 1, b] = np.vecdot(flat[i], flat[i : last[i] + 1])
    return _Part(rows, products, of_rows, of_columns)


def _row_slices(n: int) -> list[slice]:
    """Slices of consecutive rows, of about `_ENTRIES` entries from the diagonal on."""
    found, start = list[slice](), 0
    while start < n - 1:
        height = max(1, min(_ENTRIES // (n - start), n - 1 - start))
        found.append(slice(start, start + height))
        start += height
    return found
