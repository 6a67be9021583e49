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
