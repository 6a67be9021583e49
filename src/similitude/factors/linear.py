"""What is computed once of a representation, whatever it is compared with.

All factors are those of the side's values, which are divided by a power of two where they are far from 1. Measures that
depend on the scale of their arguments bring sides to one unit: see `Pair.units`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from similitude.factors.base import Cost, Factor
from similitude.linalg import principal
from similitude.linalg.principal import frobenius, thin_svd

if TYPE_CHECKING:
    from similitude.factors.pair import Side

__all__ = [
    "OF_VIEWS",
    "SVD",
    "Centred",
    "CentredInSingle",
    "CentredNorm",
    "CovarianceNorm",
    "DiagonalSquares",
    "Gram",
    "Mean",
    "PrincipalMean",
    "Scatter",
    "SquaredRowNorms",
    "ThinSVD",
    "rounding",
]


def rounding(side: Side) -> float:
    """Singular value of the centred values up to which a direction is rounding error."""
    norm = frobenius(side.values, side.xp).item()
    return principal.rounding((side.n, side.values.shape[1]), norm, side.precision)


@dataclass(frozen=True)
class Mean(Factor):
    """Mean of each feature, d."""

    work = "nd"
    size = "d"
    under_permutation = "unchanged"

    def __call__(self, side: Side) -> Any:
        """Mean over inputs."""
        return side.xp.mean(side.values, axis=0)


@dataclass(frozen=True)
class Centred(Factor):
    """The values with each feature's mean subtracted, n x d."""

    reads = (Mean(),)
    work = "2nd"
    size = "nd"
    under_permutation = "rows"

    def __call__(self, side: Side) -> Any:
        """Subtract the mean."""
        return principal.centre(side.values, side[Mean()], side.xp)


@dataclass(frozen=True)
class CentredInSingle(Factor):
    """Centred values, rounded to single precision once they are centred; n x d."""

    reads = (Centred(),)
    work = "nd"
    size = "nd"
    under_permutation = "rows"

    def __call__(self, side: Side) -> np.ndarray:
        """Round."""
        return side[Centred()].astype(np.float32)


@dataclass(frozen=True)
class CentredNorm(Factor):
    """Frobenius norm of the centred values."""

    reads = (Centred(),)
    from_stream = "sums"
    work = "nd"
    size = ""
    under_permutation = "unchanged"

    def __call__(self, side: Side) -> Any:
        """From the singular values where components were deleted."""
        return frobenius(side[ThinSVD()].s if side.parent is not None else side[Centred()], side.xp)


@dataclass(frozen=True)
class Scatter(Factor):
    """X_c^T X_c, or X_c X_c^T where inputs are fewer than features: min(n, d) rows and columns."""

    reads = (Centred(),)
    work = "nmd"
    size = "mm"

    def __call__(self, side: Side) -> Any:
        """One product."""
        centred = side[Centred()]
        return centred @ centred.T if side.n < side.d else centred.T @ centred


@dataclass(frozen=True)
class CovarianceNorm(Factor):
    """||X_c^T X_c||_F, which is also the norm of the linear kernel matrix X_c X_c^T."""

    reads = (Scatter(),)
    from_stream = "sums"
    size = ""
    under_permutation = "unchanged"

    def __call__(self, side: Side) -> Any:
        """From the singular values where components were deleted, else from the smaller of the two matrices."""
        return frobenius(side[ThinSVD()].s ** 2 if side.parent is not None else side[Scatter()], side.xp)


@dataclass(frozen=True)
class Gram(Factor):
    """X_c X_c^T, n x n: the centred linear kernel matrix."""

    reads = (Centred(),)
    work = "nnd"
    under_permutation = "rows and columns"

    def __call__(self, side: Side) -> Any:
        """One product."""
        return side[Centred()] @ side[Centred()].T


@dataclass(frozen=True)
class SquaredRowNorms(Factor):
    """Squared length of each centred row, n: the diagonal of the linear kernel."""

    reads = (Centred(),)
    work = "nd"
    size = "n"
    under_permutation = "rows"

    def __call__(self, side: Side) -> Any:
        """From the components where some were deleted."""
        rows = side.values if side.parent is not None else side[Centred()]
        return side.xp.vecdot(rows, rows)


@dataclass(frozen=True)
class DiagonalSquares(Factor):
    """Sum of the squared diagonal entries of the centred linear kernel."""

    reads = (SquaredRowNorms(),)
    from_stream = "sums"
    size = ""
    under_permutation = "unchanged"

    def __call__(self, side: Side) -> Any:
        """From the row norms."""
        diagonal = side[SquaredRowNorms()]
        return diagonal @ diagonal


class SVD(NamedTuple):
    """Thin singular value decomposition u s v^T of the centred values, cut to the numerical rank r."""

    u: Any
    """n x r"""
    s: Any
    """r, descending"""
    v: Any
    """d x r"""

    @property
    def rank(self) -> int:
        """Numerical rank r."""
        return self.s.shape[0]


@dataclass(frozen=True)
class ThinSVD(Factor):
    """Thin SVD of the centred values, without the directions that are rounding error."""

    reads = (Centred(), Scatter())
    from_stream = "triangle"
    size = "nd+dd"

    def cost(self, n: int, d: int) -> Cost:
        """Decompositions run at a fraction of the speed of products: measured, in operations of the latter."""
        m = min(n, d)
        return super().cost(n, d)._replace(flops=4.0 * n * d * m + 22.0 * m**3)

    def __call__(self, side: Side) -> SVD:
        """Cut from the parent's where components were deleted."""
        if side.parent is not None:
            return _leading(side.parent[self], int(side.kept or 0), side.xp)
        xp = side.xp
        u, s, vh = thin_svd(side[Centred()], xp, lambda: side[Scatter()])
        rank = max(int(xp.sum(xp.astype(s > rounding(side), xp.int64))), 1)
        return SVD(u[:, :rank], s[:rank], vh[:rank, :].T)

    def permuted(self, value: SVD, order: np.ndarray) -> SVD:
        """Rows of u in the new order."""
        return value._replace(u=value.u[order])


class MeanParts(NamedTuple):
    """The mean of the features along the principal directions and beyond them."""

    within: Any
    """r"""
    beyond: Any
    """length of what lies outside the row space of the centred values"""


@dataclass(frozen=True)
class PrincipalMean(Factor):
    """The mean in the basis of the principal directions."""

    reads = (ThinSVD(), Mean())
    work = "4nd"
    size = "d"
    under_permutation = "unchanged"

    def __call__(self, side: Side) -> MeanParts:
        """Two products with V."""
        v, mean = side[ThinSVD()].v, side[Mean()]
        within = v.T @ mean
        return MeanParts(within, side.xp.linalg.vector_norm(mean - v @ within))


def _leading(svd: SVD, kept: int, xp: Any) -> SVD:
    rank = min(kept, svd.rank)
    # The view's features are its components, so its right singular vectors are the first unit vectors.
    return SVD(svd.u[:, :rank], svd.s[:rank], xp.eye(rank, dtype=svd.s.dtype))


OF_VIEWS: frozenset[Factor] = frozenset({ThinSVD()})
"""What leading principal components are cut from."""
