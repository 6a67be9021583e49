"""What is computed once of a representation, whatever it is compared with.

All factors are those of the side's values, which are divided by a power of two where they are far from 1. Measures that
depend on the scale of their arguments bring sides to one unit: see `Pair.units`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from similitude.factors.pair import Factor, Side
from similitude.linalg import principal
from similitude.linalg.principal import frobenius, thin_svd
from similitude.linalg.scale import scaled
from similitude.representations.representation import row_blocks

__all__ = [
    "SVD",
    "Centred",
    "CentredInSingle",
    "CentredNorm",
    "CovarianceNorm",
    "DiagonalSquares",
    "Gram",
    "Mean",
    "PrincipalMean",
    "SquaredRowNorms",
    "ThinSVD",
    "rounding",
]

_CACHED = 1 << 18
"""Bytes of rows that are centred at a time, so that they stay in the cache."""


def rounding(side: Side) -> float:
    """Singular value of the centred values up to which a direction is rounding error."""
    norm = frobenius(side.values, side.xp).item()
    return principal.rounding((side.n, side.values.shape[1]), norm, side.precision)


@dataclass(frozen=True)
class Mean(Factor):
    """Mean of each feature, d."""

    size = "d"

    def __call__(self, side: Side) -> Any:
        """Mean over inputs."""
        return side.xp.mean(side.values, axis=0)

    def permuted(self, value: Any, order: np.ndarray) -> Any:
        """The same."""
        return value


@dataclass(frozen=True)
class Centred(Factor):
    """The values with each feature's mean subtracted, n x d."""

    size = "nd"

    def __call__(self, side: Side) -> Any:
        """Subtract the mean."""
        return principal.centre(side.values, side[Mean()], side.xp)

    def permuted(self, value: Any, order: np.ndarray) -> Any:
        """Rows in the new order."""
        return value[order]


class SingleParts(NamedTuple):
    """Centred values in single precision, and what is lost by that."""

    values: np.ndarray
    """n x d"""
    squares: np.ndarray
    """Squared length of each row before it was rounded, n."""


@dataclass(frozen=True)
class CentredInSingle(Factor):
    """The values with each feature's mean subtracted in double precision, for products in single precision."""

    size = "nd"

    def __call__(self, side: Side) -> SingleParts:
        """A few rows at a time, so that there is no copy in double precision."""
        stored = side.stored
        mean = stored.mean(axis=0, dtype=np.float64)
        parts = SingleParts(np.empty(stored.shape, np.float32), np.empty(side.n))
        for start, rows in row_blocks(stored, _CACHED):
            centred = scaled(rows - mean, -side.exponent)
            parts.values[start : start + len(rows)] = centred
            parts.squares[start : start + len(rows)] = np.vecdot(centred, centred)
        return parts

    def permuted(self, value: SingleParts, order: np.ndarray) -> SingleParts:
        """Rows in the new order."""
        return SingleParts(value.values[order], value.squares[order])


@dataclass(frozen=True)
class CentredNorm(Factor):
    """Frobenius norm of the centred values."""

    size = ""

    def __call__(self, side: Side) -> Any:
        """From the singular values where components were deleted."""
        if side.holds(CentredInSingle()):
            return side.xp.sqrt(side.xp.sum(side[CentredInSingle()].squares))
        return frobenius(side[ThinSVD()].s if side.parent is not None else side[Centred()], side.xp)

    def permuted(self, value: Any, order: np.ndarray) -> Any:
        """The same."""
        return value


@dataclass(frozen=True)
class CovarianceNorm(Factor):
    """||X_c^T X_c||_F, which is also the norm of the linear kernel matrix X_c X_c^T."""

    size = ""

    def __call__(self, side: Side) -> Any:
        """From the singular values if they are known, else from the smaller of the two matrices."""
        if side.parent is not None or side.holds(ThinSVD()):
            return frobenius(side[ThinSVD()].s ** 2, side.xp)
        if side.n < side.d:
            return frobenius(side[Gram()], side.xp)
        return frobenius(side[Centred()].T @ side[Centred()], side.xp)

    def permuted(self, value: Any, order: np.ndarray) -> Any:
        """The same."""
        return value


@dataclass(frozen=True)
class Gram(Factor):
    """X_c X_c^T, n x n: the centred linear kernel matrix."""

    def __call__(self, side: Side) -> Any:
        """One product."""
        return side[Centred()] @ side[Centred()].T

    def permuted(self, value: Any, order: np.ndarray) -> Any:
        """Rows and columns in the new order."""
        return value[order][:, order]


@dataclass(frozen=True)
class SquaredRowNorms(Factor):
    """Squared length of each centred row, n: the diagonal of the linear kernel."""

    size = "n"

    def __call__(self, side: Side) -> Any:
        """From the components where some were deleted."""
        if side.holds(CentredInSingle()):
            return side[CentredInSingle()].squares
        rows = side.values if side.parent is not None else side[Centred()]
        return side.xp.vecdot(rows, rows)

    def permuted(self, value: Any, order: np.ndarray) -> Any:
        """Rows in the new order."""
        return value[order]


@dataclass(frozen=True)
class DiagonalSquares(Factor):
    """Sum of the squared diagonal entries of the centred linear kernel."""

    size = ""

    def __call__(self, side: Side) -> Any:
        """From the row norms."""
        diagonal = side[SquaredRowNorms()]
        return diagonal @ diagonal

    def permuted(self, value: Any, order: np.ndarray) -> Any:
        """The same."""
        return value


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

    size = "nd+dd"

    def __call__(self, side: Side) -> SVD:
        """Cut from the parent's where components were deleted."""
        if side.parent is not None:
            return _leading(side.parent[self], int(side.kept or 0), side.xp)
        xp = side.xp
        u, s, vh = thin_svd(side[Centred()], xp)
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

    size = "d"

    def __call__(self, side: Side) -> MeanParts:
        """Two products with V."""
        v, mean = side[ThinSVD()].v, side[Mean()]
        within = v.T @ mean
        return MeanParts(within, side.xp.linalg.vector_norm(mean - v @ within))

    def permuted(self, value: MeanParts, order: np.ndarray) -> MeanParts:
        """The same."""
        return value


def _leading(svd: SVD, kept: int, xp: Any) -> SVD:
    rank = min(kept, svd.rank)
    # The view's features are its components, so its right singular vectors are the first unit vectors.
    return SVD(svd.u[:, :rank], svd.s[:rank], xp.eye(rank, dtype=svd.s.dtype))
