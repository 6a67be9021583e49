"""The mean of a measure over rows of several populations: its error, and which measures it can be told from.

The mean over rows is linear in their values, so the influence of a unit (a model, a group) on it is the weighted sum
of its jackknife influences on the rows of its population. Units of different populations are independent; their
variances add, with Satterthwaite's degrees of freedom. Differences of measures are paired throughout. All comparisons
are adjusted for being many (Holm), and the places of measures follow from them, so that the intervals of all places
hold together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from similitude.benchmark.statistics import comparisons
from similitude.benchmark.statistics.mean_ranks import nested_weights

__all__ = ["Pooled", "pool"]

Array = NDArray[Any]

_ROW = ["subtask", "functionality"]
_ROUNDING = 1e-9


class Pooled(NamedTuple):
    """Means of measures over rows.

    Parameters
    ----------
    table
        One row per measure: ``estimate``, ``low``, ``high`` (its interval by itself), ``tells`` (the mean is above 0,
        allowing for all measures, Holm), ``rank`` (1 is best), ``rank_low`` and ``rank_high`` (which places it may
        have, for all measures together), ``better`` and ``worse`` (how many measures are distinctly better, and
        worse), ``distinct`` (their sum), ``leading`` (it may be the best), ``failed`` (number of rows on which it has
        no value), ``rows``, ``subtasks`` and ``units`` (how many count). A measure that failed has no estimate and the
        last place.
    differences
        One row per pair of measures: ``first``, ``second``, ``difference`` (first minus second), ``low``, ``high``,
        and ``distinct``, which allows for all pairs.
    """

    table: pd.DataFrame
    differences: pd.DataFrame


class _Influences(NamedTuple):
    """Influences of the units of one population on all means, shape (units, measures), and degrees of freedom."""

    values: Array
    df: int


def pool(
    frame: pd.DataFrame, leave_one_out: pd.DataFrame, levels: tuple[str, ...] = tuple(_ROW), *, level: float = 0.95
) -> Pooled:
    """Average every measure over rows.

    Parameters
    ----------
    frame
        Rows of `similitude.benchmark.results.Results`, one statistic per row of the table (see
        `similitude.benchmark.results.answering`), with the columns of the levels.
    leave_one_out
        As of `Results`. A row in which no measure is defined without each unit has no error and does not count.
    levels
        What weighs the same within what, the outermost first: by default subtasks, and in each its functionalities.
    level
        Nominal coverage.

    References
    ----------
    Satterthwaite 1946, Biometrics Bulletin 2; Mogstad et al. 2024, Review of Economic Studies 91 (intervals of ranks
    from comparisons of all pairs).
    """
    measures = list(frame["measure"].unique())
    without = {key: rows for key, rows in leave_one_out.groupby(_ROW) if _is_defined(rows, measures)}
    kept = frame[[key in without for key in zip(frame["subtask"], frame["functionality"], strict=True)]]
    keys = kept.drop_duplicates(_ROW)
    if keys.empty:
        return Pooled(_empty(measures), pd.DataFrame(columns=_DIFFERENCES))
    weights = nested_weights(keys, levels)
    values = kept.pivot(index=_ROW, columns="measure", values="every").loc[weights.index, measures].to_numpy(float)
    of_population, failed = _influences(keys, without, weights.to_numpy(), measures)
    failed |= np.isnan(values).any(axis=0)
    estimate = np.where(failed, np.nan, weights.to_numpy() @ np.nan_to_num(values))
    classes = _classes(values, of_population, failed)
    error, df = _summed([(found.values**2).sum(axis=0) for found in of_population], of_population)
    compared = _compare(estimate, of_population, level)
    distinct = comparisons.distinct(compared, classes, ~failed, level)
    half = stats.t.ppf((1 + level) / 2, df) * error
    with np.errstate(divide="ignore", invalid="ignore"):  # a mean without error is certain
        p = comparisons.holm(np.asarray(2 * stats.t.sf(np.abs(estimate) / error, df)))
    undefined = np.isnan(_complete(values, without, weights.index, measures))
    table = pd.DataFrame(
        {
            "measure": measures,
            "estimate": estimate,
            "low": np.maximum(estimate - half, -1),
            "high": np.minimum(estimate + half, 1),
            "tells": (p <= 1 - level) & (estimate > 0),
            **_places(estimate, distinct, classes, failed),
            "leading": comparisons.leading(estimate, compared, classes, ~failed, level),
            "failed": undefined.sum(axis=0),
            "rows": len(keys),
            "subtasks": keys["subtask"].nunique(),
            "units": sum(len(found.values) for found in of_population),
        }
    )
    first, second = np.triu_indices(len(measures), k=1)
    named = np.array(measures, dtype=object)
    differences = pd.DataFrame(
        {
            "first": named[first],
            "second": named[second],
            "difference": compared.difference[first, second],
            "low": compared.low[first, second],
            "high": compared.high[first, second],
            "distinct": distinct[first, second],
        }
    )
    return Pooled(table, differences)


_TABLE = (
    *("measure", "estimate", "low", "high", "tells", "rank", "rank_low", "rank_high", "better", "worse", "distinct"),
    *("leading", "failed", "rows", "subtasks", "units"),
)
_DIFFERENCES = ["first", "second", "difference", "low", "high", "distinct"]


def _empty(measures: list[str]) -> pd.DataFrame:
    """Table of rows of which none has an error."""
    found = pd.DataFrame({"measure": measures}).reindex(columns=list(_TABLE))
    counts = ["better", "worse", "distinct", "failed", "rows", "subtasks", "units"]
    found[counts] = 0
    found[["tells", "leading"]] = False
    return found


def _is_defined(rows: pd.DataFrame, measures: list[str]) -> bool:
    """Whether some measure has a value without each unit."""
    return len(rows) > 1 and bool(np.isfinite(rows[measures].to_numpy(dtype=float)).all(axis=0).any())


def _complete(values: Array, without: dict, rows: pd.Index, measures: list[str]) -> Array:
    """Values, NaN where a measure failed on a pair, shape (rows, measures)."""
    complete = np.array([np.isfinite(without[key][measures].to_numpy(dtype=float)).all(axis=0) for key in rows])
    return np.where(complete, values, np.nan)


def _influences(
    keys: pd.DataFrame, without: dict, weights: Array, measures: list[str]
) -> tuple[list[_Influences], NDArray[np.bool_]]:
    """Influences by population, and whether each measure lacks a value without some unit."""
    sums: dict[str, dict[str, Array]] = {}
    df: dict[str, int] = {}
    failed = np.zeros(len(measures), dtype=bool)
    for weight, row in zip(weights, keys.to_dict("records"), strict=True):
        of_row = without[row["subtask"], row["functionality"]]
        values = of_row[measures].to_numpy(dtype=float)
        failed |= ~np.isfinite(values).all(axis=0)
        count = len(values)
        influence = np.nan_to_num(weight * np.sqrt((count - 1) / count) * (values - values.mean(axis=0)))
        population = str(of_row["population"].iloc[0])
        total = sums.setdefault(population, {})
        for unit, moved in zip(of_row["unit"], influence, strict=True):
            total[str(unit)] = total.get(str(unit), 0.0) + moved
        # Groups stay as they are when models are drawn anew within them.
        fixed = int(row["n_groups"]) if row["statistic"] == "separation" else 1
        df[population] = min(df.get(population, count), max(1, count - fixed))
    return [_Influences(np.array(list(units.values())), df[name]) for name, units in sums.items()], failed


def _summed(variances: list[Array], of_population: list[_Influences]) -> tuple[Array, Array]:
    """Root of a sum of variances, and its degrees of freedom by Satterthwaite."""
    total = np.sum(variances, axis=0)
    parts = np.sum([variance**2 / found.df for variance, found in zip(variances, of_population, strict=True)], axis=0)
    least = min(found.df for found in of_population)
    return np.sqrt(total), np.where(parts > 0, total**2 / np.maximum(parts, 1e-300), least)


def _compare(estimate: Array, of_population: list[_Influences], level: float) -> comparisons.Comparison:
    """All means against all, paired."""
    variances = [((f.values[:, :, None] - f.values[:, None]) ** 2).sum(axis=0) for f in of_population]
    error, df = _summed(variances, of_population)
    difference = estimate[:, None] - estimate
    critical = stats.t.ppf((1 + level) / 2, df)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(np.abs(difference) <= _ROUNDING, 0.0, difference / error)
    low, high = difference - critical * error, difference + critical * error
    return comparisons.Comparison(difference, low, high, np.abs(t) > critical, t, df)


def _classes(values: Array, of_population: list[_Influences], failed: NDArray[np.bool_]) -> NDArray[np.integer]:
    """Index of the first measure whose values and influences are the same, shape (measures,)."""
    facts = np.concatenate([values, *(found.values for found in of_population)]).T
    classes = np.arange(len(facts))
    for k in range(len(facts)):
        same = [i for i in np.flatnonzero(classes[:k] == np.arange(k)) if not failed[i]]
        equal = [i for i in same if np.nanmax(np.abs(facts[i] - facts[k])) <= _ROUNDING]
        if equal and not failed[k]:
            classes[k] = equal[0]
    return classes


def _places(estimate: Array, distinct: Array, classes: NDArray[np.integer], failed: NDArray[np.bool_]) -> dict:
    """Places, and which of them each measure may have; equivalent measures share one, failures have the last."""
    firsts = np.array([c for c in np.unique(classes) if not failed[c]], dtype=int)
    usable = estimate[firsts]
    larger = usable[None] > estimate[:, None] + _ROUNDING  # [k, j]: that class j has a larger mean than k
    apart = distinct[:, firsts].astype(bool)
    better, worse = (apart & larger).sum(axis=1), (apart & ~larger).sum(axis=1)
    last = len(firsts) + 1
    return {
        "rank": np.where(failed, last, 1 + larger.sum(axis=1)),
        "rank_low": np.where(failed, last, 1 + better),
        "rank_high": np.where(failed, last, len(firsts) - worse),
        "better": better,
        "worse": worse,
        "distinct": better + worse,
    }
