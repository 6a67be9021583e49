"""Whether the rows of two arrays belong together."""

from __future__ import annotations

import numpy as np

__all__ = ["match_p_value", "same_rows_reordered"]


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
