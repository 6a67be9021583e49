"""What is computed once of a pair, shared by all measures that read it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

from similitude.errors import MeasureError, SimilitudeWarning
from similitude.measures.factors import ThinSVD
from similitude.measures.pair import Cross, Pair, Side

__all__ = ["AlignedSpectrum", "CanonicalCorrelations", "CanonicalDirections", "Overlap", "SquaredCovariance"]


@dataclass(frozen=True)
class Overlap(Cross):
    """M = U_x^T U_y, r_x x r_y: the principal directions of one side seen from the other.

    All of the linear family follows from it and the singular values. Cutting M cuts the pair, so that a curve
    over deleted components costs one product.
    """

    factors = (ThinSVD(),)

    def __call__(self, pair: Pair) -> Any:
        """Cut from the parent pair where components were deleted."""
        x, y = pair.x[ThinSVD()], pair.y[ThinSVD()]
        if pair.parent is not None:
            return pair.parent[self][: x.rank, : y.rank]
        return x.u.T @ y.u


@dataclass(frozen=True)
class SquaredCovariance(Cross):
    """||X_c^T Y_c||_F^2."""

    factors = (ThinSVD(),)

    def __call__(self, pair: Pair) -> Any:
        """Sum over principal directions: s_x^2 (M*M) s_y^2."""
        overlap = pair[Overlap()]
        return pair.x[ThinSVD()].s ** 2 @ (overlap * overlap) @ pair.y[ThinSVD()].s ** 2


@dataclass(frozen=True)
class AlignedSpectrum(Cross):
    """Singular values of X_c^T Y_c, descending; their sum is the nuclear norm."""

    factors = (ThinSVD(),)

    def __call__(self, pair: Pair) -> Any:
        """Those of S_x M S_y, which has the same ones and is smaller."""
        x, y = pair.x[ThinSVD()], pair.y[ThinSVD()]
        return pair.xp.linalg.svdvals(x.s[:, None] * pair[Overlap()] * y.s[None, :])


@dataclass(frozen=True)
class CanonicalCorrelations(Cross):
    """Canonical correlations, descending, min(r_x, r_y) of them.

    Raises
    ------
    MeasureError
        A side spans all n - 1 centred dimensions: every correlation would be 1 whatever the data.
    """

    factors = (ThinSVD(),)

    def __call__(self, pair: Pair) -> Any:
        """Singular values of M, within [0, 1]."""
        check_ranks(pair)
        return pair.xp.clip(pair.xp.linalg.svdvals(pair[Overlap()]), 0.0, 1.0)


class Directions(NamedTuple):
    """Canonical correlations with the canonical directions of the first side."""

    correlations: Any
    """min(r_x, r_y), descending"""
    variates_on_features: Any
    """Inner products of the canonical variates with the features of the first side, k x d_x."""


@dataclass(frozen=True)
class CanonicalDirections(Cross):
    """Canonical correlations, and the first side's canonical variates h_i against its features: <h_i, x_j>.

    Where the first side has more dimensions than the second, the variates beyond the second's rank are any
    orthonormal completion. So that values agree with the published ones, it is the completion that LAPACK
    gives for V_x M V_y^T, the whitened cross-covariance in the basis of the features.
    """

    factors = (ThinSVD(),)

    def __call__(self, pair: Pair) -> Directions:
        """From the SVD of M where its left basis is complete, else from that of V_x M V_y^T."""
        check_ranks(pair)
        xp, x, y = pair.xp, pair.x[ThinSVD()], pair.y[ThinSVD()]
        if x.rank <= y.rank:
            left, correlations, _ = xp.linalg.svd(pair[Overlap()], full_matrices=False)
        else:
            whitened = x.v @ pair[Overlap()] @ y.v.T
            basis, correlations, _ = xp.linalg.svd(whitened, full_matrices=True)
            left = x.v.T @ basis
            correlations = correlations[: y.rank]
        on_features = (left.T * x.s[None, :]) @ x.v.T
        return Directions(xp.clip(correlations, 0.0, 1.0), on_features)


def check_ranks(pair: Pair) -> None:
    """Refuse sides on which canonical correlations say nothing; warn where some of them must be 1."""
    ranks = [check_rank(side, pair) for side in (pair.x, pair.y)]
    if sum(ranks) > pair.n - 1:
        warnings.warn(
            f"Ranks {ranks[0]} and {ranks[1]} exceed n - 1 = {pair.n - 1} together: at least "
            f"{sum(ranks) - pair.n + 1} canonical correlations are 1 whatever the data. Use more inputs, or svcca.",
            SimilitudeWarning,
            stacklevel=4,
        )


def check_rank(side: Side, pair: Pair) -> int:
    """Rank of a side that is regressed on; MeasureError if it spans all n - 1 centred dimensions."""
    rank = side[ThinSVD()].rank
    if rank >= pair.n - 1:
        raise MeasureError(
            f"{side.key or 'A side'} has rank {rank} on {pair.n} inputs, so that anything can be predicted from it "
            "and every canonical correlation is 1. Use more inputs than features, fewer components (svcca), or a "
            "ridge."
        )
    return rank
