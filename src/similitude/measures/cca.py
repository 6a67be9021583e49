"""Measures on canonical correlations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from similitude.errors import InputError
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.crosses import CanonicalCorrelations, CanonicalDirections
from similitude.measures.pair import Cross, Factor, Pair

__all__ = ["PWCCA", "MeanCCA", "MeanSquaredCCA"]

_NEEDS = "each side's rank below n - 1"
_CAUTION = "Near n = d_x + d_y every value tends to 1; use many more inputs than features."


@dataclass(frozen=True)
class MeanCCA(Measure):
    """Mean canonical correlation: sum of rho / min(r_x, r_y), ranks being widths unless deficient."""

    name = "mean_cca"
    declares = Properties(
        kind="similarity",
        bounds=(0.0, 1.0),
        symmetric=True,
        invariances=invariant("LT"),
        reference="Raghu et al. 2017, arXiv:1706.05806",
        formula="sum_i rho_i / min(rank X, rank Y)",
        needs=_NEEDS,
        cost="d^3",
        caution=_CAUTION,
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Canonical correlations."""
        return (CanonicalCorrelations(),)

    def score(self, pair: Pair) -> Any:
        """Mean of the correlations."""
        return pair.xp.mean(pair[CanonicalCorrelations()])


@dataclass(frozen=True)
class MeanSquaredCCA(Measure):
    """Mean squared canonical correlation: sum of rho^2 / min(r_x, r_y); in [0, 1]."""

    name = "mean_squared_cca"
    declares = Properties(
        kind="similarity",
        bounds=(0.0, 1.0),
        symmetric=True,
        invariances=invariant("LT"),
        reference="Kornblith et al. 2019, arXiv:1905.00414 (R^2_CCA)",
        formula="sum_i rho_i^2 / min(rank X, rank Y)",
        needs=_NEEDS,
        cost="d^3",
        caution=_CAUTION,
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Canonical correlations."""
        return (CanonicalCorrelations(),)

    def score(self, pair: Pair) -> Any:
        """Mean of the squared correlations."""
        return pair.xp.mean(pair[CanonicalCorrelations()] ** 2)


@dataclass(frozen=True)
class PWCCA(Measure):
    """Projection-weighted CCA: sum of w_i rho_i, w_i proportional to sum_j |<h_i, x_j>|; not symmetric.

    h_i are the canonical variates of the first argument and x_j its features. Where the second argument is
    narrower, the directions of the first that it cannot reach count as rho = 0.

    Parameters
    ----------
    lost
        ``"zero"`` (Ding et al. 2021) normalises the weights over all directions of the first argument;
        ``"drop"`` (Morcos et al. 2018) over those that have a partner.
    """

    lost: Literal["zero", "drop"] = "zero"

    name = "pwcca"
    declares = Properties(
        kind="similarity",
        bounds=(0.0, 1.0),
        symmetric=False,
        invariances=invariant("ST"),
        invariances_if_narrow=invariant("PST", "LT"),
        reference="Morcos et al. 2018, arXiv:1806.05759; Ding et al. 2021, arXiv:2108.01661",
        formula="sum_i w_i rho_i, w_i ~ sum_j |<h_i, x_j>|, h_i the canonical variates of X",
        needs=_NEEDS,
        cost="d^3",
        caution="With tied correlations the variates are not unique, nor is the value beyond a few digits. " + _CAUTION,
    )

    def __post_init__(self) -> None:
        """Check the parameter."""
        if self.lost not in ("zero", "drop"):
            raise InputError(f"pwcca: lost must be 'zero' or 'drop', not {self.lost!r}.")

    def properties(self) -> Properties:
        """Without lost directions nothing depends on how they are completed."""
        if self.lost == "zero":
            return self.declares
        return replace(self.declares, invariances=invariant("PST", "LT"), invariances_if_narrow=None)

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Canonical correlations with the variates of the first side."""
        return (CanonicalDirections(),)

    def score(self, pair: Pair) -> Any:
        """Weighted mean of the correlations."""
        xp = pair.xp
        correlations, on_features = pair[CanonicalDirections()]
        weights = xp.sum(xp.abs(on_features), axis=1)
        kept = weights[: correlations.shape[0]]
        return xp.sum(kept * correlations) / xp.sum(kept if self.lost == "drop" else weights)
