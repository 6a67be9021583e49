"""The grade of a measure: rank correlation of dissimilarity with difference in functionality."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from similitude.benchmark.grading import GradingData
from similitude.benchmark.protocols import CORRECTED, Protocol

__all__ = ["Grade", "ReferencePairs", "correlate", "every_pair", "grade", "reference_pairs"]


@dataclass(frozen=True)
class Grade:
    """Rank correlations and their one-sided p-values, averaged over reference layers and groups (Ding et al. 2021)."""

    rho: float = float("nan")
    rho_p: float = float("nan")
    tau: float = float("nan")
    tau_p: float = float("nan")
    pairs: int = 0
    """Pairs correlated, summed over reference layers."""
    failed: int = 0
    """Pairs left out because the measure failed on them."""

    @classmethod
    def mean(cls, grades: Sequence[Grade]) -> Grade:
        """Average correlations over references and add up their pairs; undefined without any."""
        if not grades:
            return cls()
        rho, rho_p, tau, tau_p = np.mean([(g.rho, g.rho_p, g.tau, g.tau_p) for g in grades], axis=0).tolist()
        return cls(rho, rho_p, tau, tau_p, sum(g.pairs for g in grades), sum(g.failed for g in grades))

    def records(self) -> list[dict[str, Any]]:
        """One record per statistic, with the columns of the results that a grade without intervals has."""
        shared = {"ci_low": np.nan, "ci_high": np.nan, "n_pairs": self.pairs, "n_failed": self.failed}
        return [
            {"statistic": "spearman", "estimate": self.rho, "p": self.rho_p, **shared},
            {"statistic": "kendall", "estimate": self.tau, "p": self.tau_p, **shared},
        ]


@dataclass(frozen=True)
class ReferencePairs:
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


def reference_pairs(data: GradingData, protocol: Protocol = CORRECTED) -> Iterator[ReferencePairs]:
    """Pairs of the best reference with everything else, one set per block of models and reference layer."""
    for group, block in data.blocks.items():
        for g, merit in enumerate(data.merit[:, block]):
            reference = block[np.argmax(merit)]  # the first of equals
            chosen, variants = (index.ravel() for index in np.indices(data.score[g, block].shape))
            models = block[chosen]
            itself = (models == reference) & data.same[g][variants]
            difference = data.difference[g, reference][block].ravel()
            kept = protocol.itself | ~itself
            yield ReferencePairs(group, g, int(reference), models[kept], variants[kept], itself[kept], difference[kept])


def every_pair(data: GradingData) -> Iterator[ReferencePairs]:
    """Pairs of every model as the reference with everything else, one set per model and reference layer."""
    for group, block in data.blocks.items():
        for g in range(len(data.layers)):
            for reference in block:
                chosen, variants = (index.ravel() for index in np.indices(data.score[g, block].shape))
                models = block[chosen]
                kept = ~((models == reference) & data.same[g][variants])
                difference = data.difference[g, reference][block].ravel()[kept]
                itself = np.zeros(kept.sum(), dtype=bool)
                yield ReferencePairs(group, g, int(reference), models[kept], variants[kept], itself, difference)


def grade(data: GradingData, measure: str, protocol: Protocol = CORRECTED) -> Grade:
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
        Rules of the grade.

    References
    ----------
    Ding, Denain, Steinhardt 2021, arXiv:2108.01661.
    """
    dissimilarity = data.dissimilarity[measure]
    return Grade.mean(
        [
            correlate(dissimilarity[p.layer, p.reference, p.models, p.variants], p.difference, protocol)
            for p in reference_pairs(data, protocol)
        ]
    )


def correlate(dissimilarity: np.ndarray, difference: np.ndarray, protocol: Protocol = CORRECTED) -> Grade:
    """Correlate dissimilarities from one reference with differences in functionality from it.

    Parameters
    ----------
    dissimilarity, difference
        One entry per pair; a dissimilarity that is NaN or infinite is a failure.
    protocol
        Rules of the grade.

    Returns
    -------
    Grade
        Spearman's rho and Kendall's tau-b, NaN where either side does not vary or has fewer than three pairs.
    """
    good = np.isfinite(dissimilarity)
    used = int(good.sum())
    failed = len(good) - used
    x, y = dissimilarity[good], difference[good]
    if protocol.digits is not None:
        x, y = np.round(x, protocol.digits), np.round(y, protocol.digits)
    undefined = failed and not protocol.passes_over_failures
    if undefined or used < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Grade(pairs=used, failed=failed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rho, tau = stats.spearmanr(x, y), stats.kendalltau(x, y)
    return Grade(*_one_sided(rho), *_one_sided(tau), pairs=used, failed=failed)


def _one_sided(found: Any) -> tuple[float, float]:
    """A correlation, and the p-value of one that is not positive."""
    correlation, p = float(found.statistic), float(found.pvalue)
    return correlation, p / 2 if correlation > 0 else 1 - p / 2
