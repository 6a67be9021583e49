"""A replication: the same subtasks graded on two independent draws of networks, and which verdicts hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from similitude.benchmark.evaluate import Evaluation, evaluate
from similitude.benchmark.replication import replicated_estimates, replicated_verdicts
from similitude.benchmark.subtask import Subtask
from similitude.engine.compute import Progress
from similitude.engine.ledger import Ledger
from similitude.errors import InputError
from similitude.measures import Measure
from similitude.report.numbers import number
from similitude.report.run import Choice
from similitude.representations import Population
from similitude.representations.tables import write_csv
from similitude.suites import built

__all__ = ["Replication", "both_values", "half_of", "replicate", "verdict_text", "verdicts_markdown"]


@dataclass(frozen=True)
class Replication:
    """Estimates and verdicts of an original draw of networks beside those of another one.

    Parameters
    ----------
    estimates, verdicts
        See `similitude.benchmark.replication`.
    provenance
        Scale, draws and measures.
    failed
        Number of values that failed in either draw.
    """

    estimates: pd.DataFrame
    verdicts: pd.DataFrame
    provenance: dict[str, Any]
    failed: int

    def counts(self) -> pd.DataFrame:
        """Return the number of verdicts by kind (rows) and outcome (columns)."""
        outcomes = ["holds", "undecided", "reversed", "not graded"]
        return pd.crosstab(self.verdicts["kind"], self.verdicts["outcome"]).reindex(columns=outcomes, fill_value=0)

    def sentences(self) -> list[str]:
        """Return in plain words how many verdicts hold."""
        if self.verdicts.empty:
            return ["The original draw supports no verdict, so there is nothing to replicate."]
        lines = []
        for kind, row in self.counts().iterrows():
            what = "that a measure tracks a functionality" if kind == "tracks" else "that one measure beats another"
            lines.append(f"{row['holds']} of {row.sum()} verdicts {what} hold; {row['reversed']} are reversed.")
        return lines

    def record(self) -> dict[str, Any]:
        """Return everything as plain data."""
        frames = {"verdicts": self.verdicts, "estimates": self.estimates}
        return {
            "provenance": self.provenance,
            **{
                name: json.loads(frame.to_json(orient="records", double_precision=15)) for name, frame in frames.items()
            },
        }

    def as_markdown(self) -> str:
        """Return the verdicts as Markdown: those that hold, then those that do not."""
        lines = [*self.sentences(), ""]
        for title, rows in (
            ("Verdicts that hold", self.verdicts[self.verdicts["outcome"] == "holds"]),
            ("Verdicts that do not", self.verdicts[self.verdicts["outcome"] != "holds"]),
        ):
            lines += [f"## {title}", "", verdicts_markdown(rows), ""]
        return "\n".join(lines)

    def write(self, folder: Path) -> None:
        """Write ``verdicts.csv``, ``estimates.csv``, ``replication.json`` and ``replication.md``."""
        folder.mkdir(parents=True, exist_ok=True)
        write_csv(self.verdicts, folder / "verdicts.csv")
        write_csv(self.estimates, folder / "estimates.csv")
        text = json.dumps(self.record(), indent=1, ensure_ascii=False)
        (folder / "replication.json").write_text(text + "\n", encoding="utf-8")
        (folder / "replication.md").write_text(self.as_markdown(), encoding="utf-8")


def replicate(
    original: Sequence[Choice],
    replication: Sequence[Choice],
    measures: Sequence[Measure],
    *,
    progress: Callable[[str], Progress] | None = None,
    resamples: int = 2000,
) -> Replication:
    """Grade measures on two draws of networks that are built, and compare the verdicts.

    Parameters
    ----------
    original, replication
        The same subtasks at sites of different draws. Of the same site, its networks (or groups of networks) are split
        into two halves, in their order.
    measures
        What to grade.
    progress
        See `similitude.benchmark.evaluate.evaluate`.
    resamples
        Number of bootstrap resamples of models, for the intervals of the best reference.
    """
    site, other = original[0].site, replication[0].site
    halves = (None, None) if site != other else (0, 1)
    evaluations = [
        _graded(choices, measures, progress, resamples, half)
        for choices, half in zip((original, replication), halves, strict=True)
    ]
    provenance = {
        "scale": site.scale,
        "draws": [site.draw, other.draw],
        "halves": site == other,
        "subtasks": [subtask.id for choice in original for subtask in choice.subtasks],
        "measures": [str(measure) for measure in measures],
    }
    return Replication(
        replicated_estimates(*evaluations),
        replicated_verdicts(*evaluations),
        provenance,
        sum(len(evaluation.failures) for evaluation in evaluations),
    )


def half_of(subtask: Subtask, population: Population, half: int) -> Population:
    """Return the first (0) or second (1) half of the networks of a subtask, or of their groups."""
    selected = subtask.select(population)
    units = list(selected.models)
    if subtask.grouping is not None:
        units = [str(label) for label in selected.attributes.loc[units, subtask.grouping.attribute]]
    names = list(dict.fromkeys(units))
    middle = len(names) // 2
    chosen = set(names[:middle] if half == 0 else names[middle:])
    return selected.subset([model for model, unit in zip(selected.models, units, strict=True) if unit in chosen])


def _graded(
    choices: Sequence[Choice],
    measures: Sequence[Measure],
    progress: Callable[[str], Progress] | None,
    resamples: int,
    half: int | None,
) -> Evaluation:
    site = choices[0].site
    populations: dict[str, Population] = {}
    for choice in choices:
        populations |= choice.suite.populations(choice.site)
    subtasks = built((subtask for choice in choices for subtask in choice.subtasks), populations)
    if not subtasks:
        asked = ", ".join(subtask.id for choice in choices for subtask in choice.subtasks)
        raise InputError(f"No networks of draw {site.draw} are there for {asked}.")
    part = f"draw {site.draw}" if half is None else ("first half", "second half")[half]
    if half is not None:
        # Subtasks may use different networks of one population, so each gets a population of its own.
        populations = {s.id: half_of(s, populations[s.population], half) for s in subtasks}
        subtasks = [replace(s, population=s.id, models=None) for s in subtasks]
    with Ledger(site.home / "ledger.sqlite") as ledger:
        return evaluate(
            subtasks,
            populations,
            measures,
            ledger=ledger,
            progress=None if progress is None else lambda what: progress(f"{what}, {part}"),
            resamples=resamples,
            cache=site.home / "statistics",
        )


def verdicts_markdown(rows: pd.DataFrame) -> str:
    """Return verdicts as a Markdown table, or "None." if there are none."""
    if rows.empty:
        return "None."
    lines = ["| subtask | functionality | verdict | original | replication | outcome |", "|---|---|---|--:|--:|---|"]
    for row in rows.to_dict("records"):
        cells = [row["subtask"], row["functionality"], verdict_text(row), *both_values(row), row["outcome"]]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def verdict_text(row: Mapping[Any, Any]) -> str:
    """Return a verdict in words."""
    return f"{row['measure']} tracks it" if row["kind"] == "tracks" else f"{row['measure']} beats {row['other']}"


def both_values(row: Mapping[Any, Any]) -> list[str]:
    """Return the value of a verdict with its interval, in the original and in the replication."""
    return [
        "—"
        if pd.isna(row[f"value{draw}"])
        else f"{number(row[f'value{draw}'])} [{number(row[f'low{draw}'])}, {number(row[f'high{draw}'])}]"
        for draw in ("", "_replication")
    ]
