"""Rank correlations as sums of signs, so that a whole bootstrap is a few matrix products.

For values x the centred mid-rank of item i in a sample in which item j occurs w_j times is ½ Σⱼ wⱼ sign(xᵢ − xⱼ), and
Kendall's numerator is Σᵢⱼ wᵢ wⱼ sign(xᵢ − xⱼ) sign(yᵢ − yⱼ). The signs are computed once; resamples only change w. All
sums are of integers small enough to be exact in single precision.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

__all__ = ["DIGITS", "Correlations", "bad_fraction", "centred_ranks", "rounded", "signs", "weighted_correlations"]

Array = NDArray[Any]

DIGITS = 12
"""Number of decimals that values are rounded to before they are ranked."""


class Correlations(NamedTuple):
    """Spearman's ρ and Kendall's τ-b, arrays of one shape."""

    spearman: Array
    kendall: Array


def rounded(values: Array) -> Array:
    """Values rounded to `DIGITS` decimals, so that rounding noise cannot break a tie."""
    return np.round(np.asarray(values, dtype=np.float64), DIGITS)


def signs(values: Array) -> NDArray[np.float32]:
    """sign(xᵢ − xⱼ) along the last axis, (..., N) → (..., N, N); zero where either is NaN."""
    greater = values[..., :, None] > values[..., None, :]
    return greater.astype(np.float32) - np.swapaxes(greater, -1, -2)


def centred_ranks(values: Array) -> Array:
    """Mid-ranks along the last axis minus their mean; zero for NaN, which takes no rank."""
    missing = np.isnan(values)
    ranks = rankdata(np.where(missing, np.inf, values), axis=-1)
    middle = ((~missing).sum(axis=-1, keepdims=True) + 1) / 2
    return np.where(missing, 0.0, ranks - middle)


def weighted_correlations(x: Array, y: Array, weights: Array) -> Correlations:
    """Correlate x with y in many resamples at once.

    Parameters
    ----------
    x
        K variables on M units of V rows each, shape (K, M, V). A NaN is a row left out for that variable.
    y
        The other variable, shape (M, V), without NaN.
    weights
        How often each unit occurs in each resample, shape (B, M).

    Returns
    -------
    Correlations
        Each of shape (B, K); NaN where either side does not vary. Equal to `scipy.stats.spearmanr` and `kendalltau` on
        the resample written out row by row.
    """
    n_measures, n_units, n_variants = x.shape
    n_rows = n_units * n_variants
    weights = np.asarray(weights, dtype=np.float32)
    row_weights = np.repeat(weights, n_variants, axis=1)
    y_signs = signs(np.ravel(y))
    masks: dict[bytes, tuple[Array, Array, Array]] = {}
    spearman = np.empty((len(weights), n_measures))
    kendall = np.empty_like(spearman)

    def rank_sums(s: Array) -> Array:
        return weights @ s.reshape(n_rows, n_units, n_variants).sum(axis=-1).T

    def pair_sums(product: Array) -> Array:
        blocks = product.reshape(n_units, n_variants, n_units, n_variants).sum(axis=(1, 3))
        return _row_sums(weights @ blocks, weights)

    for k, values in enumerate(x.reshape(n_measures, n_rows)):
        kept = ~np.isnan(values)
        x_signs = signs(values)
        if (mask := kept.tobytes()) not in masks:
            s = y_signs * np.outer(kept, kept)
            ranks = rank_sums(s)
            weighted = ranks * row_weights
            masks[mask] = weighted, _row_sums(weighted, ranks), pair_sums(s * s)
        weighted_y, rank_square, pair_square = masks[mask]
        ranks = rank_sums(x_signs)
        spearman[:, k] = _ratio(_row_sums(ranks, weighted_y), _row_sums(ranks * row_weights, ranks) * rank_square)
        kendall[:, k] = _ratio(pair_sums(x_signs * y_signs), pair_sums(x_signs * x_signs) * pair_square)
    return Correlations(spearman, kendall)


def bad_fraction(x: Array, y: Array) -> Array:
    """Share of rows that look close (percentile of x below .2) but are not (percentile of y above .8).

    Parameters
    ----------
    x
        Dissimilarities, shape (..., N); NaN rows are left out.
    y
        Functional differences, shape (N,).
    """
    kept = ~np.isnan(x)
    count = kept.sum(axis=-1, keepdims=True)
    y = np.where(kept, y, np.nan)
    near, far = (centred_ranks(v) + (count + 1) / 2 for v in (x, y))
    bad = kept & (near < 0.2 * count) & (far > 0.8 * count)
    return bad.sum(axis=-1) / np.maximum(count[..., 0], 1)


def _row_sums(a: Array, b: Array) -> Array:
    return np.einsum("bi,bi->b", a, b, dtype=np.float64)


def _ratio(numerator: Array, square: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(square > 0, numerator / np.sqrt(square), np.nan)
