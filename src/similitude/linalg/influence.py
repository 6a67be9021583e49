"""Standard errors over inputs from how a value depends on each input's weight, without computing it again.

A value T is taken as a function of weights of the inputs. Its first derivatives give the infinitesimal jackknife. That
counts twice what varies with pairs of inputs rather than with single ones, which is most of a value where there is
little in common: the canonical correlations of noise, or the neighbours that two unrelated sides share. Subtracting the
squares of the second derivatives counts it once (Efron and Stein 1981, doi:10.1214/aos/1176345462).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse

from similitude.errors import MeasureError

__all__ = ["AlignedRows", "Influence", "aligned", "of_alignment", "of_sparse"]

_PROBES = 16
"""Sets of random signs that estimate a sum of squares over all pairs, to a few per cent where that has many terms."""

_RESOLVED = 1e-10
"""Length, relative to the largest, below which it is taken for zero."""


@dataclass(frozen=True)
class Influence:
    """First and second derivatives of a value by the weights of its inputs. Those of two values can be subtracted.

    Parameters
    ----------
    inputs
        dT/dw_i, shape (n,).
    pairs
        Products of d2T/dw_i dw_j, without those of an input with itself, and random signs of the inputs j, shape
        (n, 16): squares of them have the sum of squares over all pairs as their mean. None where second derivatives
        are left out.
    """

    inputs: np.ndarray
    pairs: np.ndarray | None = None

    @classmethod
    def jackknife(cls, without: np.ndarray) -> Influence:
        """From values without each input, shape (n,).

        Raises
        ------
        MeasureError
            One of them is NaN.
        """
        n, missing = len(without), np.flatnonzero(np.isnan(without))
        if missing.size:
            raise MeasureError(
                f"Input {missing[0]} alone decides the value: without it, nothing but rounding error is left. Look at "
                "it with similitude.leave_one_out, or leave it out."
            )
        return cls((without.mean() - without) * ((n - 1) / n))

    def times(self, factor: float) -> Influence:
        """Of a multiple of the value, or of a function of it with this derivative."""
        return Influence(factor * self.inputs, None if self.pairs is None else factor * self.pairs)

    def __sub__(self, other: Influence) -> Influence:
        pairs = None if self.pairs is None or other.pairs is None else self.pairs - other.pairs
        return Influence(self.inputs - other.inputs, pairs)

    def error(self) -> float:
        """Standard error of the value over samples of as many inputs.

        All of the variance being that of pairs, which is counted twice, what is subtracted is at most half.
        """
        n = len(self.inputs)
        first = n * float(np.var(self.inputs, ddof=1))
        second = 0.0 if self.pairs is None else float(np.sum(self.pairs**2)) / (2 * _PROBES)
        return math.sqrt(max(first - second, first / 2))


class AlignedRows(NamedTuple):
    """Rows of two sides along the singular vectors of X'Y."""

    a: np.ndarray
    """of the narrower side, n x p"""
    b: np.ndarray
    """of the other, n x p"""
    s: np.ndarray
    """singular values, p; their sum is that of the products of a and b"""
    rest: np.ndarray
    """what the other side has beyond, n x q; no column where both are as wide"""


def aligned(x: np.ndarray, y: np.ndarray) -> AlignedRows:
    """Return the rows of two sides of shape (n, d_x) and (n, d_y) along the singular vectors of X'Y."""
    if x.shape[1] > y.shape[1]:
        x, y = y, x
    left, s, right = np.linalg.svd(x.T @ y, full_matrices=False)
    b = y @ right.T
    rest = y - b @ right if y.shape[1] > x.shape[1] else y[:, :0]
    return AlignedRows(x @ left, b, s, rest)


def of_alignment(rows: AlignedRows, inputs: np.ndarray) -> Influence:
    """Influence on the nuclear norm of X'Y, or on what differs from it in first derivatives only.

    The second derivative of the nuclear norm is sum_k<l g_ikl g_jkl / (s_k + s_l), g_ikl = a_ik b_il - a_il b_ik, and
    sum_k a_ik a_jk (rest_i . rest_j) / s_k for what lies beyond. It holds near the data, while other inputs would turn
    small s by more than their size: of two dimensions that are turned by e, the norm is that of (s_k + s_l, e). The
    divisor is therefore the root of (s_k + s_l)^2 + sum_i g_ikl^2.

    Parameters
    ----------
    rows
        See `aligned`.
    inputs
        First derivatives, n.
    """
    a, b, s, rest = rows
    squares = np.vecdot(rest, rest)
    turned = (a**2).T @ b**2
    turned = turned + turned.T - 2.0 * (a * b).T @ (a * b)
    inverse = _inverse_root((s[:, None] + s) ** 2 + np.maximum(turned, 0.0))
    single = _inverse_root(s**2 + squares @ a**2 / max(rest.shape[1] - len(s), 1))
    own = np.vecdot(a**2 @ inverse, b**2) - np.vecdot((a * b) @ inverse, a * b) + (a**2 @ single) * squares

    def apply(signs: np.ndarray) -> np.ndarray:
        signed = (a * signs[:, None]).T
        products = signed @ b
        found = np.vecdot(a @ ((products - products.T) * inverse), b)
        return found + np.vecdot(a @ (single[:, None] * (signed @ rest)), rest) - own * signs

    return Influence(inputs, np.stack([apply(signs) for signs in _signs(len(a)).T], axis=1))


def _inverse_root(squares: np.ndarray) -> np.ndarray:
    """One over the root, and zero where that is of rounding error."""
    resolved = squares > _RESOLVED**2 * squares.max()
    return np.divide(1.0, np.sqrt(squares), out=np.zeros_like(squares), where=resolved)


def of_sparse(second: sparse.csr_array, inputs: np.ndarray) -> Influence:
    """Influence from second derivatives that are zero for most pairs, n x n with a zero diagonal."""
    return Influence(inputs, second @ _signs(len(inputs)))


def _signs(n: int) -> np.ndarray:
    """The same signs for all values of as many inputs, so that influences can be subtracted."""
    return np.random.default_rng(0).choice([-1.0, 1.0], size=(n, _PROBES))
