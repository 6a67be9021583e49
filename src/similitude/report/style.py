"""One look for all figures: readable in grey and by the colour-blind, vector and PNG."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

__all__ = ["COLOURS", "MARKERS", "SEQUENTIAL", "new_figure", "save", "style"]

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
"""Okabe and Ito's colours, distinguishable with every common colour deficiency."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""So that nothing is told by colour alone."""

SEQUENTIAL = "magma"
"""Monotone in lightness; dark is small, so that in a dissimilarity dark is similar."""

_SETTINGS: Any = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "figure.dpi": 120,
    "savefig.dpi": 160,
    "svg.hashsalt": "similitude",
    "pdf.fonttype": 42,
}


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib settings of all figures, within a block."""
    with matplotlib.rc_context(_SETTINGS):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Figure of a size in inches, independent of any window system."""
    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, path: Path) -> list[Path]:
    """Write ``path.png`` and ``path.pdf``, the same bytes for the same figure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    files = [path.with_suffix(".png"), path.with_suffix(".pdf")]
    with style():
        figure.savefig(files[0], metadata={"Software": None})
        figure.set_layout_engine("none")  # laid out already
        figure.savefig(files[1], metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return files
