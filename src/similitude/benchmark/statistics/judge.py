"""Verdicts and comparisons of measures from any statistic of theirs, given with its interval and without each unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from similitude.benchmark.statistics import comparisons
from similitude.benchmark.statistics.assessed import Assessed
from similitude.benchmark.statistics.places import ranks

__all__ = ["Judged", "judge"]

Array = NDArray[Any]


class Judged(NamedTuple):
    """A statistic of K measures; arrays of shape (K,) unless stated.

    Parameters
    ----------
    estimate, low, high
        As published, with its interval.
    every, every_low, every_high
        What verdicts rest on: larger is better, 0 is chance.
    leave_one_out
        `every` without each of U units, shape (U, K), such that the jackknife over all units gives its error.
    df
        Degrees of freedom of that error.
    saturated
        Whether nothing is left to tell measures apart.
    """

    estimate: Array
    low: Array
    high: Array
    every: Array
    every_low: Array
    every_high: Array
    leave_one_out: Array
    df: int
    saturated: bool


def judge(
    statistic: str,
    names: Sequence[str],
    units: Sequence[str],
    judged: Judged,
    classes: NDArray[np.integer],
    failed: NDArray[np.bool_],
    columns: Mapping[str, Any],
    *,
    level: float = 0.95,
) -> Assessed:
    """Return tables with the columns of `similitude.benchmark.statistics.assess.Assessment`, and some of its own.

    Parameters
    ----------
    statistic
        Its name.
    names, units
        Names of the K measures and the U units.
    judged
        The values.
    classes
        Index of the first measure equivalent to each, shape (K,).
    failed
        Whether each measure failed on any pair, shape (K,): it has the last place and never leads.
    columns
        More columns of the table.
    level
        Nominal coverage of intervals.
    """
    every, without = judged.every, judged.leave_one_out
    compared = comparisons.compare(every, without, level=level, df=judged.df)
    distinct = comparisons.distinct(compared, classes, ~failed, level)
    sharing = [[n for n, c in zip(names, classes, strict=True) if c == own] for own in classes]
    places = ranks(every[None], classes, failed)[0]
    table = pd.DataFrame(
        {
            "measure": list(names),
            "statistic": statistic,
            "estimate": judged.estimate,
            "ci_low": judged.low,
            "ci_high": judged.high,
            "rank": places,
            "rank_low": np.nan,
            "rank_high": np.nan,
            "every": every,
            "every_low": judged.every_low,
            "every_high": judged.every_high,
            "every_rank": places,
            "verdict": np.select([judged.every_low > 0, judged.every_high < 0], ["tracks", "inverted"], "undecided"),
            "tells": judged.every_low > 0,
            "leading": comparisons.leading(every, compared, classes, ~failed, level),
            "apart": bool(distinct.any()) and not judged.saturated,
            "saturated": judged.saturated,
            "equivalent": [", ".join(group) if len(group) > 1 else "" for group in sharing],
            **columns,
        }
    )
    first, second = np.triu_indices(len(names), k=1)
    named = np.array(names, dtype=object)
    differences = pd.DataFrame(
        {
            "first": named[first],
            "second": named[second],
            "difference": judged.estimate[first] - judged.estimate[second],
            "ci_low": np.nan,
            "ci_high": np.nan,
            "every_difference": compared.difference[first, second],
            "every_low": compared.low[first, second],
            "every_high": compared.high[first, second],
            "p": 2 * stats.t.sf(np.abs(compared.t[first, second]), compared.df),
            "distinct_alone": compared.distinct[first, second],
            "distinct": distinct[first, second],
            "statistic": statistic,
        }
    )
    kept = pd.DataFrame(np.where(failed, np.nan, without), columns=pd.Index(list(names)))
    kept = pd.concat([pd.DataFrame({"statistic": statistic, "unit": list(units)}), kept], axis=1)
    return Assessed(table, differences, kept)
