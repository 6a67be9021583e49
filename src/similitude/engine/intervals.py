"""How far values would move with other inputs of the same kind: intervals, and differences of two values."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from similitude.engine.compute import Pairs, Progress, Scored, score_pairs
from similitude.engine.pairwise import PairTable
from similitude.errors import InputError, SimilitudeWarning
from similitude.factors.inputs import check_same_inputs
from similitude.factors.memory import MEMORY
from similitude.factors.pair import Side
from similitude.measures import Measure, get_measures
from similitude.representations.frames import on_one_index
from similitude.representations.representation import Representation
from similitude.result import ResultFrame

__all__ = ["FEWEST", "IntervalTable", "Replicates", "ends_of", "interval", "replicate", "with_intervals"]

FEWEST = 20
"""Inputs that an interval needs at least."""

_LEFT_OUT = 0.2
"""Share of the inputs that each replicate does without: a few would move ranks and neighbours hardly at all, and many
would leave too few for measures of covariances, whose values depend on inputs per feature."""


class IntervalTable(ResultFrame):
    """Data frame of one row per measure that `interval` returns."""


@dataclass(frozen=True)
class Replicates:
    """Values of measures for pairs, and what they are without some of the inputs.

    Parameters
    ----------
    measures
        The measures.
    n
        Number of inputs.
    left_out
        Number of inputs that each replicate does without.
    values
        Values on all inputs, of shape (pairs, measures); NaN where a measure failed.
    without
        Replicates, of shape (resamples, pairs, measures). The same inputs are left out for all pairs and measures.
    failures
        (pair index, measure index) to the reason why there is no value, or no interval.
    """

    measures: tuple[Measure, ...]
    n: int
    left_out: int
    values: np.ndarray
    without: np.ndarray
    failures: dict[tuple[int, int], str]

    def errors(self, of: np.ndarray | None = None) -> np.ndarray:
        """Return standard errors of the values, or of what was computed from the replicates.

        For a mean of n independent terms, the mean without d of them has d / (n - d) times the variance of the mean.

        Parameters
        ----------
        of
            Array of shape (resamples, ...); by default the replicates.
        """
        spread = np.std(self.without if of is None else of, axis=0, ddof=1)
        return spread * math.sqrt((self.n - self.left_out) / self.left_out)

    @property
    def df(self) -> int:
        """Degrees of freedom of the errors."""
        return min(len(self.without), self.n) - 1

    def ends(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Return both ends of the interval of each value, within the measure's bounds."""
        half = stats.t.ppf((1 + level) / 2, self.df) * self.errors()
        bounds = np.array([measure.properties().bounds for measure in self.measures]).T
        return np.clip(self.values - half, *bounds), np.clip(self.values + half, *bounds)


def replicate(
    pairs: Pairs,
    measures: Sequence[Measure],
    *,
    values: np.ndarray | None = None,
    resamples: int = 100,
    seed: int = 0,
    progress: Progress | None = None,
    workers: int | None = None,
    memory: int = MEMORY,
) -> Replicates:
    """Compute measures for pairs of representations, and again without a random fifth of the inputs, many times.

    Parameters
    ----------
    pairs
        Ordered pairs of representations of the same inputs.
    measures
        The measures.
    values
        Values on all inputs, of shape (pairs, measures), where they were computed already.
    resamples
        Number of replicates.
    seed
        Seed of the choice of inputs.
    progress
        Called with the number of replicates finished and the number of replicates in all.
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
    if resamples < 2:
        raise InputError(f"resamples must be at least 2, not {resamples}.")
    whole = Scored(values) if values is not None else score_pairs(pairs, measures, workers=workers, memory=memory)
    column = {str(measure): j for j, measure in enumerate(measures)}
    failures = {(i, column[name]): reason for i, name, reason in whole.failures}
    left_out = round(_LEFT_OUT * n)
    rng = np.random.default_rng(seed)
    kept = [np.sort(rng.permutation(n)[left_out:]) for _ in range(resamples)]
    sides = list({id(side.root): side.root for pair in pairs for side in pair}.values())
    together = max(1, int(memory // 4 // max(1, sum(side.values.nbytes for side in sides))))
    without = np.full((resamples, *whole.values.shape), np.nan)
    for start in range(0, resamples, together):
        part = kept[start : start + together]
        tell = None if progress is None else partial(_tell, progress, start, len(part), resamples)
        found = _score_parts(pairs, sides, part, measures, progress=tell, workers=workers, memory=memory)
        without[start : start + len(part)] = found.values.reshape(len(part), *whole.values.shape)
        for i, name, reason in found.failures:
            cell = i % len(pairs), column[name]
            if not np.isnan(whole.values[cell]):
                failures.setdefault(cell, f"It has no value without a fifth of the inputs. {reason}")
    return Replicates(tuple(measures), n, left_out, whole.values, without, failures)


def _score_parts(
    pairs: Pairs,
    sides: Sequence[Representation],
    parts: Sequence[np.ndarray],
    measures: Sequence[Measure],
    **options: Any,
) -> Scored:
    """Score all pairs on each part of the inputs."""
    asked = []
    for rows in parts:
        of_rows = {id(side): side.reordered(rows) for side in sides}
        asked += [tuple(_view(of_rows[id(side.root)], side) for side in pair) for pair in pairs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SimilitudeWarning)  # said of all inputs already
        return score_pairs(asked, measures, **options)


def _tell(progress: Progress, start: int, count: int, resamples: int, done: int, total: int) -> None:
    """Pass on how many of all replicates are finished, from how many pairs of `count` replicates are."""
    progress(start + count * done // total, resamples)


def _view(root: Representation, side: Representation) -> Representation:
    return root if side.kept is None else root.truncate(side.kept)


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
    number of inputs, such as the bias of CKA, is part of that mean: `similitude.significance` says what is chance. Each
    replicate leaves out a random fifth of the inputs (delete-d jackknife, Shao and Wu 1989,
    doi:10.1214/aos/1176347263), so that no input occurs twice: copies of an input would be each other's nearest
    neighbours, and distances of 0.

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
        Number of replicates.
    seed
        Seed of the choice of inputs. Values depend on it alone, not on the number of workers.
    memory, workers
        See `similitude.pairwise`.

    Returns
    -------
    IntervalTable
        Data frame of one row per measure: ``measure``, ``kind``, ``value``, the ends ``low`` and ``high``, and the
        standard error ``se``. With `than`, ``value`` and ``than`` are the two values and ``difference`` is the first
        minus the second, of which are ``low``, ``high``, ``se`` and the two-sided ``p``; ``closer`` is ``"y"`` or
        ``"than"``, or empty where the interval includes 0. A measure without a value or an interval has NaN there, and
        its reason in ``.failures``.

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
    found = replicate(
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
        See `replicate`.
    """
    pairs, names = [*product(rows, columns)], [*map(str, table.measures)]
    values = table.frame[names].to_numpy(dtype=np.float64)
    found = replicate(pairs, table.measures, values=values, progress=progress, memory=memory)
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


def _intervals(found: Replicates, level: float) -> pd.DataFrame:
    low, high = found.ends(level)
    numbers = {"value": found.values[0], "low": low[0], "high": high[0], "se": found.errors()[0]}
    return pd.DataFrame(_named(found) | numbers)


def _differences(found: Replicates, level: float) -> pd.DataFrame:
    difference = found.values[0] - found.values[1]
    error = found.errors(found.without[:, 0] - found.without[:, 1])
    half = stats.t.ppf((1 + level) / 2, found.df) * error
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
    }
    return pd.DataFrame(_named(found) | numbers)


def _named(found: Replicates) -> dict[str, list[str]]:
    return {"measure": [*map(str, found.measures)], "kind": [m.properties().kind for m in found.measures]}
