"""Comparing many: factors once a representation, crosses once a pair, finished values kept."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from threadpoolctl import threadpool_limits

from similitude.engine.ledger import Entry, Key, Ledger
from similitude.errors import SimilitudeError
from similitude.measures.base import Measure
from similitude.measures.pair import Pair, Side
from similitude.representations.representation import Representation

__all__ = ["Progress", "Scored", "score_pairs"]

Progress = Callable[[int, int], None]
"""Called with the number of pairs finished and the number of pairs in all."""

_COMMIT_SECONDS = 2.0


@dataclass
class Scored:
    """Values of measures for pairs.

    Parameters
    ----------
    values
        Array of shape (pairs, measures), NaN where a measure failed.
    failures
        (pair index, measure id, reason) of each failure.
    seconds
        Time spent on each measure's values that were computed now, shared work included where it fell.
    computed, reused
        Number of values computed now and found finished.
    """

    values: np.ndarray
    failures: list[tuple[int, str, str]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    computed: int = 0
    reused: int = 0


@dataclass(frozen=True)
class _Job:
    """One ordered pair, with the measures that it still needs."""

    x: Representation
    y: Representation
    measures: tuple[Measure, ...]


def score_pairs(
    pairs: Sequence[tuple[Representation, Representation]],
    measures: Sequence[Measure],
    *,
    ledger: Ledger | None = None,
    progress: Progress | None = None,
    workers: int | None = None,
    memory: int = 2 << 30,
) -> Scored:
    """Value of every measure for every pair.

    A pair asked for twice, or both ways round of a symmetric measure, is computed once. A measure that fails on a pair
    leaves NaN and a reason; the others go on.

    Parameters
    ----------
    pairs
        Ordered pairs of representations of the same inputs.
    measures
        The measures, in the order of the columns.
    ledger
        Where finished values are looked up and kept.
    progress
        Called as pairs are finished.
    workers
        Threads, each with one BLAS thread; by default one a core.
    memory
        Bytes for the factors held at one time, about.
    """
    keys = [[_key(x, y, measure) for measure in measures] for x, y in pairs]
    known = ledger.find(key for row in keys for key in row) if ledger is not None else {}
    reused = len(known)
    jobs = _jobs(pairs, measures, keys, known)
    waiting: list[tuple[Key, Entry]] = []
    last_commit = time.monotonic()
    for finished, entries in enumerate(_run(jobs, workers or len(os.sched_getaffinity(0)), memory), 1):
        known.update(entries)
        waiting += entries
        if progress:
            progress(finished, len(jobs))
        if ledger is not None and time.monotonic() - last_commit > _COMMIT_SECONDS:
            ledger.add(waiting)
            waiting, last_commit = [], time.monotonic()
    if ledger is not None and waiting:
        ledger.add(waiting)
    return _collect(keys, measures, known, reused)


def _key(x: Representation, y: Representation, measure: Measure) -> Key:
    first, second = x.content_hash, y.content_hash
    if measure.properties().symmetric and first > second:
        first, second = second, first
    return Key(first, second, str(measure), str(measure.version))


def _jobs(
    pairs: Sequence[tuple[Representation, Representation]],
    measures: Sequence[Measure],
    keys: list[list[Key]],
    known: dict[Key, Entry],
) -> list[_Job]:
    """What is missing, ordered so that pairs of the same representations follow each other."""
    asked: set[Key] = set()
    needed: dict[tuple[str, str], tuple[Representation, Representation, list[Measure]]] = {}
    for (x, y), row in zip(pairs, keys, strict=True):
        for measure, key in zip(measures, row, strict=True):
            if key not in known and key not in asked:
                asked.add(key)
                # In the key's order, so that the value does not depend on which way round it is first asked for.
                first, second = (x, y) if key.x == x.content_hash else (y, x)
                needed.setdefault((key.x, key.y), (first, second, []))[2].append(measure)
    jobs = [_Job(x, y, tuple(missing)) for x, y, missing in needed.values()]
    return sorted(jobs, key=_order)


def _order(job: _Job) -> tuple[str, str, int, int]:
    return job.x.root.content_hash, job.y.root.content_hash, job.x.d, job.y.d


def _run(jobs: list[_Job], workers: int, memory: int) -> Iterator[list[tuple[Key, Entry]]]:
    """Finished entries, a list a job. Jobs on the same two root representations share their pair."""
    sides = _Sides(memory)
    groups = [list(group) for _, group in groupby(jobs, key=lambda job: _order(job)[:2])]
    with threadpool_limits(limits=1), ThreadPoolExecutor(workers) as pool:
        for done in pool.map(lambda group: _run_group(group, sides), groups):
            yield from done


def _run_group(group: list[_Job], sides: _Sides) -> list[list[tuple[Key, Entry]]]:
    done = []
    root: Pair | None = None
    for job in group:
        entries = []
        try:
            x, y = sides.of(job.x), sides.of(job.y)
            if root is None:
                root = Pair(x.parent or x, y.parent or y)
            pair = root if x.parent is None and y.parent is None else Pair(x, y, root)
        except SimilitudeError as error:
            done.append([(_key(job.x, job.y, m), Entry(None, 0.0, str(error))) for m in job.measures])
            continue
        for measure in job.measures:
            entries.append((_key(job.x, job.y, measure), _score(measure, pair)))
        done.append(entries)
    return done


def _score(measure: Measure, pair: Pair) -> Entry:
    start = time.perf_counter()
    value, failure = None, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = float(measure.value(pair))
        if not np.isfinite(value):
            value, failure = None, f"{measure} gave {value}"
    except (SimilitudeError, np.linalg.LinAlgError, ArithmeticError, ValueError) as error:
        failure = f"{type(error).__name__}: {error}"
    return Entry(value, time.perf_counter() - start, failure)


class _Sides:
    """Sides with their factors, the least recently used dropped when they would take more than `memory` bytes."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._held: dict[str, Side] = {}
        self._lock = threading.Lock()

    def of(self, representation: Representation) -> Side:
        with self._lock:
            side = self._root(representation.root)
        return side if representation.root is representation else side.leading(representation.d, representation)

    def _root(self, root: Representation) -> Side:
        side = self._held.pop(root.content_hash, None) or Side.of(root)
        self._held[root.content_hash] = side
        # A side holds the values in double precision, their centred copy, and the factors: about four times the data.
        while len(self._held) > 4 and sum(4 * 8 * s.n * s.d for s in self._held.values()) > self._memory:
            self._held.pop(next(iter(self._held)))
        return side


def _collect(keys: list[list[Key]], measures: Sequence[Measure], known: dict[Key, Entry], reused: int) -> Scored:
    entries = [[known[key] for key in row] for row in keys]
    values = np.array([[np.nan if e.value is None else e.value for e in row] for row in entries], dtype=np.float64)
    failures = [
        (i, str(measures[j]), entry.failure)
        for i, row in enumerate(entries)
        for j, entry in enumerate(row)
        if entry.failure is not None
    ]
    seconds = {
        str(measure): sum({key: known[key].seconds for row in keys for key in row[j : j + 1]}.values())
        for j, measure in enumerate(measures)
    }
    return Scored(values.reshape(len(keys), len(measures)), failures, seconds, len(known) - reused, reused)
