"""Figures of a leaderboard: places with intervals, a clustered heat map, and quality against time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from scipy.cluster.hierarchy import dendrogram, leaves_list, linkage

from similitude.benchmark.families import EVERYTHING, FAMILIES
from similitude.report.style import COLOURS, DIVERGING, MUTED, inches, new_figure, save, style, wrapped

__all__ = ["draw_leaderboard", "heat_map", "pareto", "pareto_front", "place_diagram"]

_NEAR = 0.012
"""Share of the axis within which two labels would hide each other."""
_LINE = 0.16
"""Height of one measure, in inches."""


def draw_leaderboard(standings: pd.DataFrame, rows: pd.DataFrame, folder: Path) -> list[Path]:
    """Draw all figures, PNG and PDF, and return what was written."""
    written = []
    for family, of_family in standings.groupby("family", sort=False):
        if of_family["rank_low"].notna().any():
            written += save(place_diagram(of_family), folder / f"places-{family}")
    written += save(heat_map(rows), folder / "heat-map")
    over_all = EVERYTHING if (standings["family"] == EVERYTHING).any() else standings["family"].iloc[0]
    timed = standings[(standings["family"] == over_all) & standings["estimate"].notna() & standings["seconds"].notna()]
    if len(timed):
        written += save(pareto(timed), folder / "time")
    return written


def place_diagram(of_family: pd.DataFrame) -> Figure:
    """Places that all comparisons together leave open to each measure, the best on top.

    Measures whose mean is above 0 on evidence that holds in both halves are dark, the others grey; names in bold may be
    the best.

    Parameters
    ----------
    of_family
        ``leaderboard.csv``, the rows of one family.
    """
    table = of_family.sort_values(["rank", "rank_high"], kind="stable").reset_index(drop=True)
    failed = table["failed"] > 0
    labels = [f"{m} (failed)" if f else str(m) for m, f in zip(table["measure"], failed, strict=True)]
    family, first = str(table["family"].iloc[0]), table.iloc[0]
    width = 4.6 + inches(labels, 7)
    title = (
        f"{FAMILIES.get(family, 'all families')}: {first['subtasks']} subtasks, {first['units']} networks or groups. "
        "Bars: places left open at 95 %, all comparisons together. Dark: above 0 in both halves of the networks."
    )
    with style():
        figure = new_figure(width, 1.2 + _LINE * len(table))
        axes = figure.subplots()
        sound = (table["tells"] & table["confirmed"]).astype(bool)
        tints = [COLOURS[0] if s else MUTED for s in sound]
        y = np.arange(len(table))
        axes.hlines(y, table["rank_low"], table["rank_high"], color=tints, linewidth=2.4)
        axes.scatter(table["rank"], y, c=tints, s=14, zorder=3)
        axes.set_yticks(y, labels, fontsize=7)
        for label, leads, holds in zip(axes.get_yticklabels(), table["leading"].astype(bool), sound, strict=True):
            label.set_fontweight("bold" if leads and holds else "normal")
            label.set_color("black" if holds else MUTED)
        axes.set_ylim(len(table) - 0.4, -0.6)
        axes.set_xlim(0, float(table["rank_high"].max()) + 1)
        axes.set_xlabel("place (1 is best)")
        axes.grid(axis="x", color="0.9", linewidth=0.5)
        axes.set_axisbelow(True)
        figure.suptitle(wrapped(title, width, 8), fontsize=8)
    return figure


def heat_map(rows: pd.DataFrame) -> Figure:
    """Measures against rows of subtasks, both ordered by clustering: which measures answer alike, and which questions.

    Coloured where the interval excludes 0, white where it includes 0, grey where a measure has no value. For the
    clustering (average linkage of Euclidean distances), what is missing is the mean of the row.

    Parameters
    ----------
    rows
        ``rows.csv`` of a leaderboard.
    """
    labelled = rows.assign(row=rows["subtask"] + ", " + rows["functionality"])
    values = labelled.pivot(index="measure", columns="row", values="every")
    low, high = (labelled.pivot(index="measure", columns="row", values=f"every_{end}") for end in ("low", "high"))
    filled = values.fillna(values.mean()).fillna(0.0).to_numpy(dtype=float)
    above, across = _tree(filled.T), _tree(filled)
    i, j = _leaves(across, len(values)), _leaves(above, values.shape[1])
    names, questions = [str(values.index[k]) for k in i], [str(values.columns[k]) for k in j]
    undecided = ((low <= 0) & (high >= 0)).to_numpy()
    ordered = np.where(undecided, 0.0, values.to_numpy(dtype=float))[np.ix_(i, j)]
    width = 1.4 + 0.17 * len(questions) + inches(names, 6.5)
    height = 1.2 + 0.14 * len(names) + inches(questions, 6.5)
    limit = float(np.nanmax(np.abs(ordered), initial=0.3))
    with style():
        figure = new_figure(max(width, 5.0), height)
        ratios = {"width_ratios": [0.7, 0.17 * len(questions)], "height_ratios": [0.5, 0.14 * len(names)]}
        grid = figure.subplots(2, 2, gridspec_kw=ratios, squeeze=False)
        grid[0, 0].axis("off")
        _draw_tree(grid[0, 1], above, "top")
        _draw_tree(grid[1, 0], across, "left")
        axes = grid[1, 1]
        colours = colormaps[DIVERGING].with_extremes(bad="0.75")
        image = axes.imshow(
            ordered, cmap=colours, norm=Normalize(-limit, limit), aspect="auto", interpolation="nearest"
        )
        axes.set_xticks(range(len(questions)), questions, rotation=90, fontsize=6.5)
        axes.set_yticks(range(len(names)), names, fontsize=6.5)
        axes.yaxis.tick_right()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        figure.colorbar(image, ax=list(grid[:, 1]), location="bottom", shrink=0.6, pad=0.01, aspect=40).set_label(
            "1 perfect, 0 chance; white: the interval includes 0; grey: failed", fontsize=7
        )
        title = f"{len(names)} measures, {len(questions)} rows of {rows['subtask'].nunique()} subtasks, by clustering"
        figure.suptitle(wrapped(title, max(width, 5.0), 8), fontsize=8)
    return figure


def _tree(values: np.ndarray) -> np.ndarray | None:
    return linkage(values, method="average", optimal_ordering=True) if len(values) > 1 else None


def _leaves(tree: np.ndarray | None, count: int) -> list[int]:
    return list(range(count)) if tree is None else [int(leaf) for leaf in leaves_list(tree)]


def _draw_tree(axes: Axes, tree: np.ndarray | None, orientation: str) -> None:
    axes.axis("off")
    if tree is None:
        return
    drawn = dendrogram(tree, no_plot=True)
    for along, heights in zip(drawn["icoord"], drawn["dcoord"], strict=True):
        x, y = (along, heights) if orientation == "top" else (heights, along)
        axes.plot(x, y, color="0.4", linewidth=0.6)
    count = 10 * (len(tree) + 1)  # SciPy puts leaves at 5, 15, 25, ...
    if orientation == "top":
        axes.set_xlim(0, count)
        axes.set_ylim(0, None)
    else:
        axes.set_ylim(count, 0)
        axes.set_xlim(max(map(max, drawn["dcoord"])) or 1.0, 0)


def pareto(timed: pd.DataFrame) -> Figure:
    """Mean quality against time per pair; measures that none surpasses in both are named.

    Parameters
    ----------
    timed
        ``leaderboard.csv``, the rows of one family that have an estimate and a time.
    """
    front = pareto_front(timed)
    family = str(timed["family"].iloc[0])
    title = (
        f"{FAMILIES.get(family, 'all families')}: mean with 95 % interval against the processor time of one pair by "
        "the measure alone, on one thread. Blue: no measure is both faster and better."
    )
    with style():
        figure = new_figure(8.0, 4.6)
        axes = figure.subplots()
        axes.axhline(0, color="0.7", linewidth=0.8)
        x, y = 1000 * timed["seconds"], timed["estimate"]
        axes.vlines(x, timed["low"], timed["high"], color="0.85", linewidth=0.8)
        axes.scatter(x, y, c=[COLOURS[0] if f else MUTED for f in front], s=16, zorder=3)
        chosen = timed[front].sort_values("seconds")
        axes.step(1000 * chosen["seconds"], chosen["estimate"], where="post", color=COLOURS[0], linewidth=0.8)
        for point, places in _apart(list(zip(1000 * chosen["seconds"], chosen["estimate"], strict=True)), x, y):
            # To the upper left of the front there is no measure.
            axes.annotate(places, point, (-2, 3), textcoords="offset points", fontsize=7, ha="right")
        for place, measure in enumerate(chosen["measure"], start=1):
            axes.plot([], [], " ", label=f"{place}  {measure}")
        look: dict[str, Any] = {"loc": "outside center right", "handlelength": 0, "handletextpad": 0}
        figure.legend(fontsize=7, **look)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.set_xlabel("milliseconds per pair")
        axes.set_ylabel("mean (1 perfect, 0 chance)")
        figure.suptitle(wrapped(title, 8.0, 8), fontsize=8)
    return figure


def _apart(points: Sequence[tuple[float, float]], x: pd.Series, y: pd.Series) -> list[tuple[tuple[float, float], str]]:
    """Return points with their numbers, those that follow each other closely as one, so that no label hides another."""
    width, height = np.ptp(np.log(x)), np.ptp(y)

    def close(one: tuple[float, float], other: tuple[float, float]) -> bool:
        return abs(np.log(one[0] / other[0])) < _NEAR * width and abs(one[1] - other[1]) < 2 * _NEAR * height

    labels: list[tuple[tuple[float, float], str]] = []
    for number, point in enumerate(points, start=1):
        merged = f"{labels.pop()[1]}, {number}" if labels and close(labels[-1][0], point) else str(number)
        labels.append((point, merged))
    return labels


def pareto_front(timed: pd.DataFrame) -> np.ndarray:
    """Return which measures no other surpasses in speed without being worse, or in quality without being slower."""
    seconds, quality = timed["seconds"].to_numpy(dtype=float), timed["estimate"].to_numpy(dtype=float)
    as_good = (seconds[None] <= seconds[:, None]) & (quality[None] >= quality[:, None])
    better = (seconds[None] < seconds[:, None]) | (quality[None] > quality[:, None])
    return ~(as_good & better).any(axis=1)
