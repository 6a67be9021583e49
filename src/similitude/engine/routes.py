"""Which way crosses are computed that can be computed in several: chosen by the sizes of the data alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from similitude.factors.base import Cross, closure, reading
from similitude.measures.base import Measure
from similitude.representations.representation import Representation

__all__ = ["Shapes", "choose_routes", "is_single"]

_LARGE = 1e10
"""Floating-point operations below which nothing is gained: each pair takes the way that serves it alone."""

_REGRET = 1.5
"""Work, relative to the cheapest way, up to which the way that serves most other measures is taken."""


class Shapes:
    """Numbers of features of representations, and of the pairs of them that are asked for.

    Parameters
    ----------
    roots
        The representations, each once.
    pairs
        Positions of both sides, of each pair once.
    """

    def __init__(self, roots: Sequence[Representation], pairs: Iterable[tuple[int, int]]) -> None:
        self.n = max((root.n for root in roots), default=0)
        self.alike = len({root.n for root in roots}) <= 1 and all(root.has_features for root in roots)
        self._sides = Counter(root.d for root in roots)
        self._pairs = Counter((roots[i].d, roots[j].d) for i, j in pairs)

    def flops(self, cross: Cross, route: Callable[[Cross, int, int], Cross]) -> float:
        """Return the work of a cross for all pairs, with all that it reads and nothing else does."""
        total = 0.0
        factors: dict[int, set] = {d: set() for d in self._sides}
        own: dict[int, set[Cross]] = {d: set() for d in self._sides}
        for (p, q), count in self._pairs.items():
            needed = reading([cross], lambda c, p=p, q=q: route(c, p, q))
            total += count * sum(use.cost(self.n, p, q).flops for use in needed.crosses)
            for d in (p, q):
                factors[d] |= closure(needed.factors)
                own[d] |= needed.crosses
        for d, count in self._sides.items():
            total += count * sum(factor.cost(self.n, d).flops for factor in factors[d])
            total += count * sum(use.cost_of_side(self.n, d).flops for use in own[d])
        return total


def is_single(roots: Sequence[Representation]) -> bool:
    """Whether all data are stored in single precision or less."""
    return all(root.precision >= np.finfo(np.float32).eps for root in roots)


def choose_routes(measures: Sequence[Measure], shapes: Shapes, single: bool) -> Mapping[Cross, Cross]:
    """Return what to compute in the place of crosses that have several ways; none where each pair decides for itself.

    The choice for one cross does not depend on which others are needed, so that no value depends on which measures are
    asked for together.

    Parameters
    ----------
    measures
        The measures.
    shapes
        Of all that is asked for, whether or not it is known already.
    single
        Whether all data are stored in single precision or less.
    """
    if not shapes.alike:
        return {}

    def by_shape(cross: Cross, p: int, q: int) -> Cross:
        return cross.chosen(shapes.n, p, q)

    routes: dict[Cross, Cross] = {}
    used = reading((use for measure in measures for use in measure.uses()), lambda cross: cross)
    for cross in sorted(used.crosses, key=repr):
        ways = cross.ways(single)
        if not ways or shapes.flops(cross, by_shape) < _LARGE:
            continue
        works = [shapes.flops(way, by_shape) for way in ways]
        routes[cross] = next(way for way, work in zip(ways, works, strict=True) if work <= _REGRET * min(works))
    return routes
