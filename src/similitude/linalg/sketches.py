"""Traces of products of large symmetric matrices, from what these do to a few vectors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["spanning"]

_LEADING = 12
"""Directions in which estimates are exact."""

_RANDOM = 12
"""Random vectors that stand for all other directions."""


def spanning(apply: Callable[[np.ndarray], np.ndarray], n: int) -> np.ndarray:
    """Return B of n rows and few columns, with B B^T the identity on average, and along the leading directions of M.

    The sum of b^T M^k b over the columns b of B estimates the trace of M^k without bias, and with an error that falls
    with the share of M^k in other than its leading directions (Meyer et al. 2021, doi:10.1137/1.9781611976496.16).
    Vectors are drawn once and for all, so that estimates can be repeated.

    Parameters
    ----------
    apply
        Multiplies vectors, the columns of an array in single precision, by M.
    n
        Rows of M.
    """
    drawn = np.random.default_rng(0).standard_normal((n, _LEADING + _RANDOM), np.float32)
    leading = np.linalg.qr(apply(drawn[:, :_LEADING]))[0]
    others = drawn[:, _LEADING:]
    others -= leading @ (leading.T @ others)
    return np.hstack([leading, others * _RANDOM**-0.5])
