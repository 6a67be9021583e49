"""By how much two arrays of the same shape differ, taken in block by block."""

from __future__ import annotations

import math

import numpy as np

from similitude.representations.representation import row_blocks

__all__ = ["Gap"]

_BLOCK = 1 << 20
"""Bytes of an array that are looked at together; several arrays of that size stay in the cache."""


class Gap:
    """Running differences between a first array and a second one.

    Attributes
    ----------
    equal
        Whether all entries are the same, NaN at the same places included.
    largest
        Largest absolute difference.
    shapes
        The two shapes without the axis of inputs where they differ, so that entries cannot be compared; else None.
    """

    def __init__(self) -> None:
        self.equal = True
        self.largest = 0.0
        self.shapes: tuple[tuple[int, ...], tuple[int, ...]] | None = None
        self._square = 0.0
        self._size = 0.0
        self._of_inputs: list[np.ndarray] = []

    def add(self, first: np.ndarray, second: np.ndarray, real: np.ndarray | None = None) -> None:
        """Take in entries of further inputs.

        Parameters
        ----------
        first, second
            Arrays (n, ...).
        real
            Where entries count, broadcast to the shape of both; None for everywhere.
        """
        if first.shape != second.shape:
            self.equal, self.shapes = False, (first.shape[1:], second.shape[1:])
            return
        for start, block in row_blocks(first, _BLOCK):
            rows = slice(start, start + len(block))
            self._add(block, second[rows], None if real is None else real[rows])

    @np.errstate(over="ignore", invalid="ignore")
    def _add(self, first: np.ndarray, second: np.ndarray, real: np.ndarray | None) -> None:
        x, y = first.astype(np.float64).reshape(len(first), -1), second.astype(np.float64).reshape(len(first), -1)
        if real is not None:
            real = np.broadcast_to(real, first.shape).reshape(x.shape)
            x, y = np.where(real, x, 0.0), np.where(real, y, 0.0)
        apart = np.subtract(y, x)
        of_inputs = np.einsum("ij,ij->i", apart, apart)
        if not np.isfinite(of_inputs).all():  # and so is every entry otherwise
            return self._add_any(x, y)
        self._size += float(np.vdot(x, x))
        self._take(max(float(apart.max(initial=0.0)), -float(apart.min(initial=0.0))), of_inputs)

    def _add_any(self, x: np.ndarray, y: np.ndarray) -> None:
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        self._size += float(np.square(np.where(np.isfinite(x), x, 0.0)).sum())
        apart = np.abs(np.where(same, 0.0, y - x))
        apart[np.isnan(apart)] = math.inf  # a value on one side, and none on the other
        self._take(float(apart.max()), np.square(apart).sum(axis=1))

    def _take(self, largest: float, of_inputs: np.ndarray) -> None:
        self.equal = self.equal and largest == 0
        self.largest = max(self.largest, largest)
        self._square += float(of_inputs.sum())
        self._of_inputs.append(of_inputs)

    @property
    def relative(self) -> float:
        """Norm of the difference relative to the norm of the first; infinite where one side has no finite value."""
        if self.shapes is not None:
            return math.nan
        if self._square == 0:
            return 0.0
        return math.sqrt(self._square / self._size) if self._size and math.isfinite(self._square) else math.inf

    @property
    def sqnr(self) -> float:
        """Signal-to-quantisation-noise ratio in decibels, -20 log10 of the relative error; infinite without one."""
        if not self.relative:
            return math.inf
        return -math.inf if math.isinf(self.relative) else -20 * math.log10(self.relative)

    @property
    def of_inputs(self) -> np.ndarray:
        """Squared difference of each input, shape (n,); they add up to the square of the norm of the difference."""
        return np.concatenate(self._of_inputs) if self._of_inputs else np.zeros(0)
