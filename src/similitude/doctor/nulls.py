"""What values are by chance: in closed form where a measure has one, else by shuffling the inputs of second sides."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from similitude.factors.base import Cross, Factor
from similitude.factors.invariants import Invariants
from similitude.factors.memory import machine_memory
from similitude.factors.pair import Pair, Side
from similitude.factors.shuffled import shuffled
from similitude.measures.base import Measure
from similitude.measures.evaluation import FAILURES, attempt, fill, read_by
from similitude.measures.null import Null, Shuffles

__all__ = ["Each", "closed_null", "find_invariants", "sampled_null", "shuffle_values"]

Each = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]
"""Results of a function for each of some items, one after the other or side by side."""

Found = Mapping[Factor, Invariants | Exception]
"""Invariants of one side, or why there are none."""


def find_invariants(side: Side, measures: Iterable[Measure]) -> Found:
    """Return what the closed forms of measures read of a side; where it fails, the error."""
    forms = [measure.closed_form() for measure in measures]
    found: dict[Factor, Invariants | Exception] = {}
    for factor in dict.fromkeys(form.invariants for form in forms if form is not None):
        try:
            found[factor] = side[factor]
        except FAILURES as error:
            found[factor] = error
    return found


def closed_null(measure: Measure, x: Found, y: Found, n: int) -> Null | Exception:
    """Return the distribution of a measure that has a closed form, from the invariants of both sides."""
    form = measure.closed_form()
    assert form is not None
    of_x, of_y = x[form.invariants], y[form.invariants]
    if isinstance(of_x, Exception) or isinstance(of_y, Exception):
        return of_x if isinstance(of_x, Exception) else of_y  # type: ignore[return-value]  # one of them is
    return form.of(of_x, of_y, n)


def sampled_null(measure: Measure, values: Sequence[Any]) -> Shuffles | Exception:
    """Return the distribution of the values of shuffled pairs; the first error if there is one."""
    failed = next((value for value in values if isinstance(value, Exception)), None)
    return Shuffles(np.array(values, np.float64), measure.properties().kind) if failed is None else failed


def shuffle_values(
    pairs: Sequence[Pair],
    measures: Sequence[Measure],
    orders: Sequence[np.ndarray],
    each: Each,
    routes: Mapping[Cross, Cross] | None = None,
) -> list[list[list[Any]]]:
    """Return for each order, pair and measure the value, or the error, with the inputs of second sides in that order.

    Parameters
    ----------
    pairs
        One order is that of all their second sides, so that a maximum over pairs is one of related values.
    measures
        The measures.
    orders
        See `similitude.factors.shuffled.draw_orders`.
    each
        Works on the orders, side by side where it likes.
    routes
        Crosses to compute in the place of others; see `Pair`.
    """
    _prepare(pairs, measures)

    def work(order: np.ndarray) -> list[list[Any]]:
        seconds = {id(pair.y): pair.y for pair in pairs}
        reordered = {key: shuffled(side, order) for key, side in seconds.items()}
        found = [Pair(pair.x, reordered[id(pair.y)], routes=routes) for pair in pairs]
        fill([(pair, read_by(measures, pair.route).crosses) for pair in found])
        return [[attempt(measure, pair) for measure in measures] for pair in found]

    return list(each(work, orders))


def _prepare(pairs: Collection[Pair], measures: Sequence[Measure]) -> None:
    """Compute factors once, which shuffled sides reorder."""
    for pair in pairs:
        factors = read_by(measures, pair.route).factors
        for side in (pair.x, pair.y):
            side.prepare(factors, machine_memory())
