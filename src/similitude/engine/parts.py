"""Parts of the measures, computed one after the other where the factors of all take too much memory at one time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from similitude.engine.budget import Budget
from similitude.factors.base import Cross, Factor
from similitude.measures.base import Measure
from similitude.measures.evaluation import read_by
from similitude.representations.representation import Representation

__all__ = ["apart", "in_parts"]


def in_parts(
    measures: Sequence[Measure],
    roots: Sequence[Representation],
    routes: Mapping[Cross, Cross],
    budget: Budget,
    workers: int,
) -> list[int]:
    """Return the number of the part of each measure, from 0.

    Measures that follow each other are in one part as long as their factors of the largest representation fit. They are
    taken by size, so that those that need matrices of pairs of inputs do not crowd out the many that need none.

    Parameters
    ----------
    measures, roots
        What is computed, of what.
    routes
        Crosses to compute in the place of others.
    budget, workers
        Memory, and the number of representations that are worked on at a time.
    """
    if not roots:
        return [0] * len(measures)
    largest = max(roots, key=lambda root: (root.n * max(root.n, root.d), root.n))
    n, d = largest.n, largest.d
    read = [read_by([m], lambda c: routes.get(c) or c.chosen(n, d, d)).factors for m in measures]
    sizes = [_bytes(factors, n, d) for factors in read]
    allowed = budget.for_one(workers, len(roots))
    parts = [0] * len(measures)
    part, together = 0, frozenset[Factor]()
    for k in sorted(range(len(measures)), key=lambda k: sizes[k] > allowed / len(measures)):
        both = together | read[k]
        if together and _bytes(both, n, d) > allowed:
            part, both = part + 1, read[k]
        parts[k], together = part, both
    return parts


def apart(
    measures: Sequence[Measure], roots: Sequence[Representation], kept: Sequence[int], budget: Budget, workers: int
) -> bool:
    """Return whether factors for every number of components kept of a representation take too much at one time.

    Pairs are then compared by one number of components after the other.
    """
    root = max(roots, key=lambda root: root.n * root.d)
    size = 0.0
    for components in kept:
        factors = read_by(measures, lambda c, q=components: c.chosen(root.n, q, q, cut=True)).factors
        size += sum(cost.bytes for f in factors if (cost := f.cost(root.n, components)).bytes > 8.0 * root.n * root.d)
    return size > budget.for_one(workers, len(roots))


def _bytes(factors: frozenset[Factor], n: int, d: int) -> float:
    return sum(factor.cost(n, d).bytes for factor in factors)
