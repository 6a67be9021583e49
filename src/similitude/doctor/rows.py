"""Whether the rows of two arrays belong together, and how much a single row decides."""

from __future__ import annotations

import numpy as np

__all__ = ["leave_one_out_cka", "match_p_value", "same_rows_reordered"]


def leave_one_out_cka(x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Linear CKA, and its value without each row in turn, in closed form.

    Leaving out row i of centred data and centring again takes a = n / (n - 1) times the outer product of the two rows
    from the cross-product X'Y, so that the squared norm changes by -2 a x_i' X'Y y_i + a^2 |x_i|^2 |y_i|^2.

    Parameters
    ----------
    x, y
        Centred arrays of shape (n, d_x) and (n, d_y).
    """
    n = len(x)
    if n < max(x.shape[1], y.shape[1]):
        x, y = _coordinates(x), _coordinates(y)
    x, y = x / np.linalg.norm(x), y / np.linalg.norm(y)
    a = n / (n - 1)
    row_x, row_y = (x**2).sum(axis=1), (y**2).sum(axis=1)

    def norms(u: np.ndarray, v: np.ndarray, row_u: np.ndarray, row_v: np.ndarray) -> tuple[float, np.ndarray]:
        cross = u.T @ v
        whole = float((cross**2).sum())
        return whole, whole - 2 * a * ((u @ cross) * v).sum(axis=1) + a**2 * row_u * row_v

    (xy, xy_without), (xx, xx_without), (yy, yy_without) = (
        norms(x, y, row_x, row_y),
        norms(x, x, row_x, row_x),
        norms(y, y, row_y, row_y),
    )
    scale = np.sqrt(np.maximum(xx_without * yy_without, 0))
    whole = xy / np.sqrt(xx * yy)
    # Without the only row that differs nothing is left to compare.
    without = np.divide(xy_without, scale, out=np.zeros(n), where=scale > 1e-12 * np.sqrt(xx * yy))
    return float(whole), without


def match_p_value(x: np.ndarray, y: np.ndarray, *, permutations: int = 199, most: int = 600, seed: int = 0) -> float:
    """How often rows paired at random give at least the linear CKA of the rows as they are.

    Parameters
    ----------
    x, y
        Centred arrays of shape (n, d_x) and (n, d_y).
    permutations
        Number of random pairings.
    most
        Rows used at most, evenly spread.
    seed
        Of the pairings.
    """
    rows = np.unique(np.linspace(0, len(x) - 1, min(len(x), most)).astype(int))
    k, m = (_gram(values[rows]) for values in (x, y))
    rng = np.random.default_rng(seed)
    observed = float((k * m).sum())
    pairings = [rng.permutation(len(rows)) for _ in range(permutations)]
    as_good = sum(float((k * m[np.ix_(p, p)]).sum()) >= observed * (1 - 1e-9) for p in pairings)
    return (1 + as_good) / (1 + permutations)


def same_rows_reordered(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether `y` is `x` with its rows in another order."""
    scale = np.abs(x).max()
    if x.shape != y.shape or np.allclose(x, y, atol=1e-8 * scale):
        return False
    order_x, order_y = (np.lexsort(np.round(v / scale, 6).T[::-1]) for v in (x, y))
    return bool(np.allclose(x[order_x], y[order_y], atol=1e-6 * scale))


def _gram(values: np.ndarray) -> np.ndarray:
    values = values - values.mean(axis=0)
    return values @ values.T


def _coordinates(values: np.ndarray) -> np.ndarray:
    """Coordinates with the same Gram matrix and no more columns than rows."""
    if values.shape[1] <= values.shape[0]:
        return values
    eigenvalues, vectors = np.linalg.eigh(values @ values.T)
    return vectors * np.sqrt(np.maximum(eigenvalues, 0))
