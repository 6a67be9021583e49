"""Does a dissimilarity keep groups of models apart? AUPRC, corrected for chance, with exact tests and intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from similitude.benchmark.grading import GradingData
from similitude.benchmark.statistics.assessed import Assessed
from similitude.benchmark.statistics.judge import Judged, judge
from similitude.benchmark.statistics.partitions import Relabellings
from similitude.benchmark.statistics.places import equivalence_classes
from similitude.benchmark.statistics.precision import PairOrder, group_scores
from similitude.errors import InputError

__all__ = [
    "SATURATED",
    "Separations",
    "assess_separation",
    "auprc_without_each",
    "check_groups",
    "jackknife_error",
    "precision_interval",
    "separations",
]

Array = NDArray[Any]

SATURATED = 0.99
"""Median AUPRC of the measures from which a row has nothing left to tell them apart."""

_EQUAL = 0.95
"""Share of pairs that are equally dissimilar from which a measure's distances have collapsed."""


class Separations(NamedTuple):
    """Separation of the same groups by K measures.

    Parameters
    ----------
    auprc
        Mean over groups of the average precision, shape (K,).
    violation
        Mean over groups of the share of pairs across that are at most as dissimilar as a pair within, shape (K,).
    chance
        Mean AUPRC over relabellings, shape (K,).
    p
        Share of relabellings that reach the models' own labels, shape (K,).
    leave_one_out
        AUPRC without each of the M models, shape (M, K); NaN without a model of a group of two.
    failed
        Number of pairs on which each measure failed, shape (K,).
    collapsed
        Whether nearly all pairs are equally dissimilar, shape (K,).
    exact
        Whether all relabellings were counted, or else a sample.
    """

    auprc: Array
    violation: Array
    chance: Array
    p: Array
    leave_one_out: Array
    failed: Array
    collapsed: NDArray[np.bool_]
    exact: bool

    def corrected(self, auprc: Array) -> Array:
        """(AUPRC − chance) / (1 − chance): 0 by chance, 1 if every pair within is closer than all pairs across."""
        return (auprc - self.chance) / (1 - self.chance)


def separations(
    dissimilarity: Array, labels: tuple[str, ...], *, samples: int = 9_999, seed: int = 0, units: bool = True
) -> Separations:
    """Separate groups by their labels.

    Parameters
    ----------
    dissimilarity
        Shape (K, G, M, M): K measures, G layers, over which values are averaged. A pair on which a measure failed (NaN
        or infinite) is the farthest, like all others that failed; NaN for a measure that failed on all.
    labels
        Group of each of the M models.
    samples
        Number of relabellings where there are too many to enumerate.
    seed
        Of these.
    units
        Whether to leave out models.

    Raises
    ------
    InputError
        Fewer than two groups, or a group of one model.

    References
    ----------
    Klabunde et al. 2025, arXiv:2408.00531 (AUPRC, violation rate).
    """
    check_groups(labels)
    n_models = len(labels)
    drawn = Relabellings.of(labels, samples, np.random.default_rng(seed))
    own = drawn.members[drawn.groups[0]].astype(np.float64)
    members = drawn.members.astype(np.float32)
    columns = []
    for of_measure in np.where(np.isfinite(dissimilarity), dissimilarity, np.nan):
        orders = [PairOrder.of(layer) for layer in of_measure]
        scores = [group_scores(pairs, own) for pairs in orders]
        relabelled = drawn.mean(np.mean([group_scores(pairs, members).precision for pairs in orders], axis=0))
        without = auprc_without_each(orders, own) if units else np.full(n_models, np.nan)
        reached = ~(relabelled < relabelled[0] - 1e-6)  # scores of relabellings are in single precision
        values = [
            np.mean([s.precision for s in scores]),
            np.mean([s.violation for s in scores]),
            relabelled.mean(),
            reached.mean(),
        ]
        is_failed = ~np.isfinite(of_measure).any()
        columns.append((*([np.nan] * 4 if is_failed else values), np.where(is_failed, np.nan, without)))
    auprc, violation, chance, p = np.array([column[:4] for column in columns], dtype=float).T
    first, second = np.triu_indices(n_models, k=1)
    values = (dissimilarity[..., first, second] + dissimilarity[..., second, first]) / 2
    return Separations(
        auprc,
        violation,
        chance,
        p,
        np.stack([column[4] for column in columns], axis=1),
        (~np.isfinite(values)).sum(axis=(1, 2)),
        np.array([_is_collapsed(of_measure) for of_measure in values]),
        drawn.exact,
    )


def auprc_without_each(orders: Sequence[PairOrder], members: Array) -> Array:
    """AUPRC without each of M models, shape (M,), from the pairs of each layer and the members (G, M) of each group."""
    kept = 1 - np.eye(members.shape[1])
    inside = (kept[:, None] * members).reshape(-1, len(kept))
    outside = (kept[:, None] * (1 - members)).reshape(-1, len(kept))
    of_groups = np.mean([group_scores(pairs, inside, outside).precision for pairs in orders], axis=0)
    return of_groups.reshape(len(kept), -1).mean(axis=1)


def check_groups(labels: tuple[str, ...]) -> None:
    """Refuse labels of which no separation can be computed."""
    names, counts = np.unique(labels, return_counts=True)
    if len(names) < 2:
        raise InputError("All models are in one group. Group separation needs two groups of two models or more.")
    if counts.min() < 2:
        alone = names[np.argmin(counts)]
        raise InputError(f"Group {str(alone)!r} has one model. Group separation needs two models or more per group.")


def _is_collapsed(values: Array) -> bool:
    """Whether nearly all of the pairs, shape (G, N), have one value but for rounding, in every layer."""

    def of_layer(distances: Array) -> bool:
        finite = np.sort(distances[np.isfinite(distances)])
        span = math.ceil(_EQUAL * len(finite))
        if len(finite) < 2:
            return False
        closest = np.min(finite[span - 1 :] - finite[: len(finite) - span + 1])
        return bool(closest <= 1e-6 * np.abs(finite).max())

    return all(map(of_layer, values))


def jackknife_error(leave_one_out: Array, labels: tuple[str, ...]) -> Array:
    """Standard error from values without each model, shape (M, ...): models are drawn anew within groups that stay."""
    return np.sqrt(((_scaled(leave_one_out, labels)) ** 2).sum(axis=0))


def _scaled(leave_one_out: Array, labels: tuple[str, ...]) -> Array:
    """What each model adds to the variance, as a root with sign: deviations within groups, scaled by group size."""
    found = np.empty_like(leave_one_out)
    groups = np.array(labels)
    for label in np.unique(groups):
        of_group = groups == label
        size = of_group.sum()
        values = leave_one_out[of_group]
        found[of_group] = np.sqrt((size - 1) / size) * (values - values.mean(axis=0))
    return found


def precision_interval(
    auprc: Array, leave_one_out: Array, labels: tuple[str, ...], *, level: float = 0.95
) -> tuple[Array, Array]:
    """Interval of an AUPRC: jackknife within groups, Student's t on the scale of the arcsine of the root.

    Chosen among jackknife and bootstrap intervals by simulated coverage, see the page on statistics.
    """
    angle = np.arcsin(np.sqrt(np.clip(leave_one_out, 0, 1)))
    centre = np.arcsin(np.sqrt(np.clip(auprc, 0, 1)))
    df = len(labels) - len(set(labels))
    half = stats.t.ppf((1 + level) / 2, df) * jackknife_error(angle, labels)
    low, high = (np.clip(end, 0, np.pi / 2) for end in (centre - half, centre + half))
    return np.sin(low) ** 2, np.sin(high) ** 2


def assess_separation(data: GradingData, *, samples: int = 9_999, level: float = 0.95) -> Assessed:
    """Compute all statistics of a subtask that asks for group separation.

    Parameters
    ----------
    data
        Labels as `groups`, and dissimilarities, see `similitude.benchmark.designs.grading_of_groups`.
    samples
        Number of relabellings where there are too many to enumerate.
    level
        Nominal coverage of intervals.

    Returns
    -------
    Assessed
        The table has one row per measure:

        - ``estimate``, ``ci_low``, ``ci_high``, ``p``: AUPRC, its interval over models, and the share of relabellings
          that reach it;
        - ``every``, ``every_low``, ``every_high``: the same corrected for chance, on which verdicts rest;
        - ``chance``: AUPRC by chance, the mean over relabellings; ``violation``: violation rate;
        - ``saturated``: whether the row has nothing left to tell measures apart (median AUPRC at least .99);
        - ``collapsed``: whether nearly all pairs are equally dissimilar by the measure;
        - the columns of verdicts and counts of `similitude.benchmark.statistics.assess.Assessment`, where `n_groups` is
          the number of conditions, which stay as they are when models are drawn anew.

        A measure that failed on a pair has the last place.
    """
    labels, names = data.groups, list(data.dissimilarity)
    dissimilarity = np.stack([np.where(np.isfinite(d), d, np.nan) for d in data.dissimilarity.values()])
    found = separations(dissimilarity[..., 0], labels, samples=samples)
    failed, n_models, n_groups = found.failed > 0, len(labels), len(set(labels))
    low, high = precision_interval(found.auprc, found.leave_one_out, labels, level=level)
    every = found.corrected(found.auprc)
    deviations = _scaled(found.corrected(found.leave_one_out), labels)
    usable = found.auprc[~failed & ~np.isnan(found.auprc)]
    judged = Judged(
        estimate=found.auprc,
        low=low,
        high=high,
        every=every,
        every_low=found.corrected(low),
        every_high=found.corrected(high),
        # Such that the usual jackknife over all models gives the error within groups.
        leave_one_out=every + np.sqrt(n_models / (n_models - 1)) * deviations,
        df=n_models - n_groups,
        saturated=bool(len(usable) and np.median(usable) >= SATURATED),
    )
    n_pairs = len(data.layers) * n_models * (n_models - 1) // 2
    columns = {
        "p": found.p,
        "every_p": found.p,
        "n_models": n_models,
        "n_groups": n_groups,
        "n_pairs": n_pairs - found.failed,
        "n_failed": found.failed,
        "chance": found.chance,
        "violation": found.violation,
        "collapsed": found.collapsed,
        "exact": found.exact,
    }
    classes = equivalence_classes(dissimilarity, data.same)
    return judge("separation", names, data.models, judged, classes, failed, columns, level=level)
