"""Is each value of a table more than chance, and is the largest of a map?"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from similitude.doctor.nulls import NullMoment, closed_nulls, null_moments, sampled_null, shuffle_values
from similitude.engine.compute import Scored
from similitude.engine.executors import cores, side_by_side
from similitude.engine.routes import Shapes, choose_routes, is_single
from similitude.errors import InputError, MeasureError, OutOfMemory, SimilitudeWarning
from similitude.factors.memory import MEMORY, gigabytes, machine_memory, needed
from similitude.factors.pair import Pair, Side
from similitude.factors.shuffled import draw_orders
from similitude.measures.base import Measure
from similitude.measures.calibrated import calibrate
from similitude.measures.evaluation import evaluate, reason
from similitude.measures.null import LEVEL, Null, Shuffles, check_inputs
from similitude.representations.representation import Representation

__all__ = ["QUANTITIES", "Chances", "chance_of_pair", "find_chances", "moments_or_errors"]

QUANTITIES = ("chance", "sd", "z", "p", "calibrated")
"""What is told of each value."""

_SHUFFLES = 200
"""Shuffles for measures without a closed form, by default."""

_LEAST_COPIES = 3
"""Representations with their factors that are held at least: a first side, a second, and its shuffled copy."""

_COLUMNS = ["first", "second", "measure", "value", *QUANTITIES, "null"]
_LARGEST = ["measure", "first", "second", "value", "pairs", "p", "null"]


class Chances(NamedTuple):
    """What values of a table are by chance."""

    frame: pd.DataFrame
    """one row per pair and measure"""
    largest: pd.DataFrame
    """one row per measure, of its most alike pair"""
    failures: list[tuple[int, str, str]]
    """position of a pair, measure and reason, where there is a value and its chance could not be computed"""


def find_chances(
    pairs: Sequence[tuple[Representation, Representation]],
    measures: Sequence[Measure],
    values: np.ndarray,
    moments: Sequence[Sequence[Any]],
    *,
    permutations: int | None = None,
    seed: int = 0,
    memory: float = MEMORY,
) -> Chances:
    """Return the chance level of each value, and that of the largest of each measure.

    Parameters
    ----------
    pairs, measures
        Of the values.
    values
        Shape (pairs, measures); NaN where a measure failed.
    moments
        Values of the `null_moments` of the measures, or errors, for each pair.
    permutations
        Shuffles for measures without a closed form, by default 200. Where given, maps of all measures are shuffled too,
        each time in one order for all pairs, which gives the distribution of the largest value. Otherwise the p-value
        of a largest value that has a closed form is bounded by the number of pairs times its own.
    seed
        Of the shuffles.
    memory
        Bytes, about, for shuffled representations and their factors.

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
    for i, of_pair in enumerate(moments):
        nulls |= {(i, measure): null for measure, null in closed_nulls(measures, of_pair, n).items()}
    permuted = [m for m in measures if m.closed_form() is None] if permutations is None else list(measures)
    shuffles = _shuffle(pairs, permuted, permutations or _SHUFFLES, seed, memory)
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
    failures = [
        (i, f"{measure} chance", reason(null))
        for (i, measure), null in nulls.items()
        if isinstance(null, Exception) and np.isfinite(values[i, measures.index(measure)])
    ]
    return Chances(frame, pd.DataFrame(largest, columns=_LARGEST), failures)


def moments_or_errors(scored: Scored, moments: Sequence[NullMoment]) -> list[list[Any]]:
    """Return the values of moments, which were scored after all else, for each pair; where they failed, the errors."""
    place = {str(moment): j for j, moment in enumerate(moments)}
    found = scored.values[:, scored.values.shape[1] - len(moments) :].tolist()
    for i, name, text in scored.failures:
        if name in place:
            found[i][place[name]] = MeasureError(text)
    return found


def chance_of_pair(
    data: tuple[Any, Any],
    measures: Sequence[Measure],
    values: Sequence[float],
    moments: Sequence[Any] | None,
    **options: Any,
) -> pd.DataFrame:
    """Return what `find_chances` tells of the values of one pair, one row per measure.

    Parameters
    ----------
    data
        Arrays, tensors or Representations.
    measures, values
        As there.
    moments
        As there; None where they are to be computed without gradients.
    **options
        As there.
    """
    x, y = (
        side if isinstance(side, Representation) else Representation(side, model=name)
        for side, name in zip(data, ("first", "second"), strict=True)
    )
    if moments is None:
        moments = evaluate(Pair(Side.of(x), Side.of(y)), null_moments(measures))
    found = find_chances([(x, y)], measures, np.array([values]), [moments], **options)
    for _, name, text in found.failures:
        warnings.warn(f"{name}: {text}", SimilitudeWarning, stacklevel=3)
    return found.frame.set_index("measure").drop(columns=["first", "second"])


def _shuffle(
    pairs: Sequence[tuple[Representation, Representation]],
    measures: Sequence[Measure],
    count: int,
    seed: int,
    memory: float,
) -> dict[tuple[int, Measure], Shuffles | Exception]:
    """Distributions of the measures of each pair, all of the same orders of inputs."""
    if not measures:
        return {}
    roots = list({id(side): side for pair in pairs for side in pair}.values())
    place = {id(root): i for i, root in enumerate(roots)}
    whole = [(place[id(x)], place[id(y)]) for x, y in pairs if x.root is x and y.root is y]
    routes = choose_routes(measures, Shapes(roots, whole), is_single(roots))
    uses = tuple(use for measure in measures for use in measure.uses())
    largest = max(8 * root.n * root.d + needed(uses, root.n, root.d) for root in roots)
    if _LEAST_COPIES * largest > min(memory, machine_memory()):
        message = _exceeding(measures, _LEAST_COPIES * largest, min(memory, machine_memory()))
        if _LEAST_COPIES * largest > machine_memory():
            error = OutOfMemory(message)
            return {(i, measure): error for i in range(len(pairs)) for measure in measures}
        warnings.warn(message, SimilitudeWarning, stacklevel=4)
    fit = memory / largest
    workers = max(1, min(cores(), int(fit) - 2))
    height = max(1, int(fit / (2 + workers)))  # each order takes a copy of all second sides
    size = sum(side.n * side.d for side in roots) if workers > 1 else 0
    orders = draw_orders(roots[0].n, count, seed)
    found: dict[tuple[int, Measure], Shuffles | Exception] = {}
    sides: dict[int, Side] = {}
    for block in _blocks(pairs, height):
        of_block = {id(root): root for i in block for root in pairs[i]}
        sides = {key: sides[key] if key in sides else Side.of(root) for key, root in of_block.items()}
        asked = [Pair(sides[id(pairs[i][0])], sides[id(pairs[i][1])], routes=routes) for i in block]
        values = shuffle_values(asked, measures, orders, lambda work, items: side_by_side(work, items, size), routes)
        for position, i in enumerate(block):
            for j, measure in enumerate(measures):
                found[i, measure] = sampled_null(measure, [of_order[position][j] for of_order in values])
    return found


def _exceeding(measures: Sequence[Measure], size: float, limit: float) -> str:
    return (
        f"Shuffling inputs for {', '.join(map(str, measures))} takes about {gigabytes(size)} of memory, more than the "
        f"{gigabytes(limit)} that there may be. Raise the limit, use a random sample of the inputs, or measures whose "
        "chance has a closed form, such as cka."
    )


def _blocks(pairs: Sequence[tuple[Representation, Representation]], height: int) -> list[list[int]]:
    """Positions of pairs, those of so many first and so many second sides together."""
    first, second = (
        {key: i // height for i, key in enumerate(dict.fromkeys(id(pair[side]) for pair in pairs))} for side in (0, 1)
    )
    found: dict[tuple[int, int], list[int]] = {}
    for i, (x, y) in enumerate(pairs):
        found.setdefault((first[id(x)], second[id(y)]), []).append(i)
    return [found[block] for block in sorted(found)]


def _judged(measure: Measure, value: float, null: Any) -> tuple[Any, ...]:
    """Return chance, sd, z, p, calibrated value, and what gave them."""
    if isinstance(null, Exception) or not math.isfinite(value):
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
