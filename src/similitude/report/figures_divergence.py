"""Curve over depth of where two networks differ."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from similitude.differences.divergence import Divergence
from similitude.report.style import COLOURS, MUTED, inches, new_figure, style, wrapped

__all__ = ["draw_divergence"]

_STEP = 0.22
"""Width of a layer in the figure, in inches."""


def draw_divergence(found: Divergence) -> Figure:
    """Draw relative error, noise and tolerance over depth, and CKA and its chance below.

    Parameters
    ----------
    found
        What `similitude.diff` returned, of one layer or more.
    """
    table, places = found.layers, np.arange(len(found.layers))
    names = [str(name) for name in table["layer"]]
    with style():
        width = max(4.6, _STEP * len(names) + 1.6)
        figure = new_figure(width, 4.2 + inches(names, 7))
        errors, alike = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
        positive = table[["relative", "noise", "tolerance"]].where(lambda values: values > 0)
        errors.plot(places, table["tolerance"], "--", color=MUTED, linewidth=1, label="tolerance")
        errors.plot(places, positive["noise"], ":", color=MUTED, linewidth=1, label="noise of the first")
        shown = positive["relative"].where(np.isfinite(table["relative"]))
        errors.plot(places, shown, "-o", color=COLOURS[0], markersize=3, label="relative error")
        beyond = table["beyond"].to_numpy(dtype=bool)
        errors.plot(places[beyond], shown[beyond], "s", color=COLOURS[5], markersize=4, label="beyond tolerance")
        if len(positive.stack()):
            errors.set_yscale("log")
            errors.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}"))
        errors.set_ylabel("relative error")
        alike.plot(places, table["cka"], "-o", color=COLOURS[2], markersize=3, label="CKA")
        alike.plot(places, table["chance"], ":", color=MUTED, linewidth=1, label="chance")
        alike.set_ylim(0, 1.05)
        alike.set_ylabel("CKA")
        if found.first in names:
            for axes in (errors, alike):
                axes.axvline(names.index(found.first), color=COLOURS[5], linewidth=0.8)
        alike.set_xticks(places, names, rotation=90, fontsize=7)
        for axes in (errors, alike):
            axes.legend(fontsize=7)
        verdict = f"first differ at {found.first}" if found.first else "agree within tolerance"
        figure.suptitle(wrapped(f"{found.names[0]} and {found.names[1]} {verdict}, n = {found.n:,} inputs", width))
    return figure
