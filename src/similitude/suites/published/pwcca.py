"""PWCCA as the published code computes it, whose values the archive holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from similitude.factors.base import Cross
from similitude.factors.crosses import Overlap, ProjectionWeights, Weighted, check_ranks
from similitude.factors.linear import ThinSVD
from similitude.factors.pair import Pair
from similitude.measures import Measure, get_measures
from similitude.measures.cca import PWCCA

__all__ = ["PublishedPWCCA", "published_measures"]


@dataclass(frozen=True)
class CompletedWeights(Cross):
    """Projection weights with the directions beyond the second side's rank as LAPACK completes them.

    It completes the left singular vectors of the whitened cross-covariance in the basis of features, d_x x d_y.
    """

    reads = (ThinSVD(),)

    def __call__(self, pair: Pair) -> Weighted:
        """One full SVD where there are such directions."""
        check_ranks(pair)
        x, y = pair.x[ThinSVD()], pair.y[ThinSVD()]
        if x.rank <= y.rank:
            return pair[ProjectionWeights()]
        left, correlations, _ = np.linalg.svd(x.v @ pair[Overlap()] @ y.v.T, full_matrices=True)
        weights = np.abs(left.T @ (x.v * x.s) @ x.v.T).sum(axis=1)
        return Weighted(np.clip(correlations[: y.rank], 0.0, 1.0), weights)


@dataclass(frozen=True)
class PublishedPWCCA(PWCCA):
    """PWCCA with whatever directions LAPACK returns for a wider first argument."""

    version = "published"
    weighting: ClassVar[Cross] = CompletedWeights()


def published_measures(ids: Iterable[str]) -> list[Measure]:
    """Measures by their ids, with `PublishedPWCCA` for PWCCA."""
    return [PublishedPWCCA(m.lost) if isinstance(m, PWCCA) else m for m in get_measures(ids)]
