"""Principal components: the thin singular value decomposition of centred values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import solve_triangular

__all__ = ["centre", "frobenius", "rounding", "thin_svd"]

_ALMOST_ORTHONORMAL = 0.1
"""Deviation from orthonormal columns that a second orthogonalisation takes away to the last digits."""


def frobenius(array: Any, xp: Any) -> Any:
    """Root of the sum of squares of a matrix or vector, without a copy of the array."""
    return xp.sqrt(xp.sum(xp.vecdot(array, array)))


def centre(values: Any, mean: Any, xp: Any) -> Any:
    """Subtract the mean row twice: the second pass takes away what rounding left of a large offset."""
    centred = values - mean
    centred -= xp.mean(centred, axis=0)
    return centred


def rounding(shape: tuple[int, int], norm: float, precision: float) -> float:
    """Singular value of centred values up to which a direction is rounding error.

    For doubles that is the usual max(n, d) eps ||X||_F, the norm taken before centring since centring cannot repair the
    digits that a large offset cost. Data stored with fewer digits get 2 eps ||X||_F: rounding every entry moves no
    singular value further than eps/2 ||X||_F, and a wider margin would cut directions of float32 data that are real.

    Parameters
    ----------
    shape
        Number of inputs n and of features d.
    norm
        Frobenius norm of the values, not centred.
    precision
        Machine epsilon of the type in which they were stored.
    """
    double = float(np.finfo(np.float64).eps)
    return max(max(shape) * double, 2 * precision if precision > double else 0.0) * norm


def thin_svd(centred: Any, xp: Any, gram: Callable[[], Any] | None = None) -> tuple[Any, Any, Any]:
    """u, s and v^T of the thin SVD of an n x d matrix.

    Where inputs outnumber features, it is that of the triangle of the QR decomposition: as accurate, and faster. The
    triangle comes from Cholesky's decomposition, done twice (Yamamoto et al. 2015, ETNA 44:306), which costs half of
    Householder's and is as accurate up to a condition number of about 1e7; beyond, Householder's is used.

    Parameters
    ----------
    centred
        Array of shape (n, d).
    xp
        Its array-API namespace.
    gram
        Gives ``centred.T @ centred``, where others need it too; called only if inputs outnumber features.
    """
    n, d = centred.shape
    if n <= d:
        return xp.linalg.svd(centred, full_matrices=False)
    if isinstance(centred, np.ndarray):
        try:
            first = np.linalg.cholesky(gram() if gram else centred.T @ centred, upper=True)
            almost = solve_triangular(first, centred.T, trans="T", check_finite=False).T
            products = almost.T @ almost
            if np.max(np.abs(products - np.eye(d))) <= _ALMOST_ORTHONORMAL:
                second = np.linalg.cholesky(products, upper=True)
                u, s, vh = np.linalg.svd(second @ first, full_matrices=False)
                return almost @ solve_triangular(second, u, check_finite=False), s, vh
        except np.linalg.LinAlgError:
            pass  # not of full rank
    q, r = xp.linalg.qr(centred)
    u, s, vh = xp.linalg.svd(r, full_matrices=False)
    return q @ u, s, vh
