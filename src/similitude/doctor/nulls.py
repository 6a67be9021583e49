"""What values are by chance: in closed form where a measure has one, else by shuffling the inputs of second sides."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from similitude.factors.base import Cross, Streamed
from similitude.factors.pair import Pair
from similitude.factors.shuffled import shuffled
from similitude.measures.base import Measure, Properties
from similitude.measures.evaluation import attempt, fill, read_by
from similitude.measures.null import FEWEST, Null, Shuffles

__all__ = ["Each", "NullMoment", "closed_nulls", "null_moments", "sampled_null", "shuffle_values"]

Each = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]
"""Results of a function for each of some items, one after the other or side by side."""

Moment = Literal["mean", "sd", "skewness"]

MOMENTS: tuple[Moment, ...] = ("mean", "sd", "skewness")
"""What determines a null distribution in closed form."""


@dataclass(frozen=True)
class OfPair(Cross):
    """Null distribution of a measure that has one in closed form."""

    measure: Measure

    when_swapped = "same"

    @property
    def reads(self) -> tuple[Cross, ...]:  # type: ignore[override]  # depends on the parameter
        """What the closed form reads."""
        form = self.measure.closed_form()
        assert form is not None
        return (form.invariants,)

    @property
    def from_stream(self) -> Streamed | None:  # type: ignore[override]  # depends on the parameter
        """As of what the closed form reads."""
        return self.reads[0].from_stream

    def __call__(self, pair: Pair) -> Null:
        """See `ClosedForm`."""
        form = self.measure.closed_form()
        assert form is not None
        return form.null(pair)


@dataclass(frozen=True)
class NullMoment(Measure):
    """A moment of the null distribution of a measure, which engines compute and keep as they do values.

    Parameters
    ----------
    of
        A measure whose null distribution has a closed form.
    moment
        Of the statistic: the value, or its square where the null is `rooted`.
    """

    of: Measure
    moment: Moment

    name = "null_moment"

    @property
    def version(self) -> str:  # type: ignore[override]  # moments change with the measure, too
        """That of the measure, and one of its own."""
        return f"{self.of.version}.1"

    def properties(self) -> Properties:
        """Those of the measure, but for the range."""
        return self._properties

    @functools.cached_property
    def _properties(self) -> Properties:
        of = self.of.properties()
        return dataclasses.replace(of, bounds=(-math.inf, math.inf), minimum_n=max(FEWEST, of.minimum_n))

    def uses(self) -> tuple[Cross, ...]:
        """The null distribution."""
        return self._uses

    @functools.cached_property
    def _uses(self) -> tuple[OfPair]:
        return (OfPair(self.of),)

    def value(self, pair: Pair) -> float:
        """One of three that are computed together, and need to be checked once."""
        return self.score(pair) if pair.holds(self._uses[0]) else super().value(pair)

    def score(self, pair: Pair) -> float:
        """That of the null distribution."""
        return getattr(pair[self._uses[0]], self.moment)


def null_moments(measures: Iterable[Measure]) -> list[NullMoment]:
    """Return the moments of the null distributions of all measures that have one in closed form."""
    return [NullMoment(m, moment) for m in measures if m.closed_form() is not None for moment in MOMENTS]


def closed_nulls(measures: Iterable[Measure], found: Sequence[Any], n: int) -> dict[Measure, Null | Exception]:
    """Return the null distribution of each measure that has one in closed form, or what failed.

    Parameters
    ----------
    measures
        Any measures.
    found
        Values of their `null_moments`, or errors.
    n
        Number of inputs.
    """
    nulls: dict[Measure, Null | Exception] = {}
    remaining = iter(found)
    for measure in measures:
        form = measure.closed_form()
        if form is not None:
            mean, sd, skewness = itertools.islice(remaining, len(MOMENTS))
            failed = next((moment for moment in (mean, sd, skewness) if isinstance(moment, Exception)), None)
            nulls[measure] = Null(mean, sd, skewness, n, form.rooted) if failed is None else failed
    return nulls


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
            side.prepare(factors)
