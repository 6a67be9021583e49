"""Does a combination of measures beat the best single one? On networks that neither was chosen on.

Populations are held out one after the other. On the subtasks of the others, the best single measure is chosen, and a
combination: the mean of a few measures' dissimilarities, each replaced by its ranks among the pairs that a subtask
compares. How many measures it is made of is chosen within the training populations, again by holding them out, so that
nothing that is chosen sees what it is judged on. Both are then graded on the population held out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from similitude.benchmark.evaluate import assess_question
from similitude.benchmark.grading import GradingData
from similitude.benchmark.questions import Question, RankCorrelation, Separation
from similitude.benchmark.results import answering
from similitude.benchmark.statistics.arrays import GradingArrays
from similitude.benchmark.statistics.mean_ranks import nested_weights
from similitude.benchmark.statistics.permutation import permuted_every
from similitude.benchmark.statistics.pooled import pool
from similitude.benchmark.statistics.sampling import Sampling
from similitude.benchmark.statistics.separation import separations

__all__ = ["Combination", "CombinationRow", "combined_dissimilarity", "try_combinations"]

Array = NDArray[Any]
Members = tuple[str, ...]

_CANDIDATES = 6
"""Best single measures that combinations are made of."""
_MOST = 3
"""Most measures in a combination, counted as often as they occur."""
_LEVELS = ("family", "subtask", "functionality")
_RESAMPLES = 100
"""For intervals that nobody reads: what is compared rests on the jackknife."""
_RELABELLINGS = 499
"""For the chance level of candidates, which all share them; grades on the population held out use the usual number."""
_EQUAL = 1e-9


class CombinationRow(NamedTuple):
    """A row that combinations are chosen or judged on.

    Parameters
    ----------
    family, subtask, functionality
        What it is about.
    population
        Name of the population, which is held out as a whole.
    question, data
        What is asked, and what grades are computed from.
    """

    family: str
    subtask: str
    functionality: str
    population: str
    question: Question
    data: GradingData


@dataclass(frozen=True)
class Combination:
    """Outcome of combining measures.

    Parameters
    ----------
    members
        Measures of the combination that all populations choose, each as often as its weight says; one alone if no
        combination is better on the training populations. Empty if there were too few populations.
    single, combined
        Mean of the best single measure, and of the combination, over the subtasks that neither was chosen on.
    difference, low, high
        Combination less single, paired, with its interval.
    held_out
        One row per population: population, single and combined (what was chosen on the others), n_rows, and the
        difference on it.
    """

    members: Members = ()
    single: float = float("nan")
    combined: float = float("nan")
    difference: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    held_out: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def outcome(self) -> str:
        """``"recommended"`` if the interval lies above 0, ``"worse"`` if below, ``"no better"``, or ``"not tried"``."""
        if not self.members or np.isnan(self.difference):
            return "not tried"
        return "recommended" if self.low > _EQUAL else "worse" if self.high < -_EQUAL else "no better"

    @property
    def name(self) -> str:
        """The combination in words: ``"2/3 cka + 1/3 procrustes"``."""
        counts = {member: self.members.count(member) for member in dict.fromkeys(self.members)}
        if len(counts) < 2:
            return next(iter(counts), "")
        total = len(self.members)
        return " + ".join(f"{count}/{total} {member}" for member, count in counts.items())


def combined_dissimilarity(data: GradingData, members: Members) -> Array:
    """Return the mean of some measures' dissimilarities, each as its ranks within a reference layer, from 0 to 1.

    Parameters
    ----------
    data
        With the dissimilarities of the measures.
    members
        Ids, each as often as its weight says.

    Returns
    -------
    Array
        Of the shape of the dissimilarities; NaN where a measure has no value.
    """
    return np.mean([_ranked(data.dissimilarity[member]) for member in members], axis=0)


def _ranked(values: Array) -> Array:
    found = np.full(values.shape, np.nan)
    for layer, ranks in zip(values, found, strict=True):
        finite = np.isfinite(layer)
        ranks[finite] = rankdata(layer[finite]) / max(1, finite.sum())
    return found


def try_combinations(rows: Sequence[CombinationRow]) -> Combination:
    """Choose and judge combinations, each population held out in turn.

    Parameters
    ----------
    rows
        All rows, with the dissimilarities of the same measures. Fewer than three populations give no outcome.
    """
    names = list(dict.fromkeys(row.population for row in rows))
    if len(names) < 3:
        return Combination()
    search = _Search(rows)
    tables, without, chosen = [], [], []
    for name in names:
        training = [i for i, row in enumerate(rows) if row.population != name]
        single, members = search.best(training, 1), search.fit(training)
        if not single:
            return Combination()
        held_out = [row for row in rows if row.population == name]
        for row in held_out:
            found = _graded(
                row, {"single": row.data.dissimilarity[single[0]], "combined": _dissimilarity(row, members)}
            )
            tables.append(found[0])
            without.append(found[1])
        values = pd.concat(tables[-len(held_out) :]).groupby("measure")["every"].mean()
        chosen.append(
            {
                "population": name,
                "n_rows": len(held_out),
                "single": single[0],
                "combined": " + ".join(members),
                "difference": values["combined"] - values["single"],
            }
        )
    pooled = pool(pd.concat(tables, ignore_index=True), pd.concat(without, ignore_index=True), _LEVELS)
    means = pooled.table.set_index("measure")["estimate"]
    if pooled.differences.empty:
        return Combination()
    row = pooled.differences.iloc[0]
    sign = 1 if row["first"] == "combined" else -1
    ends = sorted((sign * row["low"], sign * row["high"]))
    return Combination(
        search.fit(list(range(len(rows)))),
        float(means["single"]),
        float(means["combined"]),
        float(sign * row["difference"]),
        *map(float, ends),
        pd.DataFrame(chosen),
    )


def _dissimilarity(row: CombinationRow, members: Members) -> Array:
    """A single measure as it is, so that it is not different from itself by the rounding of ranks."""
    return row.data.dissimilarity[members[0]] if len(members) == 1 else combined_dissimilarity(row.data, members)


def _graded(row: CombinationRow, dissimilarity: Mapping[str, Array]) -> tuple[pd.DataFrame, pd.DataFrame]:
    found = assess_question(row.question, replace(row.data, dissimilarity=dissimilarity), _RESAMPLES)
    about = {name: getattr(row, name) for name in _LEVELS}
    without = answering(found.leave_one_out).assign(population=row.population, **about)
    return answering(found.table).assign(**about), without


class _Search:
    """Scores of candidates on rows, each computed once."""

    def __init__(self, rows: Sequence[CombinationRow]) -> None:
        self._rows = rows
        self._keys = pd.DataFrame([{name: getattr(row, name) for name in _LEVELS} for row in rows])
        self._known: dict[tuple[int, Members], float] = {}
        self._singles: list[Members] = [(name,) for name in rows[0].data.dissimilarity]

    def fit(self, training: Sequence[int]) -> Members:
        """The combination that some rows choose, its size by holding out their populations."""
        populations = list(dict.fromkeys(self._rows[i].population for i in training))
        reached = np.zeros(_MOST)
        for name in populations if len(populations) > 1 else []:
            inner = [i for i in training if self._rows[i].population != name]
            outer = [i for i in training if self._rows[i].population == name]
            reached += [self._held_out(outer, self.best(inner, size)) for size in range(1, _MOST + 1)]
        return self.best(training, int(np.argmax(np.round(np.nan_to_num(reached, nan=-np.inf), 9))) + 1)

    def best(self, training: Sequence[int], size: int) -> Members:
        """The combination of at most so many measures that is best on some rows; empty if all measures fail."""
        means = self._means(training, self._singles)
        order = [k for k in np.argsort(-np.nan_to_num(means, nan=-np.inf), kind="stable") if not np.isnan(means[k])]
        kept: list[int] = []
        for k in order:  # measures that order pairs identically add nothing to each other
            if len(kept) < _CANDIDATES and all(abs(means[k] - means[other]) > _EQUAL for other in kept):
                kept.append(int(k))
        names = [self._singles[k][0] for k in kept]
        candidates = [m for n in range(1, size + 1) for m in combinations_with_replacement(names, n)]
        candidates = [m for m in candidates if len(m) == 1 or len(set(m)) > 1]
        return candidates[int(np.argmax(self._means(training, candidates)))] if candidates else ()

    def _held_out(self, rows: Sequence[int], members: Members) -> float:
        return float(self._means(rows, [members])[0]) if members else float("nan")

    def _means(self, rows: Sequence[int], candidates: Sequence[Members]) -> Array:
        """Mean of each candidate over rows, NaN where it has no value on one."""
        for i in rows:
            missing = [m for m in candidates if (i, m) not in self._known]
            if missing:
                values = _scores(self._rows[i], missing)
                self._known |= {(i, m): float(value) for m, value in zip(missing, values, strict=True)}
        weights = nested_weights(self._keys.iloc[list(rows)], _LEVELS).to_numpy()
        return weights @ np.array([[self._known[i, m] for m in candidates] for i in rows])


def _scores(row: CombinationRow, candidates: Sequence[Members]) -> Array:
    """What verdicts rest on, of each candidate on a row; NaN for one that failed on a pair."""
    data = replace(row.data, dissimilarity={"+".join(m): _dissimilarity(row, m) for m in candidates})
    if isinstance(row.question, Separation):
        stacked = np.stack([values[..., 0] for values in data.dissimilarity.values()])
        found = separations(stacked, data.groups, samples=_RELABELLINGS, units=False)
        return np.where(found.failed > 0, np.nan, found.corrected(found.auprc))
    if not isinstance(row.question, RankCorrelation):
        table = assess_question(row.question, data).table
        return np.where(table["n_failed"] > 0, np.nan, table["every"])
    arrays, sampling = GradingArrays.of(data), Sampling.of(data)
    itself = [np.arange(len(block))[None] for block in sampling.blocks]
    values = sampling.permuted(permuted_every, arrays, itself).mean(axis=0)[0]
    missing = [_is_incomplete(data, values) for values in data.dissimilarity.values()]
    return np.where(missing, np.nan, values)


def _is_incomplete(data: GradingData, values: Array) -> bool:
    """Whether a value is missing between models that are compared, a model's own pair apart."""
    own = np.eye(len(data.models), dtype=bool)[None, :, :, None] & data.same[:, None, None]
    undefined = ~np.isfinite(values) & ~own
    return any(undefined[:, block][:, :, block].any() for block in data.blocks.values())
