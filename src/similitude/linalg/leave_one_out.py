"""Normalised inner products of two matrices of pairs of inputs, without each input in turn, in closed form.

What an input adds to an inner product of two n x n matrices is the inner product of its rows, so that n values cost
what one does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Rows", "centred_cosine", "correlation", "double_centred", "row_products", "rows_of", "u_centred"]

_RESOLVED = 1e-12
"""Share of a norm below which what is left without an input is rounding error."""


class Rows(NamedTuple):
    """Inner products of the rows of two symmetric matrices A and B, one per input."""

    xy: np.ndarray
    """sum_j A_ij B_ij, n"""
    xx: np.ndarray
    """sum_j A_ij^2, n"""
    yy: np.ndarray
    """sum_j B_ij^2, n"""


def rows_of(a: np.ndarray, b: np.ndarray) -> Rows:
    """Return the inner products of the rows of two matrices."""
    return Rows(np.vecdot(a, b), np.vecdot(a, a), np.vecdot(b, b))


def row_products(x: np.ndarray, y: np.ndarray, *, u_centred: bool) -> np.ndarray:
    """Return the inner products of the rows of two linear kernels, which are not stored; n.

    Off its diagonal, a centred kernel is U-centred by adding an effect of each input to its row and column.

    Parameters
    ----------
    x, y
        Centred features, n x d_x and n x d_y.
    u_centred
        Whether kernels are U-centred, as by the function of this name.
    """
    products = np.vecdot(x @ (x.T @ y), y)
    if not u_centred:
        return products
    n, (s, t) = len(x), (np.vecdot(side, side) for side in (x, y))
    a, b = ((own - own.sum() / (2 * (n - 1))) / (n - 2) for own in (s, t))
    effects = x @ (x.T @ b) + y @ (y.T @ a) - 2.0 * (s * b + t * a)
    return products - s * t + effects + (n - 4) * a * b + a * b.sum() + b * a.sum() + a @ b


def centred_cosine(rows: Rows, diagonals: tuple[np.ndarray, np.ndarray] | None = None) -> np.ndarray:
    """Return <A, B> / (||A|| ||B||) without each input, of matrices that are centred again without it; n.

    Leaving out input i of a doubly centred matrix leaves row sums -A_ij, so that the inner product of what is centred
    again is <A, B> - 2 a sum_j A_ij B_ij + a^2 A_ii B_ii, with a = n / (n - 1). Of U-centred matrices, whose diagonals
    are zero, a = (n - 2) / (n - 3).

    Parameters
    ----------
    rows
        Of two centred matrices.
    diagonals
        Their diagonals; None if they are U-centred.

    Returns
    -------
    ndarray
        NaN where nothing is left.
    """
    n = len(rows.xy)
    x, y = diagonals or (np.zeros(n), np.zeros(n))
    a = (n - 2) / (n - 3) if diagonals is None else n / (n - 1)
    left = [
        products.sum() - 2 * a * products + a**2 * corner
        for products, corner in zip(rows, (x * y, x * x, y * y), strict=True)
    ]
    return _normalised(Rows(*left), rows)


def correlation(a: np.ndarray, b: np.ndarray, *, centred: bool = True) -> np.ndarray:
    """Return the correlation, or cosine, of the entries off the diagonal without each input; n.

    Parameters
    ----------
    a, b
        Symmetric matrices with a zero diagonal, n x n; for `centred`, with mean 0 off the diagonal.
    centred
        Whether the mean of what is left is subtracted.
    """
    rows, n = rows_of(a, b), len(a)
    left = [products.sum() - 2 * products for products in rows]
    if centred:
        x, y = a.sum(axis=1), b.sum(axis=1)
        means = (x * y, x * x, y * y)
        left = [whole - 4 * mean / ((n - 1) * (n - 2)) for whole, mean in zip(left, means, strict=True)]
    return _normalised(Rows(*left), rows)


def double_centred(matrix: np.ndarray) -> np.ndarray:
    """Return a symmetric matrix with the means of its rows and columns subtracted."""
    mean = matrix.mean(axis=0)
    return matrix - mean - (mean - mean.mean())[:, None]


def u_centred(matrix: np.ndarray) -> np.ndarray:
    """Return the entries off the diagonal of a symmetric matrix, less what makes the sum of each row 0."""
    n, found = len(matrix), matrix.copy()
    np.fill_diagonal(found, 0.0)
    effect = found.sum(axis=0) / (n - 2)
    found -= effect
    found -= (effect - effect.sum() / (n - 1))[:, None]
    np.fill_diagonal(found, 0.0)
    return found


def _normalised(left: Rows, rows: Rows) -> np.ndarray:
    xy, xx, yy = left
    found = np.full(len(xy), np.nan)
    fine = (xx > _RESOLVED * rows.xx.sum()) & (yy > _RESOLVED * rows.yy.sum())
    found[fine] = np.clip(xy[fine] / np.sqrt(xx[fine] * yy[fine]), -1.0, 1.0)
    return found
