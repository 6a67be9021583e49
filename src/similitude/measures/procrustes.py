"""Distances after the best rotation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.crosses import AlignedSpectrum
from similitude.measures.factors import ThinSVD
from similitude.measures.pair import Cross, Factor, Pair

__all__ = ["Procrustes", "cosine_of_alignment"]


def cosine_of_alignment(pair: Pair) -> Any:
    """||X_c^T Y_c||_* / (||X_c||_F ||Y_c||_F), the cosine between the best-aligned representations."""
    norm = pair.xp.linalg.vector_norm
    return pair.xp.sum(pair[AlignedSpectrum()]) / (norm(pair.x[ThinSVD()].s) * norm(pair.y[ThinSVD()].s))


@dataclass(frozen=True)
class Procrustes(Measure):
    """Orthogonal Procrustes distance of normalised representations, squared as in Ding et al.: in [0, 2]."""

    name = "procrustes"
    declares = Properties(
        kind="dissimilarity",
        bounds=(0.0, 2.0),
        symmetric=True,
        invariances=invariant("OST"),
        reference="Ding et al. 2021, arXiv:2108.01661",
        formula="2 - 2 ||X'Y||_*, columns centred, then scaled to ||X||_F = ||Y||_F = 1",
        caution="Squared, so not a metric; orthogonal_procrustes is its root.",
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Singular values and the spectrum of the aligned pair."""
        return (ThinSVD(), AlignedSpectrum())

    def score(self, pair: Pair) -> Any:
        """Never below 0, which rounding would allow."""
        return pair.xp.clip(2.0 - 2.0 * cosine_of_alignment(pair), 0.0, 2.0)
