"""Principal components: the thin singular value decomposition of centred values."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import solve_triangular

__all__ = ["thin_svd"]

_ALMOST_ORTHONORMAL = 0.1
"""Deviation from orthonormal columns that a second orthogonalisation takes away to the last digits."""


def thin_svd(centred: Any, xp: Any) -> tuple[Any, Any, Any]:
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
    """
    n, d = centred.shape
    if n <= d:
        return xp.linalg.svd(centred, full_matrices=False)
    if isinstance(centred, np.ndarray):
        try:
            first = np.linalg.cholesky(centred.T @ centred, upper=True)
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
