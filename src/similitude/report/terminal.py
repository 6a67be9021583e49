"""Tables for a terminal: readable at 80 columns, and the same without colours."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import pandas as pd
from rich.console import Group
from rich.table import Table
from rich.text import Text

from similitude.benchmark.results import CORRELATIONS
from similitude.report.evidence import Cell, Grades, Row, Standing, State, caption
from similitude.report.grid import Column, Line, stack
from similitude.report.numbers import number, places
from similitude.report.tables import Layout, foot_label, foot_notes, key, worst_label

__all__ = ["as_rich", "has_tests", "show_gates", "show_statistics", "standings"]

_LOOKS: dict[State, tuple[str, str]] = {
    "leading": ("*", "bold"),
    "undecided": ("?", "bright_black"),
    "missing": ("", "bright_black"),
}
"""Mark and style of a cell; marks stay where styles do not, as in a pipe or a pasted text."""


_MARKS = ("* (bold)", "? (grey)")
_HANGING: Any = {"subsequent_indent": " " * 5, "break_on_hyphens": False}


def as_rich(layout: Layout, width: int) -> Group:
    """The table of grades and its notes, for a terminal of so many columns.

    Cells show ρ averaged over every reference, and the best reference's in parentheses where all measures still fit
    beside each other. Otherwise measures are stacked in blocks, or, if that is shorter, stand one below the other with
    the rows of the table across.
    """
    grades = layout.grades
    tried = [(_across(grades, width, both=both), both) for both in (True, False)]
    blocks, both = next((found for found in tried if len(found[0]) == 1), tried[1])
    if len(blocks) > 1:
        turned = [(_down(grades, width, both=both), both) for both in (True, False)]
        blocks, both = min(*turned, (blocks, both), key=lambda found: sum(map(len, found[0])))
    notes = [caption(grades) if both else _short_caption(grades), key(grades, *_MARKS), *foot_notes(grades)]
    if any(cell.failed for row in grades.rows for cell in row.cells.values()):
        notes.append("!: the measure failed on some of the pairs; failures.csv names them.")
    return _group(blocks, notes, width)


def standings(layout: Layout, width: int) -> Group:
    """Mean rank and worst value of each measure over all rows, the best on top; mean ranks by test beside them."""
    grades = layout.grades
    blocks = []
    notes = foot_notes(grades)[:1]
    if grades.standings:
        measures, columns = _standings(grades)
        title = "all suites" if len({row.subtask.partition("/")[0] for row in grades.rows}) > 1 else "all rows"
        blocks = stack([Line(title, "bold", heading=True), *map(Line, measures)], columns, width)
    if has_tests(layout):
        blocks = [*blocks, [Text()], *_by_test(grades.by_test, width)]
        notes.append(
            "By test: mean ranks over the functionalities of a subtask, then over subtasks, tests and modalities, each "
            "of which weighs the same; of all with their 95 % intervals."
        )
    return _group(blocks, notes, width)


def show_gates(frame: pd.DataFrame, width: int) -> Group:
    """What the networks of each group show of their condition, for a terminal of so many columns.

    Parameters
    ----------
    frame
        As `similitude.suites.Suite.gates` gives it.
    width
        Number of characters of a line.
    """
    table = Table("group", "figure", "required", "mean", "min", "max", box=None, padding=(0, 2, 0, 0))
    for subtask, rows in frame.groupby("subtask", sort=False):
        table.add_row(Text(str(subtask), "bold"))
        for row in rows.to_dict("records"):
            numbers = (number(row[name]) for name in ("mean", "min", "max"))
            again = f", {row['redrawn']} redrawn" if row.get("redrawn") else ""
            table.add_row(f"  {row['group']} ({row['networks']}{again})", row["figure"], row["required"], *numbers)
    note = (
        "What the networks of each group show of their condition, and their number; one that fails is not kept, but "
        "drawn again from another seed."
    )
    return Group(table, Text(), *(Text(line, "dim") for line in textwrap.wrap(note, width)))


def has_tests(layout: Layout) -> bool:
    """Whether there are standings by several tests."""
    frame = layout.grades.by_test
    return len(frame) > 0 and frame["test"].nunique() > 2


def _by_test(frame: pd.DataFrame, width: int) -> list[list[Text]]:
    """Measures as lines, the best on top, and tests as columns."""
    overall = frame[frame["test"] == "all"].sort_values("mean_rank", kind="stable").set_index("measure")
    measures = list(overall.index)
    ends = [
        "" if math.isnan(low) else f" [{places(low, high)}]"
        for low, high in zip(overall["mean_rank_low"], overall["mean_rank_high"], strict=True)
    ]
    cells = [(f"{rank:.1f}{end}", "") for rank, end in zip(overall["mean_rank"], ends, strict=True)]
    columns = [Column("all", cells)]
    for test, rows in frame[frame["test"] != "all"].groupby("test", sort=False):
        found = rows.set_index("measure")["mean_rank"].reindex(measures)
        columns.append(Column(str(test), [(f"{rank:.1f}", "") for rank in found]))
    return stack([Line("by test", "bold", heading=True), *map(Line, measures)], columns, width)


def show_statistics(layout: Layout, width: int) -> Group:
    """The table of statistics, headed by subtask and functionality, with as many of its columns as fit beside measures.

    Parameters
    ----------
    layout
        As `similitude.report.tables_statistics.lay_out_statistics` gives it: subtask, functionality, measure, numbers.
    width
        Number of characters of a line.
    """
    names = layout.texts
    lines: list[Line] = []
    before: list[str] = []
    for cells in layout.rows:
        if cells[: names - 1] != before:
            before = cells[: names - 1]
            lines.append(Line(", ".join(before), "bold", heading=True))
        lines.append(Line(cells[names - 1], indent=2))
    columns = []
    for j, title in enumerate(layout.header[names:], start=names):
        looks = [_LOOKS.get(states.get(j, "plain"), ("", "")) for states in layout.states]
        room = max(len(mark) for mark, _ in looks)
        marked = zip(layout.rows, looks, strict=True)
        columns.append(Column(title, [(f"{cells[j]}{mark:{room}}", look) for cells, (mark, look) in marked]))
    count = len(columns)
    while count > 1 and len(stack(lines, columns[:count], width)) > 1:
        count -= 1
    notes = [*layout.notes, key(layout.grades, *_MARKS)]
    if count < len(columns):
        left = "; ".join(column.title for column in columns[count:])
        notes.append(f"Not shown at this width: {left}. A wider terminal shows more; --format csv, all.")
    return _group(stack(lines, columns[:count], width)[:1], notes, width)


def _group(blocks: Sequence[Sequence[Text]], notes: Sequence[str], width: int) -> Group:
    parts: list[Text] = []
    for block in blocks:
        parts += [*block, Text()]
    return Group(*parts, *(Text(line, "dim") for note in notes for line in textwrap.wrap(note, width)))


def _across(grades: Grades, width: int, *, both: bool) -> list[list[Text]]:
    """Rows of the table as lines, measures as columns."""
    lines: list[Line] = []
    subtask = ""
    for row in grades.rows:
        if row.subtask != subtask:
            subtask = row.subtask
            lines.append(_heading(row))
        lines.append(Line(_name(row), indent=2))
    ranked = [grades.standings[measure] for measure in grades.measures] if grades.standings else []
    with_ends = any(not math.isnan(s.low) for s in ranked)
    if ranked:
        lines += [Line("", heading=True), Line(foot_label(grades))]
        lines += [Line("95 % interval", indent=2)] if with_ends else []
        lines.append(Line(worst_label(grades)))
    failed = any(cell.failed for row in grades.rows for cell in row.cells.values())
    padding = " " * (0 if both else 1 + failed)
    columns = []
    for j, measure in enumerate(grades.measures):
        cells = [_cell(row.cells[measure], both, failed) for row in grades.rows]
        columns.append(Column(measure, cells + (_foot(ranked[j], with_ends, padding) if ranked else [])))
    return stack(lines, columns, width)


def _down(grades: Grades, width: int, *, both: bool) -> list[list[Text]]:
    """Measures as lines, the best on top, and numbered rows of the table as columns, under a key to the numbers."""
    measures, columns = _standings(grades) if grades.standings else (grades.measures, [])
    failed = any(cell.failed for row in grades.rows for cell in row.cells.values())
    for i, row in enumerate(grades.rows):
        columns.append(Column(str(i + 1), [_cell(row.cells[m], both, failed) for m in measures]))
    numbers = [
        Text(line)
        for i, row in enumerate(grades.rows)
        for line in textwrap.wrap(f"{i + 1:>3}  {row.subtask}, {_name(row)}: {_models(row)}", width, **_HANGING)
    ]
    return [numbers, *stack([Line(measure) for measure in measures], columns, width)]


def _standings(grades: Grades) -> tuple[list[str], list[Column]]:
    """Measures, the best mean rank first, and columns of their standings."""
    measures = sorted(grades.measures, key=lambda m: _last(grades.standings[m].mean_rank))
    found = [grades.standings[measure] for measure in measures]
    ranks = Column("mean rank", [(_rank(s), "") for s in found])
    return measures, [ranks, Column(worst_label(grades), [(number(s.worst), "") for s in found])]


def _heading(row: Row) -> Line:
    differ = f" that differ in {row.varies}" if row.varies else ""
    return Line(f"{row.subtask}: {_models(row)}{differ}", "bold", heading=True)


def _models(row: Row) -> str:
    return f"{row.models} models" + (f" in {row.groups} groups" if row.groups is not None else "")


def _name(row: Row) -> str:
    return row.label + (" †" if row.weak else "") + (f" ({row.verdict})" if row.verdict else "")


def _cell(cell: Cell, both: bool, failed: bool) -> tuple[str, str]:
    """Text and style; marks stand in columns of their own, so that digits are aligned."""
    mark, look = _LOOKS.get(cell.state, ("", ""))
    text = f"{number(cell.value)}{mark:1}"
    if both and cell.both:
        text += f" {f'({number(cell.best)})':>7}"
    if failed:
        text += "!" if cell.failed else " "
    return text, look


def _foot(standing: Standing, with_ends: bool, padding: str) -> list[tuple[str, str]]:
    rank = "—" if math.isnan(standing.mean_rank) else f"{standing.mean_rank:.1f}"
    # The interval is the widest text, and may stand below the marks.
    ends = [places(standing.low, standing.high)] if with_ends else []
    return [(text, "") for text in (f"{rank}{padding}", *ends, f"{number(standing.worst)}{padding}")]


def _rank(standing: Standing) -> str:
    if math.isnan(standing.low):
        return f"{standing.mean_rank:.1f}"
    return f"{standing.mean_rank:.1f} [{places(standing.low, standing.high)}]"


def _last(value: float) -> float:
    return math.inf if math.isnan(value) else value


def _short_caption(grades: Grades) -> str:
    if not any(cell.both for row in grades.rows for cell in row.cells.values()):
        return caption(grades)
    if any(row.statistic not in CORRELATIONS for row in grades.rows):
        return f"{caption(grades)} What is in parentheses: in table.md and results.csv."
    return (
        "Cells: Spearman ρ of dissimilarity with difference in functionality, averaged over every model as the "
        "reference; verdicts rest on it. ρ with the best model as the reference, and τ: in table.md and results.csv."
    )
