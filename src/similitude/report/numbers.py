"""Numbers as the field prints them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["interval", "number", "places", "probability", "quantity", "unit_of"]

_ROUNDING = 1e-13
"""Share of the unit of a measure below which a value is taken for a rounding error."""


def number(value: float | None) -> str:
    """Three digits without the leading zero."""
    if value is None or pd.isna(value):
        return "—"
    text = f"{abs(value):.3f}"
    return ("−" if value < 0 and float(text) else "") + (text[1:] if text.startswith("0.") else text)


def quantity(value: float | None, unit: float = 0.0) -> str:
    """Value of any measure: as `number`, or in powers of ten where three digits would not show it.

    Parameters
    ----------
    value
        The value.
    unit
        Size of an ordinary value of the measure, see `unit_of`; what is a rounding error beside it counts as 0.
    """
    if value is None or pd.isna(value) or 1e-3 <= abs(value) < 1e5:
        return number(value)
    if abs(value) <= _ROUNDING * unit:
        return number(0.0)
    return f"{value:.3g}".replace("-", "−", 1) if value < 0 else f"{value:.3g}"


def unit_of(bounds: tuple[float, float], values: npt.ArrayLike = ()) -> float:
    """Return the size of an ordinary value of a measure: the end of its range or, without one, the largest value.

    Parameters
    ----------
    bounds
        Range of the measure, infinite where it has no end.
    values
        Values that are shown together.
    """
    if math.isfinite(end := max(bounds, key=abs)):
        return abs(end)
    found = np.abs(np.asarray(values, dtype=np.float64))
    return float(found.max(initial=0.0, where=np.isfinite(found)))


def interval(low: float | None, high: float | None) -> str:
    """Ends of an interval in brackets."""
    return "—" if low is None or pd.isna(low) else f"[{number(low)}, {number(high)}]"


def places(low: float | None, high: float | None) -> str:
    """From the one mean rank to the other, with one digit."""
    return "—" if low is None or pd.isna(low) else f"{low:.1f}–{high:.1f}"


def probability(value: float | None) -> str:
    """A p-value, no smaller than it is known."""
    if value is None or pd.isna(value):
        return "—"
    return "<.001" if value < 0.001 else number(value)
