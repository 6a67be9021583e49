"""Mean rank of measures over rows of a table, and how far it would vary with other networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from similitude.benchmark.statistics.places import ranks

__all__ = ["mean_ranks", "nested_weights"]

Array = NDArray[Any]

_DRAWS = 2_000
_ROW = ["subtask", "functionality"]


def mean_ranks(
    frame: pd.DataFrame,
    leave_one_out: pd.DataFrame | None,
    weights: pd.Series | None = None,
    *,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Mean rank of each measure by the average over every reference, with an interval.

    The rows are given; the networks are what might have been others. Rows on one population share its networks, so
    their values vary together: in each draw, every unit of a population (a model, a group) has one random weight, which
    multiplies its jackknife influence on the values of all measures in all rows of the population. The standard
    deviation of the mean rank over draws is its standard error. Draws have twice the variance of the values: the gaps
    between measures are noisy themselves, and those that came out wide would make ranks look firmer than they are.

    What the interval covers is the mean rank on average over populations of this size, not that of infinitely many
    networks: where measures are nearly tied, the latter depends on differences that cannot be seen.

    Parameters
    ----------
    frame
        Rows of `similitude.benchmark.results.Results` of one statistic.
    leave_one_out
        As of `Results`, of the same statistics; None if it was not kept, which leaves intervals undefined.
    weights
        Weight of each row, indexed by subtask and functionality; by default all rows weigh the same.
    level
        Nominal coverage.
    seed
        Of the draws.

    Returns
    -------
    pandas.DataFrame
        Columns mean_rank, mean_rank_low, mean_rank_high, indexed by measure.
    """
    measures = list(frame["measure"].unique())
    rows = pd.MultiIndex.from_frame(frame[_ROW].drop_duplicates())
    weights = pd.Series(1.0, rows) if weights is None else weights.loc[rows]
    weights = weights / weights.sum()
    of_rows = pd.MultiIndex.from_frame(frame[_ROW])
    weighted = frame["every_rank"] * weights.reindex(of_rows).to_numpy()
    ranked = weighted.groupby(frame["measure"]).sum().reindex(measures).to_numpy()
    half = np.full(len(measures), np.nan)
    if leave_one_out is not None and len(frame):
        drawn = _drawn_ranks(frame, leave_one_out, weights.to_dict(), measures, np.random.default_rng(seed))
        half = stats.norm.ppf((1 + level) / 2) * drawn.std(axis=0)
    low, high = np.maximum(ranked - half, 1), np.minimum(ranked + half, len(measures))
    return pd.DataFrame(
        {"mean_rank": ranked, "mean_rank_low": low, "mean_rank_high": high}, index=pd.Index(measures, name="measure")
    )


def nested_weights(keys: pd.DataFrame, levels: Sequence[str]) -> pd.Series:
    """Return weights of rows by which the parts of every level weigh the same within each part of the level above.

    Parameters
    ----------
    keys
        One row per row of a table, with the columns subtask, functionality and those of the levels.
    levels
        Columns, the outermost first.

    Returns
    -------
    pandas.Series
        Indexed by subtask and functionality; sums to 1.
    """
    weights = pd.Series(1.0, keys.index)
    for depth, name in enumerate(levels):
        outer = keys[list(levels[:depth])].apply(tuple, axis=1) if depth else pd.Series("", keys.index)
        weights /= keys.groupby(outer)[name].transform("nunique")
    return pd.Series(weights.to_numpy(), pd.MultiIndex.from_frame(keys[_ROW]))


def _drawn_ranks(
    frame: pd.DataFrame,
    leave_one_out: pd.DataFrame,
    weights: Mapping[Any, float],
    measures: list[str],
    rng: np.random.Generator,
) -> Array:
    """Mean ranks in draws, shape (draws, measures)."""
    without = dict(list(leave_one_out.groupby(_ROW, sort=False)))
    of_unit: dict[tuple, Array] = {}
    total = np.zeros((_DRAWS, len(measures)))
    for key, row in frame.groupby(_ROW, sort=False):
        row = row.set_index("measure").reindex(measures)
        of_row = without[key]
        units = (of_row["population"].iloc[0], *of_row["unit"])
        if units not in of_unit:
            df = len(of_row) - 1
            of_unit[units] = rng.normal(size=(_DRAWS, df + 1)) * np.sqrt(df / rng.chisquare(df, size=(_DRAWS, 1)))
        values = of_row[measures].to_numpy(dtype=float)
        influence = np.sqrt(2 * (len(values) - 1) / len(values)) * (values - values.mean(axis=0))
        classes = np.unique(np.where(row["equivalent"] == "", measures, row["equivalent"]), return_inverse=True)[1]
        firsts = np.array([np.flatnonzero(classes == c)[0] for c in classes])
        drawn = row["every"].to_numpy(dtype=float) + of_unit[units] @ influence
        total += weights[key] * ranks(drawn, firsts, np.asarray(np.isnan(values).any(axis=0)))
    return total
