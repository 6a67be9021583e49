"""What is computed once of a pair, shared by all measures that read it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from similitude.errors import MeasureError, SimilitudeWarning
from similitude.factors.base import Cross
from similitude.factors.linear import Centred, SquaredRowNorms, ThinSVD
from similitude.factors.pair import Pair, Side
from similitude.linalg.spectra import left_singular, singular_values, singular_values_of_products
from similitude.linalg.ties import mean_absolute_sums

__all__ = [
    "AlignedSpectrum",
    "CanonicalBasis",
    "CanonicalCorrelations",
    "CrossCovariance",
    "DiagonalProduct",
    "Overlap",
    "PrincipalCovariance",
    "ProjectionWeights",
    "check_rank",
    "check_ranks",
    "check_regressable",
]


@dataclass(frozen=True)
class Overlap(Cross):
    """M = U_x^T U_y, r_x x r_y: the principal directions of one side seen from the other.

    All of the linear family follows from it and the singular values. Cutting M cuts the pair, so that a curve
    over deleted components costs one product.
    """

    reads = (ThinSVD(),)
    from_stream = "triangle"
    work = "2npq"
    when_swapped = "transposed"

    def __call__(self, pair: Pair) -> Any:
        """Cut from the parent pair where components were deleted."""
        x, y = pair.x[ThinSVD()], pair.y[ThinSVD()]
        if pair.parent is not None:
            return pair.parent[self][: x.rank, : y.rank]
        return x.u.T @ y.u


@dataclass(frozen=True)
class PrincipalCovariance(Cross):
    """X_c^T Y_c in the basis of principal directions, r_x x r_y: S_x M S_y, whose rows and columns descend in size."""

    reads = (ThinSVD(), Overlap())
    from_stream = "triangle"
    work = "2pq"
    when_swapped = "transposed"

    def __call__(self, pair: Pair) -> Any:
        """Cut from the parent pair where components were deleted."""
        x, y = pair.x[ThinSVD()], pair.y[ThinSVD()]
        if pair.parent is not None:
            return pair.parent[self][: x.rank, : y.rank]
        return x.s[:, None] * pair[Overlap()] * y.s[None, :]


@dataclass(frozen=True)
class CrossCovariance(Cross):
    """C = X_c^T Y_c, d_x x d_y: how each feature of one side goes with each of the other."""

    reads = (Centred(),)
    work = "2npq"
    when_swapped = "transposed"

    def __call__(self, pair: Pair) -> Any:
        """One product."""
        return pair.x[Centred()].T @ pair.y[Centred()]


@dataclass(frozen=True)
class CumulatedSquares(Cross):
    """Squared entries of the principal covariance, summed over all rows and columns up to each."""

    reads = (ThinSVD(), PrincipalCovariance())
    work = "3pq"
    when_swapped = "transposed"

    def __call__(self, pair: Pair) -> Any:
        """Entry (i, j) is the squared covariance of the i + 1 and j + 1 leading components."""
        squares = pair[PrincipalCovariance()] ** 2
        return pair.xp.cumulative_sum(pair.xp.cumulative_sum(squares, axis=0), axis=1)


@dataclass(frozen=True)
class DiagonalProduct(Cross):
    """Sum of the products of the diagonal entries of both centred linear kernels."""

    reads = (SquaredRowNorms(),)
    from_stream = "sums"
    work = "2n"
    when_swapped = "same"

    def __call__(self, pair: Pair) -> Any:
        """From the row norms."""
        return pair.x[SquaredRowNorms()] @ pair.y[SquaredRowNorms()]


@dataclass(frozen=True)
class Products(Cross):
    """A A^T or A^T A of another cross A, from which its singular values follow.

    Parameters
    ----------
    cross
        A, which cutting components of one side cuts by rows or by columns.
    of
        Which of its vectors are multiplied: ``"rows"`` or ``"columns"``.
    """

    cross: Cross
    of: Literal["rows", "columns"]

    def __call__(self, pair: Pair) -> Any:
        """The leading block of the parent's where only these rows, or columns, were cut."""
        cut, other = (pair.x, pair.y) if self.of == "rows" else (pair.y, pair.x)
        if pair.parent is not None and other.parent is None:
            kept = cut[ThinSVD()].rank
            return pair.parent[self][:kept, :kept]
        matrix = pair[self.cross]
        return matrix @ matrix.T if self.of == "rows" else matrix.T @ matrix


@dataclass(frozen=True)
class Triangle(Cross):
    """Triangular factor of another cross A, whose leading columns, or rows, it keeps apart from the rest.

    Parameters
    ----------
    cross, of
        As in `Products`: R of A = QR for ``"columns"``, of A^T = QR for ``"rows"``.
    """

    cross: Cross
    of: Literal["rows", "columns"]

    def __call__(self, pair: Pair) -> Any:
        """One decomposition for a whole curve of cuts."""
        matrix = pair[self.cross]
        return np.linalg.qr(matrix.T if self.of == "rows" else matrix, mode="r")


@dataclass(frozen=True)
class AlignedSpectrum(Cross):
    """Singular values of X_c^T Y_c, descending; their sum is the nuclear norm.

    Parameters
    ----------
    by
        Those of X_c^T Y_c itself (``"features"``), or of S_x M S_y (``"components"``); None for what serves a pair.
    """

    by: Literal["features", "components"] | None = None

    work = "6mmm"
    from_stream = "sums"
    when_swapped = "same"

    @property
    def reads(self) -> tuple[Cross, ...]:  # type: ignore[override]  # depends on the parameter
        """The matrix."""
        return (CrossCovariance() if self.by == "features" else PrincipalCovariance(),)

    def ways(self, single: bool) -> tuple[Cross, ...]:
        """Components serve the CCA family too."""
        return (replace(self, by="components"), replace(self, by="features"))

    def chosen(self, n: int, p: int, q: int, *, cut: bool = False) -> Cross:
        """By features unless inputs are so few that they say no more than the components do."""
        return self if self.by else replace(self, by="features" if n > max(p, q) and not cut else "components")

    def __call__(self, pair: Pair) -> Any:
        """Compute them."""
        if self.by == "features":
            return singular_values(pair[CrossCovariance()], pair.xp)
        return _spectrum(pair, PrincipalCovariance())


@dataclass(frozen=True)
class CanonicalCorrelations(Cross):
    """Canonical correlations, descending, min(r_x, r_y) of them.

    Raises
    ------
    MeasureError
        A side spans all n - 1 centred dimensions: every correlation would be 1 whatever the data.
    """

    reads = (ThinSVD(), Overlap())
    from_stream = "triangle"
    work = "6mmm"
    when_swapped = "same"

    def __call__(self, pair: Pair) -> Any:
        """The singular values of M."""
        check_ranks(pair)
        return pair.xp.clip(_spectrum(pair, Overlap()), 0.0, 1.0)


class Basis(NamedTuple):
    """Canonical directions of the first side with the canonical correlations."""

    left: Any
    """one column per direction"""
    correlations: Any
    """descending"""


@dataclass(frozen=True)
class CanonicalBasis(Cross):
    """The min(r_x, r_y) canonical directions of the first side in the basis of its principal directions.

    These are left singular vectors of M.
    """

    reads = (ThinSVD(), Overlap())
    from_stream = "triangle"
    work = "9mmm+2mpq"

    def __call__(self, pair: Pair) -> Basis:
        """Of the narrower side from M, of the other side from those."""
        more = pair.x[ThinSVD()].rank - pair.y[ThinSVD()].rank
        known = pair.swapped[self] if more > 0 or (more == 0 and not pair.forward) else None
        return Basis(*left_singular(pair[Overlap()], pair.xp, known))


class Weighted(NamedTuple):
    """Canonical correlations, and how much of the first side each of its directions accounts for."""

    correlations: Any
    """min(r_x, r_y), descending"""
    weights: Any
    """r_x; the last r_x - r_y, if any, belong to the directions that the second side does not reach"""


@dataclass(frozen=True)
class ProjectionWeights(Cross):
    """Canonical correlations, and for each canonical variate h_i of the first side sum_j |<h_i, x_j>|.

    Variates with tied correlations, and those that the second side does not reach, are not unique: their weights are
    averaged over all orthonormal bases, as in `mean_absolute_sums`.
    """

    reads = (ThinSVD(), CanonicalBasis())
    from_stream = "triangle"
    work = "4mpq"

    def __call__(self, pair: Pair) -> Weighted:
        """From the features in the basis of canonical directions, and what these leave of them."""
        check_ranks(pair)
        x, (left, correlations) = pair.x[ThinSVD()], pair[CanonicalBasis()]
        correlations = pair.xp.clip(correlations, 0.0, 1.0)
        features = x.s[:, None] * x.v.T
        on_directions = left.T @ features
        lost = x.rank - correlations.shape[0]
        rest = (features - left @ on_directions, lost) if lost else None
        return Weighted(correlations, mean_absolute_sums(correlations, on_directions, rest, pair.xp))


def _spectrum(pair: Pair, cross: Cross) -> Any:
    """Singular values of a cross of principal directions, descending, min(r_x, r_y) of them."""
    x, y, matrix = pair.x[ThinSVD()], pair.y[ThinSVD()], pair[cross]
    if not isinstance(matrix, np.ndarray):
        return pair.xp.linalg.svdvals(matrix)
    if pair.parent is None or (pair.x.parent and pair.y.parent):
        return singular_values(matrix, np)
    # One side is cut: what the whole curve shares belongs to the parent.
    count = min(x.rank, y.rank)
    of, kept = ("rows", x.rank) if pair.y.parent is None else ("columns", y.rank)
    found = singular_values_of_products(pair[Products(cross, of)], count)
    if found is None:
        triangle = pair.parent[Triangle(cross, of)][:kept, :kept]
        found = np.linalg.svd(triangle, compute_uv=False)[:count]
    return found


def check_ranks(pair: Pair) -> None:
    """Refuse sides on which canonical correlations say nothing; warn where some of them must be 1.

    Raises
    ------
    MeasureError
        The rank of a side reaches n - 1.
    """
    check_regressable((pair.x[ThinSVD()].rank, pair.y[ThinSVD()].rank), pair)


def check_regressable(ranks: tuple[int, int], pair: Pair) -> None:
    """`check_ranks` for given numbers of dimensions of the two sides."""
    for side, rank in zip((pair.x, pair.y), ranks, strict=True):
        check_rank(side, rank, pair.n)
    if sum(ranks) > pair.n - 1:
        warnings.warn(
            f"Ranks {ranks[0]} and {ranks[1]} exceed n - 1 = {pair.n - 1} together: at least "
            f"{sum(ranks) - pair.n + 1} canonical correlations are 1 whatever the data. Use more inputs, or svcca "
            "with fewer components.",
            SimilitudeWarning,
            stacklevel=4,
        )


def check_rank(side: Side, rank: int, n: int) -> None:
    """Refuse a side that is regressed on if it spans all n - 1 centred dimensions."""
    if rank >= n - 1:
        raise MeasureError(
            f"{side.key or 'A side'} has rank {rank} on {n} inputs, so that anything can be predicted from it and "
            "every canonical correlation is 1. Use more inputs than features, fewer components (svcca), or a ridge."
        )
