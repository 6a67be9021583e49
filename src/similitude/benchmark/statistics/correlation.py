"""The grade of a measure: rank correlation of dissimilarity with difference in functionality."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from similitude.benchmark.grading import GradingData

__all__ = ["Grade", "Protocol", "Rows", "grade", "rank_correlation", "reference_rows"]

Protocol = Literal["corrected", "published"]
"""Corrected leaves the pair of the reference with itself out and ranks values rounded to 12 digits; published keeps
that pair, which is always concordant and inflates the correlation, and ranks values as they are."""

_DIGITS = 12


@dataclass(frozen=True)
class Grade:
    """Rank correlations and their one-sided p-values, averaged over reference layers and groups (Ding et al. 2021)."""

    rho: float
    rho_p: float
    tau: float
    tau_p: float
    pairs: int
    """Pairs correlated, summed over reference layers."""
    failed: int
    """Pairs left out because the measure failed on them."""


@dataclass(frozen=True)
class Rows:
    """What is correlated for one reference layer and block of models; arrays of one entry per pair."""

    group: str
    """Group that the models belong to; empty if all models are compared with each other."""
    layer: int
    reference: int
    models: np.ndarray
    variants: np.ndarray
    itself: np.ndarray
    difference: np.ndarray
    """Difference in functionality from the reference."""


def reference_rows(data: GradingData, protocol: Protocol = "corrected") -> Iterator[Rows]:
    """Pairs of the best reference with everything else, one set per block of models and reference layer."""
    for group, block in data.blocks.items():
        for g, merit in enumerate(data.merit[:, block]):
            reference = block[np.argmax(merit)]  # the first of equals
            chosen, variants = (index.ravel() for index in np.indices(data.score[g, block].shape))
            models = block[chosen]
            itself = (models == reference) & data.same[g][variants]
            difference = data.difference[g, reference][block].ravel()
            kept = np.ones_like(itself) if protocol == "published" else ~itself
            yield Rows(group, g, int(reference), models[kept], variants[kept], itself[kept], difference[kept])


def grade(data: GradingData, measure: str, protocol: Protocol = "corrected") -> Grade:
    """Grade one measure on one functionality.

    For each reference layer the reference is the model with the best score; its dissimilarities to all others are rank
    correlated with the differences in functionality. Models compared within groups have a reference per group.

    Parameters
    ----------
    data
        Scores and dissimilarities.
    measure
        Key of ``data.dissimilarity``.
    protocol
        See `Protocol`.

    References
    ----------
    Ding, Denain, Steinhardt 2021, arXiv:2108.01661.
    """
    grades = []
    failed = used = 0
    for rows in reference_rows(data, protocol):
        dissimilarity = data.dissimilarity[measure][rows.layer, rows.reference, rows.models, rows.variants]
        good = np.isfinite(dissimilarity)
        failed += int((~good).sum())
        used += int(good.sum())
        grades.append(rank_correlation(dissimilarity[good], rows.difference[good], protocol))
    rho, rho_p, tau, tau_p = np.mean(grades, axis=0)
    return Grade(float(rho), float(rho_p), float(tau), float(tau_p), used, failed)


def rank_correlation(
    dissimilarity: np.ndarray, difference: np.ndarray, protocol: Protocol = "corrected"
) -> tuple[float, float, float, float]:
    """Spearman rho and Kendall tau-b with their one-sided p-values: rho, p, tau, p; NaN where nothing varies."""
    if protocol == "corrected":
        dissimilarity, difference = np.round(dissimilarity, _DIGITS), np.round(difference, _DIGITS)
    if len(dissimilarity) < 3 or np.ptp(dissimilarity) == 0 or np.ptp(difference) == 0:
        return np.nan, np.nan, np.nan, np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rho = stats.spearmanr(dissimilarity, difference)
        tau = stats.kendalltau(dissimilarity, difference)
    return (
        float(rho.statistic),
        _one_sided(float(rho.statistic), float(rho.pvalue)),
        float(tau.statistic),
        _one_sided(float(tau.statistic), float(tau.pvalue)),
    )


def _one_sided(correlation: float, p: float) -> float:
    return p / 2 if correlation > 0 else 1 - p / 2
