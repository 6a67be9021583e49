"""The distribution of a value over all ways of pairing the inputs of one side with those of the other: its null.

For a measure that is an inner product of two matrices of pairs of inputs, over their norms, mean, variance and skewness
over all n! permutations have a closed form (Kazi-Aoual et al. 1995, doi:10.1016/0167-9473(94)00064-2; for RSA, Mantel
1967). Here they are in terms of the parts that permutations do not mix; see `similitude.factors.invariants`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from similitude.errors import InputError
from similitude.factors.base import Cross
from similitude.factors.invariants import Invariants
from similitude.factors.pair import Pair
from similitude.measures.base import Kind

__all__ = [
    "FEWEST",
    "LEVEL",
    "ClosedForm",
    "Null",
    "Shuffles",
    "Weights",
    "biased",
    "check_inputs",
    "debiased",
    "moments",
    "of_distances",
    "of_distances_less_mean",
    "off_diagonal",
]

FEWEST = 4
"""Inputs from which on the variance over permutations has its closed form."""

LEVEL = 0.95
"""Share of permutations that a value must exceed to be more than chance."""

_NORMAL = 1e-5
"""Skewness below which the Pearson type III distribution is the normal one to seven digits."""

_SAME = 1e-7
"""Standard deviation, relative to the mean, up to which it may be the root of rounding errors."""

Weights = tuple[float, float]
"""Weights of the products of the means and of the effects of inputs; that of the products of the rests is 1."""


def biased(n: int) -> Weights:
    """Weights of <K, L> for doubly centred K and L, from their entries off the diagonal."""
    return n * n * (n - 1.0), n * (n - 2.0)


def of_distances(n: int) -> Weights:
    """Weights of <H D H, H E H> for D and E of zero diagonal, H the centring matrix."""
    return n - 1.0, 4.0 * (n - 2.0) / n


def of_distances_less_mean(n: int) -> Weights:
    """Weights of the same once the mean off the diagonal is subtracted of D and of E."""
    return 0.0, of_distances(n)[1]


def debiased(n: int) -> Weights:
    """Weights of the inner product of U-centred matrices, of which only the rests are left."""
    return 0.0, 0.0


def off_diagonal(n: int) -> Weights:
    """Weights of the sum of the products of all entries off the diagonal."""
    return n * (n - 1.0), 2.0 * (n - 2.0)


@dataclass(frozen=True)
class Null:
    """Distribution of a value over all permutations of the inputs of one side, by its first three moments.

    Between the moments the distribution is taken to be of Pearson's type III, a shifted gamma distribution.

    Parameters
    ----------
    mean, sd, skewness
        Of the statistic: the value, or its square where `rooted`.
    n
        Number of inputs.
    rooted
        Whether the value is the root of the statistic.
    """

    mean: float
    sd: float
    skewness: float
    n: int
    rooted: bool = False

    label = "exact"

    @property
    def chance(self) -> float:
        """Mean of the value; where it is a root, its root mean square."""
        return math.sqrt(max(self.mean, 0.0)) if self.rooted else self.mean

    @property
    def spread(self) -> float:
        """Standard deviation of the value; where it is a root, to first order."""
        return self.sd / (2.0 * self.chance) if self.rooted and self.chance else self.sd

    @property
    def varies(self) -> bool:
        """Whether values vary over permutations by more than rounding, of which a variance is the difference."""
        return self.sd > _SAME * max(abs(self.mean), 1e-300)

    def z(self, value: float) -> float:
        """Return by how many standard deviations the statistic exceeds its mean; NaN where it does not vary."""
        return (self._statistic(value) - self.mean) / self.sd if self.varies else math.nan

    def p(self, value: float) -> float:
        """Return the share of permutations that give at least this value, of n! at least the one that is given."""
        if not self.varies:
            return 1.0
        least = math.exp(-math.lgamma(self.n + 1.0))
        return min(1.0, max(least, _upper_tail(self.z(value), self.skewness)))

    def quantile(self, level: float) -> float:
        """Return the value that a share `level` of all permutations does not exceed."""
        found = self.mean + self.sd * _quantile(level, self.skewness) if self.varies else self.mean
        return math.sqrt(max(found, 0.0)) if self.rooted else found

    def _statistic(self, value: float) -> float:
        return value * value if self.rooted else value


@dataclass(frozen=True)
class Shuffles:
    """The same from values for some random permutations.

    Parameters
    ----------
    values
        At least one.
    kind
        Whether larger values mean more alike.
    """

    values: np.ndarray
    kind: Kind

    label = "permutation"

    @property
    def chance(self) -> float:
        """Mean of the values."""
        return float(self.values.mean())

    @property
    def spread(self) -> float:
        """Standard deviation of the values."""
        return float(self.values.std(ddof=1)) if self.values.size > 1 else math.nan

    @property
    def varies(self) -> bool:
        """Whether values vary over permutations by more than rounding."""
        return self.spread > 1e-9 * max(1e-300, float(np.abs(self.values).max()))

    def z(self, value: float) -> float:
        """Return by how many standard deviations the value is more alike than chance; NaN where it does not vary."""
        return self._sign * (value - self.chance) / self.spread if self.varies else math.nan

    def p(self, value: float) -> float:
        """Return the share of permutations that are at least as alike, the one that is given among them."""
        extreme = np.count_nonzero(self._sign * self.values >= self._sign * value) if self.varies else self.values.size
        return (1 + extreme) / (1 + self.values.size)

    def quantile(self, level: float) -> float:
        """Return the value than which a share `level` of all permutations, at least, is no more alike."""
        alike = np.sort(self._sign * self.values)
        return float(self._sign * alike[min(math.ceil(level * (alike.size + 1)), alike.size) - 1])

    @property
    def _sign(self) -> int:
        return 1 if self.kind == "similarity" else -1


def _upper_tail(z: float, skewness: float) -> float:
    """Share of a Pearson type III distribution of mean 0 and variance 1 that is at least z."""
    if abs(skewness) < _NORMAL:
        return float(special.ndtr(-z))
    shape = 4.0 / skewness**2
    place = shape + math.copysign(z, z * skewness) * math.sqrt(shape)
    tail = special.gammaincc if skewness > 0 else special.gammainc
    return float(tail(shape, max(place, 0.0)))


def _quantile(level: float, skewness: float) -> float:
    if abs(skewness) < _NORMAL:
        return float(special.ndtri(level))
    shape = 4.0 / skewness**2
    inverse = special.gammaincinv if skewness > 0 else special.gammainccinv
    return math.copysign(1.0, skewness) * (float(inverse(shape, level)) - shape) / math.sqrt(shape)


@dataclass(frozen=True)
class ClosedForm:
    """How the moments of a measure's value over permutations follow from invariants of either side.

    Parameters
    ----------
    invariants
        Cross that gives the `Invariants` of both sides. Of several matrices of a side, the statistic is the mean.
    weights
        Function of n that gives those of the parts: the statistic is w_0 m m' + w_1 a.a' + <U, U'>.
    norm
        What each matrix of either side is divided by; by default the root of its statistic with itself.
    rooted
        Whether the value is the root of the statistic.
    """

    invariants: Cross
    weights: Callable[[int], Weights]
    norm: float | None = None
    rooted: bool = False

    def null(self, pair: Pair) -> Null:
        """Return the distribution for a pair.

        Raises
        ------
        InputError
            Fewer than four inputs.
        """
        check_inputs(pair.n)
        x, y = pair[self.invariants]
        weights = self.weights(pair.n)
        scales = 1.0 / (self._norms(x, weights) * self._norms(y, weights) * len(x.mean))
        return Null(*moments(x, y, weights, pair.n, scales), pair.n, self.rooted)

    def _norms(self, side: Invariants, weights: Weights) -> np.ndarray:
        if self.norm is not None:
            return np.full(len(side.mean), self.norm)
        squares = weights[0] * side.mean**2 + weights[1] * side.effects2.diagonal() + side.rest2.diagonal()
        return np.sqrt(np.where(squares > 0, squares, 1.0))


def check_inputs(n: int) -> None:
    """Refuse fewer inputs than chance can be told of.

    Raises
    ------
    InputError
        Fewer than four.
    """
    if n < FEWEST:
        raise InputError(f"Chance needs at least {FEWEST} inputs, to be paired in other ways; there are {n}.")


def moments(x: Invariants, y: Invariants, weights: Weights, n: int, scales: np.ndarray) -> tuple[float, float, float]:
    """Mean, standard deviation and skewness of sum_k s_k (w_0 m m' + w_1 a.Pa' + <U, PU'P^T>) over all permutations P.

    Each moment is a sum over the ways in which indices of its factors can coincide: a way that leaves k indices
    distinct has the sums over distinct indices of both sides multiplied, over n (n - 1) ... (n - k + 1).

    Parameters
    ----------
    x, y
        Invariants of both sides, each of k matrices.
    weights
        w_0 and w_1.
    n
        Number of inputs, at least four.
    scales
        s_k.
    """
    one = [1.0 / math.perm(n, k) if k <= n else 0.0 for k in range(7)]
    w = weights[1]
    second = w * w / (n - 1) * x.effects2 * y.effects2 + 2.0 / (n * (n - 3)) * x.rest2 * y.rest2
    effects = w**3 * n / ((n - 1) * (n - 2))
    bent = 6.0 * w * w / (n * (n - 3))
    weighted = 3.0 * w * (4.0 * one[2] + 20.0 * one[3] + 52.0 * one[4] + 64.0 * one[5])
    rest = (
        (4.0 * one[2] + 24.0 * one[3] + 56.0 * one[4]) * x.rest3 * y.rest3
        + 8.0 * one[3] * x.triangles * y.triangles
        + 24.0 * one[4] * (x.rest3 - x.triangles) * (y.rest3 - y.triangles)
        + (48.0 * one[5] + 64.0 * one[6]) * (x.triangles - 2.0 * x.rest3) * (y.triangles - 2.0 * y.rest3)
    )
    third = effects * x.effects3 * y.effects3 + bent * x.bent * y.bent + weighted * x.weighted * y.weighted + rest
    mean = weights[0] * float(scales @ (x.mean * y.mean))
    sd = math.sqrt(max(float(scales @ second @ scales), 0.0))
    return mean, sd, float(third @ scales @ scales @ scales) / sd**3 if sd else 0.0
