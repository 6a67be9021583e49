"""Ranks of very many values, in place, with ties where values differ by rounding only."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

__all__ = ["TIED", "parts", "rank_in_place"]

TIED = 2.0**-40
"""Difference below which two values are tied, relative to their size plus a `floor`; see `rank_in_place`."""

_PART = 1 << 15
"""Entries of a vector of pairs that are worked on at a time, for the same reason."""


def rank_in_place(values: np.ndarray, floor: float) -> None:
    """Put ranks minus their mean in the place of the values; neighbours that differ by rounding share one.

    Sorting integers that hold the value in the high bits and its position in the low ones is several times
    faster than an argsort of doubles. The bits of positive doubles are in the order of the doubles. Where there is not
    room for all of them, the last are dropped, and what remains may part values that are tied: by one unit.

    Parameters
    ----------
    values
        Vector of numbers not below 0.
    floor
        Added first, positive. Neighbours in the order are tied if they differ by less than `TIED` of what results.
    """
    size = values.size
    least, most = (np.maximum(end, 0.0) + floor for end in (values.min(), values.max()))
    position_bits = int(size - 1).bit_length()
    excess = max(int(most.view(np.int64) - least.view(np.int64)).bit_length() + position_bits - 63, 0)
    keys = values.view(np.int64)
    for part in parts(size):
        np.maximum(values[part], 0.0, out=values[part])
        values[part] += floor
        keys[part] -= least.view(np.int64)
        keys[part] >>= excess
        keys[part] <<= position_bits
        keys[part] |= np.arange(part.start, part.stop)
    keys.sort()
    # From 2^29 values on, a unit is as wide as the gaps between values, and would tie nearly all of them.
    reach = max(int(TIED / np.finfo(np.float64).eps) >> excess, int(excess > 0 and position_bits < 30))

    position = (1 << position_bits) - 1
    # Twice the position in the order, which also a mean of two positions is a whole number of.
    doubled = np.empty(size, dtype=np.int32 if size < 1 << 30 else np.int64)
    tied = np.empty(size - 1, dtype=bool)
    for part in parts(size):
        doubled[keys[part] & position] = np.arange(2 * part.start, 2 * part.stop, 2)
        upper = keys[part.start : part.stop + 1] >> position_bits
        np.less_equal(np.diff(upper), reach, out=tied[part])
    equal = np.flatnonzero(tied)  # to the next
    if equal.size:
        first = equal[np.diff(equal, prepend=-2) > 1]
        last = equal[np.diff(equal, append=size + 1) > 1] + 1
        counts = last - first + 1
        members = np.arange(counts.sum()) + np.repeat(first - (np.cumsum(counts) - counts), counts)
        doubled[keys[members] & position] = np.repeat(first + last, counts)
    for part in parts(size):
        np.multiply(doubled[part] - (size - 1), 0.5, out=values[part])


def parts(size: int, longest: int = _PART) -> Iterator[slice]:
    """Slices of a vector that are short enough for the cache."""
    return (slice(start, min(start + longest, size)) for start in range(0, size, longest))
