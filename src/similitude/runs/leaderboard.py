"""A leaderboard: the whole catalogue on every subtask, on all networks and on two halves of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from similitude.benchmark.combination import CombinationRow, try_combinations
from similitude.benchmark.evaluate import Evaluation
from similitude.benchmark.families import family_of
from similitude.benchmark.replication import replicated_verdicts
from similitude.benchmark.results import answering
from similitude.benchmark.standings import Standings, family_standings, no_verdicts, replicated_standings
from similitude.benchmark.subtask import Subtask
from similitude.engine.compute import Progress
from similitude.errors import InputError
from similitude.factors.memory import MEMORY
from similitude.linalg.threads import limit_threads
from similitude.measures import Measure
from similitude.report.leaderboard import Leaderboard
from similitude.representations import Population
from similitude.runs.grade import Choice, Run
from similitude.runs.limits import limited
from similitude.runs.replicate import can_be_halved, grade_part
from similitude.runs.timing import time_measures
from similitude.suites import built

__all__ = ["Options", "make_leaderboard"]

_TIMED = 4
"""Networks whose pairs are timed."""

_ROW_COLUMNS = [
    *("family", "subtask", "functionality", "measure", "statistic", "every", "every_low", "every_high", "verdict"),
    *("leading", "every_rank", "n_models", "n_groups", "n_failed", "p", "data_hash"),
]


@dataclass(frozen=True)
class Options:
    """How a leaderboard is made.

    Parameters
    ----------
    pairs, inputs
        Most pairs, and inputs, of a subtask: see `similitude.runs.limits.limited`.
    limit
        Seconds per pair from which a measure is left out.
    resamples
        Number of bootstrap resamples, for the intervals of the best reference in the underlying run; standings rest on
        the jackknife and need none.
    command
        For the provenance.
    memory, executor
        See `similitude.engine.score_pairs`.
    """

    pairs: int | None = None
    inputs: int | None = None
    limit: float = 1.0
    resamples: int = 100
    command: str = ""
    memory: int = MEMORY
    executor: str = "threads"


def make_leaderboard(
    choices: Sequence[Choice],
    measures: Sequence[Measure],
    out: Path,
    options: Options,
    progress: Callable[[str], Progress] | None = None,
) -> Leaderboard:
    """Grade measures on all networks that are built and on two halves of them; finished values are kept.

    Suites of which no network is there are left out and named in the provenance, and so are measures that are too slow.

    Parameters
    ----------
    choices
        What to grade on.
    measures
        What to grade.
    out
        Folder of the leaderboard; times and the underlying run are written there.
    options
        How.
    progress
        Called with what is worked on; returns what is called as its parts are finished.

    Raises
    ------
    InputError
        There are no networks for any of the subtasks, or no measure is fast enough.
    """
    choices = limited(choices, options.pairs, options.inputs)
    kept = [_built(choice) for choice in choices]
    missing = sorted({s.id for c in choices for s in c.subtasks} - {s.id for c in kept for s in c.subtasks})
    kept = [choice for choice in kept if choice.subtasks]
    if not kept:
        raise InputError(f"There are no networks for {', '.join(missing)}. Build them: similitude build SUITE.")
    timings = _timings(kept, measures, out, options.limit, progress)
    slow = timings[timings["seconds"] > options.limit]
    graded = [m for m in measures if str(m) not in set(slow["measure"])]
    if not graded:
        raise InputError(f"No measure takes less than {options.limit:g} s per pair. Raise --limit.")
    families = {subtask.id: family_of(subtask) for choice in kept for subtask in choice.subtasks}
    run = Run(
        kept,
        graded,
        out=out / "run",
        command=options.command,
        resamples=options.resamples,
        tests=1,
        details=False,
        memory=options.memory,
        executor=options.executor,
    )
    for choice in kept:
        run.grade(choice, progress)
    whole = run.evaluation()
    standings = family_standings(whole.results, families)
    *halves, undivided = _split(kept, families)
    verdicts, row_verdicts = _replicated(halves, undivided, graded, families, options, progress)
    frame = answering(whole.results.frame)
    rows = frame.assign(family=frame["subtask"].map(families)).reindex(columns=_ROW_COLUMNS)
    questions = {s.id: (s.question, s.population) for choice in kept for s in choice.subtasks}
    combination_rows = [
        CombinationRow(families[subtask], subtask, functionality, questions[subtask][1], questions[subtask][0], data)
        for (subtask, functionality), data in whole.grading.items()
        if families[subtask]
    ]
    tell = progress("combinations") if progress else None
    if tell:
        tell(0, 1)
    with limit_threads():
        combination = try_combinations(combination_rows)
    if tell:
        tell(1, 1)
    return Leaderboard(
        standings=_standings(standings, verdicts, timings, whole),
        differences=_confirmed(standings.differences, verdicts),
        rows=rows.reset_index(drop=True),
        verdicts=verdicts,
        row_verdicts=row_verdicts,
        combination=combination,
        provenance=_provenance(whole, kept, undivided, slow, missing, options),
        failures=_failures(whole),
        computed=whole.computed,
        reused=whole.reused,
    )


def _built(choice: Choice) -> Choice:
    populations = choice.suite.populations(choice.site)
    return replace(choice, subtasks=tuple(built(choice.subtasks, populations)))


def _split(choices: Sequence[Choice], families: Mapping[str, str]) -> tuple[list[Choice], list[Choice], set[str]]:
    """Subtasks of the two halves, and ids of those of which all networks are in one half.

    A population that is too small to be split is in one half as a whole, in turn within each family.
    """
    halves: tuple[list[Choice], list[Choice]] = ([], [])
    whole: dict[str, int] = {}
    counted: Counter[str] = Counter()
    undivided: set[str] = set()
    for choice in choices:
        populations = choice.suite.populations(choice.site)
        kept: tuple[list[Subtask], list[Subtask]] = ([], [])
        for subtask in choice.subtasks:
            if can_be_halved(subtask, populations[subtask.population]):
                kept[0].append(subtask)
                kept[1].append(subtask)
                continue
            if subtask.population not in whole:
                whole[subtask.population] = counted[families[subtask.id]] % 2
                counted[families[subtask.id]] += 1
            kept[whole[subtask.population]].append(subtask)
            undivided.add(subtask.id)
        for half, subtasks in zip(halves, kept, strict=True):
            half.extend([replace(choice, subtasks=tuple(subtasks))] if subtasks else [])
    return *halves, undivided


def _replicated(
    halves: Sequence[Sequence[Choice]],
    undivided: Container[str],
    measures: Sequence[Measure],
    families: Mapping[str, str],
    options: Options,
    progress: Callable[[str], Progress] | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Verdicts on families, and on rows, in one half of the networks and what the other says of them."""
    if not all(any(families[s.id] for choice in half for s in choice.subtasks) for half in halves):
        return no_verdicts(), pd.DataFrame(columns=["outcome"])
    graded = [
        grade_part(
            choices,
            measures,
            half,
            undivided=undivided,
            progress=progress,
            resamples=options.resamples,
            tests=1,
            memory=options.memory,
            executor=options.executor,
        )
        for half, choices in enumerate(halves)
    ]
    standings = [family_standings(half.results, families) for half in graded]
    return replicated_standings(*standings), replicated_verdicts(*graded)


def _populations(choices: Sequence[Choice]) -> list[Population]:
    found: dict[str, Population] = {}
    for choice in choices:
        there = choice.suite.populations(choice.site)
        found |= {s.population: s.select(there[s.population]) for s in choice.subtasks}
    return list(found.values())


def _size(population: Population) -> tuple[int, int]:
    representation = population.representation(population.models[0], population.layers[-1])
    return representation.n, representation.d


def _timings(
    choices: Sequence[Choice],
    measures: Sequence[Measure],
    out: Path,
    limit: float,
    progress: Callable[[str], Progress] | None,
) -> pd.DataFrame:
    """Times on the last layer of the first networks of the population with most inputs."""
    population = max(_populations(choices), key=_size)
    layer = population.layers[-1]
    representations = [population.representation(model, layer) for model in population.models[:_TIMED]]
    out.mkdir(parents=True, exist_ok=True)
    tell = progress("time per pair") if progress else None
    return time_measures(measures, representations, out / "timings.csv", limit=limit, progress=tell)


def _standings(standings: Standings, verdicts: pd.DataFrame, timings: pd.DataFrame, whole: Evaluation) -> pd.DataFrame:
    """Add whether a mean above 0 holds in both halves, how many comparisons do, failed pairs, and time."""
    held = verdicts[verdicts["outcome"] == "holds"]
    tells = set(zip(*held.loc[held["kind"] == "tells", ["family", "measure"]].to_numpy().T, strict=True))
    beats = held[held["kind"] == "beats"]
    count = pd.concat(
        [beats[["family", "measure"]], beats[["family", "other"]].rename(columns={"other": "measure"})]
    ).value_counts()
    table = standings.table.merge(timings[["measure", "seconds"]], on="measure", how="left")
    pairs = list(zip(table["family"], table["measure"], strict=True))
    failed = whole.failures["measure"].value_counts()
    return table.assign(
        confirmed=[pair in tells for pair in pairs],
        distinct_in_both=[int(count.get(pair, 0)) for pair in pairs],
        failed_pairs=[int(failed.get(measure, 0)) for measure in table["measure"]],
    )


def _confirmed(differences: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Add whether a difference is a verdict that holds in both halves."""
    held = verdicts[(verdicts["outcome"] == "holds") & (verdicts["kind"] == "beats")]
    known = {(row.family, frozenset((row.measure, row.other))) for row in held.itertuples()}
    asked = zip(differences["family"], differences["first"], differences["second"], strict=True)
    return differences.assign(confirmed=[(family, frozenset(pair)) in known for family, *pair in asked])


def _failures(whole: Evaluation) -> pd.DataFrame:
    """Number of failed pairs by subtask and measure, with the first reason."""
    grouped = whole.failures.groupby(["subtask", "measure"], sort=False)["reason"]
    return grouped.agg(["size", "first"]).reset_index().rename(columns={"size": "pairs", "first": "reason"})


def _provenance(
    whole: Evaluation,
    kept: Sequence[Choice],
    undivided: Iterable[str],
    slow: pd.DataFrame,
    missing: Sequence[str],
    options: Options,
) -> dict[str, Any]:
    frame = whole.results.frame
    data = hashlib.blake2b("".join(sorted(set(frame["data_hash"]))).encode(), digest_size=8).hexdigest()
    return {
        **whole.results.provenance,
        "populations": sorted({s.population for choice in kept for s in choice.subtasks}),
        "subtasks": [s.id for choice in kept for s in choice.subtasks],
        "without_networks": list(missing),
        "in_one_half": sorted(undivided),
        "measures": int(frame["measure"].nunique()),
        "too_slow": {row["measure"]: row["seconds"] for row in slow.to_dict("records")},
        "timed_on": dict(zip(("n", "d"), max(map(_size, _populations(kept))), strict=True)),
        "pairs": options.pairs,
        "inputs": options.inputs,
        "limit": options.limit if np.isfinite(options.limit) else None,
        "data": data,
    }
