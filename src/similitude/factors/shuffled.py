"""Sides whose inputs are in another order: what chance gives, from factors that are reordered, not computed again."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np

from similitude.factors.base import Factor
from similitude.factors.pair import Side
from similitude.representations.rdm import RDM
from similitude.representations.representation import Representation

__all__ = ["draw_orders", "shuffled"]


def draw_orders(n: int, count: int, seed: int = 0) -> list[np.ndarray]:
    """Return random orders of n inputs."""
    rng = np.random.default_rng(seed)
    return [rng.permutation(n) for _ in range(count)]


def shuffled(side: Side, order: np.ndarray) -> Side:
    """Return the side with input ``order[i]`` in place i; of removed components, those of the whole stay removed."""
    if side.parent is None:
        return _Shuffled(side, order)
    return _Shuffled(side.parent, order).leading(side.d)


class _Shuffled(Side):
    """A side whose inputs are in another order; its factors are those of the original, reordered."""

    def __init__(self, source: Side, order: np.ndarray) -> None:
        given = source.representation
        if isinstance(given, RDM):
            super().__init__(
                *(None, source.precision),
                representation=given.reordered(order),
                inputs=source.n,
                exponent=source.exponent,
            )
        else:
            values = source.stored[order]
            representation = Representation(values) if isinstance(values, np.ndarray) else None
            super().__init__(values, source.precision, representation=representation, exponent=source.exponent)
        self._source = source
        self._order = order

    def __getitem__(self, factor: Factor) -> Any:
        if factor not in self._factors:
            value = factor.permuted(self._source[factor], self._order)
            self._factors[factor] = factor(self) if value is NotImplemented else value
        return self._factors[factor]

    def take(self, factor: Factor) -> Any:
        return self[factor].copy()

    def prepare(self, factors: Collection[Factor], memory: float = math.inf) -> None:
        """Leave factors to those who ask for them: reordering is cheap."""
