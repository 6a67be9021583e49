"""Differences of simple statistics of each representation, and of the space that its features span."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from similitude.errors import MeasureError
from similitude.factors.base import Cross, Factor
from similitude.factors.crosses import Overlap
from similitude.factors.distances import Dissimilarities, unit_rows
from similitude.factors.linear import Mean, PrincipalMean, ThinSVD, rounding
from similitude.factors.pair import Pair, Side, as_numpy
from similitude.linalg.ranking import parts
from similitude.linalg.scale import scaled
from similitude.measures.base import Measure, Properties, invariant

__all__ = ["ConcentricityDifference", "EigenspaceOverlap", "MagnitudeDifference", "UniformityDifference"]


@dataclass(frozen=True)
class Unreached(Factor):
    """The direction that features, not centred, do not reach of the span of [U, 1 / sqrt(n)]: a unit vector, r + 1.

    U is that of the centred values. Zeros where the mean lies outside their row space, so that all is reached.
    """

    reads = (ThinSVD(), PrincipalMean())
    size = "d"
    under_permutation = "unchanged"

    def __call__(self, side: Side) -> Any:
        """Features are [U, 1 / sqrt(n)] [S V^T; sqrt(n) mean], whose left null vector this is."""
        xp, svd = side.xp, side[ThinSVD()]
        one = xp.ones_like(svd.s[:1])
        if side.parent is not None:  # components of centred data have no mean
            return xp.concat([xp.zeros_like(svd.s), one])
        mean = side[PrincipalMean()]
        normal = xp.concat([-(side.n**0.5) * mean.within / svd.s, one])
        normal = normal / xp.linalg.vector_norm(normal)
        return normal if side.n**0.5 * mean.beyond * normal[-1] <= rounding(side) else xp.zeros_like(normal)


@dataclass(frozen=True)
class EigenspaceOverlap(Measure):
    """How far the features of both sides, not centred, span the same directions of input space."""

    name = "eigenspace_overlap"
    declares = Properties(
        kind="similarity",
        bounds=(0.0, 1.0),
        symmetric=True,
        invariances=invariant("L"),
        reference="May et al. 2019, arXiv:1909.01264",
        formula="||U'V||_F^2 / max(rank X, rank Y), U and V orthonormal bases of X and Y, not centred",
        needs="each side's rank below n",
        cost="d^2",
        caution="Every direction counts alike, however little it varies.",
        differentiable=True,
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """The overlap of centred features, and how not centring changes it."""
        return (ThinSVD(), Overlap(), Unreached())

    def score(self, pair: Pair) -> Any:
        """Squared overlap over the larger rank."""
        ranks = [side[ThinSVD()].rank + (0 if side[Unreached()].any() else 1) for side in (pair.x, pair.y)]
        for side, rank in zip((pair.x, pair.y), ranks, strict=True):
            if rank >= pair.n:
                raise MeasureError(
                    f"{side.key or 'A side'} has rank {rank} on {pair.n} inputs: it spans everything. "
                    "Use more inputs than features."
                )
        # With M the overlap and x, y the unreached directions: ||(I - x x') [M, 0; 0, 1] (I - y y')||^2.
        xp, overlap, x, y = pair.xp, pair[Overlap()], pair.x[Unreached()], pair.y[Unreached()]
        of_y, of_x = xp.concat([overlap @ y[:-1], y[-1:]]), xp.concat([x[:-1] @ overlap, x[-1:]])
        squares = xp.sum(overlap * overlap) + 1.0 - of_y @ of_y - of_x @ of_x + (x @ of_y) ** 2
        return xp.clip(squares / max(ranks), 0.0, 1.0)


@dataclass(frozen=True)
class MagnitudeDifference(Measure):
    """Difference of the lengths of the mean responses."""

    name = "magnitude_difference"
    declares = Properties(
        kind="dissimilarity",
        bounds=(0.0, inf),
        symmetric=True,
        is_metric=True,
        invariances=invariant("O"),
        reference="Wang et al. 2020, IEEE TKDE 34(2):927-941; as in ReSi, arXiv:2408.00531",
        formula="| ||mean x|| - ||mean y|| |",
        cost="d",
        caution="One number for each representation: zero for any two with means of equal length.",
        differentiable=True,
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """The means."""
        return (Mean(),)

    def score(self, pair: Pair) -> Any:
        """Absolute difference."""
        norm, (x, y, unit) = pair.xp.linalg.vector_norm, pair.units
        return scaled(abs(norm(pair.x[Mean()]) / x - norm(pair.y[Mean()]) / y), unit)


@dataclass(frozen=True)
class Concentricity(Factor):
    """Mean cosine between a row and the mean row; a row of zeros has cosine 0."""

    reads = (Mean(),)
    work = "6nd"
    size = "nd"
    under_permutation = "unchanged"

    def __call__(self, side: Side) -> float:
        """Refuse a mean that is rounding error."""
        values, mean = as_numpy(side.values), as_numpy(side[Mean()])
        length = float(np.linalg.norm(mean))
        if not length > 8 * side.precision * np.linalg.norm(values) / side.n**0.5:
            raise MeasureError(
                f"{side.key or 'A side'} is centred: its mean is zero, so cosines with it are undefined."
            )
        return float(np.mean(unit_rows(values) @ (mean / length)))


@dataclass(frozen=True)
class ConcentricityDifference(Measure):
    """Difference of the mean cosines between responses and their mean."""

    name = "concentricity_difference"
    declares = Properties(
        kind="dissimilarity",
        bounds=(0.0, 2.0),
        symmetric=True,
        is_metric=True,
        invariances=invariant("OS"),
        reference="Wang et al. 2020, IEEE TKDE 34(2):927-941; as in ReSi, arXiv:2408.00531",
        formula="| mean_i cos(x_i, mean x) - mean_i cos(y_i, mean y) |",
        needs="data that are not centred",
        cost="1",
        caution="One number for each representation: zero for any two that are equally concentrated.",
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """The statistic of each side."""
        return (Concentricity(),)

    def score(self, pair: Pair) -> float:
        """Absolute difference."""
        return abs(pair.x[Concentricity()] - pair.y[Concentricity()])


_FAR = 17.0
"""Distance whose potential adds nothing to that at distance 0; those beyond are slow to underflow."""


@dataclass(frozen=True)
class Uniformity(Factor):
    """Log of the mean of exp(-2 ||x_i - x_j||^2) over all i and j."""

    reads = (Dissimilarities("euclidean"),)
    work = "10nn"
    under_permutation = "unchanged"

    def __call__(self, side: Side) -> float:
        """An input's distance to itself contributes 1, so that nothing under- or overflows."""
        distances = side[Dissimilarities("euclidean")]
        off_diagonal = 0.0
        for part in parts(distances.size):
            within = scaled(distances[part], side.exponent)
            near = within[within < _FAR]
            off_diagonal += float(np.exp(-2.0 * near * near).sum())
        return float(np.log1p(2.0 * off_diagonal / side.n) - np.log(side.n))


@dataclass(frozen=True)
class UniformityDifference(Measure):
    """Difference of how evenly responses spread, by a Gaussian potential of fixed width."""

    name = "uniformity_difference"
    declares = Properties(
        kind="dissimilarity",
        bounds=(0.0, inf),
        symmetric=True,
        is_metric=True,
        invariances=invariant("OT"),
        reference="Wang et al. 2020, IEEE TKDE 34(2):927-941; Wang and Isola 2020, arXiv:2005.10242",
        formula="| u(X) - u(Y) |, u(X) = log mean_ij exp(-2 ||x_i - x_j||^2)",
        cost="1",
        caution="Meant for unit rows: where distances are large both sides saturate, and the difference is 0.",
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """The statistic of each side."""
        return (Uniformity(),)

    def score(self, pair: Pair) -> float:
        """Absolute difference."""
        return abs(pair.x[Uniformity()] - pair.y[Uniformity()])
