"""Traces of products of large symmetric matrices, from what these do to a few vectors."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

__all__ = ["COLUMNS", "spanning"]

COLUMNS = 32
"""Vectors by which traces are estimated."""


def spanning(apply: Callable[[np.ndarray], np.ndarray], n: int, columns: int = COLUMNS) -> np.ndarray:
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
    columns
        Of B: half of them span leading directions, and random ones stand for all others.
    """
    half = columns // 2
    first, others = _drawn(n, columns)[:, :half], _drawn(n, columns)[:, half:]
    leading = np.linalg.qr(apply(first))[0]
    return np.hstack([leading, (others - leading @ (leading.T @ others)) * half**-0.5])


@functools.lru_cache(maxsize=2)
def _drawn(n: int, columns: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, columns), np.float32)
