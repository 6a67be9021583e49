"""Distances after the best rotation, and the similarity they are made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from math import inf, pi
from typing import Any, ClassVar

import numpy as np

from similitude.factors.aligned import AlignedDistance, angle
from similitude.factors.base import Cross, Factor
from similitude.factors.crosses import AlignedSpectrum
from similitude.factors.distances import unit_rows
from similitude.factors.linear import CentredNorm, PrincipalMean, ThinSVD, rounding
from similitude.factors.pair import Pair, Side
from similitude.linalg.influence import Influence, aligned, of_alignment
from similitude.linalg.scale import lengths, scaled
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.contributions import aligned_rows, components, shares
from similitude.measures.maps import Maps, Value, distance, rotated, squared_chord

__all__ = [
    "NBS",
    "AlignedCosine",
    "AngularProcrustes",
    "OrthogonalProcrustes",
    "Procrustes",
    "ProcrustesSizeAndShape",
]

_SAME = 1e-15
"""Difference of a cosine from 1 that is rounding."""

_SHORT = 1e-12
"""Squared length of a row, relative to the mean over all, below which its digits are lost in sums with longer ones."""


def cosine_of_maps(x: np.ndarray, y: np.ndarray) -> float:
    """Cosine between two sides that have been brought together."""
    return 1.0 - squared_chord(x, y) / 2.0


def chord_of_maps(x: np.ndarray, y: np.ndarray) -> float:
    """Distance between two sides that have been brought together, each of norm 1."""
    return math.sqrt(squared_chord(x, y))


def angle_of_maps(x: np.ndarray, y: np.ndarray) -> float:
    """Angle between two sides that have been brought together, up to pi."""
    return float(2.0 * np.arcsin(min(chord_of_maps(x, y) / 2.0, 1.0)))


def mean_row_cosine(x: np.ndarray, y: np.ndarray) -> float:
    """Mean cosine between rows; 0 for a row of zeros."""
    return float(np.mean(np.sum(unit_rows(x) * unit_rows(y), axis=1)))


_FORMULA = "||X'Y||_* / (||X||_F ||Y||_F), columns centred"


def cosine_of_alignment(pair: Pair) -> Any:
    """||X_c^T Y_c||_* / (||X_c||_F ||Y_c||_F), the cosine between the best-aligned representations."""
    return pair.xp.sum(pair[AlignedSpectrum()]) / (pair.x[CentredNorm()] * pair.y[CentredNorm()])


class _Aligned(Measure):
    """A measure that needs nothing but the norms and the spectrum of the aligned pair.

    Attributes
    ----------
    value_of_maps
        Value for two sides that have been brought together; of other inputs than those fitted it can lie beyond
        `bounds`, since a cosine can then be negative.
    slope
        Derivative of the value by the cosine between the aligned sides, infinite where they coincide.
    scaled
        Whether the size of each side is divided out.
    """

    value_of_maps: ClassVar[Value]
    slope: ClassVar[Callable[[float], float]]
    scaled: ClassVar[bool] = True

    def maps(self, pair: Pair) -> Maps:
        """Centre, and turn the second side."""
        return rotated(pair, type(self).value_of_maps, scaled=self.scaled)

    def uses(self) -> tuple[Factor | Cross, ...]:
        """The squared distance."""
        return (AlignedDistance(normalised=type(self).scaled),)

    def contributions(self, pair: Pair) -> np.ndarray:
        """Squared residuals of the inputs; of a root or an angle, its shares in proportion to them."""
        x, y = aligned_rows(pair, normalised=type(self).scaled)
        return shares(np.square(x - y).sum(axis=1), float(self.score(pair)))

    def influence(self, pair: Pair) -> Influence:
        """From the alignment, which need not be found again for first derivatives."""
        x, y = (side / np.linalg.norm(side) for side in components(pair))
        rows = aligned(x, y)
        cosine = float(rows.s.sum())
        squares = np.vecdot(x, x) + np.vecdot(y, y)
        found = of_alignment(rows, np.vecdot(rows.a, rows.b) - cosine * squares / 2.0)
        return found.times(type(self).slope(cosine)) if cosine < 1.0 - _SAME else found.times(0.0)


@dataclass(frozen=True)
class NBS(_Aligned):
    """Normalised Bures similarity: the cosine between the best-aligned representations."""

    name = "nbs"
    declares = Properties(
        kind="similarity",
        bounds=(0.0, 1.0),
        symmetric=True,
        invariances=invariant("OST"),
        reference="Harvey et al. 2023, arXiv:2311.11436",
        formula=_FORMULA,
        cost="d^3",
        caution="Orders pairs exactly as procrustes and angular_procrustes do.",
        differentiable=True,
    )
    value_of_maps = staticmethod(cosine_of_maps)
    slope = staticmethod(lambda cosine: 1.0)

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Norms and the spectrum of the aligned pair."""
        return (CentredNorm(), AlignedSpectrum())

    def contributions(self, pair: Pair) -> np.ndarray:
        """Inner products of an input's two rows, aligned."""
        return np.vecdot(*aligned_rows(pair, normalised=True))

    def score(self, pair: Pair) -> Any:
        """The cosine, which rounding must not put beyond 1."""
        return pair.xp.clip(cosine_of_alignment(pair), 0.0, 1.0)


@dataclass(frozen=True)
class Procrustes(_Aligned):
    """Orthogonal Procrustes distance of normalised representations, squared as in Ding et al.: in [0, 2]."""

    name = "procrustes"
    version = 2
    declares = Properties(
        kind="dissimilarity",
        bounds=(0.0, 2.0),
        symmetric=True,
        invariances=invariant("OST"),
        reference="Ding et al. 2021, arXiv:2108.01661",
        formula="2 - 2 ||X'Y||_*, columns centred, then scaled to ||X||_F = ||Y||_F = 1",
        cost="d^3",
        caution="Squared, so not a metric; orthogonal_procrustes is its root.",
        differentiable=True,
    )
    value_of_maps = staticmethod(squared_chord)
    slope = staticmethod(lambda cosine: -2.0)

    def score(self, pair: Pair) -> Any:
        """Squared distance, which rounding must not put beyond 2."""
        return pair.xp.clip(pair[AlignedDistance(normalised=True)], 0.0, 2.0)


@dataclass(frozen=True)
class OrthogonalProcrustes(_Aligned):
    """Orthogonal Procrustes distance of normalised representations, a metric: the root of `procrustes`."""

    name = "orthogonal_procrustes"
    version = 2
    declares = Properties(
        kind="dissimilarity",
        bounds=(0.0, 2.0**0.5),
        symmetric=True,
        is_metric=True,
        invariances=invariant("OST"),
        reference="Williams et al. 2021, arXiv:2110.14739",
        formula="min_R ||X - Y R||_F, columns centred, then scaled to ||X||_F = ||Y||_F = 1",
        cost="d^3",
        caution="Streaming keeps only sums of products, so streamed values below 1e-7 are rounding error.",
        differentiable=True,
    )
    value_of_maps = staticmethod(chord_of_maps)
    slope = staticmethod(lambda cosine: -1.0 / math.sqrt(2.0 - 2.0 * cosine))

    def score(self, pair: Pair) -> Any:
        """Root of the squared distance."""
        return pair.xp.sqrt(pair.xp.clip(pair[AlignedDistance(normalised=True)], 0.0, 2.0))


@dataclass(frozen=True)
class AngularProcrustes(_Aligned):
    """Angle in radians between the best-aligned representations: arccos of `nbs`."""

    name = "angular_procrustes"
    version = 2
    declares = Properties(
        kind="dissimilarity",
        bounds=(0.0, pi / 2),
        symmetric=True,
        is_metric=True,
        invariances=invariant("OST"),
        reference="Williams et al. 2021, arXiv:2110.14739",
        formula=f"arccos({_FORMULA.split(',')[0]}), columns centred",
        cost="d^3",
        caution="Streaming keeps only sums of products, so streamed values below 1e-7 are rounding error.",
        differentiable=True,
    )
    value_of_maps = staticmethod(angle_of_maps)
    slope = staticmethod(lambda cosine: -1.0 / math.sqrt(1.0 - cosine**2))

    def score(self, pair: Pair) -> Any:
        """Angle at this distance."""
        return angle(pair[AlignedDistance(normalised=True)], pair.xp)


@dataclass(frozen=True)
class ProcrustesSizeAndShape(_Aligned):
    """Procrustes distance of centred representations that keep their size."""

    name = "procrustes_size_and_shape"
    version = 2
    declares = Properties(
        kind="dissimilarity",
        bounds=(0.0, inf),
        symmetric=True,
        is_metric=True,
        invariances=invariant("OT"),
        reference="Williams et al. 2021, arXiv:2110.14739",
        formula="min_R ||X - Y R||_F, columns centred",
        cost="d^3",
        caution="Dominated by the larger of two representations of different scale.",
        differentiable=True,
    )
    value_of_maps = staticmethod(distance)
    scaled = False

    def score(self, pair: Pair) -> Any:
        """Root of the squared distance."""
        return scaled(pair.xp.sqrt(pair[AlignedDistance(normalised=False)]), pair.units.exponent)

    def influence(self, pair: Pair) -> Influence:
        """Squared residuals of the inputs, for which the distance is the root of their sum."""
        x, y = (side / unit for side, unit in zip(components(pair), (pair.units.x, pair.units.y), strict=True))
        rows, distance = aligned(x, y), math.sqrt(pair[AlignedDistance(normalised=False)])
        found = Influence(np.vecdot(x, x) + np.vecdot(y, y) - 2.0 * np.vecdot(rows.a, rows.b))
        return found.times(scaled(0.5 / distance, pair.units.exponent) if distance > 0 else 0.0)


@dataclass(frozen=True)
class Coordinates(Factor):
    """The values, not centred, along the principal directions and along what the mean has beyond them; n x (r + 1)."""

    reads = (ThinSVD(), PrincipalMean())
    work = "4nd"
    size = "nd"
    under_permutation = "rows"

    def __call__(self, side: Side) -> Any:
        """Components with the mean added, which cancel in rows much shorter than the others: those are projected."""
        xp, svd, (within, beyond) = side.xp, side[ThinSVD()], side[PrincipalMean()]
        found = xp.concat([svd.u * svd.s + within, xp.broadcast_to(beyond, (side.n, 1))], axis=1)
        if side.parent is not None:
            return found
        squares = xp.vecdot(side.values, side.values)
        short = squares < _SHORT * xp.mean(squares)
        if not xp.any(short):
            return found
        rest = beyond if side.n**0.5 * beyond > rounding(side) else 0.0 * beyond
        exact = xp.concat([side.values @ svd.v, xp.broadcast_to(rest, (side.n, 1))], axis=1)
        return xp.where(short[:, None], exact, found)


def _lengths(side: Side) -> Any:
    """Length of each row."""
    values = side.values
    return lengths(values) if isinstance(values, np.ndarray) else side.xp.linalg.vector_norm(values, axis=1)


@dataclass(frozen=True)
class AlignedCosine(Measure):
    """Mean cosine between an input's two rows after the best rotation; not centred.

    The narrower side is padded with zeros. A row of zeros has cosine 0.
    """

    name = "aligned_cosine"
    declares = Properties(
        kind="similarity",
        bounds=(-1.0, 1.0),
        symmetric=True,
        invariances=invariant("OS"),
        reference="Klabunde et al. 2024 (ReSi), arXiv:2408.00531",
        formula="mean_i cos(x_i R, y_i), R the rotation that minimises ||X R - Y||_F",
        cost="n d^2 + d^3",
        caution="Not centred: with a large common mean, all representations look alike.",
        differentiable=True,
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Both sides in coordinates of their own."""
        return (ThinSVD(), Coordinates())

    def score(self, pair: Pair) -> Any:
        """Find the rotation R between the coordinates, then sum cosines as the inner product of R with X'WY."""
        xp, x, y = pair.xp, pair.x[Coordinates()], pair.y[Coordinates()]
        left, _, right = xp.linalg.svd(x.T @ y, full_matrices=False)
        of_x, of_y = (xp.where(own > 0, own, xp.ones_like(own)) for own in map(_lengths, (pair.x, pair.y)))
        cosines = xp.sum((left @ right) * ((x / of_x[:, None]).T @ (y / of_y[:, None])))
        return xp.clip(cosines / pair.n, -1.0, 1.0)

    def maps(self, pair: Pair) -> Maps:
        """Turn the second side, not centred."""
        return rotated(pair, mean_row_cosine, centred=False)
