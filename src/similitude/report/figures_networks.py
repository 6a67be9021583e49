"""Figures of the networks themselves: what a measure notices of deletions, and a map of networks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from similitude.benchmark.intuitive import Sensitivity
from similitude.errors import InputError
from similitude.measures import Measure
from similitude.report.style import COLOURS, MARKERS, new_figure, style

__all__ = ["mds_map", "place_networks", "sensitivity_curves"]


def sensitivity_curves(
    tested: Mapping[str, Sensitivity], layers: Sequence[str], *, title: str, shown: Sequence[str] = ()
) -> Figure:
    """Dissimilarity of a truncated layer from the whole, against the share of components deleted; a panel a measure.

    Dashed lines with bands are the mean distance, and its standard deviation, of the same layer in two networks that
    differ in their seed: a curve above its line is a detected deletion, marked at the crossing.

    Parameters
    ----------
    tested
        Measure id to its sensitivity.
    layers
        Names of the layers, in the order of the curves.
    title
        Which networks.
    shown
        Layers to draw; by default the first, the middle and the last.
    """
    drawn = list(shown) or [layers[i] for i in sorted({0, len(layers) // 2, len(layers) - 1})]
    columns = min(3, len(tested))
    rows = math.ceil(len(tested) / columns)
    with style():
        figure = new_figure(3.1 * columns, 2.6 * rows + 0.6)
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (measure, found) in zip(grid, tested.items(), strict=False):
            for c, name in enumerate(drawn):
                i = list(layers).index(name)
                colour = COLOURS[c % len(COLOURS)]
                axes.plot(
                    100 * found.shares,
                    found.curve[i],
                    color=colour,
                    marker=MARKERS[c % len(MARKERS)],
                    markersize=3,
                    linewidth=1,
                    label=name,
                )
                threshold, spread = found.threshold[i], found.spread[i]
                axes.axhline(threshold, color=colour, linewidth=0.9, linestyle="--")
                axes.axhspan(threshold - spread, threshold + spread, color=colour, alpha=0.12, linewidth=0)
                at = found.detected[i].estimate
                if np.isfinite(at):
                    axes.plot(100 * at, threshold, "*", color=colour, markersize=9, markeredgecolor="black")
            axes.set_title(measure, fontsize=9)
            axes.set_xlabel("components deleted (%)", fontsize=8)
            axes.set_ylabel(f"{measure} dissimilarity", fontsize=8)
            axes.set_ylim(bottom=0)
        for axes in grid[len(tested) :]:
            axes.set_visible(False)
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), title="layer", fontsize=7)
        figure.suptitle(f"{title}: dashed, the distance between two seeds (mean, sd); stars, detection", fontsize=9)
    return figure


def place_networks(dissimilarity: np.ndarray, measure: Measure, iterations: int = 300) -> tuple[np.ndarray, float]:
    """Points in the plane whose distances are near the dissimilarities: multidimensional scaling by majorisation.

    Parameters
    ----------
    dissimilarity
        Square, symmetric, zero on the diagonal, shape (m, m).
    measure
        Which it is; it must be a metric.
    iterations
        Steps of majorisation (SMACOF).

    Returns
    -------
    points, stress
        Shape (m, 2), and Kruskal's stress-1: 0 is faithful, above .2 poor.

    Raises
    ------
    InputError
        The measure is not a metric, so that a map of it would mislead; or pairs failed.
    """
    if not measure.properties().is_metric:
        raise InputError(
            f"{measure} is not a metric: it breaks the triangle inequality, and a map of it would mislead. "
            "Use orthogonal_procrustes or angular_procrustes."
        )
    if not np.isfinite(dissimilarity).all():
        raise InputError(f"{measure} failed on some pairs; leave those networks out of the map.")
    target = (dissimilarity + dissimilarity.T) / 2
    points = _principal_coordinates(target)
    for _ in range(iterations):  # Guttman's transform never raises the stress
        distances = np.linalg.norm(points[:, None] - points, axis=-1)
        ratio = np.divide(target, distances, out=np.zeros_like(target), where=distances > 0)
        points = (ratio.sum(axis=1, keepdims=True) * points - ratio @ points) / len(points)
    distances = np.linalg.norm(points[:, None] - points, axis=-1)
    return points, float(np.sqrt(((distances - target) ** 2).sum() / (target**2).sum()))


def _principal_coordinates(distances: np.ndarray) -> np.ndarray:
    """Classical scaling, where majorisation starts: deterministic, and exact if the plane is enough."""
    centring = np.eye(len(distances)) - 1 / len(distances)
    values, vectors = np.linalg.eigh(-centring @ distances**2 @ centring / 2)
    return vectors[:, :-3:-1] * np.sqrt(np.maximum(values[:-3:-1], 0))


def mds_map(
    dissimilarity: np.ndarray,
    measure: Measure,
    names: Sequence[str],
    score: Sequence[float],
    *,
    title: str,
    functionality: str,
) -> Figure:
    """Map of networks: near points are alike by a measure that is a metric, colour is what they can do.

    Parameters
    ----------
    dissimilarity, measure
        See `place_networks`.
    names
        m names; written beside the points if there are 40 or fewer.
    score
        m values of the functionality.
    title, functionality
        Which networks, and label of the colours.
    """
    points, stress = place_networks(dissimilarity, measure)
    with style():
        figure = new_figure(5.4, 4.6)
        axes = figure.subplots()
        dots = axes.scatter(*points.T, c=score, cmap="cividis", s=34, edgecolors="black", linewidths=0.4)
        if len(names) <= 40:
            for name, (x, y) in zip(names, points, strict=True):
                axes.annotate(name, (x, y), xytext=(4, 3), textcoords="offset points", fontsize=6)
        axes.set_aspect("equal")
        axes.set_xlabel(f"{measure} (MDS, stress {stress:.2f})")
        axes.set_ylabel(f"{measure}")
        axes.set_title(title)
        figure.colorbar(dots, ax=axes, label=functionality, shrink=0.8)
    return figure
