"""The one path from a pair to values: `compare`, the engine, streams and significance all take it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from similitude.errors import SimilitudeError, SimilitudeWarning
from similitude.factors.base import Cross, Reading, reading
from similitude.factors.pair import Pair
from similitude.measures.base import Measure

__all__ = ["FAILURES", "attempt", "evaluate", "fill", "read_by", "reason", "tell_failures"]

FAILURES = SimilitudeError, np.linalg.LinAlgError, ArithmeticError, MemoryError
"""Errors that cost a pair one value, not the run."""

Map = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
"""Results of a function for each of some items, one after the other or side by side."""


def read_by(measures: Iterable[Measure], route: Callable[[Cross], Cross]) -> Reading:
    """Return what measures read of a pair, where crosses are computed as `route` has it."""
    return reading((use for measure in measures for use in measure.uses()), route)


def evaluate(pair: Pair, measures: Sequence[Measure], each: Map | None = None) -> list[Any]:
    """Return the value of each measure for a pair, or the error that says why there is none.

    Parameters
    ----------
    pair
        Whose sides may hold factors already.
    measures
        The measures. A value does not depend on which others there are.
    each
        Does the work, side by side where it likes.
    """
    run = each or (lambda function, items: [function(item) for item in items])
    needed = read_by(measures, pair.route)
    run(lambda side: side.prepare(needed.factors), (pair.x, pair.y))
    fill([(pair, needed.crosses)])
    return run(lambda measure: attempt(measure, pair), measures)


def fill(wanted: Iterable[tuple[Pair, Iterable[Cross]]], threads: int = 1) -> None:
    """Compute the crosses that share work between pairs, for all pairs that can have them.

    Parameters
    ----------
    wanted
        Pairs, and the crosses that are wanted of each.
    threads
        That this may use.
    """
    groups: dict[tuple[Cross, int], list[Pair]] = {}
    for pair, crosses in wanted:
        for cross in crosses:
            if cross.together and not pair.holds(cross) and _can_read(pair, cross):
                groups.setdefault((cross, pair.n), []).append(pair if pair.forward else pair.swapped)
    for (cross, _), pairs in groups.items():
        with contextlib.suppress(*FAILURES):  # left to the measures, which fail with the reason
            for pair, value in zip(pairs, cross.of_many(pairs, threads), strict=True):
                pair[cross] = value


def _can_read(pair: Pair, cross: Cross) -> bool:
    """Whether the factors are there: those that are not could not be computed, or not within memory."""
    factors = reading([cross], pair.route).factors
    return all(side.holds(factor) for side in (pair.x, pair.y) for factor in factors)


def attempt(measure: Measure, pair: Pair) -> Any:
    """Return the value of a measure for a pair, or the error that says why there is none."""
    try:
        return measure.value(pair)
    except FAILURES as error:
        return error


def tell_failures(measures: Sequence[Measure], found: Sequence[Any], stacklevel: int) -> dict[str, str]:
    """Return the id of each measure that failed with the reason, and warn of them.

    Parameters
    ----------
    measures, found
        What `evaluate` was given and returned.
    stacklevel
        As of `warnings.warn`, for the caller of this function.

    Raises
    ------
    Exception
        All failed: the error of the first.
    """
    failed = {str(m): value for m, value in zip(measures, found, strict=True) if isinstance(value, Exception)}
    if len(failed) == len(measures):
        raise next(iter(failed.values()))
    reasons = {name: reason(error) for name, error in failed.items()}
    if reasons:
        name, text = next(iter(reasons.items()))
        warnings.warn(
            f"{len(failed)} of {len(measures)} measures failed: {', '.join(failed)}. {name}: {text}",
            SimilitudeWarning,
            stacklevel=stacklevel + 1,
        )
    return reasons


def reason(error: Exception) -> str:
    """Return why there is no value, as tables of failures say it."""
    if isinstance(error, MemoryError) and not isinstance(error, SimilitudeError):
        return "There is not enough memory for the representations. Use fewer inputs."
    return str(error) if isinstance(error, SimilitudeError) else f"{type(error).__name__}: {error}"
