"""Where existing measures fail, and whether a new one does better."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from similitude.benchmark.evaluate import Evaluation
from similitude.benchmark.standings import family_standings
from similitude.errors import InputError

__all__ = ["CHALLENGE", "contest", "leaderboard_row"]

CHALLENGE = 0.3
"""A subtask on which no established measure reaches this Spearman correlation is a challenge."""

_ROUNDING = 1e-9
"""Measures that order pairs identically differ by rounding, and neither is better."""


def contest(evaluation: Evaluation, challengers: Sequence[str]) -> pd.DataFrame:
    """Each challenger against the best of the other measures, for every subtask and functionality.

    Parameters
    ----------
    evaluation
        Grades by the corrected protocol, which has paired differences; of functionalities, not of groups or layers.
    challengers
        Ids of the new measures; all others are the established ones.

    Returns
    -------
    pandas.DataFrame
        Columns measure, subtask, functionality, challenge (whether no established measure reaches `CHALLENGE`), rho,
        best, rho_best, difference (rho less rho_best), ci_low, ci_high (of the difference, over resamples of models).

    Raises
    ------
    InputError
        No challenger, no established measure, or grades without paired differences.
    """
    frame = evaluation.results.frame
    table = replace(evaluation.results, frame=frame[frame["statistic"] == "spearman"]).table()
    established = [str(measure) for measure in table.columns if measure not in challengers]
    if len(established) == len(table.columns) or not established:
        raise InputError("A challenge takes at least one new measure and one established measure.")
    if evaluation.differences.empty:
        raise InputError("A challenge needs paired differences, which the corrected protocol gives.")
    paired = evaluation.differences[evaluation.differences["statistic"] == "spearman"]
    rows = []
    for subtask, functionality in table.index.to_list():
        of_row = {str(measure): float(rho) for measure, rho in table.loc[(subtask, functionality)].items()}
        finite = [measure for measure in established if not math.isnan(of_row[measure])]
        best = max(finite, key=of_row.__getitem__) if finite else None
        compared = paired[(paired["subtask"] == subtask) & (paired["functionality"] == functionality)]
        for measure in challengers:
            row = {
                "measure": measure,
                "subtask": subtask,
                "functionality": functionality,
                "challenge": best is None or of_row[best] < CHALLENGE,
                "rho": of_row[measure],
                "best": best,
                "rho_best": of_row[best] if best is not None else float("nan"),
            }
            rows.append(row | _difference(compared, measure, best))
    return pd.DataFrame(rows)


def leaderboard_row(
    rows: pd.DataFrame, evaluation: Evaluation, measure: str, families: Mapping[str, str], seed: int
) -> str:
    """Row of a leaderboard in Markdown.

    Parameters
    ----------
    rows
        What `contest` returned.
    evaluation
        What it was computed from.
    measure
        Id of the new measure.
    families
        Subtask id to family, see `similitude.benchmark.families.family_of`.
    seed
        The draw of networks.

    Returns
    -------
    str
        Cells: measure; mean over families of questions with its 95 % interval; the places that all comparisons leave
        open to it; challenges it reaches; rows on which it is better, and worse, than the best other; worst value over
        rows that can tell measures apart; seed; version.
    """
    own = rows[rows["measure"] == measure]
    challenges = own[own["challenge"]]
    reached = int((challenges["rho"] >= CHALLENGE).sum())
    won, lost = int((own["ci_low"] > _ROUNDING).sum()), int((own["ci_high"] < -_ROUNDING).sum())
    worst = evaluation.results.summary().loc[measure, "worst"]
    version = evaluation.results.frame["version"].iloc[0]
    return (
        f"| `{measure}` | {_standing(evaluation, measure, families)} | {reached} of {len(challenges)} | "
        f"{won} of {len(own)} | {lost} of {len(own)} | {worst:.3f} | {seed} | {version} |"
    )


def _standing(evaluation: Evaluation, measure: str, families: Mapping[str, str]) -> str:
    """Mean with its interval, and places, as two cells."""
    graded = set(evaluation.results.frame["subtask"])
    if not any(family for subtask, family in families.items() if subtask in graded):
        return "— | —"
    table = family_standings(evaluation.results, families).table
    row = table[table["measure"] == measure].iloc[-1]
    if pd.isna(row["estimate"]):
        return f"failed on {row['failed']} rows | last of {table['measure'].nunique()}"
    return (
        f"{row['estimate']:.3f} [{row['low']:.3f}, {row['high']:.3f}] | "
        f"{row['rank_low']:.0f}–{row['rank_high']:.0f} of {table['measure'].nunique()}"
    )


def _difference(compared: pd.DataFrame, measure: str, best: str | None) -> dict[str, float]:
    """The paired difference of the two, in the challenger's favour if positive."""
    forward = compared[(compared["first"] == measure) & (compared["second"] == best)]
    backward = compared[(compared["first"] == best) & (compared["second"] == measure)]
    if len(forward):
        row = forward.iloc[0]
        return {"difference": row["difference"], "ci_low": row["ci_low"], "ci_high": row["ci_high"]}
    if len(backward):
        row = backward.iloc[0]
        return {"difference": -row["difference"], "ci_low": -row["ci_high"], "ci_high": -row["ci_low"]}
    return dict.fromkeys(("difference", "ci_low", "ci_high"), float("nan"))
