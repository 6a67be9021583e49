"""Working on one tile: sides with their factors, pairs with their crosses, values of measures."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

from similitude.engine.ledger import Entry
from similitude.engine.plan import Comparison, Recipe, Tile, needs
from similitude.errors import OutOfMemory, SimilitudeError
from similitude.factors.crosses import SquaredCovariance
from similitude.factors.dots import Dot, dots
from similitude.factors.linear import Centred, CentredInSingle, CovarianceNorm
from similitude.factors.memory import machine_memory
from similitude.factors.pair import Pair, Side
from similitude.linalg.scale import root
from similitude.measures.base import Measure
from similitude.representations.representation import Representation

__all__ = ["FAILURES", "Source", "Workspace", "reason", "score"]


class Source(Protocol):
    """Anything that can be opened as a representation: itself, or a reference to a file."""

    def open(self) -> Representation:
        """The representation."""
        ...


_COLUMNS = 16_384
"""Columns of a matrix in single precision over which a product sums before it goes on in double."""

_ROWS = 128
"""Rows of each kernel matrix that are computed at once: enough for a product to reach full speed."""

Sources = Mapping[int, Representation] | Mapping[int, Source]

FAILURES = SimilitudeError, np.linalg.LinAlgError, ArithmeticError, MemoryError
"""Errors that cost a pair one value, not the run."""


class Workspace:
    """Where a worker computes: sides with their factors are kept from tile to tile as far as memory allows.

    Parameters
    ----------
    recipe
        What is computed, and with how much memory.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._factors = recipe.factors
        self._centred = CentredInSingle() if recipe.single else Centred()
        if recipe.route == "gram":  # norms come with the products of stacked kernel matrices
            others = [factor for factor in recipe.factors if factor not in (Centred(), CovarianceNorm())]
            self._factors = [self._centred, *others]
        self._crosses = [needs([measure])[1] for measure in recipe.measures]
        self._held: dict[int, tuple[Side, dict[int, Side]]] = {}
        self._bytes: dict[int, int] = {}
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
        if self._recipe.route == "gram":
            return self._run_gram(tile, sources)
        sides = self._sides(tile.roots, sources)
        pairs = [_paired(sides[comparison.x], sides[comparison.y]) for comparison in tile.comparisons]
        self._fill_dots(tile, pairs)
        return [
            entry
            for comparison, pair in zip(tile.comparisons, pairs, strict=True)
            for entry in self._compare(comparison, pair)
        ]

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

    def _fill_dots(self, tile: Tile, pairs: Sequence[Pair | Entry]) -> None:
        """Inner products of the pairs of a tile together, which reads each factor from memory once."""
        wanted: dict[Dot, list[Pair]] = {}
        for comparison, pair in zip(tile.comparisons, pairs, strict=True):
            if isinstance(pair, Entry):
                continue
            whole = (asked for asked in comparison.asked if asked.kept_x is None and asked.kept_y is None)
            for use in {use for asked in whole for position in asked.measures for use in self._crosses[position]}:
                if isinstance(use, Dot) and pair.x.holds(use.factor) and pair.y.holds(use.factor):
                    wanted.setdefault(use, []).append(pair)
        for dot, together in wanted.items():
            values = dots([(pair.x[dot.factor], pair.y[dot.factor]) for pair in together])
            for pair, value in zip(together, values, strict=True):
                pair[dot] = value

    def _compare(self, comparison: Comparison, root: Pair | Entry) -> list[Entry]:
        if isinstance(root, Entry):
            return [root for asked in comparison.asked for _ in asked.measures]
        try:
            pairs = [self._pair(comparison, root, asked.kept_x, asked.kept_y) for asked in comparison.asked]
        except FAILURES as error:
            return [_failed(error) for asked in comparison.asked for _ in asked.measures]
        pairs = [pair.swapped if asked.swapped else pair for pair, asked in zip(pairs, comparison.asked, strict=True)]
        for pair, asked in zip(pairs, comparison.asked, strict=True):
            for position in asked.measures:
                pair.wanted |= self._crosses[position]
        return [
            score(self._recipe.measures[position], pair)
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

    def _side(self, i: int, sources: Sources) -> Side:
        """The side with its factors; the least recently used others go when memory is short."""
        with self._lock:
            held = self._held.pop(i, None)
            if held is None:
                source = sources[i]
                held = Side.of(source if isinstance(source, Representation) else source.open()), {}
            self._held[i] = held
        side = held[0]
        side.prepare(self._factors, machine_memory())
        with self._lock:
            if i in self._held:
                self._bytes[i] = side.nbytes
            while len(self._held) > 2 and sum(self._bytes.values()) > self._recipe.memory:
                oldest = next(iter(self._held))
                self._held.pop(oldest)
                self._bytes.pop(oldest, None)
        return side

    def _run_gram(self, tile: Tile, sources: Sources) -> list[Entry]:
        """Squared covariances of all pairs from stacked kernel matrices, then each pair as ever."""
        start = time.perf_counter()
        with ThreadPoolExecutor(self._recipe.threads) as executor:
            prepared = executor.map(lambda i: self._side(i, sources), tile.roots)
            sides = dict(zip(tile.roots, prepared, strict=True))
        factors = [side[self._centred] for side in sides.values()]
        centred = [factor.values if self._recipe.single else factor for factor in factors]
        inner = gram_products(centred, self._recipe.memory // 4)
        position = {i: k for k, i in enumerate(sides)}
        for i, side in sides.items():
            side[CovarianceNorm()] = root(inner[position[i], position[i]])
        share = (time.perf_counter() - start) / tile.pairs
        entries = []
        for comparison in tile.comparisons:
            pair = Pair(sides[comparison.x], sides[comparison.y])
            pair[SquaredCovariance()] = inner[position[comparison.x], position[comparison.y]]
            for asked in comparison.asked:
                either = pair.swapped if asked.swapped else pair
                for k in asked.measures:
                    entry = score(self._recipe.measures[k], either)
                    entries.append(entry._replace(seconds=entry.seconds + share))
        return entries


def gram_products(centred: Sequence[np.ndarray], memory: int) -> np.ndarray:
    """Inner products <K_i, K_j> of the kernel matrices K = X X^T, for all i and j.

    A few rows of every kernel matrix at a time, laid out as one row of a matrix whose product with itself adds to all
    inner products at once. Of each symmetric matrix only the part from the diagonal on is computed. Products are in
    the precision of the matrices, their sums in double.
    """
    n, count, dtype = centred[0].shape[0], len(centred), centred[0].dtype
    height = int(np.clip(memory // (dtype.itemsize * n * count), 16, _ROWS))
    total = np.zeros((count, count))
    buffer = np.empty((count, height * n), dtype)
    for start in range(0, n, height):
        stop = min(start + height, n)
        rows, columns = stop - start, n - start
        stack = buffer.ravel()[: count * rows * columns].reshape(count, rows, columns)
        for matrix, block in zip(centred, stack, strict=True):
            np.matmul(matrix[start:stop], matrix[start:].T, out=block)
        flat, diagonal = stack.reshape(count, -1), stack[:, :, :rows].reshape(count, -1)
        # Entries right of the diagonal block count twice.
        total += 2 * _outer_products(flat) - _outer_products(diagonal)
    return total


def _outer_products(rows: np.ndarray) -> np.ndarray:
    """A A^T in double precision; of a matrix in single precision, so many columns at a time that they lose nothing."""
    if rows.dtype == np.float64:
        return rows @ rows.T
    parts = (rows[:, start : start + _COLUMNS] for start in range(0, rows.shape[1], _COLUMNS))
    return np.sum([(part @ part.T).astype(np.float64) for part in parts], axis=0)


def score(measure: Measure, pair: Pair) -> Entry:
    """Value of a measure for a pair, or why there is none."""
    start = time.perf_counter()
    try:
        value = float(measure.value(pair))
        found = Entry(value, 0.0) if np.isfinite(value) else Entry(None, 0.0, f"{measure} gave {value}")
    except (*FAILURES, ValueError) as error:
        found = _failed(error)
    return found._replace(seconds=time.perf_counter() - start)


def _paired(x: Side | Entry, y: Side | Entry) -> Pair | Entry:
    if isinstance(x, Entry):
        return x
    if isinstance(y, Entry):
        return y
    try:
        return Pair(x, y)
    except FAILURES as error:
        return _failed(error)


def _failed(error: Exception) -> Entry:
    return Entry(None, 0.0, reason(error), not isinstance(error, MemoryError | OutOfMemory))


def reason(error: Exception) -> str:
    """Return why there is no value, as tables of failures say it."""
    if isinstance(error, MemoryError) and not isinstance(error, SimilitudeError):
        return "There is not enough memory for the representations. Use fewer inputs."
    return str(error) if isinstance(error, SimilitudeError) else f"{type(error).__name__}: {error}"
