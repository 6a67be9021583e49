"""Average precision of groups of models: are pairs within a group the closest of all that its models are in?"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from similitude.benchmark.statistics.ranks import rounded

__all__ = ["GroupScores", "PairOrder", "group_scores"]

Array = NDArray[Any]

_CHUNK = 2**18
"""Numbers per array at a time, so that arrays stay in the cache."""


class PairOrder(NamedTuple):
    """All pairs of M models, the closest first.

    Parameters
    ----------
    first, second
        Models of each pair, shape (N,).
    last
        Position of the last pair that is as close as each, shape (N,): equally close pairs enter together, so that no
        value depends on the order in which pairs are stored.
    """

    first: NDArray[np.integer]
    second: NDArray[np.integer]
    last: NDArray[np.integer]

    @classmethod
    def of(cls, dissimilarity: Array) -> PairOrder:
        """Order of the pairs of a matrix, shape (M, M).

        An asymmetric measure gives a pair the mean of both directions. Pairs on which it failed in either direction are
        the farthest, all equally far. Values are rounded to 12 digits, so that rounding cannot break a tie.
        """
        first, second = np.triu_indices(len(dissimilarity), k=1)
        values = rounded((dissimilarity[first, second] + dissimilarity[second, first]) / 2)
        values = np.where(np.isnan(values), np.inf, values)
        order = np.argsort(values, kind="stable")
        values = values[order]
        return cls(first[order], second[order], np.searchsorted(values, values, side="right") - 1)


class GroupScores(NamedTuple):
    """Scores of B groups of models, arrays of shape (B,); NaN for a group without a pair within or across.

    Parameters
    ----------
    precision
        Average precision, 0 to 1: positives are the pairs within the group, negatives those of its models with others.
    violation
        Share of (pair within, pair across) in which the pair across is at most as dissimilar.
    """

    precision: Array
    violation: Array


def group_scores(pairs: PairOrder, inside: Array, outside: Array | None = None) -> GroupScores:
    """Score many groups at once.

    Parameters
    ----------
    pairs
        Order of the pairs of M models.
    inside
        How often each model is in each group, shape (B, M). Copies of a model make no pair. In single precision, so
        are the scores.
    outside
        How often each model is among the others, shape (B, M); by default once if it is not in the group.

    Returns
    -------
    GroupScores
        The precision is that of `sklearn.metrics.average_precision_score`, ties included.
    """
    inside = np.asarray(inside)
    inside = inside if np.issubdtype(inside.dtype, np.floating) else inside.astype(np.float64)
    outside = 1 - inside if outside is None else np.asarray(outside, dtype=inside.dtype)
    step = max(1, _CHUNK // len(pairs.first))
    parts = [
        _scores(pairs, inside[start : start + step].T.copy(), outside[start : start + step].T.copy())
        for start in range(0, len(inside), step)
    ]
    return GroupScores(*np.concatenate(parts, axis=1)) if parts else GroupScores(np.empty(0), np.empty(0))


def _scores(pairs: PairOrder, inside: Array, outside: Array) -> Array:
    first, second, last = pairs
    a, b = inside[first], inside[second]
    positive = a * b
    negative = a * outside[second] + outside[first] * b
    found, passed = np.cumsum(positive, axis=0), np.cumsum(negative, axis=0)
    positives, negatives = found[-1], passed[-1]
    if np.any(last != np.arange(len(last))):
        found, passed = found[last], passed[last]
    with np.errstate(invalid="ignore"):
        precision = np.divide(found, found + passed, out=np.zeros_like(found), where=found > 0)
        averages = (positive * precision).sum(axis=0) / positives
        violation = (positive * passed).sum(axis=0) / (positives * negatives)
    return np.stack([np.where(negatives > 0, averages, np.nan), violation])
