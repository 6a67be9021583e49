"""A grid of panels, one per measure, with labels and a legend that they share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from similitude.report.style import inches, new_figure, wrapped

__all__ = ["add_legend", "new_panels", "say_empty"]

_LINE = 0.16
"""Height of a line of small text, in inches."""
_NARROWEST = 4.6


def new_panels(
    titles: Sequence[str], *, columns: int, size: tuple[float, float], title: str, x: str, y: str
) -> tuple[Figure, list[Axes]]:
    """Panels with one axis of x, each with its own of y.

    Parameters
    ----------
    titles
        One per panel.
    columns
        Panels side by side, at most.
    size
        Width and height of a panel in inches.
    title, x, y
        What is said once for all panels.
    """
    columns = min(columns, len(titles))
    rows = math.ceil(len(titles) / columns)
    width = max(_NARROWEST, size[0] * columns)
    above = [wrapped(text, 0.8 * width / columns, 9) for text in titles]
    title, x, y = wrapped(title, width), wrapped(x, 0.9 * width, 9), wrapped(y, 0.9 * size[1] * rows, 9)
    lines = title.count("\n") + x.count("\n") + rows * max(text.count("\n") for text in above)
    figure = new_figure(width, size[1] * rows + 0.4 + _LINE * lines)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    for axes, text in zip(grid, above, strict=False):
        axes.set_title(text, fontsize=9)
    for axes in grid[len(titles) :]:
        axes.set_visible(False)
    for axes in grid[max(0, len(titles) - columns) : len(titles)]:
        axes.tick_params(labelbottom=True)
    figure.suptitle(title)
    figure.supxlabel(x, fontsize=9)
    figure.supylabel(y, fontsize=9)
    return figure, list(grid[: len(titles)])


def add_legend(figure: Figure, axes: Axes, title: str) -> None:
    """Explain the labelled artists of one panel beside all panels, in room made for it."""
    handles, labels = axes.get_legend_handles_labels()
    columns = math.ceil(_LINE * (len(labels) + 1) / (0.6 * figure.get_figheight()))
    figure.set_figwidth(figure.get_figwidth() + columns * (inches([*labels, title], 7) + 0.4))
    figure.legend(handles, labels, loc="outside right center", ncols=columns, title=title, fontsize=7, title_fontsize=8)


def say_empty(axes: Axes) -> None:
    """Say that a panel has no values, instead of an axis of none."""
    axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", color="0.35", fontsize=8)
    axes.set_yticks([])
