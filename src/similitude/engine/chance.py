"""Is each value of a table more than chance, and is the largest of a map?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from similitude.doctor.nulls import closed_nulls, sampled_null, shuffle_values
from similitude.engine.executors import side_by_side
from similitude.engine.routes import Shapes, choose_routes, is_single
from similitude.errors import InputError
from similitude.factors.pair import Pair, Side
from similitude.factors.shuffled import draw_orders
from similitude.measures.base import Measure
from similitude.measures.calibrated import calibrate
from similitude.measures.null import LEVEL, Null, Shuffles, check_inputs
from similitude.representations.representation import Representation

__all__ = ["QUANTITIES", "Chances", "find_chances"]

QUANTITIES = ("chance", "sd", "z", "p", "calibrated")
"""What is told of each value."""

_SHUFFLES = 200
"""Shuffles for measures without a closed form, by default."""

_COLUMNS = ["first", "second", "measure", "value", *QUANTITIES, "null"]
_LARGEST = ["measure", "first", "second", "value", "pairs", "p", "null"]


class Chances(NamedTuple):
    """What values of a table are by chance."""

    frame: pd.DataFrame
    """one row per pair and measure"""
    largest: pd.DataFrame
    """one row per measure, of its most alike pair"""


def find_chances(
    pairs: Sequence[tuple[Representation, Representation]],
    measures: Sequence[Measure],
    values: np.ndarray,
    moments: np.ndarray,
    *,
    permutations: int | None = None,
    seed: int = 0,
) -> Chances:
    """Return the chance level of each value, and that of the largest of each measure.

    Parameters
    ----------
    pairs, measures
        Of the values.
    values
        Shape (pairs, measures); NaN where a measure failed.
    moments
        Values of the `null_moments` of the measures, one row per pair; NaN where they failed.
    permutations
        Shuffles for measures without a closed form, by default 200. Where given, maps of all measures are shuffled too,
        each time in one order for all pairs, which gives the distribution of the largest value. Otherwise the p-value
        of a largest value that has a closed form is bounded by the number of pairs times its own.
    seed
        Of the shuffles.

    Raises
    ------
    InputError
        Fewer than four inputs, or fewer than one shuffle.
    """
    if permutations is not None and permutations < 1:
        raise InputError(f"permutations must be at least 1, not {permutations}.")
    n = pairs[0][0].n
    check_inputs(n)
    nulls: dict[tuple[int, Measure], Any] = {}
    for i, of_pair in enumerate(moments.tolist()):
        nulls |= {(i, measure): null for measure, null in closed_nulls(measures, of_pair, n).items()}
    permuted = [m for m in measures if m.closed_form() is None] if permutations is None else list(measures)
    shuffles = _shuffle(pairs, permuted, permutations or _SHUFFLES, seed)
    for (i, measure), sampled in shuffles.items():
        nulls.setdefault((i, measure), sampled)
    labels = [(x.key, y.key) for x, y in pairs]
    rows = [
        (*labels[i], str(measure), values[i, j], *_judged(measure, values[i, j], nulls[i, measure]))
        for i in range(len(pairs))
        for j, measure in enumerate(measures)
    ]
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    other = [i for i, (x, y) in enumerate(pairs) if x is not y and x.content_hash != y.content_hash]
    largest = [
        (str(measure), *_largest(measure, other, labels, values[:, j], nulls, shuffles))
        for j, measure in enumerate(measures)
        if np.isfinite(values[other, j]).any()
    ]
    return Chances(frame, pd.DataFrame(largest, columns=_LARGEST))


def _shuffle(
    pairs: Sequence[tuple[Representation, Representation]], measures: Sequence[Measure], count: int, seed: int
) -> dict[tuple[int, Measure], Shuffles | Exception]:
    """Distributions of the measures of each pair, all of the same orders of inputs."""
    if not measures:
        return {}
    roots = list({id(side): side for pair in pairs for side in pair}.values())
    place = {id(root): i for i, root in enumerate(roots)}
    whole = [(place[id(x)], place[id(y)]) for x, y in pairs if x.root is x and y.root is y]
    routes = choose_routes(measures, Shapes(roots, whole), is_single(roots))
    sides = {id(root): Side.of(root) for root in roots}
    asked = [Pair(sides[id(x)], sides[id(y)], routes=routes) for x, y in pairs]
    size = sum(side.n * side.d for side in roots)
    orders = draw_orders(roots[0].n, count, seed)
    values = shuffle_values(asked, measures, orders, lambda work, items: side_by_side(work, items, size), routes)
    return {
        (i, measure): sampled_null(measure, [of_order[i][j] for of_order in values])
        for i in range(len(pairs))
        for j, measure in enumerate(measures)
    }


def _judged(measure: Measure, value: float, null: Any) -> tuple[Any, ...]:
    """Return chance, sd, z, p, calibrated value, and what gave them."""
    if isinstance(null, Exception) or not (math.isfinite(value) and math.isfinite(null.chance)):
        return (math.nan,) * 5 + ("",)
    spread = null.spread if null.varies else 0.0
    calibrated = calibrate(measure, value, null.quantile(LEVEL)) if null.varies else math.nan
    return null.chance, spread, null.z(value), null.p(value), calibrated, null.label


def _largest(
    measure: Measure,
    pairs: Sequence[int],
    labels: Sequence[tuple[str, str]],
    values: np.ndarray,
    nulls: dict[tuple[int, Measure], Null | Shuffles | Exception],
    shuffles: dict[tuple[int, Measure], Shuffles | Exception],
) -> tuple[Any, ...]:
    """Return the labels of the most alike pair, its value, and a p-value that allows for it being the most alike."""
    alike = -measure.dissimilarity(values)
    best = max((i for i in pairs if np.isfinite(values[i])), key=lambda i: alike[i])
    maps = [found.values for i in pairs if isinstance(found := shuffles.get((i, measure)), Shuffles)]
    if maps:
        most = (-measure.dissimilarity(np.array(maps))).max(axis=0)
        p, null = (1 + np.count_nonzero(most >= alike[best])) / (1 + most.size), "permutation"
    else:
        own = nulls[best, measure]
        p = math.nan if isinstance(own, Exception) else min(1.0, len(pairs) * own.p(values[best]))
        null = "bound"
    return (*labels[best], values[best], len(pairs), p, null)
