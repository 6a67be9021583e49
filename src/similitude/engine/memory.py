"""A word before work begins that will take more memory than is allowed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from similitude.engine.plan import Plan
from similitude.errors import SimilitudeWarning
from similitude.factors.memory import gigabytes, machine_memory, needed
from similitude.measures.base import Measure
from similitude.representations.representation import Representation

__all__ = ["ROUGHLY", "tell_of_memory", "warn_of_memory"]

ROUGHLY = 1.25
"""Excess over a limit from which it is told: estimates are not exact."""


def warn_of_memory(plan: Plan) -> None:
    """Warn of measures by which two representations take more than the memory of a plan.

    Those that take more than the machine has are not named here: they fail, with the reason.
    """
    asked = {k for comparison in plan.comparisons for request in comparison.asked for k in request.measures}
    exceeding: list[tuple[int, Measure, Representation, Representation]] = []
    for k in sorted(asked):
        measure = plan.measures[k]
        sizes = [needed(tuple(measure.uses()), root.n, root.d) for root in plan.roots]
        largest = max(plan.comparisons, key=lambda comparison: sizes[comparison.x] + sizes[comparison.y])
        both = sizes[largest.x] + sizes[largest.y]
        if ROUGHLY * plan.memory < both <= machine_memory():
            exceeding.append((both, measure, plan.roots[largest.x], plan.roots[largest.y]))
    if exceeding:
        _, _, x, y = max(exceeding, key=lambda found: found[0])
        tell_of_memory([(measure, both) for both, measure, _, _ in exceeding], x, y, plan.memory, stacklevel=6)


def tell_of_memory(
    sizes: Sequence[tuple[Measure, int]], x: Representation, y: Representation, memory: float, stacklevel: int
) -> None:
    """Warn that measures take these bytes for two representations, and say what to do."""
    named = ", ".join(f"{measure} takes about {gigabytes(size)}" for measure, size in sizes)
    warnings.warn(
        f"{named} of memory for {x.key} and {y.key} ({x.n:,} inputs), more than the {gigabytes(memory)} allowed. Raise "
        "the limit, use a random sample of the inputs, or use measures that can be streamed, such as cka.",
        SimilitudeWarning,
        stacklevel=stacklevel,
    )
