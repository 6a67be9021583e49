"""The two figures of every run: the double heat map, and dissimilarity against functional difference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from similitude.errors import InputError
from similitude.measures import Measure, get_measure
from similitude.measures.base import Kind
from similitude.report.numbers import number, quantity, unit_of
from similitude.report.panels import add_legend, new_panels, say_empty
from similitude.report.style import COLOURS, MARKERS, SEQUENTIAL, inches, new_figure, style, wrapped

__all__ = ["Map", "double_heat_map", "heat_map", "heat_maps", "scatter"]


def double_heat_map(
    matrices: Mapping[str, np.ndarray], layers: Sequence[str], *, pairs: int, n: int, title: str = ""
) -> Figure:
    """Two networks that differ in their seed only, every layer against every layer, one panel per measure.

    Parameters
    ----------
    matrices
        Measure id to dissimilarities of shape (2L, 2L): blocks A-A, A-B over B-A, B-B, averaged over pairs of seeds.
    layers
        Names of the L layers, from input to output.
    pairs
        Number of pairs of seeds averaged over.
    n
        Number of inputs.
    title
        What the networks are.
    """
    depth = len(layers)
    labels = [f"{network} {layer}" for network in "AB" for layer in layers]
    room = inches(labels, 7)
    side = max(3.0, 0.24 * 2 * depth)
    width = side + room + 1.4
    with style():
        figure = new_figure(width * len(matrices), side + room + 1.0)
        panels = figure.subplots(1, len(matrices), squeeze=False)[0]
        for axes, (measure, matrix) in zip(panels, matrices.items(), strict=True):
            values = matrix[np.isfinite(matrix)]
            _image(figure, axes, matrix, labels, labels, "dissimilarity", 0.0, values.max() if len(values) else 1.0)
            for line in (axes.axhline, axes.axvline):
                line(depth - 0.5, color="white", linewidth=2)
            axes.set_xlabel("second network and layer")
            axes.set_ylabel("first network and layer")
            axes.set_title(wrapped(measure, side))
        averaged = f"mean of {pairs} pairs of seeds" if pairs > 1 else "one pair of seeds"
        text = f"{title}{': ' if title else ''}two seeds A and B, {averaged}, n = {n:,} inputs"
        figure.suptitle(wrapped(text, width * len(matrices)))
    return figure


def heat_map(
    matrix: pd.DataFrame | np.ndarray,
    measure: str | Measure | None = None,
    kind: Kind | None = None,
    *,
    n: int | None = None,
    bounds: tuple[float, float] | None = None,
    annotate: bool = False,
    title: str | None = None,
    hatched: pd.DataFrame | np.ndarray | None = None,
) -> Figure:
    """Draw every representation of one network against every one of another; dark is similar whatever the kind.

    Parameters
    ----------
    matrix
        Values with labels of the first network's layers as index and of the second's as columns, such as
        ``.matrix("cka")`` of a `PairTable`, or an array.
    measure
        The measure, or its id; by default what the matrix says that it is of.
    kind
        ``"similarity"`` or ``"dissimilarity"``; by default the measure's.
    n
        Number of inputs; by default what the matrix says.
    bounds
        Ends of the colour scale, infinite or None for those of the values; by default the measure's range.
    annotate
        Whether cells show their values.
    title
        By default the measure and the number of inputs.
    hatched
        Which cells are within chance, such as ``table.within_chance("cka")``; they are hatched.

    Raises
    ------
    InputError
        Neither the kind nor a measure that has one is known.

    Examples
    --------
    >>> figure = heat_map(np.eye(3), "cka", annotate=True)
    """
    frame = matrix if isinstance(matrix, pd.DataFrame) else pd.DataFrame(matrix)
    name = frame.attrs.get("measure") if measure is None else measure
    if kind is None:
        if name is None:
            raise InputError("Name the measure whose values these are, or give kind='similarity' or 'dissimilarity'.")
        declared = get_measure(name).properties()
        kind, bounds = declared.kind, declared.bounds if bounds is None else bounds
    n = frame.attrs.get("n") if n is None else n
    of_inputs = "" if n is None else f"n = {n:,} inputs"
    panel = Map(frame, str(name or kind), kind, bounds or (-math.inf, math.inf), hatched)
    return heat_maps([panel], title or ", ".join(filter(None, [panel.measure, of_inputs])), annotate=annotate)


@dataclass(frozen=True)
class Map:
    """Labelled values of one measure, its kind, and the ends of its colours, infinite for those of the values.

    Cells that are `hatched` are within chance.
    """

    matrix: pd.DataFrame
    measure: str
    kind: Kind
    bounds: tuple[float, float]
    hatched: pd.DataFrame | np.ndarray | None = None


def heat_maps(maps: Sequence[Map], title: str, *, annotate: bool = False) -> Figure:
    """Draw one heat map per measure, beside each other.

    Parameters
    ----------
    maps
        What to draw; of several, each is headed by its measure.
    title
        Of the whole figure.
    annotate
        Whether cells show their values.
    """
    cell = 0.42 if annotate else 0.28
    down, across = ([str(label) for label in axis] for axis in (maps[0].matrix.index, maps[0].matrix.columns))
    width = max(2.5, cell * len(across)) + inches(down, 7) + 1.4
    height = max(2.0, cell * len(down)) + inches(across, 7) + (0.9 if len(maps) == 1 else 1.3)
    with style():
        figure = new_figure(width * len(maps), height)
        for axes, shown in zip(figure.subplots(1, len(maps), squeeze=False)[0], maps, strict=True):
            values = shown.matrix.to_numpy(dtype=float)
            low, high = (bound if math.isfinite(bound) else None for bound in shown.bounds)
            hatched = np.zeros(values.shape, bool) if shown.hatched is None else np.asarray(shown.hatched, bool)
            image = _image(figure, axes, values, down, across, shown.kind, low, high, hatched=hatched)
            if annotate:
                _annotate(axes, image, values, unit_of(shown.bounds, values))
            axes.set_xlabel(str(shown.matrix.columns.name or "second"))
            axes.set_ylabel(str(shown.matrix.index.name or "first"))
            if len(maps) > 1:
                axes.set_title(wrapped(shown.measure, width))
        figure.suptitle(wrapped(title, width * len(maps)))
    return figure


def _annotate(axes: Axes, image: AxesImage, values: np.ndarray, unit: float) -> None:
    """Values in their cells, light on dark and dark on light."""
    red, green, blue = np.moveaxis(image.to_rgba(values)[..., :3], -1, 0)
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
    for (i, j), value in np.ndenumerate(values):
        colour = "1" if dark[i, j] else "0"
        axes.text(j, i, quantity(value, unit), ha="center", va="center", fontsize=6, color=colour)


def _image(
    figure: Figure,
    axes: Axes,
    values: np.ndarray,
    down: Sequence[str],
    across: Sequence[str],
    kind: str,
    low: float | None,
    high: float | None,
    hatched: np.ndarray | None = None,
) -> AxesImage:
    """Values as colours, with names along both sides; dark is similar, grey what failed, hatched what chance gives."""
    cmap = colormaps[SEQUENTIAL if kind == "dissimilarity" else f"{SEQUENTIAL}_r"].with_extremes(bad="0.75")
    image = axes.imshow(values, cmap=cmap, vmin=low, vmax=high, interpolation="nearest", aspect="auto")
    axes.set_xticks(range(len(across)), across, rotation=90, fontsize=7)
    axes.set_yticks(range(len(down)), down, fontsize=7)
    axes.spines[:].set_visible(False)
    failed, within = "" if np.isfinite(values).all() else "; grey: failed", ""
    if hatched is not None and hatched.any():
        cells = [Rectangle((j - 0.5, i - 0.5), 1, 1) for i, j in np.argwhere(hatched)]
        axes.add_collection(PatchCollection(cells, hatch="////", facecolor="none", edgecolor="0.55", linewidth=0))
        within = "\nhatched: within chance"
    figure.colorbar(image, ax=axes, label=f"{kind} (dark: similar{failed}){within}")
    return image


def scatter(
    pairs: pd.DataFrame, measures: Sequence[str], table: pd.DataFrame, *, title: str, difference: str, n: int
) -> Figure:
    """Dissimilarity against difference in functionality, one panel per measure.

    Lines are of least squares: where layers are compared one by one, each has its own over models; where all layers are
    compared with all, there is one of all pairs.

    Parameters
    ----------
    pairs
        Rows of one subtask and functionality, as in ``pairs.csv``.
    measures
        Ids, one panel each.
    table
        Indexed by measure: columns rho (against the best model, averaged over reference layers) and, if known, every
        (averaged over every model as the reference).
    title
        The subtask and the functionality.
    difference
        What the difference is in, with its unit; the axis says its direction.
    n
        Number of inputs.
    """
    models = len({*pairs["reference"], *pairs["model"]})
    with style():
        figure, panels = new_panels(
            [f"{measure}: {_grade(table.loc[measure].to_dict())}" for measure in measures],
            columns=4,
            size=(2.9, 2.4),
            title=f"{title}: {models} models, {len(pairs)} pairs with the best model, n = {n:,} inputs",
            x=f"{difference}, from the best model (right: functions less alike)",
            y="dissimilarity (larger: less alike)",
        )
        layers = list(pairs.groupby("layer", sort=False))
        apart = bool((pairs["layer"] == pairs.get("reference_layer")).all())
        for axes, measure in zip(panels, measures, strict=True):
            for i, (layer, of_layer) in enumerate(layers):
                axes.scatter(
                    of_layer["difference"],
                    of_layer[measure],
                    s=10,
                    alpha=0.75,
                    linewidths=0,
                    color=COLOURS[i % len(COLOURS)],
                    marker=MARKERS[(i + i // len(COLOURS)) % len(MARKERS)],  # no two of 49 layers look the same
                    label=str(layer),
                )
                if apart:
                    _draw_trend(axes, of_layer["difference"], of_layer[measure], COLOURS[i % len(COLOURS)])
            if not apart:
                _draw_trend(axes, pairs["difference"], pairs[measure], "0.3", label="all pairs")
            if pairs[measure].isna().all():
                say_empty(axes)
        add_legend(figure, panels[0], "layer")
    return figure


def _draw_trend(axes: Axes, across: pd.Series, up: pd.Series, colour: str, label: str = "") -> None:
    x, y = across.to_numpy(dtype=float), up.to_numpy(dtype=float)
    finite = np.isfinite(x) & np.isfinite(y)
    if finite.sum() < 3 or np.ptp(x[finite]) == 0:
        return
    start, slope = np.polynomial.polynomial.polyfit(x[finite], y[finite], 1)
    ends = np.array([x[finite].min(), x[finite].max()])
    axes.plot(ends, start + slope * ends, color=colour, linewidth=1.1, alpha=0.9, label=label)


def _grade(row: Mapping[Any, float]) -> str:
    """Correlations, each on one line."""
    shown = [f"ρ = {number(row['rho'])}"]
    if not pd.isna(row.get("every")):
        shown = [f"ρ = {number(row['every'])},", f"best reference {number(row['rho'])}"]
    return " ".join(text.replace(" ", "\N{NO-BREAK SPACE}") for text in shown)
