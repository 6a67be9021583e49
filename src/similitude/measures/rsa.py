"""Comparison of dissimilarity matrices."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from math import inf
from typing import Literal, get_args

import numpy as np
from scipy import stats

from similitude.errors import InputError, MeasureError
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.distances import RDM, Dissimilarity, DistanceMoments, StandardisedRDM, parts
from similitude.measures.dots import Dot, Square
from similitude.measures.pair import Cross, Factor, Pair, Side
from similitude.representations.scale import scaled

__all__ = ["RSA", "DistanceCorrelation", "RSMNormDifference"]

Comparison = Literal["spearman", "pearson", "kendall", "cosine"]
_INVARIANCES = {"correlation": "PS", "cosine": "OS", "euclidean": "OST", "squared_euclidean": "OST"}


@dataclass(frozen=True)
class RSA(Measure):
    """Representational similarity analysis: how the dissimilarities between inputs agree.

    Parameters
    ----------
    rdm
        Dissimilarity of two inputs: 1 - Pearson correlation over features, Euclidean or squared Euclidean distance, or
        1 - cosine.
    compare
        How the upper triangles of the two matrices are compared; Kendall's is tau-b.
    """

    rdm: Dissimilarity = "correlation"
    compare: Comparison = "spearman"

    name = "rsa"
    version = 2
    declares = Properties(
        kind="similarity",
        bounds=(-1.0, 1.0),
        symmetric=True,
        invariances=invariant("PS"),
        reference="Kriegeskorte et al. 2008, doi:10.3389/neuro.06.004.2008",
        formula="correlation of d(x_i, x_j) with d(y_i, y_j) over i < j",
        minimum_n=3,
        needs="at least two features for the correlation RDM",
        cost="n^2",
        caution="Entries of an RDM share inputs, so the usual p-value of the correlation does not hold.",
    )

    def __post_init__(self) -> None:
        """Check the parameters."""
        for name, value, known in (("rdm", self.rdm, Dissimilarity), ("compare", self.compare, Comparison)):
            if value not in get_args(known):
                raise InputError(f"rsa: {name} must be one of {', '.join(get_args(known))}, not {value!r}.")

    def properties(self) -> Properties:
        """What the RDM is blind to, the comparison is."""
        bounds = (0.0, 1.0) if self.compare == "cosine" else (-1.0, 1.0)
        return replace(self.declares, bounds=bounds, invariances=invariant(_INVARIANCES[self.rdm]))

    def uses(self) -> tuple[Factor | Cross, ...]:
        """The RDM, or its ranks, and what the comparison makes of two."""
        if self.compare == "kendall":
            return (self._entries,)
        norms = (Square(self._entries),) if self.compare == "cosine" else ()
        return (self._entries, Dot(self._entries), *norms)

    @property
    def _entries(self) -> Factor:
        if self.compare == "cosine":
            return RDM(self.rdm)
        return StandardisedRDM(self.rdm, ranked=self.compare != "pearson")

    def score(self, pair: Pair) -> float:
        """Correlation of the upper triangles."""
        if self.compare == "kendall":
            return float(stats.kendalltau(pair.x[self._entries], pair.y[self._entries]).statistic)
        product = pair[Dot(self._entries)]
        if self.compare == "cosine":
            norms = math.sqrt(pair.x[Square(self._entries)] * pair.y[Square(self._entries)])
            if not norms > 0:
                raise MeasureError(
                    "rsa: all dissimilarities of a side are 0, so that there is no cosine. Use more inputs."
                )
            return float(np.clip(product / norms, 0.0, 1.0))
        return float(np.clip(product, -1.0, 1.0))


@dataclass(frozen=True)
class RSMNormDifference(Measure):
    """Frobenius norm of the difference of the full Euclidean distance matrices."""

    name = "rsm_norm_difference"
    declares = Properties(
        kind="dissimilarity",
        bounds=(0.0, inf),
        symmetric=True,
        is_metric=True,
        invariances=invariant("OT"),
        reference="Yin and Shen 2018, arXiv:1812.04224",
        formula="||D(X) - D(Y)||_F, D the n x n Euclidean distances",
        cost="n^2",
        caution="Grows with the scale of the data and with n; zero for representations that differ by an isometry.",
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """The distances."""
        return (RDM("euclidean"),)

    def score(self, pair: Pair) -> float:
        """Each pair of inputs stands twice in the matrix."""
        d, e, (x, y, unit) = pair.x[RDM("euclidean")], pair.y[RDM("euclidean")], pair.units
        differences = (d[part] / x - e[part] / y for part in parts(d.size))
        return scaled(math.sqrt(2.0 * sum(difference @ difference for difference in differences)), unit)


@dataclass(frozen=True)
class DistanceVariance(Factor):
    """Squared norm of the doubly centred Euclidean distances."""

    size = ""

    def __call__(self, side: Side) -> float:
        """The covariance with itself."""
        return _covariance(side, side)

    def permuted(self, value: float, order: np.ndarray) -> float:
        """The same."""
        return value


@dataclass(frozen=True)
class DistanceCorrelation(Measure):
    """Distance correlation: correlation of the doubly centred Euclidean distance matrices, biased, rooted."""

    name = "distance_correlation"
    declares = Properties(
        kind="similarity",
        bounds=(0.0, 1.0),
        symmetric=True,
        invariances=invariant("OST"),
        reference="Szekely et al. 2007, doi:10.1214/009053607000000505",
        formula="sqrt(<A, B> / (||A||_F ||B||_F)), A and B doubly centred Euclidean distances",
        cost="n^2",
        caution="Biased upwards when inputs are few and features many.",
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """The distances, their moments and their variance."""
        return (RDM("euclidean"), DistanceMoments(), DistanceVariance())

    def score(self, pair: Pair) -> float:
        """Root of the normalised covariance."""
        own_x, own_y = pair.x[DistanceVariance()], pair.y[DistanceVariance()]
        return math.sqrt(np.clip(_covariance(pair.x, pair.y) / math.sqrt(own_x * own_y), 0.0, 1.0))


def _covariance(x: Side, y: Side) -> float:
    """<A, B> for doubly centred A and B, without forming them.

    A distance matrix is its mean off the diagonal, which double centring turns into -mean times the centring matrix,
    and a rest with zero sum. Taking the mean out first keeps digits where all distances are nearly equal.
    """
    d, e, n = x[RDM("euclidean")], y[RDM("euclidean")], x.n
    moments_d, moments_e = x[DistanceMoments()], y[DistanceMoments()]
    rest = sum((d[part] - moments_d.mean) @ e[part] for part in parts(d.size))
    products = moments_d.excess @ moments_e.excess
    return float(2.0 * rest - 2.0 / n * products + (n - 1) * moments_d.mean * moments_e.mean)
