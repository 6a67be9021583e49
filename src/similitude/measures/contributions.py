"""What single inputs contribute to a value: terms of a sum over inputs, or halves of terms of a sum over pairs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial.distance import squareform

from similitude.factors.pair import Pair
from similitude.measures.maps import centred_sides, principal, rotation

__all__ = ["aligned_rows", "components", "of_condensed", "of_kernels", "of_linear_kernels", "of_variates", "shares"]

_ROWS = 256
"""Rows of a kernel matrix that are there at a time."""


def of_condensed(products: np.ndarray) -> np.ndarray:
    """Half of each entry of an upper triangle for either of its inputs, shape (n,).

    Parameters
    ----------
    products
        Terms of a sum over pairs of inputs, in the order of `scipy.spatial.distance.pdist`.
    """
    return squareform(products, checks=False).sum(axis=1) / 2.0


def of_kernels(k: np.ndarray, l: np.ndarray) -> np.ndarray:  # noqa: E741  # the letters of the field
    """Sums over rows of the product of two kernel matrices of norm 1, shape (n,)."""
    return np.vecdot(k, l) / (np.linalg.norm(k) * np.linalg.norm(l))


def of_linear_kernels(pair: Pair, *, debiased: bool) -> np.ndarray:
    """As `of_kernels` for the centred linear kernels; debiased, for those that are U-centred, without the diagonal."""
    x, y = centred_sides(pair)
    n, total, own = pair.n, np.empty(pair.n), np.zeros(2)
    lengths = [np.vecdot(side, side) for side in (x, y)]
    for start in range(0, n, _ROWS):
        rows = slice(start, min(start + _ROWS, n))
        kernels = []
        for side, squares in zip((x, y), lengths, strict=True):
            kernel = side[rows] @ side.T
            if debiased:  # rows of a centred kernel without its diagonal sum to minus the diagonal
                kernel += (squares[rows, None] + squares) / (n - 2) - squares.sum() / ((n - 1) * (n - 2))
                kernel[np.arange(len(kernel)), np.arange(rows.start, rows.stop)] = 0.0
            kernels.append(kernel)
        total[rows] = np.vecdot(*kernels)
        own += [np.sum(kernel * kernel) for kernel in kernels]
    return total / np.sqrt(own[0] * own[1])


def aligned_rows(pair: Pair, *, normalised: bool) -> tuple[np.ndarray, np.ndarray]:
    """Rows of both sides after the best rotation of the second, in coordinates of the first.

    Parameters
    ----------
    pair
        The two sides.
    normalised
        Whether each is divided by its Frobenius norm.
    """
    x, y = components(pair)
    if normalised:
        x, y = x / np.linalg.norm(x), y / np.linalg.norm(y)
    else:
        x, y = x / pair.units.x, y / pair.units.y
    turn, _ = rotation(x, y)
    return np.pad(x, ((0, 0), (0, len(turn) - x.shape[1]))), y @ turn[: y.shape[1]]


def components(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Principal components of both sides, which have the inner products of the centred rows."""
    x, y = principal(pair.x), principal(pair.y)
    return x.u * x.s, y.u * y.s


def of_variates(pair: Pair, weigh: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Products of canonical variates, summed with weights; shape (n,).

    Parameters
    ----------
    pair
        The two sides.
    weigh
        Function of the canonical correlations that returns the weight of each.
    """
    x, y = principal(pair.x), principal(pair.y)
    left, correlations, right = np.linalg.svd(x.u.T @ y.u, full_matrices=False)
    return ((x.u @ left) * (y.u @ right.T)) @ weigh(np.clip(correlations, 0.0, 1.0))


def shares(terms: np.ndarray, value: float) -> np.ndarray:
    """Shares of a value, of which a function is the sum of terms, in proportion to the terms."""
    total = terms.sum()
    return value * terms / total if total else np.zeros(len(terms))
