"""Does dissimilarity grow with the distance of layers? Mean rank correlation per model, with intervals over models."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from similitude.benchmark.grading import GradingData
from similitude.benchmark.statistics.assessed import Assessed
from similitude.benchmark.statistics.judge import Judged, judge
from similitude.benchmark.statistics.places import equivalence_classes
from similitude.benchmark.statistics.ranks import centred_ranks, rounded

__all__ = ["SATURATED", "Monotonicities", "assess_monotonicity", "monotonicities"]

Array = NDArray[Any]

SATURATED = 0.99
"""Median correlation of the measures from which a row has nothing left to tell them apart."""


class Monotonicities(NamedTuple):
    """Monotonicity of layers in each model, arrays of shape (...,).

    Parameters
    ----------
    forward, backward
        Mean over anchor layers of the Spearman correlation of dissimilarity with layer distance, over the layers
        after, and before, the anchor. An anchor needs two layers on that side; one from which all layers on that side
        are equally far counts 0.
    violation
        Share of triples (anchor, nearer layer, farther layer), in both directions, in which the nearer layer is at
        least as dissimilar.
    """

    forward: Array
    backward: Array
    violation: Array

    @property
    def mean(self) -> Array:
        """Mean of both directions."""
        return (self.forward + self.backward) / 2


def monotonicities(dissimilarity: Array) -> Monotonicities:
    """Monotonicity of matrices of layers, shape (..., L, L), the anchors first.

    A pair on which a measure failed (NaN) is farther than all others of its anchor.
    """
    values = rounded(dissimilarity)
    values = np.where(np.isnan(values), np.inf, values)
    n_layers = values.shape[-1]
    forward = [values[..., anchor, anchor + 1 :] for anchor in range(n_layers - 2)]
    backward = [values[..., anchor, anchor - 1 :: -1] for anchor in range(2, n_layers)]
    violated = [_violated(row) for row in (*forward, *backward)]
    total = sum(row.shape[-1] * (row.shape[-1] - 1) // 2 for row in (*forward, *backward))
    return Monotonicities(
        np.mean([_correlation(row) for row in forward], axis=0),
        np.mean([_correlation(row) for row in backward], axis=0),
        np.sum(violated, axis=0) / total,
    )


def _correlation(row: Array) -> Array:
    """Spearman correlation of rows, shape (..., N), with 1 to N; 0 for a constant row."""
    x, y = centred_ranks(row), centred_ranks(np.arange(row.shape[-1], dtype=float))
    norm = np.sqrt((x**2).sum(axis=-1) * (y**2).sum())
    return np.divide((x * y).sum(axis=-1), norm, out=np.zeros_like(norm), where=norm > 0)


def _violated(row: Array) -> Array:
    """Number of pairs of entries, the nearer first, of which the nearer is at least as large."""
    near, far = np.triu_indices(row.shape[-1], k=1)
    return (row[..., near] >= row[..., far]).sum(axis=-1)


def assess_monotonicity(data: GradingData, *, level: float = 0.95) -> Assessed:
    """Compute all statistics of a subtask that asks for monotonicity of layers.

    Parameters
    ----------
    data
        See `similitude.benchmark.designs.grading_of_layers`.
    level
        Nominal coverage of intervals.

    Returns
    -------
    Assessed
        The table has one row per measure: ``estimate`` and ``every``, the mean over models (and its interval by
        Student's t); ``forward`` and ``backward`` of which it is the mean; ``violation``, the share of violated
        triples; and the columns of verdicts and counts of `similitude.benchmark.statistics.assess.Assessment`. There is
        no p. A measure that failed on a pair of layers has the last place.
    """
    names, own = list(data.dissimilarity), np.arange(len(data.models))
    dissimilarity = np.stack([np.where(np.isfinite(d), d, np.nan) for d in data.dissimilarity.values()])
    of_models = np.moveaxis(dissimilarity[:, :, own, own, :], 1, 2)  # (measures, models, layers, layers)
    apart = ~np.eye(len(data.layers), dtype=bool)
    failures = (np.isnan(of_models) & apart).sum(axis=(1, 2, 3))
    found = monotonicities(of_models)
    per_model = np.where(failures[:, None] == apart.sum() * len(own), np.nan, found.mean)
    value, count = per_model.mean(axis=1), len(own)
    without, half = np.full_like(per_model, np.nan), np.full(len(names), np.nan)
    if count > 1:
        without = (per_model.sum(axis=1)[:, None] - per_model) / (count - 1)
        half = stats.t.ppf((1 + level) / 2, count - 1) * per_model.std(axis=1, ddof=1) / np.sqrt(count)
    low, high = np.maximum(value - half, -1), np.minimum(value + half, 1)
    usable = value[(failures == 0) & ~np.isnan(value)]
    judged = Judged(
        *(value, low, high) * 2,
        leave_one_out=without.T,
        df=max(1, count - 1),
        saturated=bool(len(usable) and np.median(usable) >= SATURATED),
    )
    columns = {
        "p": np.nan,
        "every_p": np.nan,
        "n_models": count,
        "n_groups": 0,
        "n_pairs": count * int(apart.sum()) - failures,
        "n_failed": failures,
        "forward": found.forward.mean(axis=1),
        "backward": found.backward.mean(axis=1),
        "violation": found.violation.mean(axis=1),
    }
    classes = equivalence_classes(dissimilarity, data.same)
    return judge("monotonicity", names, data.models, judged, classes, failures > 0, columns, level=level)
