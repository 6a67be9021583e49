"""Dissimilarities between the inputs of one representation: the RDM, its ranks, and cosine similarities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy.spatial.distance import squareform

from similitude.errors import MeasureError
from similitude.factors.base import Cost, Factor
from similitude.factors.linear import Centred
from similitude.factors.pair import Side, as_numpy
from similitude.linalg.ranking import TIED, parts, rank_in_place
from similitude.linalg.scale import lengths, scaled

__all__ = [
    "GRAIN",
    "RESOLVED",
    "CosineDistances",
    "Cosines",
    "Dissimilarities",
    "Dissimilarity",
    "DistanceMoments",
    "StandardisedRDM",
    "grain",
    "unit_rows",
]

Dissimilarity = Literal["correlation", "euclidean", "squared_euclidean", "cosine"]

RESOLVED = 2.0**10
"""Distances, in units of what is tied, that have an order worth reading."""

GRAIN = 2.0**-4
"""Floor for the ties of distances between rows of length 1."""

_BLOCK = 128
"""Rows of a matrix of pairs that are worked on at a time, so that they stay in the cache."""

_MIRRORED = 256
"""Rows of a symmetric matrix that are copied to columns at a time."""

_CLOSE = 1e-4
"""Squared distances below this part of the squared lengths are computed again, from the difference."""


@dataclass(frozen=True)
class Dissimilarities(Factor):
    """Representational dissimilarity matrix: its upper triangle, row by row, n (n - 1) / 2 entries.

    A row without variation has correlation, or cosine, 0 with every other. Where a side is an RDM, its entries, of
    whatever kind they are.
    """

    kind: Dissimilarity

    @property
    def reads(self) -> tuple[Factor, ...]:  # type: ignore[override]  # depends on the parameter
        """Squared distances are computed from centred values, and distances from those."""
        return {"euclidean": (Dissimilarities("squared_euclidean"),), "squared_euclidean": (Centred(),)}.get(
            self.kind, ()
        )

    def cost(self, n: int, d: int) -> Cost:
        """Half of a product of all rows, and an entry per pair of inputs."""
        return Cost(5.0 * n * n if self.kind == "euclidean" else 1.0 * n * n * d + 5.0 * n * n, 4.0 * n * (n - 1))

    def __call__(self, side: Side) -> np.ndarray:
        """Compute it from products of rows, in blocks."""
        if side.dissimilarities is not None:
            return scaled(side.dissimilarities.astype(np.float64, copy=False), -side.exponent)
        if self.kind == "euclidean":
            found = side.take(Dissimilarities("squared_euclidean"))
            return np.sqrt(found, out=found)
        if self.kind == "squared_euclidean":
            return _squared_distances(side)
        found = _upper_triangle(_correlations(side) if self.kind == "correlation" else _cosines(side), side.n)
        if np.sqrt(found.mean()) < RESOLVED * np.finfo(np.float64).eps:
            raise MeasureError(_hidden(side, self.kind))
        return found

    def permuted(self, value: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Rows and columns in the new order."""
        return squareform(squareform(value, checks=False)[np.ix_(order, order)], checks=False)


@dataclass(frozen=True)
class StandardisedRDM(Factor):
    """RDM, or its ranks, minus the mean and of unit length: a dot product of two is their correlation.

    Parameters
    ----------
    kind
        Of dissimilarity.
    ranked
        Whether entries are replaced by their ranks.
    untied
        Whether the unit of length is that of ranks without ties, rather than that of these.

    Raises
    ------
    MeasureError
        All dissimilarities are equal: nothing to correlate.
    """

    kind: Dissimilarity
    ranked: bool
    untied: bool = False

    @property
    def reads(self) -> tuple[Factor, ...]:  # type: ignore[override]  # depends on the parameter
        """The RDM."""
        return (Dissimilarities(self.kind),)

    def cost(self, n: int, d: int) -> Cost:
        """As large as the RDM; ranks take a sort of all entries."""
        return Cost((400.0 if self.ranked else 10.0) * n * n, 4.0 * n * (n - 1))

    def __call__(self, side: Side) -> np.ndarray:
        """Centre and normalise."""
        given = side.dissimilarities is not None
        # To be overwritten: fresh memory costs more than what is done with it.
        entries = side[Dissimilarities(self.kind)].copy() if given else side.take(Dissimilarities(self.kind))
        least, largest = float(entries.min()), float(entries.max())
        if not largest - least > 1e-12 * max(largest, -least):
            what = "" if given else f"{self.kind} "
            cure = "inputs" if given else "inputs, or rdm=euclidean"
            raise MeasureError(
                f"{side.key or 'A side'}: all {what}dissimilarities are equal, so that they have no correlation. "
                f"Use more {cure}."
            )
        if self.ranked:
            if given:
                entries -= least
                rank_in_place(entries, GRAIN * max(largest, -least))
            else:
                if self.kind != "euclidean":  # in the order of lengths, and with their ties
                    np.sqrt(np.maximum(entries, 0.0, out=entries), out=entries)
                floor = grain(side, self.kind)
                if entries.mean() < RESOLVED * TIED * floor:
                    raise MeasureError(_hidden(side, self.kind))
                rank_in_place(entries, floor)
        else:
            entries -= entries.mean()
        entries /= (entries.size * (entries.size**2 - 1.0) / 12.0) ** 0.5 if self.untied else np.linalg.norm(entries)
        return entries

    def permuted(self, value: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Rows and columns in the new order."""
        return Dissimilarities(self.kind).permuted(value, order)


class Moments(NamedTuple):
    """What double centring needs of an RDM."""

    mean: float
    """Mean dissimilarity of two different inputs."""
    excess: np.ndarray
    """For each input the sum of its dissimilarities to the others, less what it would be at the mean; n."""


@dataclass(frozen=True)
class DistanceMoments(Factor):
    """Mean and row sums of an RDM."""

    kind: Dissimilarity = "euclidean"

    size = "n"

    @property
    def reads(self) -> tuple[Factor, ...]:  # type: ignore[override]  # depends on the parameter
        """The RDM."""
        return (Dissimilarities(self.kind),)

    def __call__(self, side: Side) -> Moments:
        """Every dissimilarity counts for its row and for its column."""
        distances, sums = side[Dissimilarities(self.kind)], np.zeros(side.n)
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

    work = "nnd"
    under_permutation = "rows and columns"

    def __call__(self, side: Side) -> np.ndarray:
        """Products of unit rows, mirrored while they are in the cache."""
        unit, found = unit_rows(as_numpy(side.values)), np.empty((side.n, side.n))
        for part in parts(side.n, _MIRRORED):
            np.matmul(unit[part], unit[part.start :].T, out=found[part, part.start :])
            found[part.stop :, part] = found[part, part.stop :].T
        return found


@dataclass(frozen=True)
class CosineDistances(Factor):
    """Distances between rows of unit length, n x n: the order of cosines where a common mean leaves them few digits.

    None where it does not.
    """

    reads = (Dissimilarities("cosine"),)
    work = "nnd"
    under_permutation = "rows and columns"

    def __call__(self, side: Side) -> np.ndarray | None:
        """From the RDM where cosines are 1 to three digits on average."""
        mean = unit_rows(as_numpy(side.values)).mean(axis=0)
        if 1.0 - mean @ mean > 1e-3:
            return None
        return squareform(np.sqrt(2.0 * side[Dissimilarities("cosine")]), checks=False)

    def permuted(self, value: np.ndarray | None, order: np.ndarray) -> np.ndarray | None:
        """Rows and columns in the new order."""
        return None if value is None else value[np.ix_(order, order)]


def _hidden(side: Side, kind: Dissimilarity) -> str:
    return (
        f"{side.key or 'A side'}: {kind} dissimilarities are rounding error: a large common mean hides how "
        "inputs differ. Centre the features first."
    )


def unit_rows(values: np.ndarray, reference: np.ndarray | None = None) -> np.ndarray:
    """Rows of unit length; those that are rounding error, relative to the lengths in `reference`, become zero."""
    own = lengths(values)
    own[own <= values.shape[1] * np.finfo(np.float64).eps * (own if reference is None else reference)] = np.inf
    return values / own[:, None]


def grain(side: Side, kind: Dissimilarity = "euclidean") -> float:
    """Floor for the ties of distances between rows: a part of the typical length of a row.

    Rows that should be equal differ by the rounding of whatever computed them, which their length bounds. The median
    is blind to outliers, whose distances are as large as they are. Where rows are scaled to length 1, so is that.
    """
    values = as_numpy(side.values)
    if kind == "cosine":
        return GRAIN
    of_rows = lengths(values)
    if kind == "correlation":
        varied = lengths(values - values.mean(axis=1)[:, None])
        return GRAIN * float(np.median(of_rows[varied > 0] / varied[varied > 0]))
    return GRAIN * max(float(np.median(of_rows)), 2.0**-30 * float(of_rows.max()))


Block = Callable[[slice], np.ndarray]
"""Gives some rows of a matrix of pairs, from the column of the first of them on."""


def _products(rows: np.ndarray) -> Block:
    return lambda part: rows[part] @ rows[part.start :].T


def _cosines(side: Side) -> Block:
    unit = unit_rows(as_numpy(side.values))
    return _complements(_products(unit), unit)


def _correlations(side: Side) -> Block:
    """Of rows less their mean."""
    values = as_numpy(side.values)
    varied = values - values.mean(axis=1)[:, None]
    before, after = lengths(values), lengths(varied)
    if side.d > 1 and 2 * np.count_nonzero(after < RESOLVED * np.finfo(np.float64).eps * before) > side.n:
        raise MeasureError(_hidden(side, "correlation"))
    unit = unit_rows(varied, reference=before)
    return _complements(_products(unit), unit)


def _complements(cosines: Block, unit: np.ndarray) -> Block:
    """1 - cosine of unit rows, which is half of their squared distance; from that where it is small."""

    def block(part: slice) -> np.ndarray:
        found = cosines(part)
        np.subtract(1.0, found, out=found)
        np.fill_diagonal(found, 1.0)
        if found.min() < _CLOSE:
            _recompute(found, found < _CLOSE, unit, part.start, 0.5)
        return found

    return block


def _squared_distances(side: Side) -> np.ndarray:
    """||x||^2 + ||y||^2 - 2 x.y, except where that cancels."""
    values, centred = as_numpy(side.values), as_numpy(side[Centred()])
    products, squares = _products(centred), np.vecdot(centred, centred)
    largest = squares.max()

    def block(part: slice) -> np.ndarray:
        found = products(part)
        found *= -2.0
        found += squares[part.start :]
        found += squares[part, None]
        np.fill_diagonal(found, np.inf)
        if found.min() < 2.0 * _CLOSE * largest:
            _recompute(found, found < _CLOSE * (squares[part, None] + squares[part.start :]), values, part.start)
        return found

    return _upper_triangle(block, side.n)


def _recompute(found: np.ndarray, close: np.ndarray, rows: np.ndarray, start: int, factor: float = 1.0) -> None:
    """Put squared distances, times a factor, from differences of rows where these are close."""
    i, j = np.divmod(np.flatnonzero(close), found.shape[1])
    for first in range(0, i.size, 4096):
        a, b = i[first : first + 4096], j[first : first + 4096]
        difference = rows[start + a] - rows[start + b]
        found[a, b] = factor * np.vecdot(difference, difference)


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
