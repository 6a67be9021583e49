"""Procrustes distance without the bias of few inputs."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from scipy.optimize import linprog

from similitude.errors import MeasureError
from similitude.factors.base import Cost, Cross, Factor
from similitude.factors.crosses import AlignedSpectrum
from similitude.factors.dots import Square
from similitude.factors.kernels import UCentredGram
from similitude.factors.linear import CentredNorm
from similitude.factors.pair import Pair, Side, as_numpy
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.parameters import parameter

__all__ = ["DebiasedProcrustes", "SpectralMoments"]

_COUNTS = 1e-6
"""Singular value, relative to the largest, below which one adds nothing to speak of to the bias."""

_NEGLIGIBLE = 1e-6
"""Noise, relative to the bias, below which a term counts as free of it, and above the inverse of which as useless."""

_POINTS = 200
"""Points of the unit interval at which the polynomial is held to the root."""


@dataclass(frozen=True)
class SpectralMoments(Cross):
    """Estimates, without bias, of the sums of even powers of the singular values of the cross-covariance.

    The p-th is the mean, over 2p inputs in ascending order, of <x_1, x_2> <y_2, y_3> <x_3, x_4> ... <y_2p, y_1>, in
    which no input meets itself (Kong and Valiant 2017, arXiv:1602.00061), and of the same with the sides exchanged.
    Both traces of covariance are scaled to 1. Products are centred without those of an input with itself: what an
    unknown mean costs is then of the order of 1 / n, and nothing for the first moment. Inputs are put in a fixed random
    order first, since those of one class often follow each other.

    Parameters
    ----------
    count
        Number of moments.
    """

    count: int

    reads = (UCentredGram(), CentredNorm())
    when_swapped = "same"

    def cost(self, n: int, p: int, q: int) -> Cost:
        """Two products of n x n matrices per moment."""
        return Cost(4.0 * self.count * n**3, 64.0 * n * n)

    def __call__(self, pair: Pair) -> np.ndarray:
        """Products of triangles, which hold the pairs of inputs in ascending order."""
        n, order = pair.n, np.random.default_rng(0).permutation(pair.n)
        kernels = []
        for side in (pair.x, pair.y):
            variance = _number(side[CentredNorm()]) ** 2 / (n - 1)
            kernels.append(side[UCentredGram()][np.ix_(order, order)] / variance)
        chains = [np.triu(kernel, 1) for kernel in kernels]  # that start with either side, for the mean of both
        steps, found = (chains[0] @ chains[1], chains[1] @ chains[0]), np.empty(self.count)
        for p in range(1, self.count + 1):
            total = np.vdot(chains[0], kernels[1]) + np.vdot(chains[1], kernels[0])
            found[p - 1] = total / (2 * max(math.comb(n, 2 * p), 1)) * (n - 1) / (n - 3)
            if p < self.count:
                chains = [step @ chain for step, chain in zip(steps, chains, strict=True)]
        return found


@dataclass(frozen=True)
class DebiasedProcrustes(Measure):
    """Estimate of `procrustes` for infinitely many inputs, where the value for few is much too small.

    The sum of the singular values of the cross-covariance follows from sums of their even powers, which are estimated
    without bias, through a polynomial that approximates the root. Its coefficients trade noise against the largest bias
    that there can be, for whatever singular values.

    Parameters
    ----------
    weight
        How much the largest possible bias counts against noise: the standard deviation for unrelated sides, summed over
        the terms of the polynomial. The larger, the less bias and the more noise.
    moments
        Largest number of moments.
    """

    weight: float = parameter(1.0, above=0)
    moments: int = parameter(8, at_least=1, at_most=12)

    name = "debiased_procrustes"
    declares = Properties(
        kind="dissimilarity",
        bounds=(-inf, inf),
        symmetric=True,
        invariances=invariant("OST"),
        reference="After Pospisil et al. 2023, arXiv:2310.05742; with a linear program in place of a quadratic one, "
        "and the noise of unrelated sides in place of a bootstrap",
        formula="2 - 2 sum_p c_p m_p / sqrt(tr S_x tr S_y), m_p unbiased for tr (S_xy S_yx)^p, sum_p c_p t^p near "
        "sqrt(t), S the covariances",
        minimum_n=4,
        cost="n^3",
        caution="Noisy where inputs are few, and then still biased, towards 2; a distance below 0 or above 2 is noise. "
        "Another order of the inputs changes it within its noise.",
        self_is_best=False,
    )
    variants = ("weight=3,moments=4",)

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Moments, the domain on which the root is approximated, and what the noise is estimated from."""
        moments = SpectralMoments(self.moments)
        return (moments, AlignedSpectrum(), CentredNorm(), UCentredGram(), Square(UCentredGram()))

    def score(self, pair: Pair) -> float:
        """The polynomial of the moments, where the largest singular value is 1."""
        n = pair.n
        count = min(self.moments, n // 2)
        spectrum = as_numpy(pair[AlignedSpectrum()])
        largest = float(spectrum[0]) / (_number(pair.x[CentredNorm()]) * _number(pair.y[CentredNorm()]))
        powers = np.arange(1, count + 1)
        moments = pair[SpectralMoments(self.moments)][:count] / largest ** (2 * powers)
        orders = np.array([math.comb(n, 2 * p) for p in range(1, count + 1)], dtype=np.float64)
        noise = (
            (_off_diagonal(pair.x) * _off_diagonal(pair.y)) ** (powers / 2) / np.sqrt(orders) / largest ** (2 * powers)
        )
        terms = int(np.count_nonzero(spectrum > _COUNTS * spectrum[0]))
        return 2.0 - 2.0 * largest * float(_coefficients(noise, self.weight * terms) @ moments)


def _off_diagonal(side: Side) -> float:
    """Mean square of the inner product of two different inputs, the trace of the covariance scaled to 1."""
    variance = _number(side[CentredNorm()]) ** 2 / (side.n - 1)
    return side[Square(UCentredGram())] / (side.n * (side.n - 1)) / variance**2


def _number(value: Any) -> float:
    return float(as_numpy(value)) if hasattr(value, "requires_grad") else float(value)


def _coefficients(noise: np.ndarray, weight: float) -> np.ndarray:
    """Coefficients c of a polynomial that is 0 at 0, least in sum_p |c_p| noise_p + weight max_t |sqrt(t) - p(t)|."""
    powers, root = _grid(noise.size)
    ones = np.ones((_POINTS, 1))
    bounds = np.block([[powers, -powers, -ones], [-powers, powers, -ones]])
    costs = np.clip(noise / weight, _NEGLIGIBLE, 1.0 / _NEGLIGIBLE)
    solution = linprog(
        np.concatenate([costs, costs, [1.0]]), A_ub=bounds, b_ub=np.concatenate([root, -root]), bounds=(0, None)
    )
    if solution.x is None:
        raise MeasureError(f"debiased_procrustes: no polynomial was found ({solution.message}). Use fewer moments.")
    found = solution.x
    return found[: noise.size] - found[noise.size : -1]


@functools.cache
def _grid(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Powers of points in the unit interval, dense at its ends, and their roots."""
    points = (1.0 - np.cos(np.linspace(0.0, np.pi, _POINTS))) / 2.0
    return points[:, None] ** np.arange(1, count + 1), np.sqrt(points)
