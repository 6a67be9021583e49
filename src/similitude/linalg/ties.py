"""Directions that share a singular value: any orthonormal basis of theirs is as good as another."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

__all__ = ["DISTINCT", "TIED", "mean_absolute_sums"]

TIED, DISTINCT = 1e-6, 1e-5
"""Gaps between neighbouring values, in [0, 1], below which they are tied and above which they are not.

Rounding moves values by 1e-15 or so and a direction by that over the gap. Both ends are far above it, and the way from
one to the other is gradual, so that rounding never decides."""


def mean_absolute_sums(values: Any, rows: Any, lost: Any, xp: Any) -> Any:
    """Sum of absolute coordinates per direction, averaged over all orthonormal bases of tied directions.

    A coordinate of a vector along a random direction of a k-dimensional space is on average
    c_k = Gamma(k/2) / (sqrt(pi) Gamma((k+1)/2)) times the length of the vector's projection on the space. So k tied
    directions each get c_k times the sum of these lengths; c_1 = 1 is the sum of absolute coordinates itself.
    Where gaps lie between `TIED` and `DISTINCT`, the result is the mean over all tolerances between the two.

    Parameters
    ----------
    values
        Singular values in [0, 1], shape (k,), descending.
    rows
        Coordinates of vectors along the directions, shape (k, d), one row per direction.
    lost
        What is left of the vectors, in any basis, in a space of m further directions with the value 0: a matrix of
        shape (any, d) and m; or None.
    xp
        Array-API namespace.

    Returns
    -------
    array
        Shape (k + m,).
    """
    sums = xp.sum(xp.abs(rows), axis=1)
    ends = values if lost is None else xp.concat([values, xp.zeros_like(values[:1])])
    gaps = np.asarray([gap.item() for gap in ends[:-1] - ends[1:]])
    if lost is None and (gaps > DISTINCT).all():
        return sums
    inside = np.unique(gaps[(gaps > TIED) & (gaps < DISTINCT)])
    tolerances = [TIED, *inside.tolist(), DISTINCT]
    total = sum((b - a) * _of_groups(gaps > a, sums, rows, lost, xp) for a, b in pairwise(tolerances))
    return total / (DISTINCT - TIED)


def _of_groups(borders: np.ndarray, sums: Any, rows: Any, lost: Any, xp: Any) -> Any:
    """The sums once it is settled between which neighbours a group of tied directions ends."""
    count = len(sums)
    starts = [0, *(np.flatnonzero(borders) + 1).tolist()]
    parts = []
    for start, stop in pairwise([*starts, count + (lost is not None)]):
        vectors, size = rows[start:stop], stop - start
        if stop > count:
            remainder, dimensions = lost
            vectors, size = xp.concat([vectors, remainder]), size - 1 + dimensions
        elif size == 1:
            parts.append(sums[start:stop])
            continue
        lengths = xp.linalg.vector_norm(vectors, axis=0)
        parts.append(xp.broadcast_to(_mean_coordinate(size) * xp.sum(lengths), (size,)))
    return xp.concat(parts)


def _mean_coordinate(k: int) -> float:
    """Mean absolute coordinate of a random unit vector in k dimensions."""
    return math.exp(math.lgamma(k / 2) - math.lgamma((k + 1) / 2)) / math.sqrt(math.pi)
