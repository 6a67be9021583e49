"""Rows that belong in every ranking: what chance and what a trivial statistic reach."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import inf
from typing import Any

from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.factors import CentredNorm
from similitude.measures.pair import Cross, Factor, Pair

__all__ = ["NormDifference", "Random"]


@dataclass(frozen=True)
class Random(Measure):
    """A number in [0, 1) drawn from the two data hashes: the same for the same pair, related to nothing."""

    name = "random"
    declares = Properties(
        kind="dissimilarity",
        bounds=(0.0, 1.0),
        symmetric=True,
        invariances=invariant(""),
        reference="baseline",
        formula="uniform on [0, 1), seeded by the two content hashes in order of their names",
        cost="1",
        caution="Only a baseline.",
        exempt_from_self=True,
    )

    def score(self, pair: Pair) -> Any:
        """53 bits of a digest."""
        seed = "|".join(sorted((pair.x.content_hash, pair.y.content_hash)))
        return int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest(), "big") // 2**11 / 2**53


@dataclass(frozen=True)
class NormDifference(Measure):
    """Difference of the centred Frobenius norms: trivial, so a measure should beat it."""

    name = "norm_difference"
    declares = Properties(
        kind="dissimilarity",
        bounds=(0.0, inf),
        symmetric=True,
        is_metric=True,
        invariances=invariant("OT"),
        reference="baseline",
        formula="| ||X||_F - ||Y||_F |, columns centred",
        cost="1",
        caution="Only a baseline: zero for any two representations of equal variance.",
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """The norms."""
        return (CentredNorm(),)

    def score(self, pair: Pair) -> Any:
        """Absolute difference."""
        return abs(pair.x[CentredNorm()] - pair.y[CentredNorm()])
