"""Distances between a representation and the best rotation of another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import pi
from typing import Any

from similitude.factors.base import Cross
from similitude.factors.crosses import AlignedSpectrum
from similitude.factors.linear import Centred, CentredNorm, ThinSVD
from similitude.factors.pair import Pair, Side

__all__ = ["AlignedDistance", "angle", "squared_distance"]

Sides = Callable[[], tuple[Any, Any]]

_CANCELS = 1e-4
"""Squared distance, relative to the squared norms, below which their difference from the products loses digits."""


@dataclass(frozen=True)
class AlignedDistance(Cross):
    """Squared distance min_R ||X - Y R||_F^2 of the centred sides.

    Parameters
    ----------
    normalised
        Whether each side is divided by its Frobenius norm first. If not, the result is in the square of `Pair.units`.
    """

    normalised: bool

    reads = (AlignedSpectrum(), CentredNorm())
    from_stream = "sums"
    when_swapped = "same"

    def __call__(self, pair: Pair) -> Any:
        """From norms and spectrum, and from the residual where that is small."""
        a, b = self._scales(pair)
        return self._squared(pair, lambda: (_coordinates(pair.x) / a, _coordinates(pair.y) / b))

    def of_products(self, pair: Pair) -> Any:
        """From norms and spectrum alone, for a pair without values."""
        return self._squared(pair, None)

    def _scales(self, pair: Pair) -> tuple[Any, Any]:
        return (pair.x[CentredNorm()], pair.y[CentredNorm()]) if self.normalised else pair.units[:2]

    def _squared(self, pair: Pair, sides: Sides | None) -> Any:
        a, b = self._scales(pair)
        norms = pair.x[CentredNorm()] / a, pair.y[CentredNorm()] / b
        return squared_distance(norms, pair.xp.sum(pair[AlignedSpectrum()]) / (a * b), sides, pair.xp)


def squared_distance(norms: tuple[Any, Any], nuclear: Any, sides: Sides | None, xp: Any) -> Any:
    """Squared distance min_R ||X - Y R||_F^2, to its leading digits however small.

    Parameters
    ----------
    norms
        Frobenius norms of X and Y.
    nuclear
        Sum of the singular values of X^T Y.
    sides
        Function that returns X and Y, in any coordinates of their features; called only where they are close. Without
        it, squared distances below 1e-15 of the squared norms are rounding.
    xp
        Array-API namespace.
    """
    squares = norms[0] * norms[0] + norms[1] * norms[1]
    found = squares - 2.0 * nuclear
    if sides is None or found > _CANCELS * squares:
        return xp.clip(found, 0.0, None)
    return _residual(*sides(), xp)


def angle(squared: Any, xp: Any) -> Any:
    """Angle in radians, up to pi / 2, between unit vectors at this squared distance."""
    return xp.clip(2.0 * xp.asin(xp.sqrt(xp.clip(squared, 0.0, 2.0)) / 2.0), 0.0, pi / 2)


def _residual(x: Any, y: Any, xp: Any) -> Any:
    """The sum of squares that remains after the best rotation.

    An error of the rotation, which is at a minimum, only counts squared; nor does it pass on gradients.
    """
    narrow, wide = (x, y) if x.shape[1] <= y.shape[1] else (y, x)
    products = narrow.T @ wide
    left, _, right = xp.linalg.svd(getattr(products, "detach", lambda: products)(), full_matrices=False)
    rest = narrow @ (left @ right) - wide
    return xp.sum(xp.vecdot(rest, rest))


def _coordinates(side: Side) -> Any:
    """Centred values, along the principal directions where these are fewer or components were deleted."""
    if side.parent is None and side.n > side.d:
        return side[Centred()]
    return side[ThinSVD()].u * side[ThinSVD()].s
