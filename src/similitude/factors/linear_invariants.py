"""Invariants of centred linear kernels, for the null distribution of linear CKA at hardly more than its own price."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from similitude.factors.base import Cost, Cross, Factor
from similitude.factors.invariants import EXACT, Invariants, gather, of_matrices
from similitude.factors.linear import Centred, SquaredRowNorms
from similitude.factors.linear_kernels import LinearKernels
from similitude.factors.pair import Pair, Side, as_numpy
from similitude.linalg.ranking import parts
from similitude.linalg.scale import scaled
from similitude.linalg.sketches import spanning

__all__ = ["LinearInvariants", "LinearSums"]

_ENTRIES = 1 << 22
"""Entries of rows that are brought to single precision at a time."""

_LONGEST = 8
"""Longest rows, whose entries of the kernel are all computed."""

_SAMPLED = 24
"""Rows that stand for all others."""

_CANCELLED = 64.0
"""Rounding errors, in units of the precision, below which a difference of sums of squares is nothing."""

Read = Callable[[Any], np.ndarray]
"""Gives rows by their positions."""


@dataclass(frozen=True)
class LinearSums(Factor):
    """Invariants of the centred linear kernel K = X_c X_c^T, of which `rest2` lacks ||K||_F^2.

    Of more than 256 inputs, the three sums over triples of inputs and that of U_ij^3 are estimated from products of K
    with a few vectors, and from a few of its rows; they tell in the skewness of a null distribution only.
    """

    reads = (Centred(), SquaredRowNorms())
    from_stream = "passes"
    size = ""
    under_permutation = "unchanged"

    def cost(self, n: int, d: int) -> Cost:
        """Products with a few vectors."""
        return Cost(100.0 * n * (d + 10.0) if n > EXACT else 2.0 * n * n * (n + d), 8.0)

    def __call__(self, side: Side) -> Invariants:
        """From the whole kernel where inputs are few."""
        centred, norms = as_numpy(side[Centred()]), as_numpy(side[SquaredRowNorms()])
        return _of_centred(centred.__getitem__, norms, centred.shape[1])

    def of_stored(self, values: np.ndarray, exponent: int) -> Invariants:
        """In some eight passes."""
        n, d = values.shape
        slices = list(parts(n, max(1, _ENTRIES // d)))

        def double(rows: Any) -> np.ndarray:
            return scaled(values[rows].astype(np.float64), -exponent)

        mean = np.add.reduce([double(rows).sum(axis=0) for rows in slices]) / n
        norms = np.concatenate([_lengths2(double(rows) - mean) for rows in slices])
        return _of_centred(lambda rows: double(rows) - mean, norms, d)


def _lengths2(rows: np.ndarray) -> np.ndarray:
    return np.vecdot(rows, rows)


def _of_centred(centred: Read, norms: np.ndarray, d: int) -> Invariants:
    """Invariants as `LinearSums` has them, from centred rows by their positions, and their squared lengths."""
    n = len(norms)
    if n <= EXACT:
        rows = centred(slice(None))
        return of_matrices((rows @ rows.T)[None])._replace(rest2=_Parts(norms).squares)
    scale = norms.mean() ** -0.5

    def read(rows: Any) -> np.ndarray:
        return np.multiply(centred(rows), scale, dtype=np.float32, casting="same_kind")

    if n * d > _ENTRIES:
        return _of_rows(read, norms, d)
    return _of_rows(read(slice(None)).__getitem__, norms, d)


@dataclass(frozen=True)
class LinearInvariants(Cross):
    """Invariants of the centred linear kernels of both sides."""

    reads = (LinearKernels(), LinearSums())
    from_stream = "sums"
    when_swapped = "exchanged"

    def __call__(self, pair: Pair) -> tuple[Invariants, Invariants]:
        """Norms of kernels are those that the value has."""
        products = pair[LinearKernels()]
        precision = max(min(side.precision, float(np.finfo(np.float32).eps)) for side in (pair.x, pair.y))
        x, y = (
            _with_norm(side[LinearSums()], float(square), precision)
            for side, square in ((pair.x, products.xx), (pair.y, products.yy))
        )
        return x, y

    def mirrored(self, value: tuple[Invariants, Invariants]) -> tuple[Invariants, Invariants]:
        """The same, of the sides in the other order."""
        return value[1], value[0]


def _with_norm(sums: Invariants, square: float, precision: float) -> Invariants:
    rest2 = sums.rest2 + square
    return sums._replace(rest2=np.where(rest2 > _CANCELLED * precision * square, rest2, 0.0))


class _Parts:
    """What follows from the diagonal of a centred linear kernel: off the diagonal, U = K + b 1^T + 1 b^T."""

    def __init__(self, norms: np.ndarray) -> None:
        n, trace = len(norms), norms.sum()
        self.mean = -trace / (n * (n - 1))
        self.effects = (trace / n - norms) / (n - 2)
        self.b = -(self.effects + self.mean / 2)
        self.diagonal = norms + 2 * self.b
        """What K + b 1^T + 1 b^T has there, and U has not."""

    @property
    def squares(self) -> np.ndarray:
        """Sum of U_ij^2 less ||K||^2, 1 x 1."""
        length = len(self.b) * (self.b @ self.b) + self.b.sum() ** 2
        return np.array([[2 * length - self.diagonal @ self.diagonal]])


def _of_rows(read: Read, norms: np.ndarray, d: int) -> Invariants:
    """The same of many inputs.

    Parameters
    ----------
    read
        Gives centred rows, divided by the root of the mean of their squared lengths, in single precision.
    norms
        The squared lengths.
    d
        Length of the rows.
    """
    n, unit = len(norms), norms.mean()
    of, slices = _Parts(norms / unit), list(parts(n, max(1, _ENTRIES // d)))
    b, diagonal, effects = (vector.astype(np.float32) for vector in (of.b, of.diagonal, of.effects))

    def features(vectors: np.ndarray) -> np.ndarray:
        return np.add.reduce([read(rows).T @ vectors[rows] for rows in slices])

    def times(rows: slice, of_features: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Rows of U with vectors, from their products with features."""
        found = read(rows) @ of_features
        found -= diagonal[rows, None] * vectors[rows]
        found += b[rows, None] * vectors.sum(axis=0)
        found += b @ vectors
        return found

    def all_times(vectors: np.ndarray) -> np.ndarray:
        of_features = features(vectors)
        return np.concatenate([times(rows, of_features, vectors) for rows in slices])

    vectors = spanning(all_times, n)
    of_features = features(np.column_stack([vectors, effects]))
    bent = np.vdot(of_features[:, -1], of_features[:, -1]) - diagonal @ effects**2
    of_features = of_features[:, :-1]
    products = np.concatenate([times(rows, of_features, vectors) for rows in slices])
    again = features(products)
    squares = np.vecdot(products, products)
    cubes = np.vdot(again, again) - diagonal @ squares + 2.0 * (b @ products) @ products.sum(axis=0)
    found = gather(
        np.array([of.mean]),
        of.effects[None],
        of.squares,
        np.full((1, 1, 1), _sum_of_cubes(read, norms, b, slices)),
        np.full((1, 1, 1), cubes, np.float64),
        squares[None, None],
        np.full((1, 1, 1), bent, np.float64),
    )
    return found.times(np.array([unit]))


def _sum_of_cubes(read: Read, norms: np.ndarray, b: np.ndarray, slices: Iterable[slice]) -> float:
    """Sum of U_ij^3 over all i and j: all entries of the longest rows, and of some that stand for the others."""
    n = len(norms)
    # Of rows as long but for rounding the first, whatever the processor makes of their lengths.
    longest = np.argsort(-np.round(norms / (norms.max() or 1.0), 6), kind="stable")[:_LONGEST]
    short = np.ones(n, bool)
    short[longest] = False
    others = np.flatnonzero(short)
    chosen = np.concatenate([longest, others[np.arange(_SAMPLED) * len(others) // _SAMPLED]])
    of_chosen = read(chosen).T
    cubes = np.empty((n, len(chosen)), np.float32)
    for rows in slices:
        entries = read(rows) @ of_chosen
        entries += b[rows, None]
        entries += b[chosen]
        np.multiply(entries * entries, entries, out=cubes[rows])
    cubes[chosen, range(len(chosen))] = 0.0
    of_long, of_others = np.split(cubes, [_LONGEST], axis=1)
    beside = of_long[short].sum(dtype=np.float64) + of_others[short].sum(dtype=np.float64) * len(others) / _SAMPLED
    return float(of_long.sum(dtype=np.float64) + beside)
