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
    "rank_in_place",
    "unit_rows",
]

Dissimilarity = Literal["correlation", "euclidean", "squared_euclidean", "cosine"]

_BLOCK = 128
"""Rows of a matrix of pairs that are worked on at a time, so that they stay in the cache."""

_MIRRORED = 256
"""Rows of a symmetric matrix that are copied to columns at a time."""

_PART = 1 << 15
"""Entries of a vector of pairs that are worked on at a time, for the same reason."""

_CLOSE = 1e-4
"""Squared distances below this part of the squared norms are computed again, from the difference."""


@dataclass(frozen=True)
class RDM(Factor):
    """Representational dissimilarity matrix: its upper triangle, row by row, n (n - 1) / 2 entries.

    A row without variation has correlation, or cosine, 0 with every other.
    """

    kind: Dissimilarity

    def entries(self, n: int, d: int) -> int:
        """One a pair of inputs."""
        return n * (n - 1) // 2

    def __call__(self, side: Side) -> np.ndarray:
        """Compute it from products of rows, in blocks."""
        if self.kind == "euclidean":
            if side.holds(RDM("squared_euclidean")):
                return np.sqrt(side[RDM("squared_euclidean")])
            found = _squared_distances(side)
            return np.sqrt(found, out=found)
        if self.kind == "squared_euclidean":
            return side[RDM("euclidean")] ** 2 if side.holds(RDM("euclidean")) else _squared_distances(side)
        found = _upper_triangle(_correlations(side) if self.kind == "correlation" else _cosines(side), side.n)
        return np.subtract(1.0, found, out=found)

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

    def entries(self, n: int, d: int) -> int:
        """As the RDM."""
        return RDM(self.kind).entries(n, d)

    def __call__(self, side: Side) -> np.ndarray:
        """Centre and normalise."""
        rdm, also_otherwise = RDM(self.kind), StandardisedRDM(self.kind, not self.ranked) in side.wanted
        # To be overwritten: fresh memory costs more than what is done with it.
        entries = side[rdm].copy() if side.holds(rdm) or also_otherwise else rdm(side)
        largest = float(entries.max())
        if not largest - float(entries.min()) > 1e-12 * largest:
            raise MeasureError(
                f"{side.key or 'A side'}: all {self.kind} dissimilarities are equal, so that they have no correlation. "
                "Use more inputs, or rdm=euclidean."
            )
        # Correlations and cosines are exact to 1e-16, distances to as many digits whatever their size.
        floor = 1.0 if self.kind in ("correlation", "cosine") else 2.0**-30 * largest
        if self.ranked:
            rank_in_place(entries, floor)
        else:
            entries -= entries.mean()
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

    size = "n"

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
        """Products of unit rows, mirrored while they are in the cache."""
        unit, found = unit_rows(as_numpy(side.values)), np.empty((side.n, side.n))
        for part in parts(side.n, _MIRRORED):
            np.matmul(unit[part], unit[part.start :].T, out=found[part, part.start :])
            found[part.stop :, part] = found[part, part.stop :].T
        return found

    def permuted(self, value: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Rows and columns in the new order."""
        return value[np.ix_(order, order)]


def unit_rows(values: np.ndarray, reference: np.ndarray | None = None) -> np.ndarray:
    """Rows of unit length; those that are rounding error, relative to the lengths in `reference`, become zero."""
    lengths = _lengths(values)
    empty = lengths <= values.shape[1] * np.finfo(np.float64).eps * (lengths if reference is None else reference)
    lengths[empty] = np.inf
    return values / lengths[:, None]


def rank_in_place(values: np.ndarray, floor: float) -> None:
    """Put ranks minus their mean in the place of the values; those that differ by rounding share one.

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
    keys = values.view(np.int64)
    for part in parts(size):
        np.maximum(values[part], 0.0, out=values[part])
        values[part] += floor
        keys[part] -= least.view(np.int64)
        keys[part] >>= excess
        keys[part] <<= position_bits
        keys[part] |= np.arange(part.start, part.stop)
    keys.sort()

    position = (1 << position_bits) - 1
    # Twice the position in the order, which also a mean of two positions is a whole number of.
    doubled = np.empty(size, dtype=np.int32 if size < 1 << 30 else np.int64)
    tied = np.empty(size - 1, dtype=bool)
    for part in parts(size):
        doubled[keys[part] & position] = np.arange(2 * part.start, 2 * part.stop, 2)
        upper = keys[part.start : part.stop + 1] >> position_bits
        np.equal(upper[1:], upper[:-1], out=tied[part])
    equal = np.flatnonzero(tied)  # to the next
    if equal.size:
        first = equal[np.diff(equal, prepend=-2) > 1]
        last = equal[np.diff(equal, append=size + 1) > 1] + 1
        counts = last - first + 1
        members = np.arange(counts.sum()) + np.repeat(first - (np.cumsum(counts) - counts), counts)
        doubled[keys[members] & position] = np.repeat(first + last, counts)
    for part in parts(size):
        np.multiply(doubled[part] - (size - 1), 0.5, out=values[part])


def ordinals(values: np.ndarray) -> np.ndarray:
    """Integers in the order of the values, equal where these agree to about 12 digits; exact as doubles."""
    bits = np.ascontiguousarray(values).view(np.int64)
    # Below zero the bits of doubles are in descending order.
    ascending = np.where(bits < 0, bits ^ np.iinfo(np.int64).max, bits)
    return (ascending + (1 << 11)) >> 12


def parts(size: int, longest: int = _PART) -> Iterator[slice]:
    """Slices of a vector that are short enough for the cache."""
    return (slice(start, min(start + longest, size)) for start in range(0, size, longest))


Block = Callable[[slice], np.ndarray]
"""Gives some rows of a matrix of pairs, from the column of the first of them on."""


def _lengths(rows: np.ndarray) -> np.ndarray:
    return np.sqrt(np.vecdot(rows, rows))


def _products(rows: np.ndarray) -> Block:
    return lambda part: rows[part] @ rows[part.start :].T


def _scaled(matrix: np.ndarray, scale: np.ndarray) -> Block:
    def block(part: slice) -> np.ndarray:
        found = matrix[part, part.start :] * scale[part.start :]
        found *= scale[part, None]
        return found

    return block


def _cosines(side: Side) -> Block:
    if side.holds(Cosines()):
        cosines = side[Cosines()]
        return lambda part: cosines[part, part.start :]
    return _products(unit_rows(as_numpy(side.values)))


def _correlations(side: Side) -> Block:
    """From the cosines, if they are there and taking out the means of rows that are not much longer is safe."""
    values = as_numpy(side.values)
    means = values.mean(axis=1)
    varied = values - means[:, None]
    before, after = _lengths(values), _lengths(varied)
    if not (side.holds(Cosines()) and (before < 2.0 * after).all()):
        return _products(unit_rows(varied, reference=before))
    cosines, shift = _scaled(side[Cosines()], before / after), means * side.d**0.5 / after

    def block(part: slice) -> np.ndarray:
        found = cosines(part)
        found -= shift[part, None] * shift[part.start :]
        return found

    return block


def _squared_distances(side: Side) -> np.ndarray:
    """||x||^2 + ||y||^2 - 2 x.y, except where that cancels; with cosines that are there if the mean is not large."""
    values, centred = as_numpy(side.values), as_numpy(side[Centred()])
    squares, squares_centred = np.vecdot(values, values), np.vecdot(centred, centred)
    if side.holds(Cosines()) and squares.sum() < 4.0 * squares_centred.sum():
        products = _scaled(side[Cosines()], np.sqrt(squares))
    else:
        products, squares = _products(centred), squares_centred
    largest = squares.max()

    def block(part: slice) -> np.ndarray:
        found = products(part)
        found *= -2.0
        found += squares[part.start :]
        found += squares[part, None]
        np.fill_diagonal(found, np.inf)
        if found.min() < 2.0 * _CLOSE * largest:
            close = found < _CLOSE * (squares[part, None] + squares[part.start :])
            i, j = np.divmod(np.flatnonzero(close), found.shape[1])
            for start in range(0, i.size, 4096):
                a, b = i[start : start + 4096], j[start : start + 4096]
                difference = centred[part.start + a] - centred[part.start + b]
                found[a, b] = np.vecdot(difference, difference)
        return found

    return _upper_triangle(block, side.n)


def _upper_triangle(block: Block, n: int) -> np.ndarray:
    """Entries above the diagonal, row by row."""
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
