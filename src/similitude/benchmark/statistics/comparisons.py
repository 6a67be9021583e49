"""Which measure is better? Paired comparisons of the average over every reference, and what they say of all measures.

Measures are graded on the same models, so their difference is estimated far better than either of them: its standard
error is that of the difference with each unit left out, and its distribution Student's t. Many comparisons are made at
once, and are adjusted for: by Bonferroni against the best, by Holm between all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = ["Comparison", "compare", "distinct", "holm", "leading"]

Array = NDArray[Any]

_ROUNDING = 1e-9
"""Measures that order pairs identically differ by rounding, and neither is better."""


class Comparison(NamedTuple):
    """All measures against all, arrays of shape (K, K): ``[i, j]`` is measure i less measure j.

    Parameters
    ----------
    difference, low, high
        Difference with its interval, for each pair of measures by itself.
    distinct
        Whether the interval excludes 0.
    t
        Difference in standard errors; 0 where measures differ by rounding only, NaN where it is undefined.
    df
        Degrees of freedom of `t`, one number or one for each pair.
    """

    difference: Array
    low: Array
    high: Array
    distinct: NDArray[np.bool_]
    t: Array
    df: int | Array


def compare(values: Array, leave_one_out: Array, *, level: float = 0.95, df: int | None = None) -> Comparison:
    """Compare measures by their paired differences.

    Parameters
    ----------
    values
        Averages over every reference, shape (K,).
    leave_one_out
        The same without each of the U units in turn, shape (U, K).
    level
        Nominal coverage of each interval.
    df
        Degrees of freedom of errors; by default U − 1.
    """
    n_units = len(leave_one_out)
    df = n_units - 1 if df is None else df
    difference = values[:, None] - values
    without = leave_one_out[:, :, None] - leave_one_out[:, None, :]
    error = np.sqrt((n_units - 1) / n_units * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
    critical = stats.t.ppf((1 + level) / 2, df)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(np.abs(difference) <= _ROUNDING, 0.0, difference / error)
    low, high = difference - critical * error, difference + critical * error
    return Comparison(difference, low, high, np.abs(t) > critical, t, df)


def leading(
    values: Array, comparison: Comparison, classes: NDArray[np.integer], usable: NDArray[np.bool_], level: float = 0.95
) -> NDArray[np.bool_]:
    """Whether each measure may be the best: a confidence set that holds the truly best measure (Gupta 1965).

    A measure is out if any other is better by a one-sided test; with K measures each test is made at (1 - level) /
    (K - 1), so that the best one is out in at most 1 - level of samples. Of two or three units, differences are known
    too badly for almost any measure to be out.

    Parameters
    ----------
    values
        Averages over every reference, shape (K,).
    comparison
        Of these.
    classes
        Index of the first measure equivalent to each, shape (K,); equivalent measures count as one.
    usable
        Whether each measure is in the running, shape (K,): it is defined, and failed on no pair.

    References
    ----------
    Gupta 1965, Technometrics 7; Hsu 1996, Multiple Comparisons, chapter 4.
    """
    running = usable & ~np.isnan(values)
    rivals = max(1, len(np.unique(classes[running])) - 1)
    better = stats.t.sf(-comparison.t, comparison.df)  # [i, j]: that j is better than i
    out = (better <= (1 - level) / rivals) & running & running[:, None]
    return running & ~out.any(axis=1)


def distinct(comparison: Comparison, classes: NDArray[np.integer], usable: NDArray[np.bool_], level: float) -> Array:
    """Whether measures differ beyond doubt, shape (K, K), allowing for all pairs of measures (Holm 1979).

    Some pair is distinct in at most 1 - level of samples if no measure is better than another. Parameters are those of
    `leading`.
    """
    firsts = np.unique(classes[usable])
    first, second = (firsts[side] for side in np.triu_indices(len(firsts), k=1))
    p = np.full(comparison.t.shape, np.nan)
    df = np.broadcast_to(comparison.df, comparison.t.shape)[first, second]
    p[first, second] = p[second, first] = holm(np.asarray(2 * stats.t.sf(np.abs(comparison.t[first, second]), df)))
    return p[np.ix_(classes, classes)] <= 1 - level


def holm(p: Sequence[float] | Array) -> Array:
    """Holm's step-down adjustment of p-values for being many; NaN stays NaN and is not counted.

    References
    ----------
    Holm 1979, Scandinavian Journal of Statistics 6.
    """
    values = np.asarray(p, dtype=float)
    tested = np.flatnonzero(~np.isnan(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    adjusted = np.full(values.shape, np.nan)
    scaled = values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0) if len(order) else scaled
    return adjusted
