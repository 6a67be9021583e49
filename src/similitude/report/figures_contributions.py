"""Figures of what single inputs contribute."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from similitude.differences.contributions import KINDS, Contributions
from similitude.report.numbers import quantity
from similitude.report.style import COLOURS, MARKERS, MUTED, inches, new_figure, style, wrapped

__all__ = ["draw_contributions", "draw_sheet"]

_LINE = 0.2
"""Height of an input in inches."""

_COLUMNS = 5
"""Images side by side on a contact sheet."""

_NAME = 24
"""Characters of an id above an image; the end of a longer one."""


def draw_contributions(found: Contributions, top: int) -> Figure:
    """Draw the inputs that differ most, all differences in descending order, and groups if there are any.

    Parameters
    ----------
    found
        What `similitude.contributions` returned.
    top
        Number of inputs that are named.
    """
    rows = found.top(top)
    names = [str(name)[:40] for name in rows["id"]]
    panels = 3 if len(found.groups) else 2
    with style():
        width = 3.6 * panels + inches(names, 7)
        figure = new_figure(width, max(3.0, _LINE * len(names) + 1.2))
        named, ordered, *grouped = figure.subplots(1, panels, squeeze=False)[0]
        places = np.arange(len(rows))
        for i, kind in enumerate(KINDS):
            chosen = (rows["kind"] == kind).to_numpy()
            if chosen.any():
                named.plot(
                    *(rows["difference"][chosen], places[chosen], MARKERS[i]),
                    color=COLOURS[i],
                    markersize=5,
                    label=kind,
                )
        named.plot(rows["chance"], places, "|", color=MUTED, markersize=9, label="chance")
        named.set_yticks(places, names, fontsize=7)
        named.invert_yaxis()
        named.set_xlabel("difference")
        named.legend(fontsize=7)
        differences = np.sort(found.inputs["difference"].to_numpy())[::-1]
        ordered.plot(np.arange(1, len(differences) + 1), np.cumsum(differences), color=COLOURS[0])
        ordered.set_xlabel("inputs, largest difference first")
        ordered.set_ylabel("sum of differences")
        for axes in grouped:
            axes.barh([str(name)[:40] for name in found.groups["group"]], found.groups["ratio"], color=COLOURS[4])
            axes.axvline(1.0, color=MUTED, linewidth=1)
            axes.invert_yaxis()
            axes.set_xlabel("difference per input, relative to all")
        title = f"{found.measure} = {quantity(found.value)}: inputs that differ, n = {len(found.inputs):,}"
        figure.suptitle(wrapped(title, width))
    return figure


def draw_sheet(found: Contributions, images: Sequence[np.ndarray]) -> Figure:
    """Draw images of the inputs that differ most, with id, difference and kind of difference.

    Parameters
    ----------
    found
        What `similitude.contributions` returned.
    images
        As `similitude.differences.contributions.as_pixels` returns them, the one that differs most first.
    """
    rows = found.top(len(images))
    columns = min(_COLUMNS, len(images))
    with style():
        width = max(1.7 * columns, 4.0)
        figure = new_figure(width, 1.0 + 2.1 * -(-len(images) // columns))
        places = figure.subplots(-(-len(images) // columns), columns, squeeze=False).ravel()
        for axes in places:
            axes.set_axis_off()
        for axes, image, row in zip(places, images, rows.to_dict("records"), strict=False):
            axes.imshow(image, cmap="gray" if image.ndim == 2 else None, interpolation="nearest")
            name = str(row["id"])
            group = f", {row['group']}" if "group" in row else ""
            short = name if len(name) <= _NAME else f"…{name[1 - _NAME :]}"
            axes.set_title(f"{short}{group}\n{quantity(row['difference'])}, {row['kind']}", fontsize=6)
        title = f"{found.measure} = {quantity(found.value)}: inputs that differ most, n = {len(found.inputs):,}"
        figure.suptitle(wrapped(title, width))
    return figure
