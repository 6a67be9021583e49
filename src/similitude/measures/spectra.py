"""Singular values and vectors by the fastest way that keeps the digits."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["singular_values", "singular_values_of_products", "thin_svd"]

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

    Eigenvalues of a symmetric matrix cost less than half of singular values. Computing one perturbs entry (i, j) by
    about eps |a_i| |a_j|, a_i being the columns of A: harmless for a graded A, whose small singular values belong to
    its short columns, and a loss of half the digits where long columns are nearly dependent. So the error of each value
    is estimated from the column of its rank, and the sum must be right to 1e-12. LAPACK keeps the grading only if
    columns come longest first.
    """
    squares = products.diagonal()
    order = np.argsort(-squares)
    if (order[1:] < order[:-1]).any():
        products, squares = products[np.ix_(order, order)], squares[order]
    found = np.sqrt(np.maximum(np.linalg.eigvalsh(products)[::-1], 0.0))[:count]
    squares = np.maximum(squares[:count], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.fmin(_EPS * squares / found, (_EPS * squares) ** 0.5)
    return found if errors.sum() <= _TOLERANCE * found.sum() else None


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
