"""Invariants of Gaussian kernels of several bandwidths, none of which is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import squareform

from similitude.factors.base import Cost, Factor
from similitude.factors.distances import Dissimilarities
from similitude.factors.gaussian_kernels import inner_products
from similitude.factors.invariants import EXACT, Invariants, of_matrices, of_rest, of_sums, triple_traces
from similitude.factors.kernels import MedianDistance
from similitude.factors.pair import Side
from similitude.linalg.ranking import parts

__all__ = ["GaussianInvariants"]

_ENTRIES = 1 << 19
"""Entries of all kernels that are worked on at a time."""

_COLUMNS = 24
"""Vectors by which traces of products of three kernels are estimated: fewer than for one kernel."""

_CANCELLED = 1e-13
"""Share in the inner product of two kernels below which that of U is rounding."""

_SQUARES = Dissimilarities("squared_euclidean")


@dataclass(frozen=True)
class GaussianInvariants(Factor):
    """Invariants of Gaussian kernels less 1, one for each bandwidth.

    Of more than 256 inputs, the sums over three kernels are in single precision, and traces are estimated; they tell in
    the skewness of a null distribution only.

    Parameters
    ----------
    bandwidths
        Multiples of the median distance between two inputs.
    """

    bandwidths: tuple[float, ...]

    reads = (_SQUARES, MedianDistance())
    size = ""
    under_permutation = "unchanged"

    def cost(self, n: int, d: int) -> Cost:
        """Each kernel several times, and products of any two."""
        count = len(self.bandwidths)
        return Cost((300.0 * count + 100.0 * count * count) * n * n, 8.0)

    def __call__(self, side: Side) -> Invariants:
        """From all kernels at once where inputs are few."""
        rates = -0.5 / (side[MedianDistance()] * np.array(self.bandwidths)) ** 2
        squares = side[_SQUARES]
        if side.n <= EXACT:
            return of_matrices(np.expm1(rates[:, None, None] * squareform(squares, checks=False)))
        return _of_many(squares, rates, side.n)


def _of_many(squares: np.ndarray, rates: np.ndarray, n: int) -> Invariants:
    count = len(rates)
    products = inner_products(count * [squares], rates[:, None], count * [count - 1], n)
    norms = np.sqrt(products.centred[:, :, 0].diagonal())
    scales = np.where(norms > 0, 1.0 / np.where(norms > 0, norms, 1.0), 0.0)
    mean, effects = of_sums(products.sums[:, 0] * scales[:, None])
    distances = squareform(squares.astype(np.float32), checks=False)
    single = effects.astype(np.float32)

    def rest() -> Iterator[tuple[slice, np.ndarray]]:
        """U of the kernels, each divided by its norm."""
        for part in parts(n, max(1, _ENTRIES // (n * count))):
            rows = rates.astype(np.float32)[:, None, None] * distances[part]
            np.exp(rows, out=rows)
            rows -= 1.0
            rows *= scales.astype(np.float32)[:, None, None]
            rows -= (single + mean.astype(np.float32)[:, None])[:, part, None]
            rows -= single[:, None, :]
            rows[:, range(part.stop - part.start), range(part.start, part.stop)] = 0.0
            yield part, rows

    def apply(vectors: np.ndarray) -> np.ndarray:
        return np.concatenate([rows @ vectors for _, rows in rest()], axis=1)

    found = of_rest(rest(), mean, single, triple_traces(apply, n, _COLUMNS))
    two = scales[:, None] * scales
    rest2 = two * products.centred[:, :, 0] - (n - 1) * np.outer(mean, mean) - 4 * (n - 2) / n * (effects @ effects.T)
    rest2 = np.where(np.abs(rest2) > _CANCELLED, rest2, 0.0)
    return found._replace(effects2=effects @ effects.T, rest2=rest2).times(norms)
