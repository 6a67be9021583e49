"""Working on one tile: sides with their factors, pairs with their crosses, values of measures."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import numpy as np

from similitude.engine.ledger import Entry
from similitude.engine.plan import Asked, Comparison, Instructions, Tile
from similitude.errors import OutOfMemory
from similitude.factors.base import Cross
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

_Unit = tuple[int, int, int | None]
"""Part of the measures, position of a root, and number of components kept of it, None for all."""


class Workspace:
    """Where a worker computes: sides with their factors are kept from tile to tile as far as memory allows.

    Parameters
    ----------
    instructions
        What is computed, and with how much memory.
    """

    def __init__(self, instructions: Instructions) -> None:
        self._recipe = instructions
        self._held: dict[_Unit, Side] = {}  # least recently used first
        self._bytes: dict[_Unit, int] = {}
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
        sides = self._sides(tile.roots, sources, tile.part)
        pairs = [self._paired(sides[comparison.x], sides[comparison.y]) for comparison in tile.comparisons]
        self._fill(tile, pairs)
        shared = time.perf_counter() - start if tile.comparisons[0].stacked else 0.0
        entries: list[Entry] = []
        pairs.reverse()
        for comparison in tile.comparisons:  # a pair is let go, with its crosses, once it is compared
            entries += self._compare(comparison, pairs.pop())
        return [entry._replace(seconds=entry.seconds + shared / len(entries)) for entry in entries]

    def clear(self) -> None:
        """Forget all sides."""
        with self._lock:
            self._held.clear()
            self._bytes.clear()

    def _sides(self, roots: Sequence[int], sources: Sources, part: int = 0) -> dict[int, Side | Entry]:
        """Sides with their factors, or why there is none; those that another thread is at come last."""
        found: dict[int, Side | Entry] = {}
        waiting, postponed = deque(roots), 0
        while waiting:
            i = waiting.popleft()
            if self._busy((part, i, None)) and postponed < len(waiting):
                waiting.append(i)
                postponed += 1
                continue
            postponed = 0
            try:
                found[i] = self._side(i, sources, part)
            except FAILURES as error:
                found[i] = _failed(error)
        return found

    def _busy(self, unit: _Unit) -> bool:
        with self._lock:
            return unit in self._held and self._held[unit].busy

    def _side(self, i: int, sources: Sources, part: int = 0) -> Side:
        """The side with its factors; the least recently used others go when memory is short."""

        def make() -> Side:
            source = sources[i]
            return Side.of(source if isinstance(source, Representation) else source.open())

        unit = part, i, None
        side = self._used(unit, make)
        side.prepare(self._recipe.factors[part, i])
        self._weigh([unit])
        return side

    def _used(self, unit: _Unit, make: Callable[[], Side]) -> Side:
        """The side that is held, or a new one, which from now on is the last used."""
        with self._lock:
            side = self._held.pop(unit, None) or make()
            self._held[unit] = side
            return side

    def _weigh(self, units: Collection[_Unit]) -> None:
        """Note what sides take by now, and forget the least recently used ones when memory is short."""
        with self._lock:
            for unit in units:
                if unit in self._held:
                    self._bytes[unit] = self._held[unit].nbytes
            total = sum(self._bytes.values())
            roots = sum(kept is None for _, _, kept in self._held)
            for unit in list(self._held):
                if total <= self._recipe.memory:
                    break
                if unit[2] is None and roots <= 2:
                    continue
                roots -= unit[2] is None
                # What is cut from a root keeps it in memory.
                for gone in [u for u in self._held if u == unit or (unit[2] is None and u[:2] == unit[:2])]:
                    del self._held[gone]
                    total -= self._bytes.pop(gone, 0)

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
            pairs = [self._pair(comparison, root, asked) for asked in comparison.asked]
        except FAILURES as error:
            return [_failed(error) for asked in comparison.asked for _ in asked.measures]
        entries = [
            score(self._recipe.measures[position], pair.swapped if asked.swapped else pair)
            for pair, asked in zip(pairs, comparison.asked, strict=True)
            for position in asked.measures
        ]
        part, x, y = comparison.part, comparison.x, comparison.y
        self._weigh({(part, x, a.kept_x) for a in comparison.asked} | {(part, y, a.kept_y) for a in comparison.asked})
        return entries

    def _pair(self, comparison: Comparison, root: Pair, asked: Asked) -> Pair:
        if not asked.cut:
            return root
        x = self._cut((comparison.part, comparison.x, asked.kept_x), root.x)
        y = self._cut((comparison.part, comparison.y, asked.kept_y), root.y)
        return Pair(x, y, root)

    def _cut(self, unit: _Unit, side: Side) -> Side:
        part, i, kept = unit
        if kept is None:
            return side
        representation = side.representation
        assert representation is not None
        cut = self._used(unit, lambda: side.leading(kept, representation.truncate(kept)))
        self._used((part, i, None), lambda: side)  # later than what is cut from it
        return cut


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
