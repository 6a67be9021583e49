"""Singular values and vectors by the fastest way that keeps the digits."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["singular_values", "singular_values_of_products", "squares_safely", "thin_svd"]

_EPS = float(np.finfo(np.float64).eps)

_TOLERANCE = 1e-12
"""Error of a sum of singular values, relative to the sum, above which the eigenvalues are not good enough."""

_SMALLEST = 1e-4
"""Ratio of the smallest to the largest singular value below which eigenvectors lose too many digits."""


def singular_values(matrix: Any, xp: Any) -> Any:
    """Singular values of an m x k matrix, descending; see `singular_values_of_products` for their accuracy."""
    if not isinstance(matrix, np.ndarray):
        return xp.linalg.svdvals(matrix)
    m, k = matrix.shape
    found = singular_values_of_products(matrix @ matrix.T if m <= k else matrix.T @ matrix, min(m, k))
    return np.linalg.svd(matrix, compute_uv=False) if found is None else found


def singular_values_of_products(products: np.ndarray, count: int) -> np.ndarray | None:
    """The `count` largest singular values of A from A^T A, descending, or None where squaring lost their digits.

    Eigenvalues of a symmetric matrix cost less than half of singular values, but each may be wrong by eps times the
    largest, which a small singular value s feels as eps s_1^2 / s. The sum must be right to 1e-12. If
    the lengths of the columns already vary too much for that, the eigenvalues are not even tried.
    """
    lengths = np.sort(np.sqrt(np.maximum(products.diagonal(), 0.0)))[::-1][:count]
    if not squares_safely(lengths):
        return None
    found = np.sqrt(np.maximum(np.linalg.eigvalsh(products)[::-1][:count], 0.0))
    return found if squares_safely(found) else None


def squares_safely(values: np.ndarray) -> bool:
    """Whether these singular values, descending, could be had from their squares without losing digits of the sum."""
    largest = values[0]
    with np.errstate(divide="ignore"):
        errors = np.minimum(_EPS * largest**2 / values, _EPS**0.5 * largest)
    return bool(errors.sum() <= _TOLERANCE * values.sum())


def thin_svd(matrix: Any, xp: Any) -> tuple[Any, Any, Any]:
    """Left singular vectors as columns, singular values descending, right singular vectors as columns.

    From the eigenvectors of the smaller matrix of products unless the condition number exceeds 1e4.
    """
    if matrix.shape[0] > matrix.shape[1]:
        left, values, right = thin_svd(matrix.T, xp)
        return right, values, left
    if isinstance(matrix, np.ndarray):
        squares, vectors = np.linalg.eigh(matrix @ matrix.T)
        values = np.sqrt(np.maximum(squares[::-1], 0.0))
        if values[-1] > _SMALLEST * values[0]:
            left = vectors[:, ::-1]
            return left, values, (matrix.T @ left) / values
    left, values, right = xp.linalg.svd(matrix, full_matrices=False)
    return left, values, right.T
