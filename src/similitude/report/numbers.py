"""Numbers as the field prints them."""

from __future__ import annotations

import pandas as pd

__all__ = ["interval", "number", "places", "probability", "quantity"]


def number(value: float | None) -> str:
    """Three digits without the leading zero."""
    if value is None or pd.isna(value):
        return "—"
    text = f"{abs(value):.3f}"
    return ("−" if value < 0 and float(text) else "") + (text[1:] if text.startswith("0.") else text)


def quantity(value: float | None) -> str:
    """Value of any measure: as `number`, or in powers of ten where three digits would not show it."""
    if value is None or pd.isna(value) or value == 0 or 1e-3 <= abs(value) < 1e5:
        return number(value)
    return f"{value:.3g}".replace("-", "−", 1) if value < 0 else f"{value:.3g}"


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
