"""Figures of the networks themselves: what a measure notices of deletions, and a map of networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from similitude.benchmark.intuitive.scores import Sensitivity
from similitude.errors import InputError
from similitude.measures import Measure
from similitude.report.numbers import number
from similitude.report.panels import add_legend, new_panels, say_empty
from similitude.report.style import COLOURS, MARKERS, inches, new_figure, style, wrapped

__all__ = ["mds_map", "place_networks", "sensitivity_curves"]


def sensitivity_curves(
    tested: Mapping[str, Sensitivity],
    layers: Sequence[str],
    *,
    models: int,
    n: int,
    title: str,
    shown: Sequence[str] = (),
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
    models, n
        Numbers of networks and of inputs.
    title
        Which networks.
    shown
        Layers to draw; by default the first, the middle and the last.
    """
    drawn = list(shown) or [layers[i] for i in sorted({0, len(layers) // 2, len(layers) - 1})]
    with style():
        figure, panels = new_panels(
            list(tested),
            columns=3,
            size=(3.1, 2.3),
            title=f"{title}: {models} models, n = {n:,} inputs; dashed, the distance between two seeds (mean, sd); "
            "stars, detection",
            x="components deleted (%)",
            y="dissimilarity from the whole layer (larger: less alike)",
        )
        for axes, found in zip(panels, tested.values(), strict=True):
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
            axes.set_ylim(bottom=0)
            if np.isnan(found.curve).all():
                say_empty(axes)
        add_legend(figure, panels[0], "layer")
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
    scale = (target**2).sum()
    return points, float(np.sqrt(((distances - target) ** 2).sum() / scale)) if scale else 0.0


def _principal_coordinates(distances: np.ndarray) -> np.ndarray:
    """Classical scaling, where majorisation starts: deterministic, and exact if the plane is enough."""
    centring = np.eye(len(distances)) - 1 / len(distances)
    values, vectors = np.linalg.eigh(-centring @ distances**2 @ centring / 2)
    return vectors[:, :-3:-1] * np.sqrt(np.maximum(values[:-3:-1], 0))


def mds_map(
    dissimilarity: np.ndarray,
    measure: Measure,
    names: Sequence[str],
    score: Sequence[float] | None = None,
    *,
    title: str,
    functionality: str = "",
) -> Figure:
    """Map of networks: near points are alike by a measure that is a metric, colour is what they can do.

    Parameters
    ----------
    dissimilarity, measure
        See `place_networks`.
    names
        m names; written beside the points if there are 40 or fewer.
    score
        m values of the functionality, if there is one.
    title, functionality
        Which networks, and label of the colours.
    """
    points, stress = place_networks(dissimilarity, measure)
    with style():
        side = 4.6 if len(names) <= 15 else 6.4
        width = side + 0.8 + max(0.0, inches(names, 7) - 0.8)
        figure = new_figure(width, side)
        axes = figure.subplots()
        look: Any = {"color": COLOURS[0]} if score is None else {"c": score, "cmap": "cividis"}
        dots = axes.scatter(*points.T, s=34, edgecolors="black", linewidths=0.4, **look)
        if len(names) <= 40:
            _name_points(axes, points, names)
        axes.set_aspect("equal", adjustable="datalim")
        axes.margins(0.15)
        axes.set_xlabel(f"first axis of MDS, in {measure} (stress {number(stress)})")
        axes.set_ylabel(f"second axis, in {measure}")
        if score is not None:
            figure.colorbar(dots, ax=axes, label=wrapped(functionality, 0.7 * side), shrink=0.8)
        figure.suptitle(wrapped(title, width))
    return figure


def _name_points(axes: Axes, points: np.ndarray, names: Sequence[str]) -> None:
    """Names beside points, towards the middle; points in one place share a label."""
    extent = float(np.ptp(points, axis=0).max()) or 1.0
    places: dict[tuple[float, float], list[int]] = {}
    for i, (x, y) in enumerate((points / extent).round(2).tolist()):
        places.setdefault((x, y), []).append(i)
    middle = (points[:, 0].min() + points[:, 0].max()) / 2
    for together in places.values():
        x, y = points[together[0]]
        right = x > middle
        axes.annotate(
            "\n".join(names[i] for i in together),
            (x, y),
            xytext=(-5 if right else 5, 3),
            textcoords="offset points",
            ha="right" if right else "left",
            fontsize=7 if len(names) <= 15 else 6,
        ).set_in_layout(False)  # the map would shrink to make room for it
