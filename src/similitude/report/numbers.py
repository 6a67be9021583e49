"""Numbers as the field prints them."""

from __future__ import annotations

import pandas as pd

__all__ = ["number", "probability"]


def number(value: float | None) -> str:
    """Three digits without the leading zero."""
    if value is None or pd.isna(value):
        return "—"
    text = f"{abs(value):.3f}"
    return ("−" if value < 0 and float(text) else "") + (text[1:] if text.startswith("0.") else text)


def probability(value: float | None) -> str:
    """A p-value, no smaller than it is known."""
    if value is None or pd.isna(value):
        return "—"
    return "<.001" if value < 0.001 else number(value)
