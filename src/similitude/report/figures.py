"""The two figures of every run: the double heat map, and dissimilarity against functional difference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from similitude.report.style import COLOURS, MARKERS, SEQUENTIAL, new_figure, style

__all__ = ["double_heat_map", "heat_map", "scatter"]


def double_heat_map(
    matrices: Mapping[str, np.ndarray], layers: Sequence[str], *, pairs: int, n: int, title: str = ""
) -> Figure:
    """Two networks that differ in their seed only, every layer against every layer, one panel a measure.

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
    with style():
        figure = new_figure(max(5.2, 0.26 * 2 * depth + 2.0) * len(matrices), max(4.6, 0.24 * 2 * depth + 1.6))
        for axes, (measure, matrix) in zip(
            figure.subplots(1, len(matrices), squeeze=False)[0], matrices.items(), strict=True
        ):
            image = axes.imshow(
                matrix, cmap=SEQUENTIAL, vmin=0.0, vmax=float(np.nanmax(matrix)), interpolation="nearest"
            )
            axes.set_xticks(range(2 * depth), labels, rotation=90, fontsize=7)
            axes.set_yticks(range(2 * depth), labels, fontsize=7)
            for line in (axes.axhline, axes.axvline):
                line(depth - 0.5, color="white", linewidth=2)
            axes.set_xlabel("second network and layer")
            axes.set_ylabel("first network and layer")
            axes.set_title(measure)
            axes.spines[:].set_visible(False)
            figure.colorbar(image, ax=axes, label=f"{measure} dissimilarity (dark = similar)", shrink=0.85)
        figure.suptitle(
            f"{title}{': ' if title else ''}two seeds A and B, mean of {pairs} pairs of seeds, n = {n:,} inputs",
            fontsize=10,
        )
    return figure


def heat_map(
    matrix: pd.DataFrame, measure: str, kind: str, *, n: int, bounds: tuple[float, float] = (0.0, 1.0)
) -> Figure:
    """Every representation of one network against every one of another; dark is similar whatever the kind.

    Parameters
    ----------
    matrix
        Values with labels of the first network's layers as index and of the second's as columns.
    measure
        The measure's id.
    kind
        ``"similarity"`` or ``"dissimilarity"``.
    n
        Number of inputs.
    bounds
        The measure's own; finite ones fix the scale of colours.
    """
    low = bounds[0] if math.isfinite(bounds[0]) else None
    high = bounds[1] if math.isfinite(bounds[1]) else None
    with style():
        figure = new_figure(max(4.5, 0.3 * matrix.shape[1] + 2.5), max(3.6, 0.28 * matrix.shape[0] + 1.8))
        axes = figure.subplots()
        cmap = SEQUENTIAL if kind == "dissimilarity" else f"{SEQUENTIAL}_r"
        image = axes.imshow(
            matrix.to_numpy(dtype=float),
            cmap=cmap,
            vmin=low,
            vmax=high,
            interpolation="nearest",
            aspect="auto",
        )
        axes.set_xticks(range(matrix.shape[1]), [str(c) for c in matrix.columns], rotation=90, fontsize=7)
        axes.set_yticks(range(matrix.shape[0]), [str(r) for r in matrix.index], fontsize=7)
        axes.set_xlabel(str(matrix.columns.name or "second"))
        axes.set_ylabel(str(matrix.index.name or "first"))
        axes.set_title(f"{measure}, n = {n:,} inputs")
        axes.spines[:].set_visible(False)
        figure.colorbar(image, ax=axes, label=f"{measure} {kind} (dark = similar)")
    return figure


def scatter(
    pairs: pd.DataFrame, measures: Sequence[str], table: pd.DataFrame, *, title: str, difference: str
) -> Figure:
    """Dissimilarity against difference in functionality, one panel a measure.

    Parameters
    ----------
    pairs
        Rows of one subtask and functionality, as in ``pairs.csv``.
    measures
        Ids, one panel each.
    table
        Indexed by measure: columns rho, tau (averages over reference layers).
    title
        The subtask and the functionality.
    difference
        Label of the difference, with its unit.
    """
    columns = min(4, len(measures))
    rows = math.ceil(len(measures) / columns)
    layers = list(pairs["layer"].unique())
    with style():
        figure = new_figure(2.9 * columns, 2.7 * rows + 0.5)
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, measure in zip(grid, measures, strict=False):
            for i, layer in enumerate(layers):
                of_layer = pairs[pairs["layer"] == layer]
                axes.scatter(
                    of_layer["difference"],
                    of_layer[measure],
                    s=10,
                    alpha=0.75,
                    linewidths=0,
                    color=COLOURS[i % len(COLOURS)],
                    marker=MARKERS[i % len(MARKERS)],
                    label=layer,
                )
            axes.set_title(
                f"{measure}: ρ = {table.loc[measure, 'rho']:.2f}, τ = {table.loc[measure, 'tau']:.2f}",
                fontsize=9,
            )
            axes.set_xlabel(difference, fontsize=8)
            axes.set_ylabel(f"{measure} dissimilarity", fontsize=8)
        for axes in grid[len(measures) :]:
            axes.set_visible(False)
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 7), title="layer", fontsize=7)
        models = pairs["model"].nunique()
        figure.suptitle(f"{title}: {models} models, {len(pairs)} pairs with the best model", fontsize=10)
    return figure
