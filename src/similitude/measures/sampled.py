"""Kernel alignment estimated from a sample of the features."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

from similitude.errors import MeasureError
from similitude.factors.base import Cross, Factor
from similitude.factors.crosses import DiagonalProduct
from similitude.factors.linear import Centred, CentredNorm, DiagonalSquares
from similitude.factors.linear_kernels import LinearKernels
from similitude.factors.pair import Pair, Side
from similitude.linalg.scale import root
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.cka import unbiased_hsic

__all__ = ["SampledCKA"]


class Moments(NamedTuple):
    """Sums over the kernels of single features, which are x x^T for a centred feature x."""

    squares: Any
    """Sum of their squared norms, ||x||^4"""
    diagonals: Any
    """Sum of their squared diagonal entries"""


@dataclass(frozen=True)
class FeatureMoments(Factor):
    """What the kernels of single features contribute to the inner product of a linear kernel with itself."""

    reads = (Centred(),)
    work = "6nd"
    size = "nd"
    under_permutation = "unchanged"

    def __call__(self, side: Side) -> Moments:
        """Second and fourth powers."""
        xp, squares = side.xp, side[Centred()] ** 2
        variances = xp.sum(squares, axis=0)
        return Moments(xp.sum(variances * variances), xp.sum(squares * squares))


@dataclass(frozen=True)
class SampledCKA(Measure):
    """Linear CKA of all features there might be, estimated from some of them and from some inputs, without bias.

    Inputs are corrected for as in ``cka(debiased=true)``. A sampled feature also counts as similar to itself, which
    makes the self-similarities in the denominator too large: only pairs of different features are counted there.
    Features of the two sides must be sampled independently, as those of two brains or two networks are.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> signal = rng.normal(size=(300, 20))
    >>> X, Y = (signal @ rng.normal(size=(20, 50)) for _ in range(2))  # 50 of many features each
    >>> round(SampledCKA()(X, Y), 1)
    1.0
    """

    name = "sampled_cka"
    declares = Properties(
        kind="similarity",
        bounds=(-inf, inf),
        symmetric=True,
        invariances=invariant("PST"),
        reference="Chun et al. 2025, arXiv:2502.15104",
        formula="h(X, Y) / sqrt(h'(X, X) h'(Y, Y)), h the mean over features of X and of Y of the unbiased HSIC of the "
        "two, h' that over pairs of different features of one side",
        minimum_n=4,
        needs="at least two features per side, some of them correlated",
        cost="d^3",
        caution="Noisy where features are few. Means nothing where both sides hold the same features, as for a "
        "representation and itself: then above 1.",
        exempt_from_self=True,
        differentiable=True,
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Inner products of the kernels, and what corrects them."""
        return (LinearKernels(), CentredNorm(), DiagonalSquares(), DiagonalProduct(), FeatureMoments())

    def score(self, pair: Pair) -> Any:
        """Means over features cancel but for the pairs that are left out."""
        products = pair[LinearKernels()]
        traces = [side[CentredNorm()] * side[CentredNorm()] for side in (pair.x, pair.y)]
        cross = unbiased_hsic(products.xy, pair[DiagonalProduct()], traces[0] * traces[1], pair.n)
        own_x = self._own(pair.x, products.xx, traces[0])
        own_y = self._own(pair.y, products.yy, traces[1])
        return cross / (root(own_x) * root(own_y))

    @staticmethod
    def _own(side: Side, product: Any, trace: Any) -> Any:
        """Self-similarity over pairs of different features, times the square of the number of features."""
        d, moments = side[Centred()].shape[1], side[FeatureMoments()]
        if d < 2:
            raise MeasureError(f"{side.key or 'A side'} has one feature only; sampled_cka compares pairs of features.")
        total = unbiased_hsic(product, side[DiagonalSquares()], trace * trace, side.n)
        same = unbiased_hsic(moments.squares, moments.diagonals, moments.squares, side.n)
        if not total - same > 1e-12 * total:
            raise MeasureError(
                f"{side.key or 'A side'}: no two features are correlated beyond chance, so that nothing is known of "
                "the features that were not sampled. Use more inputs and features, or cka(debiased=true)."
            )
        return (total - same) * (d / (d - 1))
