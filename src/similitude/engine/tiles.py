"""Working on one tile: sides with their factors, pairs with their crosses, values of measures."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from similitude.engine.ledger import Entry
from similitude.engine.plan import Comparison, Instructions, Tile
from similitude.errors import OutOfMemory
from similitude.factors.base import Cross
from similitude.factors.memory import machine_memory
from similitude.factors.pair import Pair, Side
from similitude.measures.base import Measure
from similitude.measures.evaluation import FAILURES, fill, read_by, reason
from similitude.representations.representation import Representation

__all__ = ["Source", "Workspace", "score"]


class Source(Protocol):
    """Anything that can be opened as a representation: itself, or a reference to a file."""

    def open(self) -> Representation:
        """The representation."""
        ...


Sources = Mapping[int, Representation] | Mapping[int, Source]


class Workspace:
    """Where a worker computes: sides with their factors are kept from tile to tile as far as memory allows.

    Parameters
    ----------
    instructions
        What is computed, and with how much memory.
    """

    def __init__(self, instructions: Instructions) -> None:
        self._recipe = instructions
        self._held: dict[int, tuple[Side, dict[int, Side]]] = {}
        self._bytes: dict[int, int] = {}
        self._read: dict[tuple[tuple[int, ...], int, int, int], frozenset[Cross]] = {}
        self._lock = threading.Lock()

    def run(self, tile: Tile, sources: Sources) -> list[Entry]:
        """Entries for every comparison, request and measure of a tile, in order.

        Parameters
        ----------
        tile
            What to compute.
        sources
            Position of a root to its source, for those of the tile at least.
        """
        start = time.perf_counter()
        sides = self._sides(tile.roots, sources)
        pairs = [self._paired(sides[comparison.x], sides[comparison.y]) for comparison in tile.comparisons]
        self._fill(tile, pairs)
        shared = time.perf_counter() - start if tile.comparisons[0].stacked else 0.0
        entries = [
            entry
            for comparison, pair in zip(tile.comparisons, pairs, strict=True)
            for entry in self._compare(comparison, pair)
        ]
        return [entry._replace(seconds=entry.seconds + shared / len(entries)) for entry in entries]

    def _sides(self, roots: Sequence[int], sources: Sources) -> dict[int, Side | Entry]:
        """Sides with their factors, or why there is none; those that another thread is at come last."""
        found: dict[int, Side | Entry] = {}
        waiting, postponed = deque(roots), 0
        while waiting:
            i = waiting.popleft()
            if self._busy(i) and postponed < len(waiting):
                waiting.append(i)
                postponed += 1
                continue
            postponed = 0
            try:
                found[i] = self._side(i, sources)
            except FAILURES as error:
                found[i] = _failed(error)
        return found

    def _busy(self, i: int) -> bool:
        with self._lock:
            return i in self._held and self._held[i][0].busy

    def _side(self, i: int, sources: Sources) -> Side:
        """The side with its factors; the least recently used others go when memory is short."""
        with self._lock:
            held = self._held.pop(i, None)
            if held is None:
                source = sources[i]
                held = Side.of(source if isinstance(source, Representation) else source.open()), {}
            self._held[i] = held
        side = held[0]
        side.prepare(self._recipe.factors[i], machine_memory())
        with self._lock:
            if i in self._held:
                self._bytes[i] = side.nbytes
            while len(self._held) > 2 and sum(self._bytes.values()) > self._recipe.memory:
                oldest = next(iter(self._held))
                self._held.pop(oldest)
                self._bytes.pop(oldest, None)
        return side

    def _paired(self, x: Side | Entry, y: Side | Entry) -> Pair | Entry:
        if isinstance(x, Entry):
            return x
        if isinstance(y, Entry):
            return y
        try:
            return Pair(x, y, routes=self._recipe.routes)
        except FAILURES as error:
            return _failed(error)

    def _fill(self, tile: Tile, pairs: Sequence[Pair | Entry]) -> None:
        """Crosses that share work between the pairs of a tile."""
        wanted: list[tuple[Pair, frozenset[Cross]]] = []
        for comparison, pair in zip(tile.comparisons, pairs, strict=True):
            whole = tuple(sorted({k for asked in comparison.asked if not asked.cut for k in asked.measures}))
            if isinstance(pair, Pair) and whole:
                wanted.append((pair, self._crosses(whole, pair)))
        fill(wanted, self._recipe.threads)

    def _crosses(self, measures: tuple[int, ...], pair: Pair) -> frozenset[Cross]:
        key = measures, pair.n, pair.x.d, pair.y.d
        if key not in self._read:
            self._read[key] = read_by([self._recipe.measures[k] for k in measures], pair.route).crosses
        return self._read[key]

    def _compare(self, comparison: Comparison, root: Pair | Entry) -> list[Entry]:
        if isinstance(root, Entry):
            return [root for asked in comparison.asked for _ in asked.measures]
        try:
            pairs = [self._pair(comparison, root, asked.kept_x, asked.kept_y) for asked in comparison.asked]
        except FAILURES as error:
            return [_failed(error) for asked in comparison.asked for _ in asked.measures]
        return [
            score(self._recipe.measures[position], pair.swapped if asked.swapped else pair)
            for pair, asked in zip(pairs, comparison.asked, strict=True)
            for position in asked.measures
        ]

    def _pair(self, comparison: Comparison, root: Pair, kept_x: int | None, kept_y: int | None) -> Pair:
        if kept_x is None and kept_y is None:
            return root
        return Pair(self._cut(comparison.x, root.x, kept_x), self._cut(comparison.y, root.y, kept_y), root)

    def _cut(self, i: int, side: Side, kept: int | None) -> Side:
        if kept is None:
            return side
        cuts = self._held.get(i, (side, {}))[1]
        if kept not in cuts:
            assert side.representation is not None
            cuts[kept] = side.leading(kept, side.representation.truncate(kept))
        return cuts[kept]


def score(measure: Measure, pair: Pair) -> Entry:
    """Value of a measure for a pair, or why there is none."""
    start = time.perf_counter()
    try:
        value = float(measure.value(pair))
        found = Entry(value, 0.0) if np.isfinite(value) else Entry(None, 0.0, f"{measure} gave {value}")
    except (*FAILURES, ValueError) as error:
        found = _failed(error)
    return found._replace(seconds=time.perf_counter() - start)


def _failed(error: Exception) -> Entry:
    return Entry(None, 0.0, reason(error), not isinstance(error, MemoryError | OutOfMemory))
