"""The reproduced table: as published, published, corrected, and a footnote for every difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from rich.table import Table

from similitude.suites.published.protocols import AS_CORRECTED, AS_PUBLISHED, CONVENTIONS, Quirk
from similitude.suites.published.published_values import SOURCES, PublishedValue, published_value
from similitude.suites.published.reproduce import Reproduction

__all__ = ["ReproductionTable", "lay_out_reproduction"]

_STATISTICS = {"spearman": "ρ", "kendall": "τ"}
_LEAD = 3
_WIDE = 170


@dataclass(frozen=True)
class ReproductionTable:
    """Text of the table, before it takes a form.

    Parameters
    ----------
    header
        Column titles.
    rows
        Cells as text, one list per row.
    footnotes
        Sentences below the table.
    """

    header: list[str]
    rows: list[list[str]]
    footnotes: list[str]

    def as_rich(self, width: int = 200) -> list[Table]:
        """For a terminal of so many columns: one table, or one per statistic where it is narrow."""
        per_statistic = (len(self.header) - _LEAD) // len(_STATISTICS)
        step = len(self.header) - _LEAD if width >= _WIDE else per_statistic
        lead, starts = list(range(_LEAD)), range(_LEAD, len(self.header), step)
        return [self._part([*lead, *range(start, start + step)]) for start in starts]

    def _part(self, columns: list[int]) -> Table:
        table = Table(header_style="bold")
        for column in columns:
            table.add_column(self.header[column], justify="left" if column < _LEAD else "right", overflow="fold")
        for previous, row in zip([None, *self.rows], self.rows, strict=False):
            if previous is not None and row[:2] != previous[:2]:
                table.add_section()
            table.add_row(*(row[column] for column in columns))
        return table

    def as_markdown(self) -> str:
        """For a file."""
        lines = [self.header, ["---"] * _LEAD + ["---:"] * (len(self.header) - _LEAD), *self.rows]
        table = "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
        return table + "\n\n" + "\n".join(f"- {note}" for note in self.footnotes) + "\n"


def lay_out_reproduction(reproduction: Reproduction) -> ReproductionTable:
    """Arrange a reproduction as a table with footnotes."""
    frame = reproduction.results.frame
    header = ["subtask", "functionality", "measure"]
    for symbol in _STATISTICS.values():
        header += [f"{symbol} as published", "published", "agrees", f"{symbol} corrected"]
    marks: dict[str, str] = {}
    sources: set[str] = set()
    rows = []
    for (subtask, functionality, measure), group in frame.groupby(["subtask", "functionality", "measure"], sort=False):
        found = {(row["statistic"], row["protocol"]): row for row in group.to_dict("records")}
        cells = [str(subtask), str(functionality), str(measure)]
        for statistic in _STATISTICS:
            mine = found[statistic, AS_PUBLISHED.name]
            published = published_value(str(subtask), str(functionality), str(measure), statistic)
            if published is not None:
                sources.add(published.source)
            cells += [
                _cell(mine, marks),
                "" if published is None else published.value,
                "" if published is None else _verdict(mine["estimate"], published),
                _cell(found[statistic, AS_CORRECTED.name], marks),
            ]
        rows.append(cells)
    return ReproductionTable(header, rows, _footnotes(frame, marks, sources))


def _verdict(estimate: float, published: PublishedValue) -> str:
    if not published.comparable or np.isnan(estimate):
        return "?"
    return "yes" if published.agrees(estimate) else "no"


def _cell(row: dict[Any, Any], marks: dict[str, str]) -> str:
    text = f"{row['estimate']:.6f}" if np.isfinite(row["estimate"]) else "–"
    if row["n_failed"]:
        text += f" [{row['n_failed']} failed]"
    if row["note"]:
        text += f" ({marks.setdefault(row['note'], _letter(len(marks)))})"
    return text


def _letter(number: int) -> str:
    return chr(ord("a") + number) if number < 26 else f"n{number}"


def _footnotes(frame: pd.DataFrame, marks: dict[str, str], sources: set[str]) -> list[str]:
    there = set(frame["subtask"])
    notes = [f"({mark}) {note}" for note, mark in marks.items()]
    for number, quirk in enumerate(Quirk, start=1):
        if where := [subtask for subtask in quirk.subtasks if subtask in there]:
            notes.append(
                f"difference {number} ({', '.join(where)}): as published, {quirk.as_published}; "
                f"corrected, {quirk.corrected}."
            )
    notes += [f"both: {convention}" for convention in CONVENTIONS]
    notes += [f"published, {source}: {SOURCES[source]}." for source in sorted(sources)]
    if sources:
        notes.append(
            "agrees: to all digits printed; ? where the published measure's parameters are not stated or there is no "
            "value. Only the released archive can be expected to agree."
        )
    return notes
