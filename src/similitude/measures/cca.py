"""Measures on canonical correlations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np

from similitude.factors.base import Cross, Factor
from similitude.factors.crosses import CanonicalCorrelations, ProjectionWeights, check_ranks
from similitude.factors.pair import Pair, as_numpy
from similitude.linalg.influence import Influence, aligned, of_alignment
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.contributions import of_variates
from similitude.measures.maps import Maps, canonical, correlations, mean_correlation, principal, weighted_correlation

__all__ = ["PWCCA", "MeanCCA", "MeanSquaredCCA"]


def mean_signed_square(x: np.ndarray, y: np.ndarray) -> float:
    """Mean squared correlation of columns, in which a correlation that has changed its sign counts against."""
    rho = correlations(x, y)
    return float(np.mean(rho * np.abs(rho)))


_NEEDS = "each side's rank below n - 1"
_CAUTION = "Near n = d_x + d_y every value tends to 1; use many more inputs than features."


@dataclass(frozen=True)
class MeanCCA(Measure):
    """Mean canonical correlation: sum of rho / min(r_x, r_y), ranks being widths unless deficient."""

    name = "mean_cca"
    declares = Properties(
        kind="similarity",
        bounds=(0.0, 1.0),
        symmetric=True,
        invariances=invariant("LT"),
        reference="Raghu et al. 2017, arXiv:1706.05806",
        formula="sum_i rho_i / min(rank X, rank Y)",
        needs=_NEEDS,
        cost="d^3",
        caution=_CAUTION,
        differentiable=True,
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Canonical correlations."""
        return (CanonicalCorrelations(),)

    def score(self, pair: Pair) -> Any:
        """Mean of the correlations."""
        return pair.xp.mean(pair[CanonicalCorrelations()])

    def contributions(self, pair: Pair) -> np.ndarray:
        """Mean products of an input's canonical variates."""
        check_ranks(pair)
        return of_variates(pair, lambda rho: np.full(len(rho), 1.0 / len(rho)))

    def influence(self, pair: Pair) -> Influence:
        """Of a correlation, the product of its variates less its share of their squares."""
        check_ranks(pair)
        rows = aligned(principal(pair.x).u, principal(pair.y).u)
        inputs = (rows.a * rows.b - rows.s / 2.0 * (rows.a**2 + rows.b**2)).sum(axis=1)
        return of_alignment(rows, inputs).times(1.0 / len(rows.s))

    def maps(self, pair: Pair) -> Maps:
        """Canonical variates."""
        check_ranks(pair)
        return canonical(pair, mean_correlation)


@dataclass(frozen=True)
class MeanSquaredCCA(Measure):
    """Mean squared canonical correlation: sum of rho^2 / min(r_x, r_y); in [0, 1]."""

    name = "mean_squared_cca"
    declares = Properties(
        kind="similarity",
        bounds=(0.0, 1.0),
        symmetric=True,
        invariances=invariant("LT"),
        reference="Kornblith et al. 2019, arXiv:1905.00414 (R^2_CCA)",
        formula="sum_i rho_i^2 / min(rank X, rank Y)",
        needs=_NEEDS,
        cost="d^3",
        caution=_CAUTION,
        differentiable=True,
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Canonical correlations."""
        return (CanonicalCorrelations(),)

    def score(self, pair: Pair) -> Any:
        """Mean of the squared correlations."""
        return pair.xp.mean(pair[CanonicalCorrelations()] ** 2)

    def contributions(self, pair: Pair) -> np.ndarray:
        """Mean products of an input's canonical variates, weighted by their correlations."""
        check_ranks(pair)
        return of_variates(pair, lambda rho: rho / len(rho))

    def influence(self, pair: Pair) -> Influence:
        """Of a squared correlation, that of the correlation times twice its size."""
        check_ranks(pair)
        a, b, rho, _ = aligned(principal(pair.x).u, principal(pair.y).u)
        return Influence((2.0 * rho * a * b - rho**2 * (a**2 + b**2)).mean(axis=1))

    def maps(self, pair: Pair) -> Maps:
        """Canonical variates."""
        check_ranks(pair)
        return canonical(pair, mean_signed_square)


@dataclass(frozen=True)
class PWCCA(Measure):
    """Projection-weighted CCA: sum of w_i rho_i, w_i proportional to sum_j |<h_i, x_j>|; not symmetric.

    h_i are the canonical variates of the first argument and x_j its features. Where the second argument is
    narrower, the directions of the first that it cannot reach count as rho = 0. Variates with equal correlations, and
    those that cannot be reached, can be rotated among themselves, which changes the published weights at the whim of
    the linear algebra library. Here each of k such variates gets the average weight over all rotations,
    c_k sum_j ||P x_j||, with P the projection on the k of them and c_k = Gamma(k/2) / (sqrt(pi) Gamma((k+1)/2));
    for k = 1 that is the weight above. Neighbouring correlations count as equal up to a difference of 1e-6 and as
    different from 1e-5 on; between the two, the value changes gradually from the one to the other.

    Parameters
    ----------
    lost
        ``"zero"`` (Ding et al. 2021) normalises the weights over all directions of the first argument;
        ``"drop"`` (Morcos et al. 2018) over those that have a partner.
    """

    lost: Literal["zero", "drop"] = "zero"

    name = "pwcca"
    declares = Properties(
        kind="similarity",
        bounds=(0.0, 1.0),
        symmetric=False,
        invariances=invariant("PST", "LT"),
        reference="Morcos et al. 2018, arXiv:1806.05759; Ding et al. 2021, arXiv:2108.01661",
        formula="sum_i w_i rho_i, w_i ~ sum_j |<h_i, x_j>|, h_i the canonical variates of X",
        needs=_NEEDS,
        cost="d^3",
        caution="Depends on the features of the first argument, so that rotating it changes the value. " + _CAUTION,
        differentiable=True,
    )
    variants = ("lost=drop",)
    version = 2
    weighting: ClassVar[Cross] = ProjectionWeights()

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Canonical correlations with the weights of the first side's directions."""
        return (self.weighting,)

    def score(self, pair: Pair) -> Any:
        """Weighted mean of the correlations."""
        correlations, weights = pair[self.weighting]
        kept = weights[: correlations.shape[0]]
        return pair.xp.sum(kept * correlations) / pair.xp.sum(kept if self.lost == "drop" else weights)

    def maps(self, pair: Pair) -> Maps:
        """Canonical variates, weighted as they are on the inputs fitted."""
        correlations, weights = (as_numpy(part) for part in pair[self.weighting])
        kept = weights[: len(correlations)]
        masses = kept / (kept if self.lost == "drop" else weights).sum()
        return replace(canonical(pair, partial(weighted_correlation, masses)), masses=masses)
