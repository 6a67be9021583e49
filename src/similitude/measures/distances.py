"""Dissimilarities between the inputs of one representation: the RDM, its ranks, and cosine similarities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy.spatial.distance import squareform

from similitude.errors import MeasureError
from similitude.measures.factors import Centred
from similitude.measures.pair import Factor, Side, as_numpy

__all__ = ["RDM", "Cosines", "Dissimilarity", "DistanceMoments", "StandardisedRDM", "ordinals", "unit_rows"]

Dissimilarity = Literal["correlation", "euclidean", "squared_euclidean", "cosine"]

_BLOCK = 256
"""Rows of a matrix of pairs that are worked on at a time, so that they stay in the cache."""

_CLOSE = 1e-4
"""Squared distances below this part of the squared norms are computed again, from the difference."""


@dataclass(frozen=True)
class RDM(Factor):
    """Representational dissimilarity matrix: its upper triangle, row by row, n (n - 1) / 2 entries.

    A row without variation has correlation, or cosine, 0 with every other.
    """

    kind: Dissimilarity

    def __call__(self, side: Side) -> np.ndarray:
        """Compute it from products of rows, in blocks."""
        if self.kind == "euclidean":
            return np.sqrt(side[RDM("squared_euclidean")])
        if self.kind == "squared_euclidean":
            return _squared_distances(as_numpy(side[Centred()]))
        values = as_numpy(side.values)
        if self.kind == "correlation":
            values = values - values.mean(axis=1, keepdims=True)
        unit = unit_rows(values, reference=as_numpy(side.values))
        return _upper_triangle(lambda rows: 1.0 - unit[rows] @ unit[rows.start :].T, side.n)

    def permuted(self, value: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Rows and columns in the new order."""
        return squareform(squareform(value, checks=False)[np.ix_(order, order)], checks=False)


@dataclass(frozen=True)
class StandardisedRDM(Factor):
    """RDM, or its ranks, minus the mean and of unit length: a dot product of two is their correlation.

    Raises
    ------
    MeasureError
        All dissimilarities are equal: nothing to correlate.
    """

    kind: Dissimilarity
    ranked: bool

    def __call__(self, side: Side) -> np.ndarray:
        """Centre and normalise."""
        rdm = side[RDM(self.kind)]
        largest = float(rdm.max())
        if not largest - float(rdm.min()) > 1e-12 * largest:
            raise MeasureError(
                f"{side.key or 'A side'}: all {self.kind} dissimilarities are equal, so that they have no correlation. "
                "Use more inputs, or rdm=euclidean."
            )
        # Correlations and cosines are exact to 1e-16, distances to as many digits whatever their size.
        floor = 1.0 if self.kind in ("correlation", "cosine") else 2.0**-30 * largest
        entries = ranks(rdm, floor) if self.ranked else rdm - rdm.mean()
        entries /= np.linalg.norm(entries)
        return entries

    def permuted(self, value: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Rows and columns in the new order."""
        return RDM(self.kind).permuted(value, order)


class Moments(NamedTuple):
    """What double centring needs of the Euclidean distances."""

    mean: float
    """Mean distance of two different inputs."""
    excess: np.ndarray
    """For each input the sum of its distances to the others, less what it would be at the mean distance; n."""


@dataclass(frozen=True)
class DistanceMoments(Factor):
    """Mean and row sums of the Euclidean distances."""

    def __call__(self, side: Side) -> Moments:
        """Sum the rows of the full matrix."""
        sums = squareform(side[RDM("euclidean")], checks=False).sum(axis=0)
        mean = float(sums.mean()) / (side.n - 1)
        return Moments(mean, sums - mean * (side.n - 1))

    def permuted(self, value: Moments, order: np.ndarray) -> Moments:
        """Inputs in the new order."""
        return value._replace(excess=value.excess[order])


@dataclass(frozen=True)
class Cosines(Factor):
    """Cosine similarities of the rows as they are, n x n."""

    def __call__(self, side: Side) -> np.ndarray:
        """Products of unit rows."""
        unit = unit_rows(as_numpy(side.values))
        return unit @ unit.T

    def permuted(self, value: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Rows and columns in the new order."""
        return value[np.ix_(order, order)]


def unit_rows(values: np.ndarray, reference: np.ndarray | None = None) -> np.ndarray:
    """Rows of unit length; those that are rounding error, relative to the rows of `reference`, become zero."""
    norms = np.linalg.norm(values, axis=1)
    size = norms if reference is None else np.linalg.norm(reference, axis=1)
    empty = norms <= values.shape[1] * np.finfo(np.float64).eps * size
    return np.where(empty[:, None], 0.0, values / np.where(empty, 1.0, norms)[:, None])


def ranks(values: np.ndarray, floor: float) -> np.ndarray:
    """Ranks minus their mean; values that differ by rounding share one.

    Sorting integers that hold the value in the high bits and its position in the low ones is several times
    faster than an argsort of doubles. The bits of positive doubles are in the order of the doubles; of these
    there is room for about 12 digits.

    Parameters
    ----------
    values
        Vector of numbers not below 0.
    floor
        Added first: differences matter relative to the value, but below this only relative to it.
    """
    size = values.size
    shifted = np.maximum(values, 0.0)
    shifted += floor
    keys = shifted.view(np.int64)
    keys -= keys.min()
    position_bits = int(size - 1).bit_length()
    excess = max(int(keys.max()).bit_length() + position_bits - 63, 0)
    keys >>= excess
    keys <<= position_bits
    order = np.arange(size, dtype=np.int64)
    keys |= order
    keys.sort()
    np.bitwise_and(keys, (1 << position_bits) - 1, out=order)
    keys >>= position_bits
    tied = keys[1:] == keys[:-1]
    found = shifted  # its memory, which is free once ties are known
    if not tied.any():
        from_mean = np.arange(size, dtype=np.float64)
        from_mean -= 0.5 * (size - 1)
        found[order] = from_mean
        return found
    starts = np.flatnonzero(np.concatenate([[True], ~tied]))
    counts = np.diff(np.append(starts, size))
    found[order] = np.repeat(starts + 0.5 * (counts - 1) - 0.5 * (size - 1), counts)
    return found


def ordinals(values: np.ndarray) -> np.ndarray:
    """Integers in the order of the values, equal where these agree to about 12 digits; exact as doubles."""
    bits = np.ascontiguousarray(values).view(np.int64)
    # Below zero the bits of doubles are in descending order.
    ascending = np.where(bits < 0, bits ^ np.iinfo(np.int64).max, bits)
    return (ascending + (1 << 11)) >> 12


def _squared_distances(values: np.ndarray) -> np.ndarray:
    """||x||^2 + ||y||^2 - 2 x.y, except where that cancels."""
    squares = np.einsum("ij,ij->i", values, values)

    def block(rows: slice) -> np.ndarray:
        found = values[rows] @ values[rows.start :].T
        sums = squares[rows, None] + squares[None, rows.start :]
        found *= -2.0
        found += sums
        sums *= _CLOSE
        i, j = np.nonzero(found < sums)
        for start in range(0, i.size, 4096):
            a, b = i[start : start + 4096], j[start : start + 4096]
            difference = values[rows.start + a] - values[rows.start + b]
            found[a, b] = np.einsum("ij,ij->i", difference, difference)
        return found

    return _upper_triangle(block, values.shape[0])


def _upper_triangle(block: Callable[[slice], np.ndarray], n: int) -> np.ndarray:
    """Entries above the diagonal, row by row; `block` gives some rows, from the first of them as column on."""
    found = np.empty(n * (n - 1) // 2)
    end = 0
    for start in range(0, n, _BLOCK):
        rows = slice(start, min(start + _BLOCK, n))
        for i, row in enumerate(block(rows)):
            entries = row[i + 1 :]
            found[end : end + entries.size] = entries
            end += entries.size
    return found
