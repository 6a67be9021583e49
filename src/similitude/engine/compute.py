"""Comparing many: factors once per representation, crosses once per pair, finished values kept."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import numpy as np

from similitude.engine.executors import Pool, cores, open_pool
from similitude.engine.ledger import Entry, Key, Ledger
from similitude.engine.memory import warn_of_memory
from similitude.engine.plan import Asked, Comparison, Plan, Tile
from similitude.errors import SimilitudeError, SimilitudeWarning
from similitude.measures.base import Measure
from similitude.representations.representation import Representation

__all__ = ["Progress", "Scored", "plan_pairs", "score_pairs"]

Progress = Callable[[int, int], None]
"""Called with the number of pairs finished and the number of pairs in all."""

Pairs = Sequence[tuple[Representation, Representation]]

MEMORY = 2 << 30
"""Bytes for factors, unless told otherwise."""

_ATTEMPTS = 3
"""Times that a tile is handed out before the run gives up: what kills its worker each time is likely the tile."""


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


def score_pairs(
    pairs: Pairs,
    measures: Sequence[Measure],
    *,
    ledger: Ledger | None = None,
    progress: Progress | None = None,
    workers: int | None = None,
    memory: int = MEMORY,
    executor: str = "threads",
) -> Scored:
    """Value of every measure for every pair.

    A pair asked for twice, or both ways round of a symmetric measure, is computed once. A measure that fails on
    a pair leaves NaN and a reason; the others go on.

    Parameters
    ----------
    pairs
        Ordered pairs of representations of the same inputs.
    measures
        The measures, in the order of the columns.
    ledger
        Where finished values are looked up and kept, tile by tile.
    progress
        Called as pairs are finished.
    workers
        How many work at a time, each with one BLAS thread; by default one a core.
    memory
        Bytes for the factors held at one time, about.
    executor
        Where: see `similitude.engine.executors.open_pool`. Values do not depend on it.

    Warns
    -----
    SimilitudeWarning
        Two representations with the factors of one measure take more than `memory`; they are compared all the same. A
        measure that takes more than the machine has fails, and the others go on.
    """
    request = _Request(pairs, measures)
    known = ledger.find(request.keys()) if ledger is not None else {}
    reused = len(known)
    plan, keys = request.plan(known, workers or cores(), memory)
    finished, total = 0, sum(len(comparison.asked) for comparison in plan.comparisons)
    warn_of_memory(plan)
    if total:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SimilitudeWarning)
            with open_pool(executor, plan) as pool:

                def keep(tile: Tile, entries: list[Entry]) -> None:
                    of_tile = [key for comparison in tile.comparisons for key in keys[comparison]]
                    new = list(zip(of_tile, entries, strict=True))
                    if ledger is not None:
                        ledger.add(new)
                    known.update(new)

                for tile in _finished(plan.tiles, pool, keep):
                    finished += tile.pairs
                    if progress:
                        progress(finished, total)
    return request.collect(known, reused)


def plan_pairs(
    pairs: Pairs,
    measures: Sequence[Measure],
    *,
    ledger: Ledger | None = None,
    workers: int | None = None,
    memory: int = MEMORY,
) -> Plan:
    """What `score_pairs` would compute, without computing it; ``print`` shows it."""
    request = _Request(pairs, measures)
    return request.plan(ledger.find(request.keys()) if ledger is not None else {}, workers or cores(), memory)[0]


def _finished(tiles: Sequence[Tile], pool: Pool, keep: Callable[[Tile, list[Entry]], None]) -> Iterator[Tile]:
    """Tiles, as workers finish them; what a dead worker had in hand is handed out again.

    Entries are kept by the thread that learns of them first, before it does anything else, so that a kill loses no
    tile that is finished.
    """
    waiting = deque((tile, 1) for tile in tiles)
    running: dict[Future[None], tuple[Tile, int]] = {}
    while waiting or running:
        try:
            while waiting and len(running) < 2 * pool.workers:
                running[_kept(pool, waiting[0][0], keep)] = waiting[0]
                waiting.popleft()
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
                yield running.pop(future)[0]
        except BrokenExecutor as error:
            lost = [(tile, attempt + 1) for tile, attempt in running.values()]
            if any(attempt > _ATTEMPTS for _, attempt in lost):
                raise SimilitudeError(
                    f"Workers died {_ATTEMPTS} times on the same work; the system may have run out of memory. Give "
                    "fewer workers, or less memory to each. Finished values are kept."
                ) from error
            running.clear()
            waiting.extendleft(reversed(lost))
            pool.restart()


def _kept(pool: Pool, tile: Tile, keep: Callable[[Tile, list[Entry]], None]) -> Future[None]:
    """Future that is done when the entries of a tile are kept."""
    kept: Future[None] = Future()

    def receive(computed: Future[list[Entry]]) -> None:
        if computed.cancelled():
            kept.cancel()
            return
        try:
            keep(tile, computed.result())
        except BaseException as error:  # handed on to the driver, who waits for it
            kept.set_exception(error)
        else:
            kept.set_result(None)

    pool.submit(tile).add_done_callback(receive)
    return kept


class _Request:
    """Pairs and measures as asked for, and what they come to."""

    def __init__(self, pairs: Pairs, measures: Sequence[Measure]) -> None:
        self.pairs = pairs
        self.measures = measures
        roots = list({id(side.root): side.root for pair in pairs for side in pair}.values())
        with ThreadPoolExecutor(cores()) as executor:  # hashing takes a while, and leaves the lock to others
            list(executor.map(lambda root: root.content_hash, roots))
        columns = [(str(m), str(m.version), m.properties().symmetric) for m in measures]
        self._rows = [[_key(x, y, *column) for column in columns] for x, y in pairs]

    def keys(self) -> Iterator[Key]:
        """Keys of all values."""
        return (key for row in self._rows for key in row)

    def plan(self, known: dict[Key, Entry], workers: int, memory: int) -> tuple[Plan, dict[Comparison, list[Key]]]:
        """Plan of what is not known yet, and the keys of each comparison's values in order."""
        roots: dict[str, int] = {}
        representations: list[Representation] = []

        def position(representation: Representation) -> int:
            root = representation.root
            if root.content_hash not in roots:
                roots[root.content_hash] = len(representations)
                representations.append(root)
            return roots[root.content_hash]

        seen: set[Key] = set()
        needed: dict[tuple[int, int], dict[tuple[int | None, int | None, bool], list[tuple[int, Key]]]] = {}
        for (x, y), row in zip(self.pairs, self._rows, strict=True):
            for column, key in enumerate(row):
                if key in known or key in seen:
                    continue
                seen.add(key)
                # In the key's order, so that a value does not depend on which way round it is first asked for.
                first, second = (x, y) if key.x == x.content_hash else (y, x)
                i, j = position(first), position(second)
                swapped = first.root.content_hash > second.root.content_hash
                kept = (second.kept, first.kept) if swapped else (first.kept, second.kept)
                of_roots = needed.setdefault((j, i) if swapped else (i, j), {})
                of_roots.setdefault((*kept, swapped), []).append((column, key))
        keys: dict[Comparison, list[Key]] = {}
        for (i, j), of_roots in needed.items():
            asked = tuple(Asked(*cut, tuple(c for c, _ in wanted)) for cut, wanted in of_roots.items())
            keys[Comparison(i, j, asked)] = [key for wanted in of_roots.values() for _, key in wanted]
        return Plan(representations, tuple(keys), self.measures, memory, workers), keys

    def collect(self, known: dict[Key, Entry], reused: int) -> Scored:
        """The entries in the form asked for."""
        shape = len(self.pairs), len(self.measures)
        entries = [[known[key] for key in row] for row in self._rows]
        values = np.array([[np.nan if e.value is None else e.value for e in row] for row in entries], np.float64)
        failures = [
            (i, str(self.measures[j]), entry.failure)
            for i, row in enumerate(entries)
            for j, entry in enumerate(row)
            if entry.failure is not None
        ]
        seconds = dict.fromkeys(map(str, self.measures), 0.0)
        for key in set(self.keys()):
            seconds[key.measure] += known[key].seconds
        return Scored(values.reshape(shape), failures, seconds, len(known) - reused, reused)


def _key(x: Representation, y: Representation, measure: str, version: str, symmetric: bool) -> Key:
    first, second = x.content_hash, y.content_hash
    if symmetric and first > second:
        first, second = second, first
    return Key(first, second, measure, version)
