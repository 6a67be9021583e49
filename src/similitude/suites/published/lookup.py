"""Finding rows of a table by keys of several whole numbers."""

from __future__ import annotations

import numpy as np

__all__ = ["KeyIndex"]


class KeyIndex:
    """Rows of distinct keys.

    Parameters
    ----------
    keys
        Array of integers, (rows, numbers a key).
    """

    def __init__(self, keys: np.ndarray) -> None:
        self._row = {key: row for row, key in enumerate(map(tuple, keys.tolist()))}

    def rows(self, wanted: np.ndarray) -> np.ndarray:
        """Row of each key of an array (n, numbers a key), -1 where it is not there."""
        return np.array([self._row.get(key, -1) for key in map(tuple, wanted.tolist())], dtype=np.int64)
