"""Curves of similarity over training."""

from __future__ import annotations

from typing import Any

from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from similitude.measures import Measure
from similitude.report.panels import add_legend, new_panels, say_empty
from similitude.report.style import COLOURS, MARKERS, SEQUENTIAL, style
from similitude.training.trajectory import Trajectory

__all__ = ["direction", "draw_trajectory"]


def direction(measure: Measure) -> str:
    """Return what a larger value of a measure means, for the label of its axis."""
    alike = "more alike" if measure.properties().kind == "similarity" else "less alike"
    return f"{measure.properties().kind} (larger: {alike})"


def draw_trajectory(found: Trajectory) -> Figure:
    """Draw one panel per measure and reference, one line per layer, with bands where there are intervals."""
    by_name = {str(measure): measure for measure in found.measures}
    shown = [(name, reference) for (name, reference), _ in found.frame.groupby(["measure", "reference"], sort=False)]
    kinds = {direction(by_name[name]) for name, _ in shown}
    with style():
        figure, panels = new_panels(
            [f"{name}, compared with {reference}" for name, reference in shown],
            columns=2,
            size=(3.6, 2.8),
            title=f"Similarity over training, n = {found.n:,} inputs",
            x=found.counted,
            y=kinds.pop() if len(kinds) == 1 else "value",
        )
        for axes, (name, reference) in zip(panels, shown, strict=True):
            table = found.table(name, reference)
            for i, layer in enumerate(table):
                colour, marker = _look(i, table.shape[1])
                values = table[layer].dropna()
                axes.plot(values.index, values, marker=marker, color=colour, markersize=3, linewidth=1.1, label=layer)
                if "low" in found.frame:
                    low, high = (found.table(name, reference, end)[layer] for end in ("low", "high"))
                    axes.fill_between(table.index, low, high, color=colour, alpha=0.15, linewidth=0)
            if len({direction(by_name[other]) for other, _ in shown}) > 1:
                axes.set_ylabel(direction(by_name[name]), fontsize=8)
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
