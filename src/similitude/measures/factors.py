"""What is computed once of a representation, whatever it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from similitude.measures.pair import Factor, Side

__all__ = ["SVD", "Centred", "CentredNorm", "ThinSVD"]


@dataclass(frozen=True)
class Centred(Factor):
    """The values with each feature's mean subtracted, n x d."""

    def __call__(self, side: Side) -> Any:
        """Centre twice: the second pass takes away what rounding left of a large offset."""
        xp = side.xp
        centred = side.values - xp.mean(side.values, axis=0, keepdims=True)
        return centred - xp.mean(centred, axis=0, keepdims=True)


@dataclass(frozen=True)
class CentredNorm(Factor):
    """Frobenius norm of the centred values."""

    def __call__(self, side: Side) -> Any:
        """From the singular values where components were deleted."""
        xp = side.xp
        return xp.linalg.vector_norm(side[ThinSVD()].s if side.parent is not None else side[Centred()])


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
    """Thin SVD of the centred values, without the directions that are rounding error.

    A direction counts if its singular value exceeds the error that storing the data can have made. For
    doubles that is the usual max(n, d) eps max(s_1, ||X||_F), the norm taken before centring since centring
    cannot repair the digits that a large offset cost. Data stored with fewer digits get 2 eps ||X||_F:
    rounding every entry moves no singular value further than eps/2 ||X||_F, and a wider margin would cut
    directions of float32 data that are real.
    """

    def __call__(self, side: Side) -> SVD:
        """QR first, then the SVD of the triangle: as accurate as the SVD of the whole, and faster."""
        if side.parent is not None:
            return _leading(side.parent[self], int(side.kept or 0), side.xp)
        xp = side.xp
        centred = side[Centred()]
        n, d = centred.shape
        if n > d:
            q, r = xp.linalg.qr(centred)
            u, s, vh = xp.linalg.svd(r, full_matrices=False)
            u = q @ u
        else:
            u, s, vh = xp.linalg.svd(centred, full_matrices=False)
        norm = float(xp.linalg.vector_norm(side.values))
        double = float(np.finfo(np.float64).eps)
        tolerance = max(
            max(n, d) * double * max(float(s[0]), norm),
            2 * side.precision * norm if side.precision > double else 0,
        )
        rank = max(int(xp.sum(xp.astype(s > tolerance, xp.int64))), 1)
        return SVD(u[:, :rank], s[:rank], vh[:rank, :].T)


def _leading(svd: SVD, kept: int, xp: Any) -> SVD:
    rank = min(kept, svd.rank)
    # The view's features are its components, so its right singular vectors are the first unit vectors.
    return SVD(svd.u[:, :rank], svd.s[:rank], xp.eye(kept, rank, dtype=svd.s.dtype))
