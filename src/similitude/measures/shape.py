"""Shape metrics: distances of whitened representations after the best rotation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, pi
from typing import Any

import numpy as np

from similitude.factors.aligned import angle, squared_distance
from similitude.factors.base import Cross, Factor
from similitude.factors.crosses import AlignedSpectrum, Overlap, check_ranks
from similitude.factors.linear import SVD, ThinSVD
from similitude.factors.pair import Pair, Side
from similitude.linalg.scale import scaled
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.maps import Maps, centred_sides, distance, offsets, principal, rotation
from similitude.measures.parameters import parameter
from similitude.measures.procrustes import angle_of_maps

__all__ = ["ShapeMetric", "WhitenedSpectrum"]


def whitened_singular_values(side: Side, alpha: float) -> Any:
    """Singular values of X_c Z, which has the variance of X_c: c (alpha s + 1 - alpha).

    Between alpha = 0 and 1 they depend on the scale of the data, as published. The result is in the unit of the side.
    """
    xp, s = side.xp, side[ThinSVD()].s
    if alpha == 1.0:
        return s
    whitened = scaled(alpha, min(side.exponent, 0)) * s + scaled(1.0 - alpha, -max(side.exponent, 0))
    whitened = whitened / whitened[0]  # the largest; squares of all could vanish
    return whitened * (xp.linalg.vector_norm(s) / xp.linalg.vector_norm(whitened))


@dataclass(frozen=True)
class WhitenedSpectrum(Cross):
    """Singular values of (X_c Z_x)^T (Y_c Z_y), descending.

    Parameters
    ----------
    alpha
        1 leaves the data as they are; 0 whitens them.
    """

    alpha: float

    from_stream = "triangle"

    @property
    def reads(self) -> tuple[Factor | Cross, ...]:  # type: ignore[override]  # depends on the parameter
        """Variances, and the matrix whose spectrum it is."""
        return (ThinSVD(), AlignedSpectrum() if self.alpha == 1.0 else Overlap())

    def __call__(self, pair: Pair) -> Any:
        """From the overlap of principal directions, whose variances alone are changed."""
        if self.alpha == 1.0:
            return pair[AlignedSpectrum()]
        x, y = (whitened_singular_values(side, self.alpha) for side in (pair.x, pair.y))
        return pair.xp.linalg.svdvals(x[:, None] * pair[Overlap()] * y[None, :])


@dataclass(frozen=True)
class ShapeMetric(Measure):
    """Generalised shape metric of Williams et al.: Procrustes distance of partly whitened representations.

    Parameters
    ----------
    alpha
        From 1 (no whitening: Procrustes) to 0 (full whitening: canonical correlations).
    angular
        The angle between the aligned representations, rather than their distance.
    """

    alpha: float = parameter(1.0, at_least=0, at_most=1)
    angular: bool = True

    name = "shape_metric"
    version = 2
    declares = Properties(
        kind="dissimilarity",
        bounds=(0.0, pi / 2),
        symmetric=True,
        is_metric=True,
        invariances=invariant("OST"),
        reference="Williams et al. 2021, arXiv:2110.14739",
        formula="arccos(||X'Y||_* / (||X||_F ||Y||_F)), X centred, times c (alpha I + (1 - alpha) (X'X)^-1/2)",
        cost="d^3",
        caution="For 0 < alpha < 1 the value depends on the scale of the data.",
        differentiable=True,
    )
    variants = ("alpha=0", "alpha=0.3", "alpha=0.3,angular=false", "alpha=0,angular=false", "angular=false")

    def properties(self) -> Properties:
        """Bounds and invariances depend on both parameters."""
        if not self.angular:
            formula = "min_R ||X - Y R||_F, X centred, times c (alpha I + (1 - alpha) (X'X)^-1/2)"
            return replace(self.declares, bounds=(0.0, inf), invariances=invariant("OT"), formula=formula)
        if self.alpha == 0.0:
            needs = "each side's rank below n - 1"
            return replace(self.declares, invariances=invariant("LT"), needs=needs)
        return replace(self.declares, invariances=invariant("OST" if self.alpha == 1.0 else "OT"))

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Singular values, and the spectrum of the whitened pair."""
        return (ThinSVD(), WhitenedSpectrum(float(self.alpha)))

    def score(self, pair: Pair) -> Any:
        """Angle or distance."""
        if self.alpha == 0.0:
            check_ranks(pair)
        xp, sides = pair.xp, (pair.x, pair.y)
        norms = [xp.linalg.vector_norm(side[ThinSVD()].s) for side in sides]
        scales = norms if self.angular else pair.units[:2]

        def whitened() -> tuple[Any, Any]:
            x, y = (side[ThinSVD()].u * whitened_singular_values(side, self.alpha) for side in sides)
            return x / scales[0], y / scales[1]

        nuclear = xp.sum(pair[WhitenedSpectrum(float(self.alpha))]) / (scales[0] * scales[1])
        squared = squared_distance((norms[0] / scales[0], norms[1] / scales[1]), nuclear, whitened, xp)
        return angle(squared, xp) if self.angular else scaled(xp.sqrt(squared), pair.units.exponent)

    def maps(self, pair: Pair) -> Maps:
        """Whiten both sides in part, and turn the second."""
        if self.alpha == 0.0:
            check_ranks(pair)
        whiten_x, whiten_y = (self._whitening(principal(side)) for side in (pair.x, pair.y))
        x, y = centred_sides(pair)
        turn, _ = rotation(x @ whiten_x, y @ whiten_y)
        matrices = np.pad(whiten_x, ((0, 0), (0, len(turn) - len(whiten_x)))), whiten_y @ turn[: len(whiten_y)]
        return Maps(matrices, offsets(pair), angle_of_maps if self.angular else distance)

    def _whitening(self, svd: SVD) -> np.ndarray:
        """Z, d x d; in directions that these inputs do not vary in, what the formula says of a pseudo-inverse."""
        scale = float(np.linalg.norm(svd.s) / np.linalg.norm(self.alpha * svd.s + 1.0 - self.alpha))
        return scale * (self.alpha * np.eye(len(svd.v)) + (1.0 - self.alpha) * (svd.v / svd.s) @ svd.v.T)
