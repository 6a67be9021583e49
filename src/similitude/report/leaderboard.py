"""A leaderboard as files: tables for machines, a text, figures, and one page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from similitude.benchmark.combination import Combination
from similitude.benchmark.families import FAMILIES
from similitude.benchmark.results import Results, read_results
from similitude.benchmark.standings import Confirmation
from similitude.errors import InputError
from similitude.report.decisions import combination_text, decide, decision_text, milliseconds, title_of
from similitude.report.figures_leaderboard import draw_leaderboard
from similitude.report.leaderboard_page import leaderboard_page
from similitude.report.numbers import interval, number
from similitude.report.tables import markdown
from similitude.report.written import replace_written
from similitude.representations.tables import plain, plain_records, write_csv
from similitude.representations.text import json_text, write_text

__all__ = ["Leaderboard", "confirmation_sentence", "read_run", "standing_lines"]

_SHOWN = 15
"""Measures per family in the text; the files have all of them."""


@dataclass(frozen=True)
class Leaderboard:
    """All that a leaderboard says.

    Parameters
    ----------
    standings
        One row per family and measure: the columns of `similitude.benchmark.standings.Standings`, and ``seconds`` per
        pair, ``confirmed`` (that its mean is above 0 is a verdict that holds in both halves of the networks),
        ``distinct_in_both`` (number of comparisons with others that hold in both halves) and ``failed_pairs``.
    differences
        One row per family and pair of measures, with ``confirmed``.
    rows
        One row per subtask, functionality and measure.
    verdicts
        Verdicts on families in the first half of the networks, and what the second says of each; see
        `similitude.benchmark.standings.replicated_standings`.
    row_verdicts
        The same of every row; see `similitude.benchmark.replication.replicated_verdicts`.
    combination
        Whether a combination of measures beats the best single one.
    provenance
        Of the underlying run, with what was left out.
    failures
        Number of failed pairs by subtask and measure.
    computed, reused
        Values computed now and found finished.
    """

    standings: pd.DataFrame
    differences: pd.DataFrame
    rows: pd.DataFrame
    verdicts: pd.DataFrame
    row_verdicts: pd.DataFrame
    combination: Combination
    provenance: dict[str, Any]
    failures: pd.DataFrame
    computed: int
    reused: int

    @cached_property
    def decisions(self) -> pd.DataFrame:
        """Which measure to use for what; see `similitude.report.decisions.decide`."""
        return decide(self.standings)

    @property
    def smoke_test(self) -> bool:
        """Whether the networks are those of the quick scale, whose values mean nothing."""
        return bool(self.provenance.get("smoke_test"))

    def sentences(self) -> list[str]:
        """Return in plain words what was graded, what holds, and whether a combination wins."""
        families = [family for family in FAMILIES if (self.standings["family"] == family).any()]
        rows = self.rows[["subtask", "functionality"]].drop_duplicates()
        lines = ["Smoke test: the networks are few and small, and the values mean nothing."] * self.smoke_test
        lines.append(
            f"{self.provenance['measures']} measures were graded on {len(rows)} rows of "
            f"{rows['subtask'].nunique()} subtasks, in {len(families)} "
            f"famil{'y' if len(families) == 1 else 'ies'} of questions."
        )
        lines += [self._held(self.verdicts, "family"), self._held(self.row_verdicts, "row")]
        lines.append(combination_text(self.combination))
        if timed := self.provenance.get("timed_on"):
            size = f"{timed['n']:,} inputs and {timed['d']:,} features"
            lines.append(f"Times are processor time of one pair of layers of {size}, by each measure alone.")
        if slow := self.provenance.get("too_slow"):
            named = ", ".join(f"{name} ({seconds:.1f} s)" for name, seconds in slow.items())
            limit = self.provenance["limit"]
            lines.append(f"Left out, because a pair takes longer than {limit:g} s: {named}.")
        if len(self.failures):
            pairs, measures = self.failures["pairs"].sum(), self.failures["measure"].nunique()
            lines.append(
                f"{pairs:,} pairs failed, by {measures} measure{'s' * (measures != 1)}. A measure without a value on a "
                "row has the last place in its family."
            )
        return lines

    @staticmethod
    def _held(verdicts: pd.DataFrame, what: str) -> str:
        of = "a family of questions" if what == "family" else "a single row"
        if (verdicts["outcome"] == "not graded").all():
            return f"One half of the networks supports no verdict on {of} that the other could be asked about."
        count, holds, reversed_ = _outcomes(verdicts)
        return f"Of {count} on {of} in one half of the networks, {holds} in the other, and {reversed_}."

    def record(self) -> dict[str, Any]:
        """Return provenance, decisions, standings, combination and counts of verdicts as plain data."""
        combination = self.combination
        return {
            "provenance": self.provenance,
            "findings": self.sentences(),
            "decisions": plain_records(self.decisions),
            "standings": plain_records(self.standings),
            "combination": {
                "outcome": combination.outcome,
                "name": combination.name,
                **{
                    name: plain(getattr(combination, name))
                    for name in ("single", "combined", "difference", "low", "high")
                },
                "held_out": plain_records(combination.held_out),
            },
            "replication": {
                "families": self.verdicts["outcome"].value_counts().to_dict(),
                "rows": self.row_verdicts["outcome"].value_counts().to_dict(),
            },
        }

    def write(self, folder: Path) -> None:
        """Write tables as CSV and, where pyarrow is installed, as Parquet; a text, figures and ``index.html``."""
        folder.mkdir(parents=True, exist_ok=True)
        tables = {
            "leaderboard": self.standings,
            "decisions": self.decisions,
            "rows": self.rows,
            "differences": self.differences,
            "verdicts": self.verdicts,
            "row_verdicts": self.row_verdicts,
            "combination": self.combination.held_out,
            "failures": self.failures,
        }
        for name, frame in tables.items():
            write_csv(frame, folder / f"{name}.csv", float_format="%.6g")
        if find_spec("pyarrow"):
            for name, frame in tables.items():
                frame.to_parquet(folder / f"{name}.parquet", index=False)
        figures = draw_leaderboard(self.standings, self.rows, folder / "figures")
        replace_written(folder / "figures", figures, "leaderboard")
        write_text(folder / "leaderboard.json", f"{json_text(self.record())}\n")
        write_text(folder / "leaderboard.md", self.as_markdown())
        write_text(folder / "index.html", leaderboard_page(self, folder / "figures"))

    def as_markdown(self) -> str:
        """Return what was found, the decisions, and the best measures of each family."""
        lines = ["# Leaderboard", "", *(f"- {markdown(line)}" for line in self.sentences()), ""]
        lines += ["| question | use | evidence |", "|---|---|---|"]
        lines += [
            f"| {row['question']} | {markdown(row['advice'])} | {markdown(decision_text(row))} |"
            for row in self.decisions.to_dict("records")
        ]
        for family, rows in self.standings.groupby("family", sort=False):
            first = rows.iloc[0]
            lines += ["", f"## {title_of(str(family))}", ""]
            lines += [
                f"Mean over {first['subtasks']} subtasks ({first['rows']} rows, {first['units']} networks or groups)."
            ]
            if len(rows) > _SHOWN:
                lines += [f"The first {_SHOWN} of {len(rows)} measures; leaderboard.csv has all."]
            lines += ["", *standing_lines(rows, _SHOWN)]
        lines += ["", _KEY, ""]
        return "\n".join(lines)


def read_run(folder: Path) -> Results:
    """Read the grades of a leaderboard from its folder.

    Raises
    ------
    InputError
        The folder holds no leaderboard.
    """
    if not (folder / "leaderboard.csv").is_file() or not (folder / "run/results.json").is_file():
        raise InputError(
            f"{folder} is not the folder of a leaderboard, in which leaderboard.csv and run/results.json lie. Make "
            "one: similitude leaderboard --out FOLDER."
        )
    return read_results(folder / "run")


def confirmation_sentence(confirmation: Confirmation, folder: Path) -> str:
    """Return how many verdicts of another leaderboard hold on these networks, in words."""
    verdicts = confirmation.verdicts
    if verdicts.empty or (verdicts["outcome"] == "not graded").all():
        return f"{folder} has no verdict on a family of questions that these networks could be asked about."
    count, holds, reversed_ = _outcomes(verdicts)
    return f"Of {count} of {folder} on families of questions, {holds} on these networks, and {reversed_}."


def _outcomes(verdicts: pd.DataFrame) -> tuple[str, str, str]:
    """Return in words how many verdicts were asked about, and how many of them hold, and are reversed."""
    asked = verdicts[verdicts["outcome"] != "not graded"]
    holds, reversed_ = (int((asked["outcome"] == outcome).sum()) for outcome in ("holds", "reversed"))
    hold = "holds" if holds == 1 else "hold"
    return (
        f"{len(asked):,} verdict{'s' * (len(asked) != 1)}",
        f"{holds:,} ({holds / len(asked):.0%}) {hold}",
        f"{reversed_} {'is' if reversed_ == 1 else 'are'} reversed",
    )


_KEY = (
    "1 is a perfect measure, 0 is chance. **Bold**: the mean is above 0 allowing for all measures, that holds in both "
    "halves of the networks, and no measure is distinctly better. In brackets: the interval includes 0. Place: those "
    "that all comparisons together leave open. Told apart from: how many other measures are distinctly better or "
    "worse, allowing for all pairs; then how many of these verdicts hold in both halves."
)


def standing_lines(rows: pd.DataFrame, most: int) -> list[str]:
    """Return the best measures of one family as lines of a Markdown table."""
    ranked = rows.sort_values(["rank", "estimate"], ascending=[True, False], kind="stable")
    return [
        "| measure | mean | 95 % interval | place | told apart from | in both halves | ms per pair |",
        "|---|--:|---|---|--:|--:|--:|",
        *(_line(row) for row in ranked.head(most).to_dict("records")),
    ]


def _line(row: Mapping[Any, Any]) -> str:
    name, mean = markdown(row["measure"]), number(row["estimate"])
    if row["failed"]:
        mean = f"failed on {row['failed']} row{'s' * (row['failed'] != 1)}"
    elif row["low"] <= 0 <= row["high"]:
        mean = f"({mean})"
    elif row["tells"] and row["confirmed"] and row["leading"]:
        name, mean = f"**{name}**", f"**{mean}**"
    places = "—" if pd.isna(row["rank_low"]) else f"{int(row['rank_low'])}–{int(row['rank_high'])}"
    cells = [name, mean, interval(row["low"], row["high"]), places, str(row["distinct"]), str(row["distinct_in_both"])]
    return "| " + " | ".join([*cells, milliseconds(row["seconds"])]) + " |"
