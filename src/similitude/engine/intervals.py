"""How far values would move with other inputs of the same kind: intervals, and differences of two values."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from similitude.engine.compute import Pairs, Progress, Scored, score_pairs
from similitude.engine.executors import side_by_side
from similitude.engine.pairwise import PairTable
from similitude.engine.replicates import replicate
from similitude.errors import InputError, SimilitudeWarning
from similitude.factors.inputs import check_same_inputs
from similitude.factors.memory import MEMORY, needed
from similitude.factors.pair import Pair, Side
from similitude.linalg.influence import Influence
from similitude.measures import Measure, get_measures
from similitude.measures.evaluation import FAILURES
from similitude.representations.frames import on_one_index
from similitude.representations.representation import Representation
from similitude.result import ResultFrame

__all__ = ["FEWEST", "IntervalTable", "Spread", "ends_of", "find_spread", "interval", "with_intervals"]

FEWEST = 20
"""Inputs that an interval needs at least."""

_TOGETHER = 16
"""Pairs that are worked on at a time."""


class IntervalTable(ResultFrame):
    """Data frame of one row per measure that `interval` returns."""


@dataclass(frozen=True)
class Spread:
    """Values of measures for pairs, and how they vary with the inputs.

    Parameters
    ----------
    measures
        The measures.
    values
        Values on all inputs, of shape (pairs, measures); NaN where a measure failed.
    errors
        Standard errors of the values, of the same shape; NaN where there are none.
    difference_errors
        Standard errors of the differences between values for the first pair and for the second, of shape (measures,);
        all NaN unless there are two pairs.
    df
        Degrees of freedom of the errors of each measure.
    methods
        How the errors of each measure were found: ``"influence"``, or ``"subsets"`` of the inputs.
    failures
        (pair index, measure index) to the reason why there is no value, or no error.
    """

    measures: tuple[Measure, ...]
    values: np.ndarray
    errors: np.ndarray
    difference_errors: np.ndarray
    df: np.ndarray
    methods: tuple[str, ...]
    failures: dict[tuple[int, int], str]

    def ends(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Return both ends of the interval of each value, within the measure's bounds."""
        half = self.quantiles(level) * self.errors
        bounds = np.array([measure.properties().bounds for measure in self.measures]).T
        return np.clip(self.values - half, *bounds), np.clip(self.values + half, *bounds)

    def quantiles(self, level: float) -> np.ndarray:
        """Return Student's quantile for each measure, which an interval extends by that many errors."""
        return np.asarray(stats.t.ppf((1 + level) / 2, self.df))


def find_spread(
    pairs: Pairs,
    measures: Sequence[Measure],
    *,
    values: np.ndarray | None = None,
    resamples: int = 100,
    seed: int = 0,
    progress: Progress | None = None,
    workers: int | None = None,
    memory: int = MEMORY,
) -> Spread:
    """Compute measures for pairs of representations, and the standard errors of the values over inputs.

    Errors of measures that tell the influence of each input follow from it; others are computed again without a random
    fifth of the inputs, many times. So are all for representations of which components were removed, since these depend
    on the inputs too.

    Parameters
    ----------
    pairs
        Ordered pairs of representations of the same inputs.
    measures
        The measures.
    values
        Values on all inputs, of shape (pairs, measures), where they were computed already.
    resamples, seed
        Number of replicates, and seed of the choice of inputs.
    progress
        Called with the number of steps finished and the number of steps in all.
    workers, memory
        See `similitude.engine.compute.score_pairs`.

    Raises
    ------
    InputError
        Fewer inputs than `FEWEST`, or fewer than 2 resamples.
    """
    n = pairs[0][0].n
    if n < FEWEST:
        raise InputError(f"Intervals need at least {FEWEST} inputs; there are {n}.")
    whole = Scored(values) if values is not None else score_pairs(pairs, measures, workers=workers, memory=memory)
    column = {str(measure): j for j, measure in enumerate(measures)}
    failures = {(i, column[name]): reason for i, name, reason in whole.failures}
    entire = all(side.root is side for pair in pairs for side in pair)
    quick = [j for j, measure in enumerate(measures) if entire and measure.has_influence]
    slow = [j for j in range(len(measures)) if j not in quick]
    errors, differences = np.full(whole.values.shape, np.nan), np.full(len(measures), np.nan)
    df = np.full(len(measures), n - 1)
    steps = len(pairs) * bool(quick) + resamples * bool(slow)
    kept = []
    for i, found in enumerate(_influences(pairs, [measures[j] for j in quick], memory)):
        for j, influence in zip(quick, found, strict=True):
            if isinstance(influence, Influence):
                errors[i, j] = influence.error()
            elif not np.isnan(whole.values[i, j]):
                failures.setdefault((i, j), f"It has no standard error. {influence}")
        if len(pairs) == 2:
            kept.append(found)
        if progress:
            progress(i + 1, steps)
    for j, *both in zip(quick, *kept, strict=True) if kept else ():
        if all(isinstance(influence, Influence) for influence in both):
            differences[j] = (both[0] - both[1]).error()
    if slow:
        tell = None if progress is None else partial(_tell, progress, steps - resamples, steps)
        replicates = replicate(
            pairs,
            [measures[j] for j in slow],
            resamples=resamples,
            seed=seed,
            progress=tell,
            workers=workers,
            memory=memory,
        )
        errors[:, slow], df[slow] = replicates.errors(), replicates.df
        if len(pairs) == 2:
            differences[slow] = replicates.errors(replicates.without[:, 0] - replicates.without[:, 1])
        for (i, k), reason in replicates.failures.items():
            if not np.isnan(whole.values[i, slow[k]]):
                failures.setdefault((i, slow[k]), reason)
    methods = tuple("influence" if j in quick else "subsets" for j in range(len(measures)))
    return Spread(tuple(measures), whole.values, errors, differences, df, methods, failures)


def _tell(progress: Progress, before: int, steps: int, done: int, total: int) -> None:
    """Pass on the number of replicates that are finished."""
    progress(before + done, steps)


def _influences(pairs: Pairs, measures: Sequence[Measure], memory: int) -> Iterator[list[Influence | Exception]]:
    """Influences of the inputs for each pair, or why there are none."""
    if not measures:
        return
    roots = {id(side): side for pair in pairs for side in pair}
    held = sum(needed(tuple(measure.uses()), side.n, side.d) for side in roots.values() for measure in measures)
    sides = {key: Side.of(side) for key, side in roots.items()} if 2 * held <= memory else {}

    def work(pair: tuple[Representation, Representation]) -> list[Influence | Exception]:
        x, y = (sides[id(side)] if sides else Side.of(side) for side in pair)
        both = Pair(x, y)
        return [_attempt(measure, both) for measure in measures]

    size = sum(side.n * side.d for side in roots.values())
    for start in range(0, len(pairs), _TOGETHER):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SimilitudeWarning)  # said of the values already
            found = side_by_side(work, pairs[start : start + _TOGETHER], size)
        yield from found


def _attempt(measure: Measure, pair: Pair) -> Influence | Exception:
    try:
        return measure.influence(pair)
    except FAILURES as error:
        return error


def interval(
    x: Any,
    y: Any,
    measures: str | Measure | Iterable[str | Measure] | None = None,
    *,
    than: Any = None,
    level: float = 0.95,
    resamples: int = 100,
    seed: int = 0,
    memory: int = MEMORY,
    workers: int | None = None,
) -> IntervalTable:
    """Compute how far values would move with other inputs, or whether `x` is closer to `y` than to another.

    An interval holds the mean value over samples of as many inputs from the same source. What a measure owes to the
    number of inputs, such as the bias of CKA, is part of that mean: `similitude.significance` says what is chance.

    For CKA, distance correlation, RSA by Pearson's correlation or the cosine, the Procrustes family, mean CCA, linear
    regression, and shares of common neighbours, errors follow from the influence of each input (jackknife), for a few
    times the price of the value. Other measures are computed again without a random fifth of the inputs, many times
    (delete-d jackknife, Shao and Wu 1989, doi:10.1214/aos/1176347263).

    Parameters
    ----------
    x, y
        Arrays or tensors of shape (n, d_x) and (n, d_y), Representations or RDMs. Rows of DataFrames are matched by
        their index.
    measures
        Ids; by default the measures of Ding et al. 2021, or rsa where a side is an RDM.
    than
        A third, of shape (n, d_z): the interval is that of the difference of the value for `x` and `y` and the value
        for `x` and `than`. Both lack the same inputs, so that what they share cancels.
    level
        Nominal coverage.
    resamples
        Number of times that inputs are left out, for measures that need it.
    seed
        Seed of the choice of inputs. Values depend on it alone, not on the number of workers.
    memory, workers
        See `similitude.pairwise`.

    Returns
    -------
    IntervalTable
        Data frame of one row per measure: ``measure``, ``kind``, ``value``, the ends ``low`` and ``high``, the standard
        error ``se``, and ``method``, by which that was found: ``"influence"`` or ``"subsets"``. With `than`, ``value``
        and ``than`` are the two values and ``difference`` is the first minus the second, of which are ``low``,
        ``high``, ``se`` and the two-sided ``p``; ``closer`` is ``"y"`` or ``"than"``, or empty where the interval
        includes 0. A measure without a value or an interval has NaN there, and its reason in ``.failures``.

    Raises
    ------
    InputError
        Fewer than 20 inputs, or a level outside of (0, 1).
    ShapeMismatch
        Different numbers of inputs, or other input ids.

    Warns
    -----
    SimilitudeWarning
        A measure has no value, or no interval.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 5))
    >>> near, far = (X + noise * rng.normal(size=(100, 5)) for noise in (0.5, 1.0))
    >>> table = interval(X, near, "cka")
    >>> bool(table["low"][0] < table["value"][0] < table["high"][0])
    True
    >>> interval(X, near, "cka", than=far)["closer"][0]
    'y'
    """
    if not 0 < level < 1:
        raise InputError(f"level must be between 0 and 1, not {level}.")
    given = [x, y] if than is None else [x, y, than]
    chosen = get_measures(measures, given)
    sides = [
        side if isinstance(side, Representation) else Representation(side, model=name)
        for side, name in zip(on_one_index(*given), ("first", "second", "third"), strict=False)
    ]
    for side in sides[1:]:
        check_same_inputs(Side.of(sides[0]), Side.of(side))
    found = find_spread(
        [(sides[0], side) for side in sides[1:]],
        chosen,
        resamples=resamples,
        seed=seed,
        memory=memory,
        workers=workers,
    )
    table = IntervalTable(_intervals(found, level) if than is None else _differences(found, level))
    table.attrs["failures"] = reasons = {str(chosen[j]): reason for (_, j), reason in found.failures.items()}
    if reasons:
        name, reason = next(iter(reasons.items()))
        warnings.warn(f"No interval of {', '.join(reasons)}. {name}: {reason}", SimilitudeWarning, stacklevel=2)
    return table


def with_intervals(
    table: PairTable,
    rows: Sequence[Representation],
    columns: Sequence[Representation],
    *,
    level: float = 0.95,
    progress: Progress | None = None,
    memory: int = MEMORY,
) -> PairTable:
    """Return a table of `pairwise` with the ends of each value's interval, in two more columns per measure.

    Parameters
    ----------
    table
        Values of all pairs of `rows` and `columns`.
    rows, columns
        First and second sides.
    level
        Nominal coverage.
    progress, memory
        See `find_spread`.
    """
    pairs, names = [*product(rows, columns)], [*map(str, table.measures)]
    values = table.frame[names].to_numpy(dtype=np.float64)
    found = find_spread(pairs, table.measures, values=values, progress=progress, memory=memory)
    low, high = found.ends(level)
    if found.failures:
        reason = next(iter(found.failures.values()))
        text = f"{len(found.failures)} value(s) have no interval, the first: {reason}"
        warnings.warn(text, SimilitudeWarning, stacklevel=2)
    ends = {f"{name} {end}": of[:, j] for j, name in enumerate(names) for end, of in (("low", low), ("high", high))}
    return replace(table, frame=table.frame.assign(**ends))


def ends_of(row: pd.Series, measure: Measure) -> dict[str, float]:
    """Return ``low`` and ``high`` of a measure in a row of a table with intervals; nothing of one without."""
    return {end: row[name] for end in ("low", "high") if (name := f"{measure} {end}") in row}


def _intervals(found: Spread, level: float) -> pd.DataFrame:
    low, high = found.ends(level)
    numbers = {"value": found.values[0], "low": low[0], "high": high[0], "se": found.errors[0], "method": found.methods}
    return pd.DataFrame(_named(found) | numbers)


def _differences(found: Spread, level: float) -> pd.DataFrame:
    difference, error = found.values[0] - found.values[1], found.difference_errors
    half = found.quantiles(level) * error
    # Of two copies of one representation the difference is 0, and so is its error.
    t = np.divide(difference, error, out=np.zeros_like(difference), where=difference != 0)
    similar = np.array([measure.properties().kind == "similarity" for measure in found.measures])
    nearer = np.where((difference > 0) == similar, "y", "than")
    numbers = {
        "value": found.values[0],
        "than": found.values[1],
        "difference": difference,
        "low": difference - half,
        "high": difference + half,
        "se": error,
        "p": 2 * stats.t.sf(np.abs(t), found.df),
        "closer": np.where(np.abs(difference) > half, nearer, ""),
        "method": found.methods,
    }
    return pd.DataFrame(_named(found) | numbers)


def _named(found: Spread) -> dict[str, list[str]]:
    return {"measure": [*map(str, found.measures)], "kind": [m.properties().kind for m in found.measures]}
