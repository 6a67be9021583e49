"""Canonical correlations of the leading principal components."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from similitude.errors import SimilitudeWarning
from similitude.factors.base import Cross, Factor
from similitude.factors.crosses import Overlap, check_regressable
from similitude.factors.linear import ThinSVD
from similitude.factors.pair import Pair, Side
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.maps import Maps, canonical, mean_correlation
from similitude.measures.parameters import parameter

__all__ = ["SVCCA"]

_TIED, _ROUNDING = 1e-9, 1e-13
"""Gaps up to which neighbouring singular values count as equal, relative to the value and to the largest of all."""


@dataclass(frozen=True)
class SVCCA(Measure):
    """Mean canonical correlation between the leading principal components of both sides.

    Components of equal variance can be rotated among themselves, so that a cut between them would mean nothing. They
    are kept together, with a warning: more components than asked for.

    Parameters
    ----------
    variance
        Keep the fewest components that hold this share of the variance.
    components
        Keep this many instead, or all if there are fewer.
    """

    variance: float = parameter(0.99, above=0, at_most=1)
    components: int | None = parameter(None, at_least=1)

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
        differentiable=True,
    )
    variants = (
        "variance=0.7",
        "components=2",
    )
    version = 2

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Principal directions and their overlap."""
        return (ThinSVD(), Overlap())

    def score(self, pair: Pair) -> Any:
        """Mean of the singular values of the leading block of the overlap."""
        kept = self._kept(pair.x), self._kept(pair.y)
        check_regressable(kept, pair)
        block = pair[Overlap()][: kept[0], : kept[1]]
        return pair.xp.clip(pair.xp.mean(pair.xp.linalg.svdvals(block)), 0.0, 1.0)

    def maps(self, pair: Pair) -> Maps:
        """Canonical variates of the leading components."""
        kept = self._kept(pair.x), self._kept(pair.y)
        check_regressable(kept, pair)
        return canonical(pair, mean_correlation, kept)

    def _kept(self, side: Side) -> int:
        s = np.asarray([value.item() for value in side[ThinSVD()].s])
        if self.components is not None:
            asked = min(self.components, s.size)
        else:
            variances = np.cumsum(s**2)
            enough = variances >= self.variance * variances[-1] * (1 - 1e-12)
            asked = int(np.argmax(enough)) + 1
        apart = s[asked - 1 : -1] - s[asked:] > _TIED * s[asked - 1 : -1] + _ROUNDING * s[0]
        kept = asked + int(np.argmax([*apart, True]))
        if kept > asked:
            warnings.warn(
                f"svcca: the components of {side.key or 'a side'} around number {asked} have equal variance, so that a "
                f"cut there would be arbitrary; {kept} are kept.",
                SimilitudeWarning,
                stacklevel=3,
            )
        return kept
