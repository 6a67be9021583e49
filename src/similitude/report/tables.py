"""The results table in the paper's layout: rows subtasks, columns measures, cells rho (tau)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
from rich.table import Table
from rich.text import Text

from similitude.benchmark.results import Results
from similitude.benchmark.subtask import Subtask
from similitude.report.numbers import number
from similitude.representations.names import printable

__all__ = ["Layout", "as_latex", "as_markdown", "as_rich", "lay_out"]


_LEAD = ("modality", "subtask", "varies", "functionality", "models", "pairs")
_TEXTS = 4
"""How many of the leading columns are text; the others are numbers."""


@dataclass(frozen=True)
class Layout:
    """Text of the table before it takes a form: header, rows, foot, and which cells are best.

    Parameters
    ----------
    header
        Column titles.
    rows
        Cells as text, one list a row.
    best
        For each row the columns that hold its best estimate.
    foot
        Rows below the line: the measures' mean rank and worst estimate.
    notes
        Sentences below the table.
    """

    header: list[str]
    rows: list[list[str]]
    best: list[set[int]]
    foot: list[list[str]]
    notes: list[str]


def lay_out(results: Results, subtasks: Sequence[Subtask] = (), weak: Sequence[tuple[str, str]] = ()) -> Layout:
    """Arrange results as the paper's table.

    Parameters
    ----------
    results
        The grades.
    subtasks
        Those that the results are of, for what varies and for labels; rows of others show their ids.
    weak
        (subtask, functionality) pairs whose spread over models is not to be trusted; they are marked.
    """
    rho, tau = results.table("spearman"), results.table("kendall")
    measures = list(rho.columns)
    frame = results.frame[results.frame["statistic"] == "spearman"]
    known = {subtask.id: subtask for subtask in subtasks}
    rows, best = [], []
    for subtask_id, functionality in rho.index:
        of_row = frame[(frame["subtask"] == subtask_id) & (frame["functionality"] == functionality)].set_index(
            "measure"
        )
        subtask = known.get(subtask_id)
        label = (
            next((str(f) for f in subtask.functionalities if f.name == functionality), functionality)
            if subtask
            else functionality
        )
        mark = " †" if (subtask_id, functionality) in weak else ""
        most = int(of_row["n_pairs"].max())
        cells = [
            subtask.modality if subtask else "",
            subtask_id,
            subtask.varies if subtask else "",
            label + mark,
            str(int(of_row["n_models"].iloc[0])),
            str(most),
        ]
        values = rho.loc[(subtask_id, functionality)].to_dict()
        taus = tau.loc[(subtask_id, functionality)].to_dict()
        for measure in measures:
            failed = int(of_row.loc[measure, "n_failed"])
            cells.append(_cell(values[measure], taus[measure]) + (f" [{failed} failed]" if failed else ""))
        rows.append(cells)
        top = max((round(value, 3) for value in values.values() if pd.notna(value)), default=None)
        best.append({len(_LEAD) + j for j, m in enumerate(measures) if round(values[m], 3) == top})
    summary = results.summary()
    worst = summary["worst"].to_dict()
    blank = [""] * (len(_LEAD) - 2)
    foot = [
        ["", "mean rank", *blank, *(f"{summary.loc[m, 'mean_rank']:.1f}" for m in measures)],
        ["", "worst ρ", *blank, *(number(worst[m]) for m in measures)],
    ]
    return Layout([*_LEAD, *measures], rows, best, foot, _notes(results, bool(weak)))


def _notes(results: Results, weak: bool) -> list[str]:
    itself = "kept, as published" if results.provenance.get("protocol") == "published" else "left out"
    notes = [
        "Cells: Spearman ρ (Kendall τ) of dissimilarity with difference in functionality, averaged over reference "
        f"layers; larger is better, best in bold. The reference is the best model; its pair with itself is {itself}.",
        "A good measure is generally good: mean rank over rows (1 is best), and the worst ρ.",
    ]
    if weak:
        notes.append(
            "† split-half reliability of the spread over models below .9: part of it is noise of the test items."
        )
    return notes


def as_rich(layout: Layout, width: int = 200) -> Table:
    """For a terminal of so many columns; a narrow one gets the leading columns in one, and tau below rho."""
    narrow = width < 160
    texts, fixed = _TEXTS, 1
    if narrow:
        layout, texts, fixed = _narrow(layout), 1, 0
    table = Table(header_style="bold", show_lines=narrow)
    for j, name in enumerate(layout.header):
        table.add_column(
            Text(printable(name)), justify="left" if j < texts else "right", no_wrap=j == fixed, overflow="fold"
        )
    for cells, best in zip(layout.rows, layout.best, strict=True):
        table.add_row(*(Text(printable(c), style="bold" if j in best else "") for j, c in enumerate(cells)))
    table.add_section()
    for cells in layout.foot:
        table.add_row(*(Text(printable(c)) for c in cells), style="dim")
    return table


def _narrow(layout: Layout) -> Layout:
    def shorten(cells: list[str]) -> list[str]:
        _, subtask, _, functionality, models, pairs = cells[: len(_LEAD)]
        size = f"{models} models, {pairs} pairs" if models else ""
        lead = "\n".join(part for part in (subtask, functionality, size) if part)
        return [lead, *(value.replace(" (", "\n(").replace(" [", "\n[") for value in cells[len(_LEAD) :])]

    return replace(
        layout,
        header=["subtask", *layout.header[len(_LEAD) :]],
        rows=[shorten(cells) for cells in layout.rows],
        best=[{j - len(_LEAD) + 1 for j in best} for best in layout.best],
        foot=[shorten(cells) for cells in layout.foot],
    )


def as_markdown(layout: Layout) -> str:
    """For a README or an issue."""
    lines = [
        "| " + " | ".join(layout.header) + " |",
        "|" + "|".join("---" if j < _TEXTS else "--:" for j in range(len(layout.header))) + "|",
    ]
    for cells, best in zip(layout.rows, layout.best, strict=True):
        lines.append("| " + " | ".join(f"**{c}**" if j in best else c for j, c in enumerate(cells)) + " |")
    lines += ["| " + " | ".join(f"*{c}*" if c else "" for c in cells) + " |" for cells in layout.foot]
    return "\n".join([*lines, "", *(f"{note}  " for note in layout.notes), ""])


def as_latex(layout: Layout) -> str:
    r"""For a paper: a ``tabular`` in the manner of booktabs; needs ``\usepackage{booktabs}``."""
    columns = "l" * _TEXTS + "r" * (len(layout.header) - _TEXTS)
    lines = [
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        " & ".join(map(_tex, layout.header)) + r" \\",
        r"\midrule",
    ]
    for cells, best in zip(layout.rows, layout.best, strict=True):
        lines.append(
            " & ".join(rf"\textbf{{{_tex(c)}}}" if j in best else _tex(c) for j, c in enumerate(cells)) + r" \\"
        )
    lines += [r"\midrule"] if layout.foot else []
    lines += [" & ".join(map(_tex, cells)) + r" \\" for cells in layout.foot]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


_TEX = {
    "\\": r"\textbackslash{}",
    "ρ": r"$\rho$",
    "τ": r"$\tau$",
    "†": r"$\dagger$",
    "−": r"$-$",
    "<": "$<$",
    ">": "$>$",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def _tex(text: str) -> str:
    return "".join(_TEX.get(c, "\\" + c if c in "&%$#_{}" else c) for c in printable(text))


def _cell(rho: float, tau: float) -> str:
    return f"{number(rho)} ({number(tau)})" if pd.notna(rho) else "—"
