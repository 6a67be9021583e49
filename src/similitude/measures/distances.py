"""Dissimilarities between the inputs of one representation: the RDM, its ranks, and cosine similarities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy.spatial.distance import squareform

from similitude.errors import MeasureError
from similitude.measures.factors import Centred
from similitude.measures.pair import Factor, Side, as_numpy

__all__ = [
    "RDM",
    "Cosines",
    "Dissimilarity",
    "DistanceMoments",
    "StandardisedRDM",
    "ordinals",
    "parts",
    "ranks",
    "unit_rows",
]

Dissimilarity = Literal["correlation", "euclidean", "squared_euclidean", "cosine"]

_BLOCK = 64
"""Rows of a matrix of pairs that are worked on at a time, so that they stay in the cache."""

_PART = 1 << 14
"""Entries of a vector of pairs that are worked on at a time, for the same reason."""

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
        """Every distance counts for its row and for its column."""
        distances, sums = side[RDM("euclidean")], np.zeros(side.n)
        lengths = np.arange(side.n - 1, 0, -1)
        sums[:-1] = np.add.reduceat(distances, np.cumsum(lengths) - lengths)
        for i, row in enumerate(_rows(distances, side.n)):
            sums[i + 1 :] += row
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
    least, most = (np.maximum(end, 0.0) + floor for end in (values.min(), values.max()))
    position_bits = int(size - 1).bit_length()
    excess = max(int(most.view(np.int64) - least.view(np.int64)).bit_length() + position_bits - 63, 0)
    keys = np.empty(size, dtype=np.int64)
    for part in parts(size):
        shifted = np.maximum(values[part], 0.0)
        shifted += floor
        bits = shifted.view(np.int64)
        bits -= least.view(np.int64)
        bits >>= excess
        bits <<= position_bits
        np.bitwise_or(bits, np.arange(part.start, part.stop), out=keys[part])
    keys.sort()

    position, middle = (1 << position_bits) - 1, 0.5 * (size - 1)
    found, tied = np.empty(size), np.empty(size - 1, dtype=bool)
    for part in parts(size):
        found[keys[part] & position] = np.arange(part.start, part.stop) - middle
        upper = keys[part.start : part.stop + 1] >> position_bits
        np.equal(upper[1:], upper[:-1], out=tied[part])
    equal = np.flatnonzero(tied)  # to the next
    if equal.size:
        first = equal[np.diff(equal, prepend=-2) > 1]
        last = equal[np.diff(equal, append=size + 1) > 1] + 1
        counts = last - first + 1
        members = np.arange(counts.sum()) + np.repeat(first - (np.cumsum(counts) - counts), counts)
        found[keys[members] & position] = np.repeat(0.5 * (first + last) - middle, counts)
    return found


def ordinals(values: np.ndarray) -> np.ndarray:
    """Integers in the order of the values, equal where these agree to about 12 digits; exact as doubles."""
    bits = np.ascontiguousarray(values).view(np.int64)
    # Below zero the bits of doubles are in descending order.
    ascending = np.where(bits < 0, bits ^ np.iinfo(np.int64).max, bits)
    return (ascending + (1 << 11)) >> 12


def parts(size: int) -> Iterator[slice]:
    """Slices of a vector that are short enough for the cache."""
    return (slice(start, min(start + _PART, size)) for start in range(0, size, _PART))


def _squared_distances(values: np.ndarray) -> np.ndarray:
    """||x||^2 + ||y||^2 - 2 x.y, except where that cancels."""
    squares = np.vecdot(values, values)

    def block(rows: slice) -> np.ndarray:
        found = (-2.0 * values[rows]) @ values[rows.start :].T
        sums = squares[rows, None] + squares[rows.start :]
        found += sums
        sums *= _CLOSE
        i, j = np.divmod(np.flatnonzero(found < sums), found.shape[1])
        for start in range(0, i.size, 4096):
            a, b = i[start : start + 4096], j[start : start + 4096]
            difference = values[rows.start + a] - values[rows.start + b]
            found[a, b] = np.vecdot(difference, difference)
        return found

    return _upper_triangle(block, values.shape[0])


def _upper_triangle(block: Callable[[slice], np.ndarray], n: int) -> np.ndarray:
    """Entries above the diagonal, row by row; `block` gives some rows, from the first of them as column on."""
    found = np.empty(n * (n - 1) // 2)
    rows = _rows(found, n)
    for start in range(0, n, _BLOCK):
        for i, row in enumerate(block(slice(start, min(start + _BLOCK, n)))):
            next(rows)[:] = row[i + 1 :]
    return found


def _rows(triangle: np.ndarray, n: int) -> Iterator[np.ndarray]:
    """Views of the rows of an upper triangle; the last is empty."""
    end = 0
    for i in range(n):
        start, end = end, end + n - 1 - i
        yield triangle[start:end]
