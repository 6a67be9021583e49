"""Feature against feature: which of the one goes with which of the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from similitude.errors import MeasureError, require
from similitude.factors.base import Cross, Factor
from similitude.factors.crosses import CrossCovariance
from similitude.factors.linear import Centred, Mean
from similitude.factors.pair import Pair, Side, as_numpy
from similitude.linalg.scale import VANISHING, exponent_of, largest_of, lengths, scaled
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.maps import Maps, centred_sides, distance, matched, mean_correlation, weighted_correlation
from similitude.measures.parameters import parameter

__all__ = [
    "HardCorrelationMatch",
    "PartialSoftMatching",
    "PermutationProcrustes",
    "SoftCorrelationMatch",
    "SoftMatching",
]


_ITERATIONS = 10_000_000
"""Of the search for a transport plan; few need as many."""


@dataclass(frozen=True)
class FeatureNorms(Factor):
    """Length of each centred feature, d; 0 for a feature that is constant up to rounding."""

    reads = (Centred(), Mean())
    work = "5nd"
    size = "d"
    under_permutation = "unchanged"

    def __call__(self, side: Side) -> np.ndarray:
        """Compared with the length before centring."""
        centred = as_numpy(side[Centred()])
        norms = np.linalg.norm(centred, axis=0)
        short = norms < VANISHING
        norms[short] = lengths(centred[:, short].T)
        before = np.hypot(norms, side.n**0.5 * np.abs(as_numpy(side[Mean()])))
        double = np.finfo(np.float64).eps
        tolerance = max(side.n * double, 2 * side.precision if side.precision > double else 0.0)
        return np.where(norms > tolerance * before, norms, 0.0)


@dataclass(frozen=True)
class FeatureCorrelations(Cross):
    """Pearson correlation of every feature with every feature; constant ones left out."""

    reads = (Centred(), FeatureNorms(), CrossCovariance())
    work = "5pq"

    def __call__(self, pair: Pair) -> np.ndarray:
        """Covariance over lengths."""
        x, y = pair.x[FeatureNorms()], pair.y[FeatureNorms()]
        if not (x.any() and y.any()):
            raise MeasureError("Every feature of a side is constant up to rounding, so that none correlates.")
        covariance = as_numpy(pair[CrossCovariance()])
        if x[x > 0].min() * y[y > 0].min() < VANISHING:
            (of_x, x), (of_y, y) = _near_one(pair.x), _near_one(pair.y)
            covariance = of_x.T @ of_y
        return np.clip(covariance[x > 0][:, y > 0] / x[x > 0][:, None] / y[y > 0][None, :], -1.0, 1.0)


def _near_one(side: Side) -> tuple[np.ndarray, np.ndarray]:
    """Centred features, each divided by a power of two, and their lengths, which are about 1 then."""
    exponents = np.frexp(side[FeatureNorms()])[1]
    return np.ldexp(as_numpy(side[Centred()]), -exponents), np.ldexp(side[FeatureNorms()], -exponents)


def varied(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the features that are not constant, of both sides."""
    return np.flatnonzero(pair.x[FeatureNorms()]), np.flatnonzero(pair.y[FeatureNorms()])


class _OnCorrelations(Measure):
    """A measure on the correlations between features."""

    def uses(self) -> tuple[Factor | Cross, ...]:
        """All correlations."""
        return (FeatureNorms(), CrossCovariance(), FeatureCorrelations())


_LEFT_OUT = "Depends on the axes: a rotation of the features changes it. Constant features are left out."


@dataclass(frozen=True)
class HardCorrelationMatch(_OnCorrelations):
    """Mean signed correlation of features paired one to one as well as can be."""

    name = "hard_correlation_match"
    declares = Properties(
        kind="similarity",
        bounds=(-1.0, 1.0),
        symmetric=True,
        invariances=invariant("PST"),
        reference="Li et al. 2015, arXiv:1511.07543",
        formula="max over pairings p of mean corr(x_i, y_p(i)), over the min(d_x, d_y) pairs",
        cost="n d^2 + d^3",
        caution=_LEFT_OUT,
    )

    def score(self, pair: Pair) -> float:
        """Best assignment."""
        correlations = pair[FeatureCorrelations()]
        return float(correlations[linear_sum_assignment(correlations, maximize=True)].mean())

    def maps(self, pair: Pair) -> Maps:
        """The pairs of features."""
        i, j = linear_sum_assignment(pair[FeatureCorrelations()], maximize=True)
        varied_x, varied_y = varied(pair)
        return matched(pair, (varied_x[i], varied_y[j]), mean_correlation)


@dataclass(frozen=True)
class SoftCorrelationMatch(_OnCorrelations):
    """Mean signed correlation of each feature with its best match on the other side, averaged over both sides."""

    name = "soft_correlation_match"
    declares = Properties(
        kind="similarity",
        bounds=(-1.0, 1.0),
        symmetric=True,
        invariances=invariant("PST"),
        reference="Li et al. 2015, arXiv:1511.07543",
        formula="(mean_i max_j corr(x_i, y_j) + mean_j max_i corr(x_i, y_j)) / 2",
        cost="n d^2",
        caution="Several features may have the same match. " + _LEFT_OUT,
    )

    def score(self, pair: Pair) -> float:
        """Best match each way."""
        correlations = pair[FeatureCorrelations()]
        return float((correlations.max(axis=1).mean() + correlations.max(axis=0).mean()) / 2)

    def maps(self, pair: Pair) -> Maps:
        """The best match of each feature of the first side, then that of each of the second."""
        correlations, (i, j) = pair[FeatureCorrelations()], varied(pair)
        matches = np.append(i, i[correlations.argmax(axis=0)]), np.append(j[correlations.argmax(axis=1)], j)
        masses = np.repeat([0.5 / len(i), 0.5 / len(j)], [len(i), len(j)])
        return matched(pair, matches, partial(weighted_correlation, masses), masses)


@dataclass(frozen=True)
class PartialSoftMatching(_OnCorrelations):
    """Mean correlation of the features that are matched best, where the others may stay without a match.

    Every side has mass 1, spread evenly over its features, of which a part is moved onto the other side by optimal
    transport. Needs the package POT.

    Parameters
    ----------
    mass
        Share of either side that is matched. The sum that the paper maximises is this times the value; at 1 all
        features are matched.
    """

    mass: float = parameter(0.5, above=0, at_most=1)

    name = "partial_soft_matching"
    declares = Properties(
        kind="similarity",
        bounds=(-1.0, 1.0),
        symmetric=True,
        invariances=invariant("PST"),
        reference="Kapoor et al. 2026, arXiv:2602.19331",
        formula="max_P sum_ij P_ij corr(x_i, y_j) / mass, rows of P sum to at most 1/d_x, columns to at most 1/d_y, "
        "and all entries to mass",
        needs="the extra `matching`",
        cost="n d^2 + d^3",
        caution="The smaller the mass, the larger the value, so compare values at the same mass only. " + _LEFT_OUT,
    )
    variants = ("mass=0.8", "mass=1")

    def score(self, pair: Pair) -> float:
        """Mean over the plan."""
        plan = self._plan(pair)
        return float(np.vdot(plan, pair[FeatureCorrelations()]) / plan.sum())

    def maps(self, pair: Pair) -> Maps:
        """The plan: which feature goes where, and how much of it."""
        plan, (of_x, of_y) = self._plan(pair), varied(pair)
        i, j = np.nonzero(plan)
        masses = plan[i, j] / plan.sum()
        return matched(pair, (of_x[i], of_y[j]), partial(weighted_correlation, masses), masses)

    def _plan(self, pair: Pair) -> np.ndarray:
        costs = 1.0 - pair[FeatureCorrelations()]
        if self.mass == 1.0:
            return _transport_plan(costs)
        transport: Any = require("ot", extra="matching")
        masses = (np.full(d, 1.0 / d) for d in costs.shape)
        return transport.partial.partial_wasserstein(*masses, costs, m=self.mass, numItermax=_ITERATIONS)


@dataclass(frozen=True)
class SoftMatching(Measure):
    """Root of the cost of moving the features of one side onto those of the other by optimal transport.

    Every side has mass 1, spread evenly over its features. Unequal widths need the package POT.
    """

    name = "soft_matching"
    declares = Properties(
        kind="dissimilarity",
        bounds=(0.0, inf),
        symmetric=True,
        is_metric=True,
        invariances=invariant("PT"),
        reference="Khosla and Williams 2024, arXiv:2311.09466",
        formula="sqrt(min_P sum_ij P_ij ||x_i - y_j||^2), rows of P sum to 1/d_x, columns to 1/d_y, features centred",
        needs="the extra `matching` where widths differ",
        cost="n d^2 + d^3",
        caution="Depends on the axes and on the scale of the features.",
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Centred features and their products."""
        return (Centred(), CrossCovariance())

    def score(self, pair: Pair) -> float:
        """Find the plan, then take the cost from the differences themselves, which cancels less."""
        x, y, unit = _in_one_unit(pair, as_numpy(pair.x[Centred()]), as_numpy(pair.y[Centred()]))
        i, j, masses = _transport(pair, x, y)
        differences = np.take(x, i, axis=1)
        differences -= np.take(y, j, axis=1)
        small = exponent_of(largest_of(differences))
        differences = scaled(differences, -small)
        return scaled(math.sqrt(masses @ np.einsum("ij,ij->j", differences, differences)), small + unit)

    def maps(self, pair: Pair) -> Maps:
        """The plan: which feature goes where, and how much of it."""
        i, j, masses = _transport(pair, *centred_sides(pair))
        return matched(pair, (i, j), partial(weighted_distance, masses), masses)


def _in_one_unit(pair: Pair, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Arrays of both sides as multiples of one power of two, and its exponent."""
    of_x, of_y, unit = pair.units
    return x if of_x == 1.0 else x / of_x, y if of_y == 1.0 else y / of_y, unit


def _transport(pair: Pair, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features between which mass is moved, and how much; x and y are the centred sides in one unit."""
    products = as_numpy(pair[CrossCovariance()]) / (pair.units.x * pair.units.y)
    if x.shape[1] == y.shape[1]:  # the plan is a permutation
        i, j = linear_sum_assignment(products, maximize=True)
        return i, j, np.full(i.size, 1.0 / i.size)
    plan = _transport_plan(np.sum(x * x, axis=0)[:, None] + np.sum(y * y, axis=0) - 2.0 * products)
    i, j = np.nonzero(plan)
    return i, j, plan[i, j]


def weighted_distance(weights: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    """Root of the weighted sum of squared distances between columns."""
    return math.sqrt(weights @ np.sum((x - y) ** 2, axis=0))


def _transport_plan(costs: np.ndarray) -> np.ndarray:
    transport: Any = require("ot", extra="matching")
    p, q = costs.shape
    costs = costs / (np.abs(costs).max() or 1.0)
    return transport.emd(np.full(p, 1.0 / p), np.full(q, 1.0 / q), costs, numItermax=_ITERATIONS)


@dataclass(frozen=True)
class PermutationProcrustes(Measure):
    """Distance after the best permutation of the features, the narrower side padded with zeros; not centred."""

    name = "permutation_procrustes"
    declares = Properties(
        kind="dissimilarity",
        bounds=(0.0, inf),
        symmetric=True,
        is_metric=True,
        invariances=invariant("P"),
        reference="Williams et al. 2021, arXiv:2110.14739",
        formula="min over permutations p of ||X - Y_p||_F, zero-padded, not centred",
        cost="n d^2 + d^3",
        caution="Depends on the axes, the scale and the mean of the features.",
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Products of centred features, and means."""
        return (Mean(), CrossCovariance())

    def score(self, pair: Pair) -> float:
        """The best assignment of features; those without a partner are compared with zeros."""
        x, y, unit = _in_one_unit(pair, as_numpy(pair.x.values), as_numpy(pair.y.values))
        i, j = self._assignment(pair)
        partners = (i < x.shape[1]) & (j < y.shape[1])
        alone_x, alone_y = i[~partners & (i < x.shape[1])], j[~partners & (j < y.shape[1])]
        differences = np.take(x, i[partners], axis=1)
        differences -= np.take(y, j[partners], axis=1)
        parts = (differences, x[:, alone_x], y[:, alone_y])
        small = exponent_of(max(map(largest_of, parts)))
        parts = [scaled(part, -small) for part in parts]
        return scaled(math.sqrt(sum(np.vdot(part, part) for part in parts)), small + unit)

    def maps(self, pair: Pair) -> Maps:
        """The permutation, of features and of the zeros that the narrower side is padded with."""
        i, j = self._assignment(pair)
        p, q = pair.x.values.shape[1], pair.y.values.shape[1]
        matrices = np.eye(p, len(i))[:, i], np.eye(q, len(j))[:, j]
        matches = np.column_stack([i, j])[(i < p) & (j < q)]
        return Maps(matrices, (np.zeros(p), np.zeros(q)), distance, matches=matches)

    def _assignment(self, pair: Pair) -> tuple[np.ndarray, np.ndarray]:
        """Positions of matched columns, those beyond the width of a side being zeros."""
        means = np.outer(as_numpy(pair.x[Mean()]), as_numpy(pair.y[Mean()]))
        products = (as_numpy(pair[CrossCovariance()]) + pair.n * means) / (pair.units.x * pair.units.y)
        # To leave a feature without a partner is to pair it with zeros: a product of 0.
        d = max(products.shape)
        padded = np.pad(products, ((0, d - products.shape[0]), (0, d - products.shape[1])))
        return linear_sum_assignment(padded, maximize=True)
