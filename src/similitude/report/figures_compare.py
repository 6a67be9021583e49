"""Map of networks whose layers have been compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from similitude.measures import Measure
from similitude.report.figures_networks import place_networks
from similitude.report.style import COLOURS, new_figure, style

__all__ = ["network_map"]


def network_map(dissimilarity: np.ndarray, measure: Measure, names: Sequence[str], *, n: int, layers: int) -> Figure:
    """Networks as points; near ones are alike.

    Parameters
    ----------
    dissimilarity
        Shape (m, m), averaged over layers; the measure must be a metric.
    measure
        Which it is.
    names
        m names.
    n
        Number of inputs.
    layers
        Number of layers averaged over.
    """
    points, stress = place_networks(dissimilarity, measure)
    with style():
        figure = new_figure(5.0, 4.6)
        axes = figure.subplots()
        axes.scatter(*points.T, s=34, color=COLOURS[0], edgecolors="black", linewidths=0.4)
        for name, (x, y) in zip(names, points, strict=True):
            axes.annotate(name, (x, y), xytext=(4, 3), textcoords="offset points", fontsize=7)
        axes.set_aspect("equal")
        axes.margins(0.15)
        axes.set_xlabel(f"{measure} (MDS, stress {stress:.2f})")
        axes.set_ylabel(f"{measure}")
        axes.set_title(f"{len(names)} networks, mean over {layers} layer(s), n = {n:,} inputs")
    return figure
