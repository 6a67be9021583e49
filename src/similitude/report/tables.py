"""The results table for documents: rows subtasks, columns measures, cells two estimates of ρ."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from similitude.benchmark.results import CORRELATIONS, Results
from similitude.report.evidence import Cell, Grades, Row, State, caption, read_grades
from similitude.report.numbers import number, places
from similitude.representations.names import printable

__all__ = [
    "Layout",
    "another_sample",
    "as_csv",
    "as_latex",
    "as_markdown",
    "foot_label",
    "foot_notes",
    "key",
    "lay_out",
    "markdown",
    "worst_label",
]

_LEAD = ("modality", "subtask", "varies", "functionality", "models", "pairs")
_TEXTS = 4
"""Number of leading columns that hold text; the others hold numbers."""


@dataclass(frozen=True)
class Layout:
    """Text of a table before it takes a form.

    Parameters
    ----------
    header
        Column titles.
    rows
        Cells as text, one list per row.
    states
        For each row, what its cells are evidence of, by column.
    foot
        Rows below the line.
    notes
        Sentences below the table, but for the key to emphasis, which depends on the form.
    grades
        What the table was laid out from.
    texts
        Number of leading columns that hold text.
    """

    header: list[str]
    rows: list[list[str]]
    states: Sequence[Mapping[int, State]]
    foot: list[list[str]]
    notes: list[str]
    grades: Grades
    texts: int = _TEXTS


def lay_out(results: Results) -> Layout:
    """Arrange results as the paper's table.

    Parameters
    ----------
    results
        The grades.
    """
    grades = read_grades(results)
    rows = [[*_lead(row), *(_text(cell) for cell in row.cells.values())] for row in grades.rows]
    states: list[Mapping[int, State]] = [
        {len(_LEAD) + j: cell.state for j, cell in enumerate(row.cells.values())} for row in grades.rows
    ]
    kept = "kept, as published" if results.provenance.get("protocol") == "published" else "left out"
    notes = [f"{caption(grades)} The best model's pair with itself is {kept}.", *foot_notes(grades)]
    return Layout([*_LEAD, *grades.measures], rows, states, _foot(grades), notes, grades)


def foot_notes(grades: Grades) -> list[str]:
    """Sentences that explain the foot of the table and its daggers."""
    notes = []
    if grades.standings:
        total = len(grades.rows)
        over = f"the {grades.counted} of {total} rows that can tell measures apart"
        over = over if grades.counted < total else f"all {total} rows"
        notes.append(f"Mean rank (1 is best) and {worst_label(grades)} are over {over}.")
    elif any(row.judged for row in grades.rows):
        notes.append("No row can tell measures apart, so there is no mean rank.")
    if not grades.reason and any(row.smoke for row in grades.rows):
        notes.append("Smoke test: the values of rows so marked mean nothing, and no mean rank counts them.")
    notes += another_sample(grades)
    if saturated := "; ".join(f"{row.subtask}, {row.label}" for row in grades.rows if row.saturated):
        notes.append(f"Saturated, since measures reach the end of the scale and nothing tells them apart: {saturated}.")
    if any(row.weak for row in grades.rows):
        notes.append(
            "† The split-half reliability of the spread over models is below .9: part of it is noise of the test items."
        )
    return notes


def another_sample(grades: Grades) -> list[str]:
    """Sentence that says which networks are not the documented ones, if any are not."""
    if not grades.another_sample:
        return []
    return [
        f"The networks of {', '.join(grades.another_sample)} are another sample than the documented ones, because this "
        "processor or library release has other arithmetic: values differ as those of a replication do."
    ]


def key(grades: Grades, leading: str = "Bold", undecided: str = "?") -> str:
    """Sentence that says what emphasis means, or why there is none.

    Parameters
    ----------
    grades
        What the table shows.
    leading, undecided
        How leading and undecided cells look.
    """
    tracked = "functionality" if all(row.statistic in CORRELATIONS for row in grades.rows) else "row"
    return grades.reason or (
        f"{leading}: the best measure and every measure not distinguishable from it, where they track the {tracked}. "
        f"{undecided}: the 95 % interval over models includes 0, so the cell is no evidence."
    )


def foot_label(grades: Grades) -> str:
    """Title of the mean ranks, with the number of rows that they are over."""
    return f"mean rank ({grades.counted} row{'s' * (grades.counted != 1)})"


def worst_label(grades: Grades) -> str:
    """Title of the smallest values: ``"worst ρ"``, or ``"worst value"`` where rows are of several statistics."""
    symbols = {row.symbol for row in grades.rows}
    return f"worst {symbols.pop()}" if len(symbols) == 1 else "worst value"


def as_markdown(layout: Layout) -> str:
    """For a README or an issue."""
    lines = [
        "| " + " | ".join(map(markdown, layout.header)) + " |",
        "|" + "|".join("---" if j < layout.texts else "--:" for j in range(len(layout.header))) + "|",
    ]
    for cells, states in zip(layout.rows, layout.states, strict=True):
        texts = [*map(markdown, cells[: layout.texts]), *cells[layout.texts :]]
        lines.append("| " + " | ".join(_mark(c, states.get(j, "plain")) for j, c in enumerate(texts)) + " |")
    lines += ["| " + " | ".join(f"*{c}*" if c else "" for c in cells) + " |" for cells in layout.foot]
    notes = [markdown(note) for note in [*layout.notes, key(layout.grades)]]
    return "\n".join([*lines, "", *(f"{note}  " for note in notes), ""])


def markdown(text: str) -> str:
    """Text in which nothing is taken for Markdown or HTML; underscores within words never are."""
    return _MARKUP.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), printable(text))


_MARKUP = re.compile(r"[\\|`*\[\]<>&~$]|(?<![^\W_])_|_(?![^\W_])")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def as_latex(layout: Layout) -> str:
    r"""For a paper: a ``tabular`` in the manner of booktabs; needs the packages ``booktabs`` and ``xcolor``."""
    columns = "l" * layout.texts + "r" * (len(layout.header) - layout.texts)
    lines = [
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        " & ".join(map(_tex, layout.header)) + r" \\",
        r"\midrule",
    ]
    looks = {"leading": r"\textbf{%s}", "undecided": r"\textcolor{gray}{%s}"}
    for cells, states in zip(layout.rows, layout.states, strict=True):
        shown = [looks.get(states.get(j, "plain"), "%s") % _tex(c) for j, c in enumerate(cells)]
        lines.append(" & ".join(shown) + r" \\")
    lines += [r"\midrule"] if layout.foot else []
    lines += [" & ".join(map(_tex, cells)) + r" \\" for cells in layout.foot]
    # A bracket or a star that follows a line break would be taken for its argument.
    lines = [f"{{}}{line}" if line.startswith(("[", "*")) else line for line in lines]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def as_csv(layout: Layout) -> str:
    """The cells of a table, comma separated, without emphasis; ``results.csv`` of the run has them as numbers."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([layout.header, *layout.rows, *layout.foot])
    return text.getvalue()


def _lead(row: Row) -> list[str]:
    label = row.label + (" †" if row.weak else "") + (f" ({row.verdict})" if row.verdict else "")
    return [row.modality, row.subtask, row.varies, label, row.size, str(row.pairs)]


def _text(cell: Cell) -> str:
    """Both estimates, or the one that there is, and failures."""
    text = f"{number(cell.every)} ({number(cell.best)})" if cell.both else number(cell.best)
    return text + (f" [{cell.failed} failed]" if cell.failed else "")


def _foot(grades: Grades) -> list[list[str]]:
    if not grades.standings:
        return []
    standings = [grades.standings[measure] for measure in grades.measures]

    def line(title: str, cells: list[str]) -> list[str]:
        return ["", title, *[""] * (len(_LEAD) - 2), *cells]

    ranks = [f"{s.mean_rank:.1f}" + (f" [{places(s.low, s.high)}]" if s.low == s.low else "") for s in standings]
    return [line(foot_label(grades), ranks), line(worst_label(grades), [number(s.worst) for s in standings])]


def _mark(text: str, state: State) -> str:
    return {"leading": f"**{text}**", "undecided": f"{text}?"}.get(state, text)


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
