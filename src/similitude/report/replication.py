"""A replication: the same subtasks graded on two independent draws of networks, and which verdicts hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from similitude.report.numbers import number
from similitude.report.tables import markdown
from similitude.representations.tables import write_csv
from similitude.representations.text import json_text, write_text

__all__ = ["Replication", "both_values", "verdict_text", "verdicts_markdown"]


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
        write_text(folder / "replication.json", f"{json_text(self.record())}\n")
        write_text(folder / "replication.md", self.as_markdown())


def verdicts_markdown(rows: pd.DataFrame) -> str:
    """Return verdicts as a Markdown table, or "None." if there are none."""
    if rows.empty:
        return "None."
    lines = ["| subtask | functionality | verdict | original | replication | outcome |", "|---|---|---|--:|--:|---|"]
    for row in rows.to_dict("records"):
        texts = [markdown(text) for text in (row["subtask"], row["functionality"], verdict_text(row))]
        lines.append("| " + " | ".join([*texts, *both_values(row), row["outcome"]]) + " |")
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
