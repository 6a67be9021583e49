"""Figures of grades with their uncertainty: forest, ranks, agreement of measures."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from similitude.report.style import COLOURS, SEQUENTIAL, new_figure, style

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
    with style():
        figure = new_figure(5.5, 1.4 + _ROW * len(rows))
        axes = figure.subplots()
        axes.axvline(0, color="0.6", linewidth=0.8, zorder=0)
        _whiskers(axes, rows, "estimate", "ci_low", "ci_high")
        counted = zip(rows["measure"], rows["n_failed"], strict=True)
        labels = [f"{measure} ({failed} failed)" if failed else measure for measure, failed in counted]
        axes.set_yticks(range(len(rows)), labels, fontsize=8)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        lowest = np.nanmin([rows["ci_low"].min(), rows["estimate"].min(), 0.0])
        axes.set_xlim(min(-0.05, lowest - 0.05), 1.02)
        axes.set_xlabel(f"{statistic} with {level:.0%} interval over models")
        axes.set_title(title)
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
        figure = new_figure(5.5, 1.4 + _ROW * len(rows))
        axes = figure.subplots()
        _whiskers(axes, rows, "rank", "rank_low", "rank_high")
        axes.set_yticks(range(len(rows)), list(rows["measure"]), fontsize=8)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(0.5, max(float(rows["rank_high"].max()), float(rows["rank"].max())) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel(f"place among measures (1 is best) with {level:.0%} interval over models")
        axes.set_title(title)
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
    with style():
        figure = new_figure(3.4 + 0.34 * len(names), 2.6 + 0.32 * len(names))
        axes = figure.subplots()
        image = axes.imshow(matrix.to_numpy(dtype=float), cmap=f"{SEQUENTIAL}_r", vmin=-1.0, vmax=1.0)
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
        axes.set_yticks(range(len(names)), names, fontsize=8)
        if len(names) <= 12:
            for (i, j), value in np.ndenumerate(matrix.to_numpy(dtype=float)):
                colour = "white" if value > -0.1 else "black"
                axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=6, color=colour)
        axes.spines[:].set_visible(False)
        axes.set_title(title)
        figure.colorbar(image, ax=axes, label="Spearman ρ of dissimilarities (dark = agree)", shrink=0.85)
    return figure


def _whiskers(axes: Axes, rows: pd.DataFrame, middle: str, low: str, high: str) -> None:
    y = np.arange(len(rows))
    axes.hlines(y, rows[low], rows[high], color=COLOURS[0], linewidth=1.6)
    axes.plot(rows[middle], y, "o", color=COLOURS[0], markersize=4.5, markeredgecolor="white", markeredgewidth=0.5)
    for i in np.flatnonzero(rows[middle].isna()):
        axes.text(0.0, float(i), " undefined", va="center", fontsize=7, color="0.35")
