"""Correlations of a subtask under resampling of its models: bootstrap, jackknife, and the intervals they give."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from similitude.benchmark.statistics.ranks import Correlations, rounded, weighted_correlations
from similitude.errors import InputError

__all__ = [
    "IntervalMethod",
    "bootstrap_weights",
    "chosen_references",
    "every_reference",
    "interval",
    "jackknife_interval",
    "resampled",
]

Array = NDArray[Any]
IntervalMethod = Literal["expanded_percentile", "percentile", "bca"]


def bootstrap_weights(n_models: int, resamples: int, rng: np.random.Generator) -> NDArray[np.integer]:
    """How often each model occurs in each resample of models with replacement, shape (resamples, n_models)."""
    return rng.multinomial(n_models, np.full(n_models, 1 / n_models), size=resamples)


def chosen_references(merit: Array, weights: Array) -> NDArray[np.integer]:
    """Index of the best-scoring model among those present in each resample, shape (B,); the first of equals."""
    order = np.argsort(-merit, kind="stable")
    return order[np.argmax(weights[:, order] > 0, axis=1)]


def resampled(
    merit: Array, difference: Array, dissimilarity: Array, same: NDArray[np.bool_], weights: Array
) -> Correlations:
    """Correlation of dissimilarity with functional difference in each resample, the reference chosen anew in each.

    A model's variants stay together. Copies of the reference's own model are compared with nothing: its pair with
    itself is left out, and its other variants count once.

    Parameters
    ----------
    merit, difference, dissimilarity, same
        Grading arrays, shapes (G, M), (G, M, M, V), (K, G, M, M, V) and (G, V), as in `GradingData`; K measures.
    weights
        How often each model occurs in each resample, shape (B, M). A row of ones is the sample itself.

    Returns
    -------
    Correlations
        Averages over the G reference layers, each of shape (B, K).
    """
    n_groups, n_measures = len(same), len(dissimilarity)
    total = np.zeros((2, len(weights), n_measures))
    for g in range(n_groups):
        chosen = chosen_references(merit[g], weights)
        for reference in np.unique(chosen):
            rows = np.flatnonzero(chosen == reference)
            total[:, rows] += _against(reference, g, difference, dissimilarity, same, weights[rows])
    return Correlations(*(total / n_groups))


def every_reference(
    merit: Array, difference: Array, dissimilarity: Array, same: NDArray[np.bool_], weights: Array
) -> Correlations:
    """As `resampled`, averaged over every model as the reference instead of the best one only."""
    n_groups, n_models = merit.shape
    total = np.zeros((2, len(weights), len(dissimilarity)))
    count = weights.sum(axis=1, keepdims=True)
    for g in range(n_groups):
        for reference in range(n_models):
            rows = np.flatnonzero(weights[:, reference])
            share = weights[rows, reference, None] / count[rows]
            total[:, rows] += share * _against(reference, g, difference, dissimilarity, same, weights[rows])
    return Correlations(*(total / n_groups))


def _against(
    reference: int,
    group: int,
    difference: Array,
    dissimilarity: Array,
    same: NDArray[np.bool_],
    weights: Array,
) -> Array:
    x = rounded(dissimilarity[:, group, reference])
    x[:, reference, same[group]] = np.nan
    y = rounded(difference[group, reference])
    own = np.where(np.arange(weights.shape[1]) == reference, 1, weights)
    return np.stack(weighted_correlations(x, y, own))


def interval(
    replicates: Array,
    estimate: Array,
    n_models: int,
    *,
    level: float = 0.95,
    method: IntervalMethod = "expanded_percentile",
    jackknife: Array | None = None,
) -> tuple[Array, Array]:
    """Bootstrap interval from replicates.

    Parameters
    ----------
    replicates
        Bootstrap values, shape (B, ...); NaN (a resample in which nothing varies) is passed over.
    estimate
        The value in the sample, shape (...).
    n_models
        Number of units that were resampled independently: models, or groups of models.
    level
        Nominal coverage.
    method
        ``"percentile"``; ``"expanded_percentile"``, whose tails are widened for a small sample so that a mean would get
        Student's interval (Hesterberg 2015, doi:10.1080/00031305.2015.1089789); or ``"bca"`` (Efron 1987), which needs
        `jackknife`.
    jackknife
        Values with each model left out in turn, shape (n_models, ...).

    Returns
    -------
    low, high
        Each of the shape of `estimate`.
    """
    tail = (1 - level) / 2
    if method == "bca":
        if jackknife is None:
            raise InputError("A BCa interval needs the jackknife values.")
        low, high = _bca_quantiles(replicates, estimate, jackknife, tail)
    else:
        widening = np.sqrt(n_models / (n_models - 1)) * stats.t.ppf(tail, n_models - 1)
        low = np.full(np.shape(estimate), widening if method == "expanded_percentile" else stats.norm.ppf(tail))
        high = -low
    return _quantile(replicates, stats.norm.cdf(low)), _quantile(replicates, stats.norm.cdf(high))


def jackknife_interval(leave_one_out: Array, estimate: Array, *, level: float = 0.95) -> tuple[Array, Array]:
    """Interval for a correlation from delete-one values, shape (M, ...): Student's t on Fisher's z."""
    n_models = len(leave_one_out)
    limit = 1 - 1e-12
    z = np.arctanh(np.clip(leave_one_out, -limit, limit))
    centre = np.arctanh(np.clip(estimate, -limit, limit))
    spread = np.sqrt((n_models - 1) / n_models * ((z - z.mean(axis=0)) ** 2).sum(axis=0))
    half = stats.t.ppf((1 + level) / 2, n_models - 1) * spread
    return np.tanh(centre - half), np.tanh(centre + half)


def _bca_quantiles(replicates: Array, estimate: Array, jackknife: Array, tail: float) -> tuple[Array, Array]:
    below = np.mean(replicates < estimate, axis=0) + np.mean(replicates == estimate, axis=0) / 2
    bias = stats.norm.ppf(np.clip(below, 1e-6, 1 - 1e-6))
    influence = np.mean(jackknife, axis=0) - jackknife
    square = (influence**2).sum(axis=0)
    acceleration = np.divide((influence**3).sum(axis=0), 6 * square**1.5, out=np.zeros_like(square), where=square > 0)
    z = bias + stats.norm.ppf(tail), bias - stats.norm.ppf(tail)
    low, high = (bias + v / (1 - acceleration * v) for v in z)
    return low, high


def _quantile(replicates: Array, probability: Array) -> Array:
    columns = replicates.reshape(len(replicates), -1)
    with np.errstate(invalid="ignore"):
        values = [
            np.nanquantile(c, p) if np.isfinite(p) and not np.isnan(c).all() else np.nan
            for c, p in zip(columns.T, np.ravel(probability), strict=True)
        ]
    return np.reshape(values, np.shape(probability))
