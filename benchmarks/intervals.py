"""Bootstrap intervals that simulations compare with the one in use, `similitude.benchmark.statistics.bootstrap`."""

from __future__ import annotations

import numpy as np
from scipy import stats

from similitude.benchmark.statistics import bootstrap

METHODS = ("expanded_percentile", "percentile", "bca")


def interval(
    method: str, replicates: np.ndarray, estimate: np.ndarray, jackknife: np.ndarray, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Interval from replicates (B, ...), the value in the sample (...), and those without each unit (units, ...)."""
    if method == "expanded_percentile":
        return bootstrap.interval(replicates, len(jackknife), level=level)
    ends = np.full((2, *np.shape(estimate)), stats.norm.ppf((1 - level) / 2))
    ends[1] *= -1
    if method == "bca":
        ends = _accelerated(ends, replicates, estimate, jackknife)
    columns = replicates.reshape(len(replicates), -1).T
    low, high = (
        [np.nanquantile(c, p) for c, p in zip(columns, stats.norm.cdf(end).ravel(), strict=True)] for end in ends
    )
    return np.reshape(low, np.shape(estimate)), np.reshape(high, np.shape(estimate))


def _accelerated(z: np.ndarray, replicates: np.ndarray, estimate: np.ndarray, jackknife: np.ndarray) -> np.ndarray:
    """Normal quantiles corrected for bias and acceleration (Efron 1987)."""
    below = np.mean(replicates < estimate, axis=0) + np.mean(replicates == estimate, axis=0) / 2
    bias = stats.norm.ppf(np.clip(below, 1e-6, 1 - 1e-6))
    influence = np.mean(jackknife, axis=0) - jackknife
    square = (influence**2).sum(axis=0)
    acceleration = np.divide((influence**3).sum(axis=0), 6 * square**1.5, out=np.zeros_like(square), where=square > 0)
    return bias + (bias + z) / (1 - acceleration * (bias + z))
