"""How measures stand in each family of questions, and which verdicts on them hold on independent networks."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from similitude.benchmark.families import EVERYTHING, FAMILIES
from similitude.benchmark.replication import Outcome
from similitude.benchmark.results import Results, answering
from similitude.benchmark.statistics.pooled import pool
from similitude.errors import InputError

__all__ = ["Confirmation", "Standings", "confirm", "family_standings", "no_verdicts", "replicated_standings"]

_ROW = ["subtask", "functionality"]


class Standings(NamedTuple):
    """Means of measures by family.

    Parameters
    ----------
    table
        One row per family and measure: family (``"all"`` for the mean over families) and the columns of
        `similitude.benchmark.statistics.pooled.Pooled`.
    differences
        One row per family and pair of measures.
    """

    table: pd.DataFrame
    differences: pd.DataFrame


def family_standings(results: Results, families: Mapping[str, str]) -> Standings:
    """Average measures over the rows of each family, subtasks weighing the same, and over all families.

    Parameters
    ----------
    results
        Grades by the corrected protocol.
    families
        Subtask id to family, see `similitude.benchmark.families.family_of`; subtasks of none do not count.

    Raises
    ------
    InputError
        No subtask belongs to a family, or values without each unit were not kept.
    """
    if results.leave_one_out is None:
        raise InputError("Standings need values without each model, which the corrected protocol keeps.")
    frame = answering(results.frame)
    frame = frame.assign(family=[families.get(str(subtask), "") for subtask in frame["subtask"]])
    frame = frame[frame["family"] != ""]
    without = answering(results.leave_one_out)
    tables, differences = [], []
    present = [family for family in FAMILIES if (frame["family"] == family).any()]
    if not present:
        raise InputError(f"None of the subtasks belongs to a family of questions: {', '.join(FAMILIES)}.")
    for family in [*present, *[EVERYTHING] * (len(present) > 1)]:
        of_family = frame if family == EVERYTHING else frame[frame["family"] == family]
        found = pool(of_family, without, ("family", *_ROW))
        tables.append(found.table.assign(family=family))
        differences.append(found.differences.assign(family=family))
    table, compared = pd.concat(tables, ignore_index=True), pd.concat(differences, ignore_index=True)
    return Standings(_family_first(table), _family_first(compared))


def _family_first(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[["family", *(column for column in frame if column != "family")]]


def replicated_standings(original: Standings, replication: Standings) -> pd.DataFrame:
    """Ask of every verdict on a family in the original whether it holds in the replication.

    Returns
    -------
    pandas.DataFrame
        One row per verdict: family, kind (``"tells"``: the mean of a measure is above 0, allowing for all measures;
        ``"beats"``: a measure is distinctly better than another, allowing for all pairs), measure, other ("" for
        "tells"), value, low and high, the same of the replication with the suffix ``_replication``, and outcome (see
        `similitude.benchmark.replication.Outcome`), which rests on the interval of the replication.
    """
    table = original.table
    tells = table[table["tells"].astype(bool)].rename(columns={"estimate": "value"})
    tells = tells.assign(kind="tells", other="")[_VERDICT]
    beats = _winners_first(original.differences)
    beats = beats[beats["distinct"].astype(bool)].assign(kind="beats")[_VERDICT]
    found = pd.concat([tells, beats], ignore_index=True)
    again = pd.concat(
        [
            replication.table.rename(columns={"estimate": "value"}).assign(kind="tells", other=""),
            _both_ways(replication.differences).assign(kind="beats"),
        ],
        ignore_index=True,
    )
    found = found.merge(again[_VERDICT], on=_VERDICT[:4], how="left", suffixes=("", "_replication"))
    low, high = found["low_replication"].to_numpy(dtype=float), found["high_replication"].to_numpy(dtype=float)
    outcomes: list[Outcome] = ["holds", "reversed", "not graded"]
    judged = np.select([low > 0, high < 0, np.isnan(low) | np.isnan(high)], outcomes, "undecided")
    return found.assign(outcome=judged)


def no_verdicts() -> pd.DataFrame:
    """Return what `replicated_standings` returns where nothing was replicated."""
    again = [f"{name}_replication" for name in ("value", "low", "high")]
    return pd.DataFrame(columns=[*_VERDICT, *again, "outcome"])


class Confirmation(NamedTuple):
    """Outcomes, on independent networks, of verdicts on families of questions.

    Parameters
    ----------
    verdicts
        See `replicated_standings`.
    families
        One row per family: family; the numbers of subtasks and measures that both graded, and of verdicts that could be
        asked about; how many of these hold, are undecided, and are reversed; agreement (Spearman's ρ of the means of
        all measures); best (the measure with the largest mean in the original), and best_again (its place by mean in
        the replication).
    """

    verdicts: pd.DataFrame
    families: pd.DataFrame


def confirm(original: Results, replication: Results, families: Mapping[str, str]) -> Confirmation:
    """Ask whether verdicts on families of questions hold on independent networks, for rows and measures graded on both.

    Parameters
    ----------
    original, replication
        Grades by the corrected protocol.
    families
        Subtask id to family; see `family_standings`.

    Raises
    ------
    InputError
        They have no row or no measure in common.
    """
    common = [set(zip(r.frame["subtask"], r.frame["functionality"], strict=True)) for r in (original, replication)]
    measures = [set(r.frame["measure"]) for r in (original, replication)]
    rows, graded = set.intersection(*common), set.intersection(*measures)
    if not rows or not graded:
        raise InputError("The two have no subtask, or no measure, in common.")
    first, second = (family_standings(_restricted(r, rows, graded), families) for r in (original, replication))
    verdicts = replicated_standings(first, second)
    subtasks = pd.Series({subtask: families.get(subtask, "") for subtask, _ in rows})
    found = []
    for family in first.table["family"].unique():
        means = [s.table[s.table["family"] == family].set_index("measure")["estimate"] for s in (first, second)]
        both = pd.concat(means, axis=1, keys=["first", "second"]).dropna()
        if both.empty:
            continue
        asked = verdicts[(verdicts["family"] == family) & (verdicts["outcome"] != "not graded")]["outcome"]
        best = both["first"].idxmax()
        found.append(
            {
                "family": family,
                "subtasks": int((subtasks == family).sum() if family != EVERYTHING else (subtasks != "").sum()),
                "measures": len(both),
                "verdicts": len(asked),
                **{outcome: int((asked == outcome).sum()) for outcome in ("holds", "undecided", "reversed")},
                "agreement": both.corr("spearman").iloc[0, 1],
                "best": best,
                "best_again": int(both["second"].rank(ascending=False, method="min")[best]),
            }
        )
    return Confirmation(verdicts, pd.DataFrame(found))


def _restricted(results: Results, rows: Container[tuple[str, str]], measures: Container[str]) -> Results:
    """Results of some rows and measures only."""
    frame = results.frame
    keys = zip(frame["subtask"], frame["functionality"], strict=True)
    kept = frame[[key in rows and m in measures for key, m in zip(keys, frame["measure"], strict=True)]]
    return replace(results, frame=kept.reset_index(drop=True))


_VERDICT = ["family", "kind", "measure", "other", "value", "low", "high"]


def _both_ways(differences: pd.DataFrame) -> pd.DataFrame:
    """Every difference as first minus second and as second minus first."""
    forward = differences.rename(columns={"first": "measure", "second": "other", "difference": "value"})
    backward = differences.rename(columns={"first": "other", "second": "measure"}).assign(
        value=-differences["difference"], low=-differences["high"], high=-differences["low"]
    )
    return pd.concat([forward, backward.drop(columns="difference")], ignore_index=True)


def _winners_first(differences: pd.DataFrame) -> pd.DataFrame:
    both = _both_ways(differences)
    return both[both["value"] > 0]
