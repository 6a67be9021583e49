"""The plan of a run: what is compared, by which way, in which order, with how much memory and time."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np

from similitude.engine.budget import Budget
from similitude.factors.base import Cross, Factor, Reading, steps
from similitude.factors.linear import OF_VIEWS
from similitude.linalg.threads import limit_threads
from similitude.measures.base import Measure
from similitude.measures.evaluation import read_by
from similitude.representations.representation import Representation

__all__ = ["Asked", "Comparison", "Instructions", "Plan", "Tile"]

_TILE_FLOPS = 4e9
"""Work after which finished values are handed over and written: about a second."""

_SQUARE = 8
"""Representations by representations that are compared after each other."""

_TILES_EACH = 8
"""Tiles that each worker gets at least if there are enough pairs: the cost of many measures is not known."""


@dataclass(frozen=True)
class Asked:
    """Measures wanted of two representations, or of their leading components.

    Parameters
    ----------
    kept_x, kept_y
        Leading components kept of the first and of the second root; None for all.
    swapped
        Whether the second is the measures' first argument.
    measures
        Positions in the list of measures.
    """

    kept_x: int | None
    kept_y: int | None
    swapped: bool
    measures: tuple[int, ...]

    @property
    def cut(self) -> bool:
        """Whether components of a side are deleted."""
        return self.kept_x is not None or self.kept_y is not None


@dataclass(frozen=True)
class Comparison:
    """What is asked of two root representations: both ways round, and with components deleted.

    Parameters
    ----------
    x, y
        Positions in the list of roots.
    asked
        One or more requests, which share crosses.
    stacked
        Whether they read crosses that are computed for many pairs at once.
    part
        Of the measures; parts are computed one after the other.
    components
        Number of components kept, where those with as many are compared one after the other.
    """

    x: int
    y: int
    asked: tuple[Asked, ...]
    stacked: bool = False
    part: int = 0
    components: int | None = None


@dataclass(frozen=True)
class Tile:
    """Comparisons that are handed to a worker together, and finished together."""

    comparisons: tuple[Comparison, ...]

    @property
    def pairs(self) -> int:
        """Number of pairs asked for."""
        return sum(len(comparison.asked) for comparison in self.comparisons)

    @property
    def roots(self) -> list[int]:
        """Positions of the roots that occur, ascending."""
        return sorted({i for comparison in self.comparisons for i in (comparison.x, comparison.y)})

    @property
    def part(self) -> int:
        """Part of the measures that it is of."""
        return self.comparisons[0].part


@dataclass(frozen=True)
class Instructions:
    """What a worker must know of a plan.

    Parameters
    ----------
    measures
        The measures.
    routes
        Crosses to compute in the place of others.
    factors
        What is computed of each root for each part of the measures.
    memory
        Bytes for factors.
    threads
        That crosses of many pairs at once may use.
    """

    measures: tuple[Measure, ...]
    routes: Mapping[Cross, Cross]
    factors: Mapping[tuple[int, int], frozenset[Factor]]
    memory: int
    threads: int = 1


@dataclass(frozen=True)
class Plan:
    """What will be computed and how; ``print(plan)`` shows it.

    Parameters
    ----------
    roots
        The representations that own values, each once.
    comparisons
        What is asked of pairs of them.
    measures
        The measures.
    routes
        Crosses to compute in the place of others; see `similitude.engine.routes.choose_routes`.
    budget
        Memory for all that is held at one time.
    workers
        Number of workers.
    """

    roots: Sequence[Representation]
    comparisons: Sequence[Comparison]
    measures: Sequence[Measure]
    routes: Mapping[Cross, Cross]
    budget: Budget
    workers: int

    @property
    def instructions(self) -> Instructions:
        """What workers need."""
        return Instructions(tuple(self.measures), self.routes, self.factors, self.held)

    @cached_property
    def factors(self) -> Mapping[tuple[int, int], frozenset[Factor]]:
        """What is computed for each part of the measures, of each root."""
        read: dict[tuple[int, int], set[frozenset[Factor]]] = {}
        for comparison in self.comparisons:
            for asked in comparison.asked:
                factors = self._reading(comparison, asked).factors | (OF_VIEWS if asked.cut else frozenset())
                for i in (comparison.x, comparison.y):
                    read.setdefault((comparison.part, i), set()).add(factors)
        return {place: frozenset[Factor]().union(*sets) for place, sets in read.items()}

    def _reading(self, comparison: Comparison, asked: Asked) -> Reading:
        x, y = self.roots[comparison.x], self.roots[comparison.y]
        return self._read_by(asked.measures, x.n, asked.kept_x or x.d, asked.kept_y or y.d, asked.cut)

    @cached_property
    def _read_by(self):
        @functools.cache
        def read(measures: tuple[int, ...], n: int, p: int, q: int, cut: bool) -> Reading:
            def route(cross: Cross) -> Cross:
                return (not cut and self.routes.get(cross)) or cross.chosen(n, p, q, cut=cut)

            return read_by([self.measures[k] for k in measures], route)

        return read

    @cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """Comparisons in the order in which they are worked on.

        Roots are taken in blocks of which two fit in memory, so that each is factored as few times as memory
        allows; within a block, comparisons of the same first root follow each other. What is computed for many pairs
        at once gets tiles as large as memory allows.
        """
        by_part: dict[int, list[Comparison]] = {}
        for comparison in self.comparisons:
            by_part.setdefault(comparison.part, []).append(comparison)
        return tuple(tile for part in sorted(by_part) for tile in self._tiles(by_part[part]))

    def _tiles(self, comparisons: Sequence[Comparison]) -> list[Tile]:
        tiles = [Tile(tuple(block)) for block in self._blocks([c for c in comparisons if c.stacked])]
        alone = [comparison for comparison in comparisons if not comparison.stacked]
        most = -(-len(alone) // (_TILES_EACH * self.workers))
        for block in self._blocks(alone):
            current: list[Comparison] = []
            work = 0.0
            for comparison in block:
                current.append(comparison)
                work += self._flops(comparison)
                if work > _TILE_FLOPS or len(current) == most:
                    tiles.append(Tile(tuple(current)))
                    current, work = [], 0.0
            if current:
                tiles.append(Tile(tuple(current)))
        return tiles

    @cached_property
    def held(self) -> int:
        """Bytes for factors that wait to be used again, beside those in work."""
        return self.budget.held(max(self._side_bytes.values(), default=0.0), self.workers)

    def _blocks(self, comparisons: Sequence[Comparison]) -> list[list[Comparison]]:
        if not comparisons:
            return []
        part, cut = comparisons[0].part, any(asked.cut for c in comparisons for asked in c.asked)
        largest = max(self._side_bytes[part, i] for c in comparisons for i in (c.x, c.y))
        fit = int(0.8 * self.held / ((1 + cut) * largest))
        size = max(1, len(self.roots) if fit >= len(self.roots) else fit // 2)

        def block(comparison: Comparison) -> tuple[int, int]:
            return comparison.x // size, comparison.y // size

        def order(comparison: Comparison) -> tuple[int, ...]:
            i, j = block(comparison)
            # There and back again, so that the block last used is the first of the next row. In squares, so that few
            # representations make many pairs.
            square = comparison.x // _SQUARE, comparison.y // _SQUARE
            return i, -j if i % 2 else j, comparison.components or 0, *square, comparison.x, comparison.y

        return [list(group) for _, group in groupby(sorted(comparisons, key=order), key=block)]

    @cached_property
    def _side_bytes(self) -> dict[tuple[int, int], float]:
        """Memory that the factors of each root take for each part of the measures, about."""

        @functools.cache
        def size(factors: frozenset[Factor], n: int, d: int) -> float:
            return sum(factor.cost(n, d).bytes for factor in factors) or 8.0 * n

        return {
            (part, i): size(factors, self.roots[i].n, self.roots[i].d) for (part, i), factors in self.factors.items()
        }

    @property
    def bytes(self) -> float:
        """Memory that factors will take at one time, about."""
        of_parts: dict[int, float] = {}
        for (part, _), size in self._side_bytes.items():
            of_parts[part] = of_parts.get(part, 0.0) + size
        return min(self.budget.bytes, max(of_parts.values(), default=0.0))

    def _flops(self, comparison: Comparison) -> float:
        """Work of the crosses of a comparison."""
        x, y = self.roots[comparison.x], self.roots[comparison.y]
        work = 1e6
        for asked in comparison.asked:
            sizes = x.n, asked.kept_x or x.d, asked.kept_y or y.d
            work += sum(cross.cost(*sizes).flops for cross in self._reading(comparison, asked).crosses)
        return work

    @cached_property
    def flops(self) -> float:
        """Work of factors and crosses, in floating-point operations of a matrix product."""

        @functools.cache
        def of_side(factors: frozenset[Factor], n: int, d: int) -> float:
            return sum(factor.cost(n, d).flops for factor in steps(factors))

        total = sum(of_side(fs, self.roots[i].n, self.roots[i].d) for (_, i), fs in self.factors.items())
        stacked = {
            (cross, i)
            for comparison in self.comparisons
            if comparison.stacked
            for asked in comparison.asked
            for cross in self._reading(comparison, asked).crosses
            for i in (comparison.x, comparison.y)
        }
        total += sum(cross.cost_of_side(self.roots[i].n, self.roots[i].d).flops for cross, i in stacked)
        return total + sum(map(self._flops, self.comparisons))

    def seconds(self) -> float:
        """Estimated time of factors and crosses, from a matrix product timed now."""
        matrix = np.ones((512, 512))
        times = []
        with limit_threads():  # as each worker has
            for _ in range(3):
                start = time.perf_counter()
                np.matmul(matrix, matrix)
                times.append(time.perf_counter() - start)
        return self.flops / (2 * 512**3 / min(times)) / self.workers

    def __str__(self) -> str:
        pairs = len({(c.x, c.y, a.kept_x, a.kept_y, a.swapped) for c in self.comparisons for a in c.asked})
        return (
            f"{pairs} pairs of {len(self.roots)} representations by {len(self.measures)} measures, "
            f"{len(self.tiles)} tiles, {self.workers} workers\n"
            f"{self.flops / 1e9:.1f} GFLOP of shared work, about {self.seconds():.1f} s, and what measures do with it\n"
            f"memory {self.bytes / 2**20:.0f} MiB of {self.budget.bytes / 2**20:.0f} MiB"
            + "".join(f"\n{cross} computed as {route}" for cross, route in self.routes.items())
        )


def is_stacked(measure: Measure, n: int, p: int, q: int, routes: Mapping[Cross, Cross]) -> bool:
    """Whether a measure reads a cross of which `of_many` shares work between all pairs of a side."""
    crosses = read_by([measure], lambda cross: routes.get(cross) or cross.chosen(n, p, q)).crosses
    return any(cross.cost_of_side(n, p).flops > 0 for cross in crosses)


def distinct(pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return pairs of positions, each once whichever way round."""
    return {(min(i, j), max(i, j)) for i, j in pairs}
