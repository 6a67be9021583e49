"""Canonical correlations of the leading principal components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from similitude.errors import InputError
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.crosses import Overlap, check_regressable
from similitude.measures.factors import ThinSVD
from similitude.measures.pair import Cross, Factor, Pair, Side

__all__ = ["SVCCA"]


@dataclass(frozen=True)
class SVCCA(Measure):
    """Mean canonical correlation between the leading principal components of both sides.

    Parameters
    ----------
    variance
        Keep the fewest components that hold this share of the variance.
    components
        Keep this many instead, or all that there are.
    """

    variance: float = 0.99
    components: int | None = None

    name = "svcca"
    declares = Properties(
        kind="similarity",
        bounds=(0.0, 1.0),
        symmetric=True,
        invariances=invariant("OST"),
        reference="Raghu et al. 2017, arXiv:1706.05806",
        formula="sum_i rho_i / min(k_x, k_y), of the k leading principal components of each side",
        needs="fewer than n - 1 components kept",
        cost="d^3",
        caution="Jumps where a small change of the data changes the number of components.",
    )

    def __post_init__(self) -> None:
        """Check the parameters."""
        if not 0.0 < self.variance <= 1.0:
            raise InputError(f"svcca: variance is a share, above 0 and up to 1, not {self.variance:g}.")
        if self.components is not None and (not isinstance(self.components, int) or self.components < 1):
            raise InputError(f"svcca: components must be a whole number of at least 1, not {self.components}.")

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Principal directions and their overlap."""
        return (ThinSVD(), Overlap())

    def score(self, pair: Pair) -> Any:
        """Mean of the singular values of the leading block of the overlap."""
        kept = self._kept(pair.x), self._kept(pair.y)
        check_regressable(kept, pair)
        block = pair[Overlap()][: kept[0], : kept[1]]
        return pair.xp.clip(pair.xp.mean(pair.xp.linalg.svdvals(block)), 0.0, 1.0)

    def _kept(self, side: Side) -> int:
        s = side[ThinSVD()].s
        if self.components is not None:
            return min(self.components, s.shape[0])
        variances = np.cumsum([value.item() ** 2 for value in s])
        enough = variances >= self.variance * variances[-1] * (1 - 1e-12)
        return int(np.argmax(enough)) + 1
