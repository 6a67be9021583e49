"""A replication: the same subtasks graded on two independent draws of networks, and which verdicts hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from similitude.benchmark.evaluate import Evaluation, evaluate
from similitude.benchmark.replication import replicated_estimates, replicated_verdicts
from similitude.engine.compute import Progress
from similitude.engine.ledger import Ledger
from similitude.errors import InputError
from similitude.measures import Measure
from similitude.report.numbers import number
from similitude.report.run import Choice
from similitude.representations import Population
from similitude.representations.tables import write_csv
from similitude.suites import built

__all__ = ["Replication", "replicate"]


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
            lines += [f"## {title}", ""]
            if rows.empty:
                lines += ["None.", ""]
                continue
            lines += [
                "| subtask | functionality | verdict | original | replication | outcome |",
                "|---|---|---|--:|--:|---|",
            ]
            for row in rows.to_dict("records"):
                cells = [row["subtask"], row["functionality"], verdict_text(row), *both_values(row), row["outcome"]]
                lines.append("| " + " | ".join(cells) + " |")
            lines.append("")
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
        The same subtasks at sites of different draws.
    measures
        What to grade.
    progress
        See `similitude.benchmark.evaluate.evaluate`.
    resamples
        Number of bootstrap resamples of models, for the intervals of the best reference.
    """
    evaluations = [_graded(choices, measures, progress, resamples) for choices in (original, replication)]
    site, other = original[0].site, replication[0].site
    provenance = {
        "scale": site.scale,
        "draws": [site.draw, other.draw],
        "subtasks": [subtask.id for choice in original for subtask in choice.subtasks],
        "measures": [str(measure) for measure in measures],
    }
    return Replication(
        replicated_estimates(*evaluations),
        replicated_verdicts(*evaluations),
        provenance,
        sum(len(evaluation.failures) for evaluation in evaluations),
    )


def _graded(
    choices: Sequence[Choice],
    measures: Sequence[Measure],
    progress: Callable[[str], Progress] | None,
    resamples: int,
) -> Evaluation:
    populations: dict[str, Population] = {}
    for choice in choices:
        populations |= choice.suite.populations(choice.site)
    subtasks = built((subtask for choice in choices for subtask in choice.subtasks), populations)
    site = choices[0].site
    if not subtasks:
        asked = ", ".join(subtask.id for choice in choices for subtask in choice.subtasks)
        raise InputError(f"No networks of draw {site.draw} are there for {asked}.")
    with Ledger(site.home / "ledger.sqlite") as ledger:
        return evaluate(
            subtasks,
            populations,
            measures,
            ledger=ledger,
            progress=None if progress is None else lambda what: progress(f"{what}, draw {site.draw}"),
            resamples=resamples,
            cache=site.home / "statistics",
        )


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
