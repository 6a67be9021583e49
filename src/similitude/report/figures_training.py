"""Curves of similarity over training, and over layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from similitude.engine.layer_choice import LayerChoice
from similitude.errors import InputError
from similitude.measures import Measure
from similitude.report.panels import add_legend, new_panels, say_empty
from similitude.report.style import COLOURS, MARKERS, SEQUENTIAL, inches, new_figure, style, wrapped
from similitude.training.trajectory import Trajectory

__all__ = ["direction", "draw_choice", "draw_trajectory"]

_STEP = 0.22
"""Width of a layer in a figure, in inches."""


def direction(measure: Measure) -> str:
    """Return what a larger value of a measure means, for the label of its axis."""
    alike = "more alike" if measure.properties().kind == "similarity" else "less alike"
    return f"{measure.properties().kind} (larger: {alike})"


def draw_trajectory(found: Trajectory) -> Figure:
    """Draw one panel per measure and reference, one line per layer, with bands where there are intervals."""
    if not found.compared:
        raise InputError("Nothing was compared yet.")
    kinds = {direction(measure) for measure, _ in found.compared}
    with style():
        figure, panels = new_panels(
            [f"{measure}, compared with {reference}" for measure, reference in found.compared],
            columns=2,
            size=(3.6, 2.8),
            title=f"Similarity over training, n = {found.n:,} inputs",
            x=found.counted,
            y=kinds.pop() if len(kinds) == 1 else "value",
        )
        for axes, (measure, reference) in zip(panels, found.compared, strict=True):
            table = found.table(measure, reference)
            for i, (layer, values) in enumerate(table.items()):
                colour, marker = _look(i, table.shape[1])
                drawn = {"color": colour, "marker": marker, "markersize": 3, "linewidth": 1.1, "label": str(layer)}
                axes.plot(values.dropna(), **drawn)
                if "low" in found.frame:
                    low, high = (found.table(measure, reference, end)[layer] for end in ("low", "high"))
                    axes.fill_between(table.index, low, high, color=colour, alpha=0.15, linewidth=0)
            if len({direction(other) for other in found.measures}) > 1:
                axes.set_ylabel(direction(measure), fontsize=8)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            if table.isna().all(axis=None):
                say_empty(axes)
        if panels:
            add_legend(figure, panels[0], "layer")
    return figure


def _look(position: int, count: int) -> tuple[Any, str]:
    """Colour and marker of a layer: distinct ones of a few, from dark to light over the depth of many."""
    marker = MARKERS[position % len(MARKERS)]
    if count <= len(COLOURS):
        return COLOURS[position], marker
    return colormaps[SEQUENTIAL](0.9 * position / (count - 1)), marker


def draw_choice(found: LayerChoice) -> Figure:
    """Draw the values of all layers with their intervals, and that of the chosen ones on the other inputs."""
    table, places = found.layers, np.arange(len(found.layers))
    names = [str(name) for name in table["layer"]]
    level = f"{found.level:.0%} interval"
    with style():
        width = max(4.6, _STEP * len(names) + 1.6)
        figure = new_figure(width, 3.4 + inches(names, 7))
        axes = figure.subplots()
        axes.axhspan(found.low, found.high, color=COLOURS[5], alpha=0.12, linewidth=0)
        axes.axhline(found.value, color=COLOURS[5], linewidth=1, label=f"layers chosen on other inputs, {level}")
        errors = np.abs(table[["low", "high"]].to_numpy().T - table["value"].to_numpy())
        axes.errorbar(
            places, table["value"], errors, fmt="-o", color=COLOURS[0], markersize=3, linewidth=1.1, elinewidth=0.8,
            label=f"all inputs, {level}",
        )  # fmt: skip
        best = names.index(found.layer)
        axes.plot(best, table["value"][best], "s", color=COLOURS[5], markersize=6, label=f"{found.layer}, the best")
        axes.set_xticks(places, names, rotation=90, fontsize=7)
        axes.set_xlabel("layer")
        axes.set_ylabel(f"{found.measure}\n{direction(found.measure)}")
        figure.legend(loc="outside lower center", fontsize=7, ncols=1)
        figure.suptitle(wrapped(f"Layers compared with {found.target}, n = {found.n:,} inputs", width))
    return figure
