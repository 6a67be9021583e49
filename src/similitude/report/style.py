"""One look for all figures: readable in grey and by the colour-blind, vector and PNG."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

from similitude.errors import InputError

__all__ = [
    "COLOURS",
    "DIVERGING",
    "MARKERS",
    "MUTED",
    "SEQUENTIAL",
    "check_format",
    "formats",
    "inches",
    "new_figure",
    "save",
    "style",
    "wrapped",
]

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
"""Okabe and Ito's colours, distinguishable with every common colour deficiency."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""So that nothing is told by colour alone."""

SEQUENTIAL = "magma"
"""Monotone in lightness; dark is small, so that in a dissimilarity dark is similar."""

DIVERGING = "RdBu"
"""White at 0, blue above and red below: of numbers whose sign matters, distinguishable by the colour-blind."""

MUTED = "0.55"
"""Grey of what is no evidence."""

_SETTINGS: Any = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titley": 1.0,  # no title has ticks above the axes to make way for, and looking for them takes time
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.titlesize": 10,
    "legend.frameon": False,
    "figure.dpi": 160,
    "text.parse_math": False,  # names of networks and measures may hold dollar signs
    "svg.hashsalt": "similitude",
    "pdf.fonttype": 42,
}

_EM = 0.6
"""Mean width of a character, in units of the font's size."""


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib settings of all figures, within a block."""
    with matplotlib.rc_context(_SETTINGS):
        yield


class _Figure(Figure):
    """Figure that a notebook shows although it is independent of any window system."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()


def new_figure(width: float, height: float) -> Figure:
    """Figure of a size in inches, independent of any window system."""
    return _Figure(figsize=(width, height), layout="constrained")


def inches(texts: Iterable[str], size: float) -> float:
    """About how wide the longest of some texts is, in a font of so many points."""
    return max(map(len, texts), default=0) * _EM * size / 72


def wrapped(text: str, width: float, size: float = 10) -> str:
    """Text in lines of about so many inches, broken between words, and between the parameters of a measure's id."""
    return textwrap.fill(re.sub(r",(?=[a-z])", ", ", text), max(12, int(width * 72 / (_EM * size))))


def formats() -> list[str]:
    """Return the suffixes of files that figures can be written to."""
    return [f".{name}" for name in FigureCanvasBase.get_supported_filetypes()]


def check_format(path: Path) -> None:
    """Refuse a file that figures cannot be written to, before anything is computed.

    Raises
    ------
    InputError
        Its suffix is none of `formats`.
    """
    if path.suffix and path.suffix.lower() not in formats():
        raise InputError(
            f"{path}: unsupported figure format {path.suffix!r}. Use one of {', '.join(formats())}; without a suffix, "
            "PNG and PDF are written."
        )


def save(figure: Figure, path: Path) -> list[Path]:
    """Write ``path.png`` and ``path.pdf``, the same bytes for the same figure; either suffix may be given.

    Any other suffix that matplotlib can write gives that one file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() in formats() and path.suffix.lower() not in (".png", ".pdf"):
        figure.savefig(path)
        return [path]
    stem = path.stem if path.suffix.lower() in (".png", ".pdf") else path.name
    files = [path.with_name(f"{stem}.png"), path.with_name(f"{stem}.pdf")]
    with style():  # not by `savefig`, which draws everything twice
        FigureCanvasAgg(figure).print_png(files[0], metadata={"Software": None})
        figure.set_layout_engine("none")  # laid out already
        FigureCanvasPdf(figure).print_pdf(files[1], metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return files
