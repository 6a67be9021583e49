"""Data frames have an index, and their rows are matched by it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from similitude.errors import ShapeMismatch

__all__ = ["on_one_index"]


def on_one_index(*sides: Any) -> list[Any]:
    """Return all frames with their rows in the order of the first one's index, and anything else as it is.

    Raises
    ------
    ShapeMismatch
        The frames have different indices, or one with repeated entries in another order.

    Examples
    --------
    >>> frame = pd.DataFrame({"a": [1.0, 2.0, 4.0]}, index=list("pqr"))
    >>> on_one_index(frame, frame[::-1])[1].index.tolist()
    ['p', 'q', 'r']
    """
    index = next((side.index for side in sides if isinstance(side, pd.DataFrame)), None)
    return [side if index is None or not isinstance(side, pd.DataFrame) else _ordered(side, index) for side in sides]


def _ordered(frame: pd.DataFrame, index: pd.Index) -> pd.DataFrame:
    if frame.index.equals(index):
        return frame
    unique = frame.index.is_unique and index.is_unique
    if not unique or len(frame) != len(index) or not index.isin(frame.index).all():
        raise ShapeMismatch(
            "Two frames have different indices, so that their rows are not the same inputs. Select the same rows of "
            "both; if row i of both is input i all the same, pass frame.to_numpy()."
        )
    return frame.loc[index]
