"""Figures of what `compare` and `significance` return."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from similitude.engine import PairValues
from similitude.report.numbers import probability, quantity, unit_of
from similitude.report.style import COLOURS, MUTED, inches, new_figure, style

__all__ = ["draw_significance", "draw_values"]

_ROW = 0.5
"""Height of one measure, in inches."""


def draw_values(values: PairValues) -> Figure:
    """Draw each value within its measure's range, one line per measure; similar is to the right on every line.

    Parameters
    ----------
    values
        What `similitude.compare` returned. Measures that are not defined for the pair have a line without a point.
    """
    frame = values.to_frame()
    with style():
        figure, lines = _lines(list(frame.index), f"n = {values.n:,} inputs")
        for axes, row in zip(lines, frame.to_dict("records"), strict=True):
            value = row["value"]
            _scale(axes, [value], (row["low"], row["high"]), similar=row["similar"])
            if math.isnan(value):
                axes.text(0.5, 0.1, "undefined", transform=axes.transAxes, ha="center", color="0.35", fontsize=8)
                continue
            _mark(axes, value, quantity(value, unit_of((row["low"], row["high"]))))
        lines[-1].set_xlabel("right: similar")
    return figure


def draw_significance(frame: pd.DataFrame) -> Figure:
    """Draw each value beside its chance level, with two standard deviations of what shuffled inputs give.

    Parameters
    ----------
    frame
        What `similitude.significance` returned.
    """
    with style():
        figure, lines = _lines(list(frame["measure"]), "values, and what shuffled inputs give (grey: two sd)")
        for axes, row in zip(lines, frame.to_dict("records"), strict=True):
            value, low, high = row["value"], row["chance"] - 2 * row["sd"], row["chance"] + 2 * row["sd"]
            similar = "large" if row["kind"] == "similarity" else "small"
            _scale(axes, [value, low, high], (-math.inf, math.inf), similar=similar)
            axes.plot([low, high], [0, 0], color=MUTED, linewidth=6, solid_capstyle="butt")
            _mark(axes, value, f"{quantity(value)}, p = {probability(row['p'])}".replace("= <", "< "))
        lines[-1].set_xlabel("right: similar")
    return figure


def _lines(names: Sequence[str], title: str) -> tuple[Figure, list[Axes]]:
    figure = new_figure(4.2 + inches(names, 9), 0.7 + _ROW * len(names))
    lines = list(figure.subplots(len(names), 1, squeeze=False)[:, 0])
    for axes, name in zip(lines, names, strict=True):
        axes.set_ylabel(name, rotation=0, ha="right", va="center")
        axes.set_ylim(-0.3, 1)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.tick_params(labelsize=7)
    figure.suptitle(title)
    return figure, lines


def _mark(axes: Axes, value: float, label: str) -> None:
    axes.plot(value, 0, "o", color=COLOURS[0], clip_on=False)
    axes.annotate(label, (value, 0), (0, 5), textcoords="offset points", ha="center", size=8)


def _scale(axes: Axes, values: Sequence[float], bounds: tuple[float, float], *, similar: str) -> None:
    """Ends of a line: the measure's range, or the values' where it has none, with similar to the right."""
    finite = [value for value in values if math.isfinite(value)]
    room = 0.2 * (max(finite) - min(finite) or abs(max(finite)) or 1.0) if finite else 1.0
    low, high = (min(finite) - room, max(finite) + room) if finite else (0.0, 1.0)
    low, high = (bound if math.isfinite(bound) else end for bound, end in zip(bounds, (low, high), strict=True))
    high = high if high > low else low + 1
    axes.set_xlim(*((low, high) if similar == "large" else (high, low)))
