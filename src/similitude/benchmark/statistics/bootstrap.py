"""Correlations of a subtask under resampling of its models: bootstrap, jackknife, and the intervals they give."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from similitude.benchmark.statistics.arrays import GradingArrays
from similitude.benchmark.statistics.ranks import Correlations, rounded, weighted_correlations

__all__ = [
    "bootstrap_weights",
    "chosen_references",
    "every_reference",
    "interval",
    "jackknife_interval",
    "resampled",
]

Array = NDArray[Any]


def bootstrap_weights(n_models: int, resamples: int, rng: np.random.Generator) -> NDArray[np.integer]:
    """How often each model occurs in each resample of models with replacement, shape (resamples, n_models)."""
    return rng.multinomial(n_models, np.full(n_models, 1 / n_models), size=resamples)


def chosen_references(merit: Array, weights: Array) -> NDArray[np.integer]:
    """Index of the best-scoring model among those present in each resample, shape (B,); the first of equals."""
    order = np.argsort(-merit, kind="stable")
    return order[np.argmax(weights[:, order] > 0, axis=1)]


def resampled(arrays: GradingArrays, weights: Array) -> Correlations:
    """Correlation of dissimilarity with functional difference in each resample, the reference chosen anew in each.

    A model's variants stay together. Copies of the reference's own model are compared with nothing: its pair with
    itself is left out, and its other variants count once.

    Parameters
    ----------
    arrays
        Of K measures and M models.
    weights
        How often each model occurs in each resample, shape (B, M). A row of ones is the sample itself.

    Returns
    -------
    Correlations
        Averages over the G reference layers, each of shape (B, K).
    """
    total = np.zeros((2, len(weights), arrays.measures))
    for layer, merit in enumerate(arrays.merit):
        chosen = chosen_references(merit, weights)
        for reference in np.unique(chosen):
            rows = np.flatnonzero(chosen == reference)
            total[:, rows] += _against(arrays, layer, reference, weights[rows])
    return Correlations(*(total / len(arrays.merit)))


def every_reference(arrays: GradingArrays, weights: Array) -> Correlations:
    """As `resampled`, averaged over every model as the reference instead of the best one only."""
    n_layers, n_models = arrays.merit.shape
    total = np.zeros((2, len(weights), arrays.measures))
    count = weights.sum(axis=1, keepdims=True)
    for layer in range(n_layers):
        for reference in range(n_models):
            rows = np.flatnonzero(weights[:, reference])
            share = weights[rows, reference, None] / count[rows]
            total[:, rows] += share * _against(arrays, layer, reference, weights[rows])
    return Correlations(*(total / n_layers))


def _against(arrays: GradingArrays, layer: int, reference: int, weights: Array) -> Array:
    own = np.where(np.arange(weights.shape[1]) == reference, 1, weights)
    y = rounded(arrays.difference[layer, reference])
    return np.stack(weighted_correlations(arrays.dissimilarity_from(layer, reference), y, own))


def interval(replicates: Array, n_units: int, *, level: float = 0.95) -> tuple[Array, Array]:
    """Expanded percentile interval from bootstrap replicates.

    Tails are widened for a small sample so that a mean would get Student's interval (Hesterberg 2015,
    doi:10.1080/00031305.2015.1089789).

    Parameters
    ----------
    replicates
        Bootstrap values, shape (B, ...); NaN (a resample in which nothing varies) is passed over.
    n_units
        Number of units that were resampled independently: models, or groups of models.
    level
        Nominal coverage.

    Returns
    -------
    low, high
        Each of shape (...).
    """
    expanded = np.sqrt(n_units / (n_units - 1)) * stats.t.ppf((1 - level) / 2, n_units - 1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        ends = np.nanquantile(replicates, stats.norm.cdf([expanded, -expanded]), axis=0)
    low, high = np.reshape(ends, (2, *replicates.shape[1:]))  # NumPy has one end only where there are no values
    return low, high


def jackknife_interval(leave_one_out: Array, estimate: Array, *, level: float = 0.95) -> tuple[Array, Array]:
    """Interval for a correlation from delete-one values, shape (M, ...): Student's t on Fisher's z."""
    n_models = len(leave_one_out)
    limit = 1 - 1e-12
    z = np.arctanh(np.clip(leave_one_out, -limit, limit))
    centre = np.arctanh(np.clip(estimate, -limit, limit))
    spread = np.sqrt((n_models - 1) / n_models * ((z - z.mean(axis=0)) ** 2).sum(axis=0))
    half = stats.t.ppf((1 + level) / 2, n_models - 1) * spread
    return np.tanh(centre - half), np.tanh(centre + half)
