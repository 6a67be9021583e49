"""Distance between the predictions that ridge regression could make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import Any

from similitude.factors.base import Cross, Factor
from similitude.factors.crosses import Overlap, check_ranks
from similitude.factors.linear import ThinSVD
from similitude.factors.pair import Pair, Side
from similitude.linalg.scale import scaled
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.parameters import parameter

__all__ = ["GULP"]


@dataclass(frozen=True)
class GULP(Measure):
    """Squared GULP distance: how differently ridge regression on the two sides predicts, over all linear tasks.

    Parameters
    ----------
    ridge
        Weight of the penalty, in units of the variances; at 0 the distance is r_x + r_y - 2 sum of rho^2.
    """

    ridge: float = parameter(0.0, at_least=0)

    name = "gulp"
    declares = Properties(
        kind="dissimilarity",
        bounds=(0.0, inf),
        symmetric=True,
        invariances=invariant("OT"),
        reference="Boix-Adsera et al. 2022, arXiv:2210.06545",
        formula="tr(P A P A) + tr(Q B Q B) - 2 tr(P C Q C'), A = X'X/n, B = Y'Y/n, C = X'Y/n, P = (A + ridge I)^-1",
        cost="d^2",
        caution="Grows with the number of features, so compare values only at the same widths.",
        differentiable=True,
    )
    variants = ("ridge=0.1",)

    def properties(self) -> Properties:
        """Without a penalty it is a function of the canonical correlations."""
        if self.ridge > 0.0:
            return self.declares
        return replace(self.declares, invariances=invariant("LT"), needs="each side's rank below n - 1")

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Principal directions and their overlap."""
        return (ThinSVD(), Overlap())

    def score(self, pair: Pair) -> Any:
        """Each principal direction counts as much as the penalty leaves of it."""
        if self.ridge == 0.0:
            check_ranks(pair)
        xp, overlap = pair.xp, pair[Overlap()]
        x, y = self._left(pair.x, pair), self._left(pair.y, pair)
        return xp.clip(xp.sum(x**2) + xp.sum(y**2) - 2.0 * (x @ (overlap * overlap) @ y), 0.0, None)

    def _left(self, side: Side, pair: Pair) -> Any:
        variances = side[ThinSVD()].s ** 2 / pair.n
        return variances / (variances + scaled(self.ridge, -2 * side.exponent))
