"""Scalars of kernel or distance matrices that no reordering of the inputs changes: what moments over permutations need.

Off the diagonal, a symmetric matrix is its mean, an effect of each input, and a rest whose rows sum to zero:

    M_ij = m + a_i + a_j + U_ij for i != j,  sum_i a_i = 0,  U_ii = sum_j U_ij = 0.

No permutation mixes the three parts, so that the moments of an inner product with another matrix, whose inputs are in
random order, follow from a few sums of each part; see `similitude.measures.null`. Those of a sum of such inner products
follow from sums over the parts of two matrices, or of three.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import squareform

from similitude.factors.base import Cost, Cross, Factor
from similitude.factors.pair import Pair, Side
from similitude.linalg.ranking import parts
from similitude.linalg.sketches import COLUMNS, spanning

__all__ = [
    "EXACT",
    "Invariants",
    "MatrixInvariants",
    "OfBoth",
    "gather",
    "of_matrices",
    "of_rest",
    "of_sums",
    "triple_traces",
]

EXACT = 256
"""Inputs up to which sums over all triples of inputs are computed; of more inputs, they are estimated."""

_ROWS = 256
"""Rows of an n x n matrix that are worked on at a time."""


class Invariants(NamedTuple):
    """Sums of the three parts of k symmetric matrices, off the diagonal; k is 1 for most measures.

    Attributes
    ----------
    mean
        m of each; k.
    effects2, effects3
        Sums of a_i b_i, k x k, and of a_i b_i c_i, k x k x k, for the effects a, b and c of any two or three.
    rest2, rest3
        Sums of U_ij V_ij, and of U_ij V_ij W_ij, over all i and j.
    triangles
        tr U V W.
    weighted
        Sums of a_i V_ij W_ij.
    bent
        Sums of a_i V_ij c_j.
    """

    mean: np.ndarray
    effects2: np.ndarray
    effects3: np.ndarray
    rest2: np.ndarray
    rest3: np.ndarray
    triangles: np.ndarray
    weighted: np.ndarray
    bent: np.ndarray

    def times(self, factors: np.ndarray) -> Invariants:
        """Return the invariants of each matrix times a number."""
        two = factors[:, None] * factors
        three = two[:, :, None] * factors
        powers = factors, two, three, two, three, three, three, three
        return Invariants(*(value * power for value, power in zip(self, powers, strict=True)))


@dataclass(frozen=True)
class OfBoth(Cross):
    """A factor of both sides."""

    factor: Factor

    when_swapped = "exchanged"

    @property
    def reads(self) -> tuple[Factor, ...]:  # type: ignore[override]  # depends on the parameter
        """The factor."""
        return (self.factor,)

    def __call__(self, pair: Pair) -> tuple[Invariants, Invariants]:
        """One after the other."""
        return pair.x[self.factor], pair.y[self.factor]

    def mirrored(self, value: tuple[Invariants, Invariants]) -> tuple[Invariants, Invariants]:
        """The same, of the sides in the other order."""
        return value[1], value[0]


@dataclass(frozen=True)
class MatrixInvariants(Factor):
    """Invariants of a factor that is a symmetric n x n matrix, or the upper triangle of one.

    Where there are more than 256 inputs, the trace of U^3 is estimated, to a percent or so; all else is exact.

    Parameters
    ----------
    matrix
        The factor.
    """

    matrix: Factor

    size = ""
    under_permutation = "unchanged"

    @property
    def reads(self) -> tuple[Factor, ...]:  # type: ignore[override]  # depends on the parameter
        """The matrix."""
        return (self.matrix,)

    def cost(self, n: int, d: int) -> Cost:
        """Passes over a copy of the matrix, and products with a few vectors."""
        return Cost(200.0 * n * n, 8.0)

    def __call__(self, side: Side) -> Invariants:
        """From a copy of the matrix."""
        matrix = side[self.matrix]
        copy = squareform(matrix, checks=False) if matrix.ndim == 1 else np.array(matrix)
        return of_matrices(copy[None])


def of_matrices(matrices: np.ndarray) -> Invariants:
    """Invariants of k symmetric matrices, an array of shape (k, n, n) that is overwritten."""
    n = matrices.shape[1]
    matrices[:, range(n), range(n)] = 0.0
    mean, effects = of_sums(matrices.sum(axis=1))
    matrices -= effects[:, None, :]
    matrices -= (effects + mean[:, None])[:, :, None]
    matrices[:, range(n), range(n)] = 0.0
    triangles = _traces(matrices) if n <= EXACT else _estimated_traces(matrices)
    return of_rest(((part, matrices[:, part]) for part in parts(n, _ROWS)), mean, effects, triangles)


def of_sums(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and effects, k and k x n, from the sums of rows off the diagonal, k x n."""
    n, mean = sums.shape[1], sums.mean(axis=1)
    return mean / (n - 1), (sums - mean[:, None]) / (n - 2)


def of_rest(
    blocks: Iterable[tuple[slice, np.ndarray]], mean: np.ndarray, effects: np.ndarray, triangles: np.ndarray
) -> Invariants:
    """Invariants from the effects, and from U a few rows at a time: positions, and k x rows x n."""
    count, n = effects.shape
    squares, bent, rest3 = np.zeros((count, count, n)), np.zeros(3 * [count]), np.zeros(3 * [count])
    for part, rows in blocks:
        flat = rows.reshape(count, -1)
        for s in range(count):
            products = flat[s] * flat[: s + 1]
            squares[s, : s + 1, part] = products.reshape(s + 1, -1, n).sum(axis=2)
            rest3[s, : s + 1] += products @ flat.T
            bent[:, s] += effects[:, part] @ (rows[s] @ effects.T)
    for s in range(count):
        squares[:s, s], rest3[:s, s] = squares[s, :s], rest3[s, :s]
    return gather(mean, effects, squares.sum(axis=2), rest3, triangles, squares, bent)


def gather(
    mean: np.ndarray,
    effects: np.ndarray,
    rest2: np.ndarray,
    rest3: np.ndarray,
    triangles: np.ndarray,
    squares: np.ndarray,
    bent: np.ndarray,
) -> Invariants:
    """Invariants from the effects, k x n, the sums of U_ij V_ij over j, k x k x n, and the other invariants."""
    pairs = effects[:, None] * effects
    return Invariants(
        mean, pairs.sum(axis=2), pairs @ effects.T, rest2, rest3, triangles, effects @ squares.swapaxes(1, 2), bent
    )


def _traces(matrices: np.ndarray) -> np.ndarray:
    """Traces of products of any three symmetric matrices."""
    flat = matrices.reshape(len(matrices), -1)
    found = np.empty((len(matrices),) * 3)
    for s in range(len(matrices)):
        for t in range(s + 1):
            found[s, t] = found[t, s] = flat @ (matrices[s] @ matrices[t]).T.ravel()
    return found


def _estimated_traces(matrices: np.ndarray) -> np.ndarray:
    unit = float(np.abs(matrices).max()) or 1.0
    single = (matrices / unit).astype(np.float32)
    return triple_traces(lambda vectors: single @ vectors, matrices.shape[1]) * unit**3


def triple_traces(apply: Callable[[np.ndarray], np.ndarray], n: int, columns: int = COLUMNS) -> np.ndarray:
    """Estimates of the traces of products of any three of k symmetric n x n matrices, k x k x k.

    Parameters
    ----------
    apply
        Multiplies n x c vectors in single precision by each of the matrices, to k x n x c.
    n
        Rows of the matrices.
    columns
        Vectors that are multiplied; more make errors smaller.
    """
    once = apply(spanning(lambda vectors: apply(vectors).sum(axis=0), n, columns))
    count, _, width = once.shape
    twice = apply(np.ascontiguousarray(once.swapaxes(0, 1)).reshape(n, -1)).reshape(count, n, count, width)
    flat = twice.swapaxes(1, 2).reshape(count * count, -1)
    return (once.reshape(count, -1) @ flat.T).reshape(3 * [count]).astype(np.float64)
