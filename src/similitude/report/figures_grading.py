"""Figures of grades with their uncertainty: forest, ranks, agreement of measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from similitude.report.numbers import number
from similitude.report.style import COLOURS, DIVERGING, MUTED, inches, new_figure, style, wrapped

__all__ = ["agreement", "forest", "ranks"]

_ROW = 0.22


def forest(
    table: pd.DataFrame, *, title: str, statistic: str = "ρ", other: str | None = None, level: float = 0.95
) -> Figure:
    """Both estimates with intervals, one row per measure, the best on top.

    Verdicts rest on the average over every reference (dots). Measures that may be the best are named in bold; those
    whose interval includes 0 are grey.

    Parameters
    ----------
    table
        Columns measure, every, every_low, every_high, estimate, ci_low, ci_high, n_failed and, if known, tells and
        leading, of one subtask, functionality and statistic.
    title
        The subtask and the functionality.
    statistic
        Name of the statistic, on the axis.
    other
        Name of the second estimate, where it is not that with the best model as the reference; empty for none.
    level
        Nominal coverage of the intervals.
    """
    rows = table.sort_values("every", ascending=False, na_position="last").reset_index(drop=True)
    counted = zip(rows["measure"], rows["n_failed"], strict=True)
    labels = [f"{measure} ({failed} failed)" if failed else measure for measure, failed in counted]
    with style():
        figure, axes = _rows(labels, title)
        axes.axvline(0, color="0.6", linewidth=0.8, zorder=0)
        y = np.arange(len(rows))
        look: dict[str, Any] = {"color": COLOURS[1], "linewidth": 0.8, "alpha": 0.8}
        label = "best model as reference" if other is None else other
        if label:
            axes.hlines(y + 0.22, rows["ci_low"], rows["ci_high"], **look)
            axes.plot(rows["estimate"], y + 0.22, "D", color=COLOURS[1], markersize=2.8, label=label)
        first = "every model as reference" if other is None else statistic
        _whiskers(axes, rows, "every", "every_low", "every_high", label=f"{first}: verdicts rest on it")
        _emphasise(axes, rows)
        lowest = np.nanmin([0.0, *rows[["ci_low", "estimate", "every_low", "every"]].to_numpy(dtype=float).ravel()])
        axes.set_xlim(lowest - 0.05, 1.02)
        axes.set_xlabel(f"{statistic} with {level:.0%} interval over models (1 is best)")
        figure.legend(loc="outside lower center", fontsize=7, ncols=1)
    return figure


def ranks(table: pd.DataFrame, *, title: str, level: float = 0.95) -> Figure:
    """Places of the measures with intervals, by the best reference; 1 is best.

    Parameters
    ----------
    table
        Columns measure, rank, rank_low, rank_high of one subtask, functionality and statistic.
    title
        The subtask and the functionality.
    level
        Nominal coverage of the intervals.
    """
    rows = table.sort_values(["rank", "rank_high"], kind="stable").reset_index(drop=True)
    with style():
        figure, axes = _rows(list(rows["measure"]), title)
        _whiskers(axes, rows, "rank", "rank_low", "rank_high")
        axes.set_xlim(0.5, max(float(rows["rank_high"].max()), float(rows["rank"].max())) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set_xlabel(f"place with the best model as reference, {level:.0%} interval over models (1 is best)")
    return figure


def agreement(matrix: pd.DataFrame, *, title: str) -> Figure:
    """Do measures order pairs of networks alike? Spearman correlation of every measure with every other.

    Parameters
    ----------
    matrix
        Correlations, measures as index and columns.
    title
        Over which pairs.
    """
    names = [str(name) for name in matrix.columns]
    values = matrix.to_numpy(dtype=float)
    side, room = max(2.6, 0.34 * len(names)), inches(names, 8)
    above = wrapped(title, side + room + 1.2, 8)
    with style():
        figure = new_figure(side + room + 1.2, side + room + 0.6 + 0.14 * above.count("\n"))
        axes = figure.subplots()
        image = axes.imshow(values, cmap=colormaps[DIVERGING].with_extremes(bad="0.75"), vmin=-1.0, vmax=1.0)
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
        axes.set_yticks(range(len(names)), names, fontsize=8)
        if len(names) <= 12:
            for (i, j), value in np.ndenumerate(values):
                colour = "white" if abs(value) > 0.7 else "black"
                axes.text(j, i, number(value), ha="center", va="center", fontsize=6, color=colour)
        axes.spines[:].set_visible(False)
        label = "Spearman ρ of dissimilarities (blue: same order; white: unrelated; red: reversed)"
        figure.colorbar(image, ax=axes, label=wrapped(label, side), shrink=0.85)
        figure.suptitle(above, fontsize=8)
    return figure


def _rows(labels: Sequence[str], title: str) -> tuple[Figure, Axes]:
    """Axes with one labelled row per measure."""
    width = 4.2 + inches(labels, 8)
    figure = new_figure(width, 1.4 + _ROW * len(labels))
    axes = figure.subplots()
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    figure.suptitle(wrapped(title, width))
    return figure, axes


def _whiskers(axes: Axes, rows: pd.DataFrame, middle: str, low: str, high: str, label: str = "") -> None:
    y = np.arange(len(rows))
    axes.hlines(y, rows[low], rows[high], color=COLOURS[0], linewidth=1.6)
    look: dict[str, Any] = {"color": COLOURS[0], "markersize": 4.5, "markeredgecolor": "white", "markeredgewidth": 0.5}
    axes.plot(rows[middle], y, "o", label=label, **look)
    for i in np.flatnonzero(rows[middle].isna()):
        axes.text(0.0, float(i), " undefined", va="center", fontsize=7, color="0.35")


def _emphasise(axes: Axes, rows: pd.DataFrame) -> None:
    """Names of measures in bold where they may be the best, and grey where nothing is decided."""
    if not {"tells", "leading"} <= set(rows.columns):
        return
    judged = zip(axes.get_yticklabels(), rows["tells"].astype(bool), rows["leading"].astype(bool), strict=True)
    for label, tells, leading in judged:
        label.set_color("black" if tells else MUTED)
        label.set_fontweight("bold" if tells and leading else "normal")
