"""Rows that belong in every ranking: what chance and what a trivial statistic reach."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from similitude.factors.base import Cross, Factor
from similitude.factors.linear import CentredNorm
from similitude.factors.pair import Pair, Side, as_numpy
from similitude.linalg.scale import scaled
from similitude.measures.base import Measure, Properties, invariant
from similitude.representations.representation import Representation, array_digest

__all__ = ["Digest", "NormDifference", "Random"]

_SINGLE = float(np.finfo(np.float32).eps)
"""Machine epsilon from which values are kept in single precision."""


@dataclass(frozen=True)
class Digest(Factor):
    """BLAKE2 digest of type, shape, values and ids.

    Apart from the faster hash that names contents: another choice of that must not change numbers in published tables.
    """

    size = ""

    def __call__(self, side: Side) -> str:
        """Of the parent, with the number of components, where some were deleted."""
        if side.parent is not None:
            return f"{side.parent[self]}:{side.kept}"
        data = side.representation or Representation(_as_stored(side))
        digest = array_digest(data.values)
        if data.ids is not None:
            digest.update("\x1f".join(data.ids).encode())
        return digest.hexdigest()


def _as_stored(side: Side) -> np.ndarray:
    """Values of a tensor in the type that an array of them is kept in, wherever the tensor lies."""
    return as_numpy(side.stored).astype(np.float64 if side.precision < _SINGLE else np.float32)


@dataclass(frozen=True)
class Random(Measure):
    """A number in [0, 1) drawn from digests of the data: the same for the same pair, related to nothing."""

    name = "random"
    declares = Properties(
        kind="dissimilarity",
        bounds=(0.0, 1.0),
        symmetric=True,
        invariances=invariant(""),
        reference="baseline",
        formula="uniform on [0, 1), seeded by digests of the two data sets, in order",
        cost="1",
        caution="Only a baseline.",
        exempt_from_self=True,
        takes_rdms=True,
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """What seeds it."""
        return (Digest(),)

    def score(self, pair: Pair) -> Any:
        """53 bits of a digest."""
        seed = "|".join(sorted((pair.x[Digest()], pair.y[Digest()])))
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
        differentiable=True,
    )

    def uses(self) -> tuple[Factor | Cross, ...]:
        """The norms."""
        return (CentredNorm(),)

    def score(self, pair: Pair) -> Any:
        """Absolute difference."""
        x, y, unit = pair.units
        return scaled(abs(pair.x[CentredNorm()] / x - pair.y[CentredNorm()] / y), unit)
