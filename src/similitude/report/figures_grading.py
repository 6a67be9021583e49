"""Figures of grades with their uncertainty: forest, ranks, agreement of measures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from similitude.report.numbers import number
from similitude.report.style import COLOURS, SEQUENTIAL, inches, new_figure, style, wrapped

__all__ = ["agreement", "forest", "ranks"]

_ROW = 0.22


def forest(table: pd.DataFrame, *, title: str, statistic: str = "ρ", level: float = 0.95) -> Figure:
    """Estimates with intervals, one row a measure, the best on top.

    Parameters
    ----------
    table
        Columns measure, estimate, ci_low, ci_high, n_failed of one subtask, functionality and statistic.
    title
        The subtask and the functionality.
    statistic
        Name of the correlation, on the axis.
    level
        Nominal coverage of the intervals.
    """
    rows = table.sort_values("estimate", ascending=False, na_position="last").reset_index(drop=True)
    counted = zip(rows["measure"], rows["n_failed"], strict=True)
    labels = [f"{measure} ({failed} failed)" if failed else measure for measure, failed in counted]
    with style():
        figure, axes = _rows(labels, title)
        axes.axvline(0, color="0.6", linewidth=0.8, zorder=0)
        _whiskers(axes, rows, "estimate", "ci_low", "ci_high")
        lowest = np.nanmin([rows["ci_low"].min(), rows["estimate"].min(), 0.0])
        axes.set_xlim(min(-0.05, lowest - 0.05), 1.02)
        axes.set_xlabel(f"{statistic} with {level:.0%} interval over models (1 is best)")
    return figure


def ranks(table: pd.DataFrame, *, title: str, level: float = 0.95) -> Figure:
    """Places of the measures with intervals; 1 is best.

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
        axes.set_xlabel(f"place among measures with {level:.0%} interval over models (1 is best)")
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
    with style():
        figure = new_figure(side + room + 1.2, side + room + 0.6)
        axes = figure.subplots()
        cmap = colormaps[f"{SEQUENTIAL}_r"].with_extremes(bad="0.75")
        image = axes.imshow(values, cmap=cmap, vmin=-1.0, vmax=1.0)
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
        axes.set_yticks(range(len(names)), names, fontsize=8)
        if len(names) <= 12:
            for (i, j), value in np.ndenumerate(values):
                colour = "white" if value > -0.1 else "black"
                axes.text(j, i, number(value), ha="center", va="center", fontsize=6, color=colour)
        axes.spines[:].set_visible(False)
        figure.colorbar(image, ax=axes, label=wrapped("Spearman ρ of dissimilarities (dark: agree)", side), shrink=0.85)
        figure.suptitle(wrapped(title, side + room + 1.2))
    return figure


def _rows(labels: Sequence[str], title: str) -> tuple[Figure, Axes]:
    """Axes with one labelled row a measure."""
    width = 4.2 + inches(labels, 8)
    figure = new_figure(width, 1.4 + _ROW * len(labels))
    axes = figure.subplots()
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    figure.suptitle(wrapped(title, width))
    return figure, axes


def _whiskers(axes: Axes, rows: pd.DataFrame, middle: str, low: str, high: str) -> None:
    y = np.arange(len(rows))
    axes.hlines(y, rows[low], rows[high], color=COLOURS[0], linewidth=1.6)
    axes.plot(rows[middle], y, "o", color=COLOURS[0], markersize=4.5, markeredgecolor="white", markeredgewidth=0.5)
    for i in np.flatnonzero(rows[middle].isna()):
        axes.text(0.0, float(i), " undefined", va="center", fontsize=7, color="0.35")
