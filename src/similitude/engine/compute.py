"""Comparing many: factors once per representation, crosses once per pair, finished values kept."""

from __future__ import annotations

import functools
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import numpy as np

from similitude.doctor.nulls import NullMoment
from similitude.engine.budget import Budget
from similitude.engine.executors import Pool, cores, open_pool
from similitude.engine.ledger import Entry, Key, Ledger
from similitude.engine.parts import apart, in_parts
from similitude.engine.plan import Asked, Comparison, Plan, Tile, is_stacked
from similitude.engine.routes import Shapes, choose_routes, is_single
from similitude.engine.streamed import is_streamed, stream_pair
from similitude.errors import SimilitudeError, SimilitudeWarning
from similitude.factors.memory import MEMORY
from similitude.measures.base import Measure
from similitude.representations.representation import Representation

__all__ = ["Progress", "Scored", "plan_pairs", "score_pairs"]

Progress = Callable[[int, int], None]
"""Called with the number of pairs finished and the number of pairs in all."""

Pairs = Sequence[tuple[Representation, Representation]]

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
    a pair leaves NaN and a reason; the others go on. A pair whose two sides do not fit in `memory` is streamed from its
    arrays, which may be memory-mapped, by the measures that allow it.

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
    request = _Request(pairs, measures, Budget(memory))
    known = ledger.find(request.keys()) if ledger is not None else {}
    reused = len(known)
    plan, keys, streamed = request.plan(known, workers or cores())
    request.warn(plan)
    total = len({(c.x, c.y, *_way(a)) for c in plan.comparisons for a in c.asked}) + len(streamed)
    steps = sum(tile.pairs for tile in plan.tiles) + len(streamed)
    finished = 0

    def keep(new: list[tuple[Key, Entry]]) -> None:
        if ledger is not None:
            ledger.add(new)
        known.update(new)

    def tell(done: int) -> None:
        nonlocal finished
        finished += done
        if progress:
            progress(total * finished // steps, total)

    if plan.comparisons:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SimilitudeWarning)
            with open_pool(executor, plan) as pool:

                def keep_tile(tile: Tile, entries: list[Entry]) -> None:
                    of_tile = [key for comparison in tile.comparisons for key in keys[comparison]]
                    keep(list(zip(of_tile, entries, strict=True)))

                for tile in _finished(plan.tiles, pool, keep_tile):
                    tell(tile.pairs)
    for (x, y), asked in streamed.items():
        sides = plan.roots[x], plan.roots[y]
        entries = stream_pair(*sides, [(measures[k], swapped) for k, swapped, _ in asked], plan.workers)
        keep([(key, entry) for (_, _, key), entry in zip(asked, entries, strict=True)])
        tell(1)
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
    request = _Request(pairs, measures, Budget(memory))
    return request.plan(ledger.find(request.keys()) if ledger is not None else {}, workers or cores())[0]


def _way(asked: Asked) -> tuple[int | None, int | None, bool]:
    return asked.kept_x, asked.kept_y, asked.swapped


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


_Place = tuple[int, int, bool, int, int | None]
"""Positions of two roots, whether many pairs share crosses, part of the measures, and number of components kept."""

Streamed = dict[tuple[int, int], list[tuple[int, bool, Key]]]
"""Positions of two roots, to the measures that are to be streamed for them: position, whether swapped, key."""


class _Request:
    """Pairs and measures as asked for, and what they come to."""

    def __init__(self, pairs: Pairs, measures: Sequence[Measure], budget: Budget) -> None:
        self.pairs = pairs
        self.measures = measures
        self.budget = budget
        distinct = list({id(side.root): side.root for pair in pairs for side in pair}.values())
        with ThreadPoolExecutor(cores()) as executor:  # hashing takes a while, and leaves the lock to others
            hashes = list(executor.map(lambda root: root.content_hash, distinct))
        roots = dict(zip(hashes, distinct, strict=True))
        self._roots, self._position = list(roots.values()), {key: i for i, key in enumerate(roots)}
        columns = [(str(m), str(m.version), m.properties().symmetric) for m in measures]
        self._rows = [[_key(x, y, *column) for column in columns] for x, y in pairs]
        self._routes = choose_routes(measures, self._shapes(), is_single(self._roots))
        self._kept = tuple(sorted({side.kept for pair in pairs for side in pair if side.kept is not None}))

    def _shapes(self) -> Shapes:
        """Shapes of all pairs of whole roots, known or not: what is known must not change how the rest is computed."""
        whole = {frozenset((self._at(x), self._at(y))) for x, y in self.pairs if x.kept is None and y.kept is None}
        return Shapes(self._roots, ((min(pair), max(pair)) for pair in whole))

    def _at(self, side: Representation) -> int:
        return self._position[side.root.content_hash]

    def keys(self) -> Iterator[Key]:
        """Keys of all values."""
        return (key for row in self._rows for key in row)

    def plan(self, known: dict[Key, Entry], workers: int) -> tuple[Plan, dict[Comparison, list[Key]], Streamed]:
        """Plan of what is not known yet, the keys of each comparison's values in order, and what is to be streamed."""
        seen: set[Key] = set()
        needed: dict[_Place, dict[tuple[int | None, int | None, bool], list[tuple[int, Key]]]] = {}
        parts = in_parts(self.measures, self._roots, self._routes, self.budget, workers)
        by_components = self._by_components(parts, workers)
        streamed: Streamed = {}
        for (x, y), row in zip(self.pairs, self._rows, strict=True):
            for column, key in enumerate(row):
                if key in known or key in seen:
                    continue
                seen.add(key)
                # In the key's order, so that a value does not depend on which way round it is first asked for.
                first, second = (x, y) if key.x == x.content_hash else (y, x)
                i, j = self._at(first), self._at(second)
                swapped = first.root.content_hash > second.root.content_hash
                place = (j, i) if swapped else (i, j)
                measure = self.measures[column]
                if is_streamed(measure, first, second, self.budget):
                    streamed.setdefault(place, []).append((column, swapped, key))
                    continue
                kept = (second.kept, first.kept) if swapped else (first.kept, second.kept)
                stacked = kept == (None, None) and self._is_stacked(column, first.n, first.d, second.d)
                level = (kept[0] or kept[1]) if by_components[parts[column]] else None
                of_roots = needed.setdefault((*place, stacked, parts[column], level), {})
                of_roots.setdefault((*kept, swapped), []).append((column, key))
        keys: dict[Comparison, list[Key]] = {}
        for place, of_roots in needed.items():
            asked = tuple(Asked(*cut, tuple(c for c, _ in wanted)) for cut, wanted in of_roots.items())
            i, j, stacked, part, components = place
            keys[Comparison(i, j, asked, stacked, part, components)] = [
                key for wanted in of_roots.values() for _, key in wanted
            ]
        return Plan(self._roots, tuple(keys), self.measures, self._routes, self.budget, workers), keys, streamed

    def _by_components(self, parts: Sequence[int], workers: int) -> dict[int, bool]:
        """Whether pairs of each part of the measures are compared by one number of components after the other."""
        if not self._kept:
            return dict.fromkeys(parts, False)
        measures = {part: [m for m, own in zip(self.measures, parts, strict=True) if own == part] for part in parts}
        return {part: apart(own, self._roots, self._kept, self.budget, workers) for part, own in measures.items()}

    @functools.cached_property
    def _is_stacked(self) -> Callable[[int, int, int, int], bool]:
        return functools.cache(lambda column, n, p, q: is_stacked(self.measures[column], n, p, q, self._routes))

    def warn(self, plan: Plan) -> None:
        """Warn of measures by which two representations take more memory than allowed."""
        for_shape: dict[tuple[tuple[int, ...], int, int, int], tuple[Representation, Representation]] = {}
        for c in plan.comparisons:
            x, y = plan.roots[c.x], plan.roots[c.y]
            measures = tuple(sorted({k for asked in c.asked for k in asked.measures if not self._is_moment(k)}))
            for_shape.setdefault((measures, x.n, x.d, y.d), (x, y))
        of_measure: dict[int, list[tuple[Representation, Representation]]] = {}
        for (columns, *_), pair in for_shape.items():
            for column in columns:
                of_measure.setdefault(column, []).append(pair)
        asked = [(self.measures[column], pairs) for column, pairs in sorted(of_measure.items())]
        self.budget.warn(asked, stacklevel=4)

    def _is_moment(self, column: int) -> bool:
        """Whether it is computed from what a measure reads, and in the memory of that."""
        return isinstance(self.measures[column], NullMoment)

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
