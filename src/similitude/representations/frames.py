"""Data frames have an index, and their rows are matched by it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from similitude.errors import ShapeMismatch

__all__ = ["on_one_index"]


def on_one_index(x: Any, y: Any) -> tuple[Any, Any]:
    """Return two frames with their rows in the order of the first one's index; anything else as it is.

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
    if not (isinstance(x, pd.DataFrame) and isinstance(y, pd.DataFrame)) or x.index.equals(y.index):
        return x, y
    if not (x.index.is_unique and y.index.is_unique) or len(x) != len(y) or not x.index.isin(y.index).all():
        raise ShapeMismatch(
            "The two frames have different indices, so that their rows are not the same inputs. Select the same rows "
            "of both; if row i of both is input i all the same, pass frame.to_numpy()."
        )
    return x, y.loc[x.index]
