"""Comparison of dissimilarity matrices."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Any, Literal

import numpy as np
from scipy import stats
from scipy.spatial.distance import squareform

from similitude.errors import MeasureError
from similitude.factors.base import Cost, Cross, Factor
from similitude.factors.distances import Dissimilarities, Dissimilarity, DistanceMoments, StandardisedRDM
from similitude.factors.dots import Dot, Square
from similitude.factors.invariants import MatrixInvariants, OfBoth
from similitude.factors.pair import Pair, Side
from similitude.linalg.influence import Influence
from similitude.linalg.leave_one_out import centred_cosine, correlation, double_centred, rows_of
from similitude.linalg.ranking import parts
from similitude.linalg.scale import scaled
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.contributions import of_condensed, of_kernels, shares
from similitude.measures.null import ClosedForm, Weights, of_distances, of_distances_less_mean, off_diagonal

__all__ = ["RSA", "DistanceCorrelation", "RSMNormDifference"]

Comparison = Literal[
    "spearman", "pearson", "kendall", "cosine", "rho_a", "tau_a", "whitened_cosine", "whitened_pearson"
]
_WITHOUT_EACH = ("pearson", "cosine", "whitened_cosine")
"""Comparisons whose values without each input have a closed form."""

_INVARIANCES = {"correlation": "PS", "cosine": "OS", "euclidean": "OST", "squared_euclidean": "OST"}


@dataclass(frozen=True)
class RSA(Measure):
    """Representational similarity analysis: how the dissimilarities between inputs agree.

    Parameters
    ----------
    rdm
        Dissimilarity of two inputs: 1 - Pearson correlation over features, Euclidean or squared Euclidean distance, or
        1 - cosine. A side that is an RDM is taken as it is.
    compare
        How the upper triangles of the two matrices are compared. ``kendall`` is tau-b. ``rho_a``, the mean of
        Spearman's correlation over all ways to break ties at random, and ``tau_a``, which divides by the number of all
        pairs, tied or not, do not favour RDMs that predict ties (Schuett et al. 2023, doi:10.7554/eLife.82566).
        ``whitened_cosine`` and ``whitened_pearson`` weight by the inverse covariance that estimates of dissimilarities
        have because they share inputs (Diedrichsen et al. 2020, arXiv:2007.02789); with ``rdm=squared_euclidean`` the
        former is linear CKA.
    """

    rdm: Dissimilarity = "correlation"
    compare: Comparison = "spearman"

    name = "rsa"
    version = 2
    variants = (
        *("compare=pearson", "rdm=euclidean", "rdm=cosine,compare=pearson", "rdm=cosine,compare=kendall"),
        *("rdm=euclidean,compare=kendall", "rdm=squared_euclidean,compare=pearson", "rdm=cosine,compare=cosine"),
        *("rdm=squared_euclidean,compare=cosine", "compare=rho_a", "rdm=cosine,compare=tau_a"),
        *("rdm=euclidean,compare=tau_a", "rdm=euclidean,compare=whitened_cosine"),
        *("rdm=cosine,compare=whitened_cosine", "compare=whitened_pearson"),
    )
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
        takes_rdms=True,
    )

    def properties(self) -> Properties:
        """What the RDM is blind to, the comparison is; ties keep rho-a and tau-a from 1."""
        invariances = invariant(_INVARIANCES[self.rdm])
        best = self.compare not in ("rho_a", "tau_a")
        return replace(self.declares, invariances=invariances, self_is_best=best)

    def uses(self) -> tuple[Factor | Cross, ...]:
        """What the comparison reads of either side."""
        return _COMPARISONS[self.compare][0](self.rdm)

    def score(self, pair: Pair) -> float:
        """How the upper triangles agree; dissimilarities below 0, which an RDM may have, can turn a cosine around."""
        return float(np.clip(_COMPARISONS[self.compare][1](pair, *self.uses()), -1.0, 1.0))

    def closed_form(self) -> ClosedForm | None:
        """That of Mantel's statistic, for all but Kendall's tau; ranks of an RDM are entries like others."""
        if self.compare not in _WEIGHTS:
            return None
        entries: Any = self.uses()[0]
        # Standardised entries are of length 1 on either side of the diagonal.
        norm = math.sqrt(2.0) if isinstance(entries, StandardisedRDM) else None
        return ClosedForm(OfBoth(MatrixInvariants(entries)), _WEIGHTS[self.compare], norm)

    def without_each(self, pair: Pair) -> np.ndarray:
        """For ``pearson``, ``cosine`` and ``whitened_cosine``; ranks change with the inputs."""
        if self.compare not in _WITHOUT_EACH:
            return super().without_each(pair)
        pearson = self.compare == "pearson"
        entries = StandardisedRDM(self.rdm, ranked=False) if pearson else Dissimilarities(self.rdm)
        a, b = (squareform(side[entries], checks=False) for side in (pair.x, pair.y))
        if self.compare == "whitened_cosine":
            return _centred_without_each(a, b)
        return correlation(a, b, centred=pearson)

    @property
    def has_influence(self) -> bool:
        """Where values without each input have a closed form."""
        return self.compare in _WITHOUT_EACH

    def influence(self, pair: Pair) -> Influence:
        """From the values without each input."""
        return Influence.jackknife(self.without_each(pair))

    def contributions(self, pair: Pair) -> np.ndarray:
        """Half of the product of two dissimilarities for either of their inputs."""
        first = self.uses()[0]
        if self.compare in ("kendall", "tau_a"):
            raise MeasureError(
                f"{self.id} counts pairs of pairs of inputs, so that single inputs have no contributions. Use "
                "compare=spearman."
            )
        if isinstance(first, StandardisedRDM):
            return of_condensed(pair.x[first] * pair.y[first])
        if self.compare == "cosine":
            products = pair.x[Dissimilarities(self.rdm)] * pair.y[Dissimilarities(self.rdm)]
            square = Square(Dissimilarities(self.rdm))
            return of_condensed(_normalised(products, pair.x[square], pair.y[square]))
        variance = DistanceVariance(self.rdm, self.compare == "whitened_cosine")
        return of_kernels(*(_doubly_centred(side, variance) for side in (pair.x, pair.y)))


def _centred_without_each(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = double_centred(a), double_centred(b)
    return centred_cosine(rows_of(a, b), (np.diagonal(a), np.diagonal(b)))


def _product(pair: Pair, entries: Factor, dot: Cross) -> float:
    return pair[dot]


def _cosine(pair: Pair, entries: Factor, dot: Cross, square: Factor) -> float:
    return _normalised(pair[dot], pair.x[square], pair.y[square])


@dataclass(frozen=True)
class KendallTau(Cross):
    """Kendall's tau-b of the ranks of dissimilarities; of both RDMs, sorted copies are made on the way.

    Parameters
    ----------
    ranks
        Of the entries of an RDM.
    """

    ranks: StandardisedRDM

    when_swapped = "same"

    @property
    def reads(self) -> tuple[Factor, ...]:  # type: ignore[override]  # depends on the parameter
        """The ranks."""
        return (self.ranks,)

    def cost(self, n: int, p: int, q: int) -> Cost:
        """Several sorts, and copies of some five times what is sorted."""
        return Cost(2000.0 * n * n, 20.0 * n * n)

    def __call__(self, pair: Pair) -> float:
        """By sorting, which counts the discordant pairs of pairs."""
        return float(stats.kendalltau(pair.x[self.ranks], pair.y[self.ranks]).statistic)


def _tau_a(pair: Pair, ranks: Factor, tau: Cross) -> float:
    """Tau-b times the root of the shares of pairs that are not tied."""
    return pair[tau] * math.sqrt(_untied(pair.x[ranks]) * _untied(pair.y[ranks]))


def _untied(ranks: np.ndarray) -> float:
    counts = np.unique(ranks, return_counts=True)[1].astype(np.float64)
    return 1.0 - float(counts @ (counts - 1.0)) / (ranks.size * (ranks.size - 1.0))


def _whitened(pair: Pair, entries: Factor, moments: DistanceMoments, variance: DistanceVariance) -> float:
    product = _covariance(pair.x, pair.y, variance)
    return _normalised(product, pair.x[variance], pair.y[variance])


def _normalised(product: Any, square_x: float, square_y: float) -> Any:
    norms = math.sqrt(square_x * square_y)
    if not norms > 0:
        raise MeasureError("rsa: all dissimilarities of a side are 0, so that there is no cosine. Use more inputs.")
    return product / norms


def _standardised(rdm: Dissimilarity, **options: bool) -> tuple[Factor, Cross]:
    entries = StandardisedRDM(rdm, **options)
    return entries, Dot(entries)


def _moments(rdm: Dissimilarity, *, with_mean: bool) -> tuple[Factor, ...]:
    return Dissimilarities(rdm), DistanceMoments(rdm), DistanceVariance(rdm, with_mean)


def _tau(rdm: Dissimilarity) -> tuple[Factor, Cross]:
    ranks = StandardisedRDM(rdm, ranked=True)
    return ranks, KendallTau(ranks)


_COMPARISONS: dict[str, tuple[Callable[[Dissimilarity], tuple[Any, ...]], Callable[..., float]]] = {
    "spearman": (lambda rdm: _standardised(rdm, ranked=True), _product),
    "pearson": (lambda rdm: _standardised(rdm, ranked=False), _product),
    "kendall": (_tau, _product),
    "cosine": (lambda rdm: (Dissimilarities(rdm), Dot(Dissimilarities(rdm)), Square(Dissimilarities(rdm))), _cosine),
    "rho_a": (lambda rdm: _standardised(rdm, ranked=True, untied=True), _product),
    "tau_a": (_tau, _tau_a),
    "whitened_cosine": (lambda rdm: (Dissimilarities(rdm), DistanceMoments(rdm), DistanceVariance(rdm)), _whitened),
    "whitened_pearson": (
        lambda rdm: (Dissimilarities(rdm), DistanceMoments(rdm), DistanceVariance(rdm, False)),
        _whitened,
    ),
}
"""What each comparison reads of an RDM of a kind, and how it compares two: a new one is a line here."""

_WEIGHTS: dict[str, Callable[[int], Weights]] = {
    **dict.fromkeys(("spearman", "pearson", "rho_a", "cosine"), off_diagonal),
    "whitened_cosine": of_distances,
    "whitened_pearson": of_distances_less_mean,
}
"""Of the parts of two RDMs in a comparison whose moments over permutations have a closed form."""


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
        caution="Grows with the scale of the data and with n; zero for representations that differ by an isometry. An "
        "RDM is taken as it is, so give Euclidean distances.",
        takes_rdms=True,
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """The distances."""
        return (Dissimilarities("euclidean"),)

    def score(self, pair: Pair) -> float:
        """Each pair of inputs stands twice in the matrix."""
        d, e, (x, y, unit) = pair.x[Dissimilarities("euclidean")], pair.y[Dissimilarities("euclidean")], pair.units
        differences = (d[part] / x - e[part] / y for part in parts(d.size))
        return scaled(math.sqrt(2.0 * sum(difference @ difference for difference in differences)), unit)

    def contributions(self, pair: Pair) -> np.ndarray:
        """Shares of the norm in proportion to squared differences."""
        d, e, (x, y, _) = pair.x[Dissimilarities("euclidean")], pair.y[Dissimilarities("euclidean")], pair.units
        return shares(of_condensed(np.square(d / x - e / y)), self.score(pair))


@dataclass(frozen=True)
class DistanceVariance(Factor):
    """Squared norm of a doubly centred RDM.

    Parameters
    ----------
    kind
        Of dissimilarity.
    with_mean
        False if the mean is subtracted from the entries off the diagonal first.

    Raises
    ------
    MeasureError
        Nothing is left after that.
    """

    kind: Dissimilarity = "euclidean"
    with_mean: bool = True

    work = "5nn"
    size = ""
    under_permutation = "unchanged"

    @property
    def reads(self) -> tuple[Factor, ...]:  # type: ignore[override]  # depends on the parameter
        """The RDM and its moments."""
        return (Dissimilarities(self.kind), DistanceMoments(self.kind))

    def __call__(self, side: Side) -> float:
        """The covariance with itself."""
        found = _covariance(side, side, self)
        if self.with_mean:
            return max(found, 0.0)
        if not found > 1e-24 * side.n**2 * side[DistanceMoments(self.kind)].mean ** 2:
            raise MeasureError(
                f"{side.key or 'A side'}: all dissimilarities are equal, so that they have no correlation. Use more "
                "inputs, or compare=whitened_cosine."
            )
        return found


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
        caution="Biased upwards when inputs are few and features many. An RDM is taken as it is, so give Euclidean "
        "distances.",
        takes_rdms=True,
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """The distances, their moments and their variance."""
        return (Dissimilarities("euclidean"), DistanceMoments(), DistanceVariance())

    def score(self, pair: Pair) -> float:
        """Root of the normalised covariance."""
        own_x, own_y = pair.x[DistanceVariance()], pair.y[DistanceVariance()]
        if not own_x * own_y > 0:
            raise MeasureError("distance_correlation: all dissimilarities of a side are 0. Use more inputs.")
        covariance = _covariance(pair.x, pair.y, DistanceVariance())
        return math.sqrt(np.clip(covariance / math.sqrt(own_x * own_y), 0.0, 1.0))

    def closed_form(self) -> ClosedForm:
        """Its square is an inner product of doubly centred distances over their norms."""
        return ClosedForm(OfBoth(MatrixInvariants(Dissimilarities("euclidean"))), of_distances, rooted=True)

    def without_each(self, pair: Pair) -> np.ndarray:
        """From the rows of the doubly centred distances."""
        a, b = (squareform(side[Dissimilarities("euclidean")], checks=False) for side in (pair.x, pair.y))
        return np.sqrt(np.maximum(_centred_without_each(a, b), 0.0))

    def influence(self, pair: Pair) -> Influence:
        """From the values without each input."""
        return Influence.jackknife(self.without_each(pair))

    def contributions(self, pair: Pair) -> np.ndarray:
        """Shares of the root in proportion to rows of the product of the two centred matrices."""
        matrices = (_doubly_centred(side, DistanceVariance()) for side in (pair.x, pair.y))
        return shares(of_kernels(*matrices), self.score(pair))


def _doubly_centred(side: Side, of: DistanceVariance) -> np.ndarray:
    """Matrix of dissimilarities, less the mean off the diagonal if asked for, with rows and columns of zero sum."""
    entries = side[Dissimilarities(of.kind)]
    matrix = squareform(entries if of.with_mean else entries - side[DistanceMoments(of.kind)].mean, checks=False)
    mean = matrix.mean(axis=0)
    return matrix - mean - mean[:, None] + mean.mean()


def _covariance(x: Side, y: Side, of: DistanceVariance) -> float:
    """<A, B> for doubly centred A and B, without forming them.

    An RDM is its mean off the diagonal, which double centring turns into -mean times the centring matrix, and a rest
    with zero sum. Taking the mean out first keeps digits where all entries are nearly equal.

    It is also 4 d' V^-1 e for the upper triangles d and e, with V the covariance of dissimilarities whose inputs have
    independent noise of equal variance: 4 for a pair with itself, 1 for pairs that share an input, else 0. With B the
    incidence matrix of pairs and inputs, V = 2 I + B B', which the formula of Woodbury inverts. A vector of equal
    entries is an eigenvector, so that the weighted mean is the plain one.
    """
    d, e, n = x[Dissimilarities(of.kind)], y[Dissimilarities(of.kind)], x.n
    moments_d, moments_e = x[DistanceMoments(of.kind)], y[DistanceMoments(of.kind)]
    rest = sum((d[part] - moments_d.mean) @ e[part] for part in parts(d.size))
    products = moments_d.excess @ moments_e.excess
    means = (n - 1) * moments_d.mean * moments_e.mean if of.with_mean else 0.0
    return float(2.0 * rest - 2.0 / n * products + means)
