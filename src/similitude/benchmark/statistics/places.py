"""Places of measures among each other; measures that order all pairs identically share one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["equivalence_classes", "ranks"]

Array = NDArray[Any]


def equivalence_classes(dissimilarity: Array, same: NDArray[np.bool_], tolerance: float = 1e-9) -> NDArray[np.integer]:
    """Number the measures so that those that order every reference's pairs identically share a number.

    Parameters
    ----------
    dissimilarity
        Shape (K, G, M, M, V).
    same
        Shape (G, V): the variant that is the reference itself, whose own pair does not count.
    tolerance
        Share of a reference's spread by which an order may be broken and still be rounding.

    Returns
    -------
    Array
        Shape (K,): for each measure the index of the first measure equivalent to it.
    """
    n_measures, n_layers, n_models, _, n_variants = dissimilarity.shape
    values = dissimilarity.copy()
    own = np.arange(n_models)
    for g in range(n_layers):
        for v in np.flatnonzero(same[g]):
            values[:, g, own, own, v] = np.nan
    values = values.reshape(n_measures, n_layers * n_models, n_models * n_variants)
    classes = np.arange(n_measures)
    for k in range(n_measures):
        for first in np.unique(classes[:k]):
            if _same_order(values[first], values[k], tolerance):
                classes[k] = first
                break
    return classes


def _same_order(a: Array, b: Array, tolerance: float) -> bool:
    if not np.array_equal(np.isnan(a), np.isnan(b)):
        return False
    return _rises_with(a, b, tolerance) and _rises_with(b, a, tolerance)


def _rises_with(a: Array, b: Array, tolerance: float) -> bool:
    """Whether b never falls where a rises, nor varies where a is tied, row by row."""
    for x, y in zip(a, b, strict=True):
        x, y = x[~np.isnan(x)], y[~np.isnan(y)]
        y = y[np.lexsort((-y, x))]
        if len(y) and np.any(np.maximum.accumulate(y) - y > tolerance * np.ptp(y)):
            return False
    return True


def ranks(values: Array, equivalent: NDArray[np.integer], failed: NDArray[np.bool_]) -> Array:
    """Place of each measure in each row of (B, K) values; equivalent measures are one, failures come last."""
    usable = np.where(failed, np.nan, values)
    firsts, place = np.unique(np.where(failed, -1, equivalent), return_inverse=True)
    leaders = firsts[firsts >= 0]
    best = np.nan_to_num(usable[:, leaders], nan=-np.inf)
    # Ties within 1e-9 are rounding; NaN, an undefined correlation, shares the last place.
    placed = 1 + (best[:, None, :] > best[:, :, None] + 1e-9).sum(axis=-1)
    placed = np.where(np.isinf(best), len(leaders) if not failed.any() else len(leaders) + 1, placed)
    if failed.any():
        last = np.full((len(values), 1), len(leaders) + 1)
        placed = np.concatenate([last, placed], axis=1)
    return placed[:, place].astype(float)
