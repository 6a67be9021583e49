"""Scalars of a kernel or distance matrix that no reordering of the inputs changes: what moments over permutations need.

Off the diagonal, a symmetric matrix is its mean, an effect of each input, and a rest whose rows sum to zero:

    M_ij = m + a_i + a_j + U_ij for i != j,  sum_i a_i = 0,  U_ii = sum_j U_ij = 0.

No permutation mixes the three parts, so that the moments of an inner product with another matrix, whose inputs are in
random order, follow from a few sums of each part; see `similitude.measures.null`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial.distance import squareform

from similitude.factors.base import Cost, Factor
from similitude.factors.linear import Centred, Scatter, SquaredRowNorms
from similitude.factors.pair import Side, as_numpy
from similitude.linalg.ranking import parts

__all__ = ["Invariants", "LinearInvariants", "MatrixInvariants"]

_ROWS = 256
"""Rows of an n x n matrix that are worked on at a time."""

_SAMPLED = 4096
"""Inputs from which sums over all pairs of inputs are estimated where features are fewer."""


class Invariants(NamedTuple):
    """Sums of the three parts of a symmetric matrix, off its diagonal.

    Attributes
    ----------
    mean
        m.
    effects2, effects3
        Sums of a_i^2 and of a_i^3.
    rest2, rest3
        Sums of U_ij^2 and of U_ij^3, over all i and j.
    triangles
        tr U^3.
    weighted
        Sum of a_i U_ij^2.
    bent
        Sum of a_i U_ij a_j.
    """

    mean: float
    effects2: float
    effects3: float
    rest2: float
    rest3: float
    triangles: float
    weighted: float
    bent: float

    def divided(self, by: float) -> Invariants:
        """Return the invariants of the matrix divided by a number."""
        powers = 1, 2, 3, 2, 3, 3, 3, 3
        return Invariants(*(value / by**power for value, power in zip(self, powers, strict=True)))


@dataclass(frozen=True)
class MatrixInvariants(Factor):
    """Invariants of a factor that is a symmetric n x n matrix, or the upper triangle of one.

    Parameters
    ----------
    matrix
        The factor.
    """

    matrix: Factor

    size = "nn"
    under_permutation = "unchanged"

    @property
    def reads(self) -> tuple[Factor, ...]:  # type: ignore[override]  # depends on the parameter
        """The matrix."""
        return (self.matrix,)

    def cost(self, n: int, d: int) -> Cost:
        """Half of the product of a matrix with itself."""
        return Cost(1.0 * n**3 + 20.0 * n * n, 8.0)

    def __call__(self, side: Side) -> Invariants:
        """From a copy of the matrix."""
        matrix = side[self.matrix]
        return _of_matrix(squareform(matrix, checks=False) if matrix.ndim == 1 else np.array(matrix))


@dataclass(frozen=True)
class LinearInvariants(Factor):
    """Invariants of the centred linear kernel K = X_c X_c^T, without the n x n matrix where features are fewer.

    The sum of U_ij^3, of which the share in the skewness of a null distribution falls as 1 / n, is estimated from 4,096
    evenly spaced inputs where there are more; all else is exact.
    """

    reads = (Centred(), Scatter(), SquaredRowNorms())
    size = ""
    under_permutation = "unchanged"

    def cost(self, n: int, d: int) -> Cost:
        """Two products with the smaller of kernel and covariance, and rows with rows."""
        m = min(n, d)
        return Cost(2.0 * n * d * m + 1.0 * min(n, _SAMPLED) ** 2 * d, 8.0)

    def __call__(self, side: Side) -> Invariants:
        """From the smaller of kernel and covariance."""
        if side.n < side.d:
            return _of_matrix(np.array(as_numpy(side[Scatter()])))
        return _of_features(*(as_numpy(side[f]) for f in (Centred(), Scatter(), SquaredRowNorms())))


def _of_matrix(matrix: np.ndarray) -> Invariants:
    """Invariants of a symmetric matrix, which is overwritten."""
    n = len(matrix)
    np.fill_diagonal(matrix, 0.0)
    sums = matrix.sum(axis=0)
    mean = float(sums.mean()) / (n - 1)
    effects = (sums - sums.mean()) / (n - 2)
    matrix -= effects
    matrix -= (effects + mean)[:, None]
    np.fill_diagonal(matrix, 0.0)
    rest3, squares = 0.0, np.empty(n)
    for part in parts(n, _ROWS):
        squared = matrix[part] * matrix[part]
        squares[part] = squared.sum(axis=1)
        rest3 += np.vdot(squared, matrix[part])
    return _gathered(mean, effects, squares, rest3, _cubed_trace(matrix), effects @ (matrix @ effects))


def _cubed_trace(matrix: np.ndarray) -> float:
    """Trace of M^3 for symmetric M, from half of M^2."""
    total = 0.0
    for part in parts(len(matrix), _ROWS):
        product = matrix[part] @ matrix[:, part.start :]
        product *= matrix[part, part.start :]
        # What lies beyond the diagonal stands for its mirror image too.
        total += 2.0 * product.sum() - product[:, : part.stop - part.start].sum()
    return float(total)


def _of_features(centred: np.ndarray, covariance: np.ndarray, norms: np.ndarray) -> Invariants:
    """Invariants of K = X X^T for centred X, from X, X^T X and the squared row norms.

    Off its diagonal, U = K + b 1^T + 1 b^T with b = -(a + m / 2); what that has on the diagonal is subtracted.
    """
    n, trace = len(centred), norms.sum()
    mean = -trace / (n * (n - 1))
    effects = (trace / n - norms) / (n - 2)
    b = -(effects + mean / 2)
    of_b = centred @ (centred.T @ b)
    total, length = b.sum(), b @ b
    diagonal = norms + 2 * b
    if n <= _SAMPLED:
        squares, rest3 = _sums_over_pairs(centred, b)
        cubed = _cubed_trace(covariance)
    else:
        chosen = np.arange(_SAMPLED) * n // _SAMPLED
        rest3 = _sums_over_pairs(centred[chosen], b[chosen])[1] * n * (n - 1) / (_SAMPLED * (_SAMPLED - 1))
        products = centred @ covariance
        of_sum = np.vecdot(centred, products) + 2 * of_b + 2 * total * b + n * b * b + length
        squares, cubed = of_sum - diagonal**2, np.vdot(products, products)
    cubed += 3 * n * (b @ of_b) + 2 * total**3 + 6 * n * total * length  # of K + b 1^T + 1 b^T
    triangles = cubed - 3 * (squares @ diagonal) - np.sum(diagonal**3)
    bent = effects @ (centred @ (centred.T @ effects)) - diagonal @ effects**2
    return _gathered(mean, effects, squares, rest3, triangles, bent)


def _sums_over_pairs(centred: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, float]:
    """Sums of u^2 over j != i, for each i, and of u^3 over both, with u = x_i x_j + b_i + b_j."""
    n = len(centred)
    squares, cubes = np.zeros(n), 0.0
    for part in parts(n, _ROWS):
        width = part.stop - part.start
        entries = centred[part] @ centred[part.start :].T
        entries += b[part.start :]
        entries += b[part, None]
        entries[:, :width][np.tri(width, dtype=bool)] = 0.0
        squared = entries * entries
        squares[part] += squared.sum(axis=1)
        squares[part.start :] += squared.sum(axis=0)
        cubes += 2.0 * np.vdot(squared, entries)
    return squares, float(cubes)


def _gathered(mean: Any, effects: np.ndarray, squares: np.ndarray, rest3: Any, triangles: Any, bent: Any) -> Invariants:
    """From the effects, the sums of U_ij^2 over j, and the scalars."""
    found = (
        *(mean, effects @ effects, np.sum(effects**3), squares.sum()),
        *(rest3, triangles, effects @ squares, bent),
    )
    return Invariants(*map(float, found))
