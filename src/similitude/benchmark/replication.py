"""Whether verdicts on measures hold in an independent population: networks of other seeds, trained and graded alike."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from similitude.benchmark.evaluate import Evaluation
from similitude.benchmark.results import answering

__all__ = ["Outcome", "replicated_estimates", "replicated_verdicts"]

Outcome = Literal["holds", "undecided", "reversed", "not graded"]
"""What a replication says of a verdict: its interval leaves out 0 on the same side, includes 0, leaves out 0 on the
other side, or the measure or row was not graded there."""

_ROW = ["subtask", "functionality"]
_ESTIMATES = ["every", "every_low", "every_high", "estimate", "ci_low", "ci_high"]
_COMPARED = ["every_difference", "every_low", "every_high"]


def replicated_estimates(original: Evaluation, replication: Evaluation) -> pd.DataFrame:
    """Put the estimates of two draws of networks beside each other.

    Returns
    -------
    pandas.DataFrame
        One row per subtask, functionality and measure: ``every`` (what verdicts rest on, of functionalities Spearman's
        correlation averaged over every model as reference) and ``estimate`` (the best reference, or AUPRC) of the
        original, with their intervals; the same of the replication, with the suffix ``_replication``; NaN where one of
        them was not graded.
    """
    return _side_by_side(
        answering(original.results.frame), answering(replication.results.frame), [*_ROW, "measure"], _ESTIMATES
    )


def replicated_verdicts(original: Evaluation, replication: Evaluation) -> pd.DataFrame:
    """Ask of every verdict of the original whether it holds in the replication.

    There are two kinds of verdict, of functionalities on the average over every model as reference: "tracks", where a
    measure's interval lies above 0, and "beats", where a measure is distinct from another and larger.

    Returns
    -------
    pandas.DataFrame
        One row per verdict: subtask, functionality, kind, measure, other ("" for "tracks"), value, low and high (the
        correlation, or the difference of two, with its interval), the same of the replication with the suffix
        ``_replication``, and outcome (see `Outcome`).
    """
    frame = answering(original.results.frame)
    tracks = _side_by_side(
        frame[frame["tells"].astype(bool)], answering(replication.results.frame), [*_ROW, "measure"], _ESTIMATES[:3]
    )
    tracks = tracks.assign(kind="tracks", other="").rename(columns=_names("every"))
    distinct = _winners_first(original.differences)
    beats = _side_by_side(
        distinct[distinct["distinct"].astype(bool)],
        _both_ways(replication.differences),
        [*_ROW, "first", "second"],
        _COMPARED,
    )
    beats = beats.assign(kind="beats").rename(
        columns={**_names("every_difference"), "first": "measure", "second": "other"}
    )
    verdicts = pd.concat([tracks, beats], ignore_index=True)
    low, high = verdicts["low_replication"], verdicts["high_replication"]
    outcome = np.select([low > 0, high < 0, low.isna() | high.isna()], ["holds", "reversed", "not graded"], "undecided")
    columns = [*_ROW, "kind", "measure", "other", "value", "low", "high"]
    columns += ["value_replication", "low_replication", "high_replication"]
    return verdicts[columns].assign(outcome=outcome)


def _side_by_side(original: pd.DataFrame, replication: pd.DataFrame, key: list[str], values: list[str]) -> pd.DataFrame:
    other = replication[[*key, *values]]
    return original[[*key, *values]].merge(other, on=key, how="left", suffixes=("", "_replication"))


def _names(value: str) -> dict[str, str]:
    """New names of a value and its interval, in the original and in the replication."""
    names = {value: "value", "every_low": "low", "every_high": "high"}
    return names | {f"{old}_replication": f"{new}_replication" for old, new in names.items()}


def _both_ways(differences: pd.DataFrame) -> pd.DataFrame:
    """Every difference as first minus second and as second minus first."""
    swapped = differences.rename(columns={"first": "second", "second": "first"}).assign(
        every_difference=-differences["every_difference"],
        every_low=-differences["every_high"],
        every_high=-differences["every_low"],
    )
    both = pd.concat([differences, swapped], ignore_index=True)
    return answering(both)


def _winners_first(differences: pd.DataFrame) -> pd.DataFrame:
    both = _both_ways(differences)
    return both[both["every_difference"] > 0]
