"""The whole run in one figure: measures against functionalities, colour only where there is evidence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from similitude.report.evidence import Cell, Grades, caption
from similitude.report.numbers import number
from similitude.report.style import DIVERGING, MUTED, inches, new_figure, style, wrapped

__all__ = ["overview"]

_SIZE = (0.5, 0.3)
"""Width and height of a cell in inches."""
_TEXT = 7
_SMALLEST_LIMIT = 0.3
"""Least |ρ| at which the scale of colours ends, so that tiny correlations do not look strong."""
_EVIDENCE = ("leading", "tells", "against")


def overview(grades: Grades) -> Figure:
    """Grade of every measure on every functionality: both estimates in numbers, and the evidence in colour.

    A cell is coloured where the interval of the average over every reference excludes 0, and written in bold where the
    measure may be the best; undecided cells are grey on white. Without verdicts (see `Grades.reason`) nothing is
    coloured. Functionalities are rows, unless measures are many more.

    Parameters
    ----------
    grades
        What the table of the run shows.
    """
    labels = [f"{row.subtask}, {row.label}{' †' if row.weak else ''} (n = {row.models})" for row in grades.rows]
    cells = [list(row.cells.values()) for row in grades.rows]
    starts = [i for i in range(1, len(labels)) if grades.rows[i].subtask != grades.rows[i - 1].subtask]
    down, across = labels, grades.measures
    turned = len(grades.measures) > max(12, 2 * len(labels))
    if turned:
        down, across, cells = across, down, [list(column) for column in zip(*cells, strict=True)]
    values = [abs(cell.value) for line in cells for cell in line if not math.isnan(cell.value)]
    limit = max([_SMALLEST_LIMIT, *values])
    colours, scale = colormaps[DIVERGING], Normalize(-limit, limit)
    width = max(_SIZE[0] * len(across) + inches(down, _TEXT) + 1.3, 5.0)
    with style():
        figure = new_figure(width, _SIZE[1] * len(down) + inches(across, _TEXT) + 1.5)
        axes = figure.subplots()
        shade = np.ones((len(down), len(across), 4))
        for i, line in enumerate(cells):
            for j, cell in enumerate(line):
                if cell.state in _EVIDENCE:
                    shade[i, j] = colours(scale(cell.value))
                _write(axes, i, j, cell, abs(cell.value) > 0.6 * limit)
        image = axes.imshow(shade, aspect="auto", interpolation="nearest")
        image.set_cmap(colours)
        image.set_norm(scale)
        axes.set_xticks(range(len(across)), across, rotation=90, fontsize=_TEXT)
        axes.xaxis.tick_top()
        axes.set_yticks(range(len(down)), down, fontsize=_TEXT)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        for start in starts:
            separate = axes.axvline if turned else axes.axhline
            separate(start - 0.5, color="0.4", linewidth=0.6)
        if not grades.reason:
            scale_label = f"{_scale_label(grades)} (larger: tracks better)"
            shrink = min(1.0, 3.0 / (_SIZE[1] * len(down)))
            figure.colorbar(image, ax=axes, label=scale_label, shrink=shrink, pad=0.02)
        figure.suptitle(wrapped(_title(grades), width, 8), fontsize=8)
    return figure


def _scale_label(grades: Grades) -> str:
    """Names of the statistics that are coloured."""
    return ", ".join(dict.fromkeys(row.symbol for row in grades.rows)) or "ρ"


def _title(grades: Grades) -> str:
    key = grades.reason or (
        "Coloured: its 95 % interval excludes 0; grey: it includes 0; bold: the best measure, or not distinguishable "
        "from it."
    )
    return f"{caption(grades)} {key}"


def _write(axes: Axes, i: int, j: int, cell: Cell, dark: bool) -> None:
    """The estimate that a verdict rests on, and the other one below it."""
    colour = MUTED
    if cell.state in _EVIDENCE:
        colour = "white" if dark else "black"
    elif cell.state == "plain":
        colour = "black"
    look: dict[str, Any] = {"ha": "center", "color": colour}
    weight = "bold" if cell.state == "leading" else "normal"
    if cell.both:
        axes.text(j, i - 0.02, number(cell.value), va="bottom", fontsize=6.5, fontweight=weight, **look)
        axes.text(j, i + 0.06, f"({number(cell.best)})", va="top", fontsize=5, **look)
    else:
        axes.text(j, i, number(cell.value), va="center", fontsize=6.5, **look)
