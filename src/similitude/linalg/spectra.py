"""Singular values and vectors by the fastest way that keeps the digits."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import solve_triangular

__all__ = ["left_singular", "singular_values", "singular_values_of_products"]

_EPS = float(np.finfo(np.float64).eps)

_TOLERANCE = 1e-12
"""Error of a sum of singular values, relative to the sum, above which the eigenvalues are not good enough."""

_MARGIN = 10.0
"""By how much the error of a graded matrix may exceed its estimate; seen on matrices of many kinds: 7."""

_DETERMINANT = 1e-7
"""Relative error of the product of squared singular values beyond which the eigenvalues are not trusted. Where it was
smaller, on 10,000 matrices of many kinds, sums were right to 5e-13."""

_PROBES = 8
"""Random vectors from which the diagonal of an inverse is estimated, each of its entries to about a half."""

_SMALLEST = 1e-4
"""Ratio of the smallest to the largest singular value below which eigenvectors lose too many digits."""


def singular_values(matrix: Any, xp: Any) -> Any:
    """Singular values of an m x k matrix, descending; see `singular_values_of_products` for their accuracy."""
    if not isinstance(matrix, np.ndarray):
        return xp.linalg.svdvals(matrix)
    m, k = matrix.shape
    for rows in (matrix, matrix.T):  # a square one can be graded one way round and not the other
        if len(rows) == min(m, k):
            found = singular_values_of_products(rows @ rows.T, len(rows))
            if found is not None:
                return found
    return np.linalg.svd(matrix, compute_uv=False)


def singular_values_of_products(products: np.ndarray, count: int) -> np.ndarray | None:
    """The `count` largest singular values of A from A A^T, descending, or None where squaring lost their digits.

    Eigenvalues of a symmetric matrix cost less than half of singular values. In general each may be wrong by eps times
    the largest, which a small singular value s feels as eps s_1^2 / s. Not so if the rows of A descend in length as
    its singular values do, which those of principal directions about do. Either way the sum must be right to 1e-12.
    """
    lengths = np.sort(np.sqrt(np.maximum(products.diagonal(), 0.0)))[::-1][:count]
    found = None
    if _squares_safely(lengths):  # else the eigenvalues cannot be safe either
        found = _roots_of_eigenvalues(products)
        if _squares_safely(found[:count]):
            return found[:count]
    return _of_graded(products, found) if count == len(products) else None


def _roots_of_eigenvalues(products: np.ndarray) -> np.ndarray:
    # From the lower triangle, which LAPACK reduces from the first row on: with the largest first, small ones survive.
    return np.sqrt(np.maximum(np.linalg.eigvalsh(products, UPLO="L")[::-1], 0.0))


def _squares_safely(values: np.ndarray) -> bool:
    """Whether singular values, descending, can be computed from their squares without losing digits of the sum."""
    largest = values[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.minimum(_EPS * largest**2 / values, _EPS**0.5 * largest)
    return bool(errors.sum() <= _TOLERANCE * values.sum())


def _of_graded(products: np.ndarray, values: np.ndarray | None) -> np.ndarray | None:
    """All singular values of A if entry (i, j) of A A^T is only wrong by eps l_i l_j, l being the lengths of the rows.

    They are the `values` from the eigenvalues, which may be known; here it is checked that these are good enough.
    To first order, an error E changes the sum by tr((A A^T)^(-1/2) E) / 2, thus by at most
    eps/2 sum_j l_j^2 ((A A^T)^(-1))_jj^(1/2). That the eigenvalues keep what the entries hold, their product shows:
    where many rows are equally long, they can be mixed with shorter ones, whose digits drown.
    """
    try:
        lower = np.linalg.cholesky(products)
    except np.linalg.LinAlgError:
        return None
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(len(products), _PROBES))
    solved = solve_triangular(lower, signs, trans="T", lower=True, check_finite=False)
    error = 0.5 * _EPS * products.diagonal() @ np.sqrt(np.mean(solved**2, axis=1))
    # The trace of a triangle never exceeds the sum of its singular values.
    if _MARGIN * error > _TOLERANCE * lower.trace():
        return None
    values = _roots_of_eigenvalues(products) if values is None else values
    with np.errstate(divide="ignore"):
        missed = 2.0 * abs(np.log(values).sum() - np.log(lower.diagonal()).sum())
    return values if missed <= _DETERMINANT else None


def left_singular(matrix: Any, xp: Any, right: Any = None) -> tuple[Any, Any]:
    """Left singular vectors as columns, and singular values, descending: as many as the matrix has rows or columns.

    From the eigenvectors of the matrix of products, or the other side's vectors, unless the condition number exceeds
    1e4.

    Parameters
    ----------
    matrix
        Array of shape (m, k).
    xp
        Its array-API namespace.
    right
        All min(m, k) right singular vectors and singular values, if they are known.
    """
    if right is not None and right[1][-1] > _SMALLEST * right[1][0]:
        return matrix @ right[0] / right[1], right[1]
    if isinstance(matrix, np.ndarray) and matrix.shape[0] <= matrix.shape[1]:
        squares, vectors = np.linalg.eigh(matrix @ matrix.T)
        values = np.sqrt(np.maximum(squares[::-1], 0.0))
        if values[-1] > _SMALLEST * values[0]:
            return vectors[:, ::-1], values
    left, values, _ = xp.linalg.svd(matrix, full_matrices=False)
    return left, values
