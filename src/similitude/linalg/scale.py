"""Powers of two by which values far from 1 are scaled, so that products of them neither overflow nor vanish.

Scaling by a power of two is exact, and so is undoing it: measures that do not depend on the scale of their arguments
give the same value at every scale, to the last bit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["VANISHING", "exponent_of", "largest_of", "lengths", "root", "scaled"]

_NEAR_ONE = {4: 16, 8: 64}
"""Exponents up to which values are left as they are, by bytes per value: eighth powers of doubles stay far from the
limits of doubles, and fourth powers of single precision from those of single precision."""

_STEP = 1000
"""Largest exponent that is applied at once; its power of two is a double."""

VANISHING = 2.0**-450
"""Length below which squares lose digits, where the largest value is about 1."""


def exponent_of(largest: float, itemsize: int = 8) -> int:
    """Return e such that values times 2^-e can be multiplied safely: 0 for those near 1, else e of the largest.

    Parameters
    ----------
    largest
        Largest magnitude among the values.
    itemsize
        Bytes per value of the type in which products are computed.

    Examples
    --------
    >>> exponent_of(3.0), exponent_of(2.0**100), exponent_of(2.0**100 - 2.0**60)
    (0, 101, 100)
    """
    exponent = math.frexp(largest)[1]
    return 0 if abs(exponent) <= _NEAR_ONE[itemsize] else exponent


def largest_of(values: np.ndarray) -> float:
    """Return the largest magnitude; NaN or infinite if a value is."""
    if not values.size:
        return 0.0
    with np.errstate(invalid="ignore"):
        low, high = float(values.min()), float(values.max())
    return low if math.isnan(low) else max(high, -low)


def scaled(values: Any, exponent: int) -> Any:
    """Return values times 2^exponent, exact except where that leaves the range of doubles.

    Parameters
    ----------
    values
        Number, or array in double precision of any array-API library.
    exponent
        Any integer; for 0 the values themselves are returned.
    """
    while exponent:
        step = max(-_STEP, min(exponent, _STEP))
        with np.errstate(over="ignore", under="ignore"):
            values = values * 2.0**step
        exponent -= step
    return values


def root(value: Any) -> Any:
    """Return the square root of a number or tensor, correctly rounded, as a power of a number need not be."""
    return math.sqrt(value) if isinstance(value, float) else value**0.5


def lengths(rows: np.ndarray) -> np.ndarray:
    """Return the Euclidean length of each row, also of rows so short that their squares vanish.

    Parameters
    ----------
    rows
        Array of shape (n, d) in double precision, of which the largest value is about 1.
    """
    found = np.sqrt(np.vecdot(rows, rows))
    short = np.flatnonzero(found < VANISHING)
    if short.size:
        exponents = np.frexp(np.abs(rows[short]).max(axis=1))[1]
        units = np.ldexp(rows[short], -exponents[:, None])
        found[short] = np.ldexp(np.sqrt(np.vecdot(units, units)), exponents)
    return found
