"""The plan of a run: what is compared, by which route, in which order, with how much memory and time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

import numpy as np
from threadpoolctl import threadpool_limits

from similitude.factors.crosses import (
    AlignedSpectrum,
    CanonicalCorrelations,
    DiagonalProduct,
    Overlap,
    ProjectionWeights,
    SquaredCovariance,
)
from similitude.factors.linear import Centred, CentredNorm, CovarianceNorm, DiagonalSquares, SquaredRowNorms, ThinSVD
from similitude.factors.memory import factors_of
from similitude.factors.pair import Cross, Factor
from similitude.measures.base import Measure
from similitude.measures.baselines import Digest
from similitude.representations.representation import Representation

__all__ = ["Asked", "Comparison", "Plan", "Recipe", "Tile", "needs"]

_TILE_FLOPS = 4e9
"""Work after which finished values are handed over and written: about a second."""

_IN_WORK = 3
"""Memory that computing the factors of a representation takes for a while, in units of what they take in the end."""

_SQUARE = 8
"""Representations by representations that are compared after each other."""

_TILES_EACH = 8
"""Tiles that each worker gets at least if there are enough pairs: the cost of many measures is not known."""

# Decompositions run at a fraction of the speed of matrix products: their work in products of d x d x d, measured.
_SPECTRUM, _BASES, _SVD = 6.0, 15.0, 22.0


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


@dataclass(frozen=True)
class Comparison:
    """All that is asked of two root representations: both ways round, and with components deleted.

    Parameters
    ----------
    x, y
        Positions in the list of roots.
    asked
        One or more requests, which share crosses.
    """

    x: int
    y: int
    asked: tuple[Asked, ...]


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


def needs(measures: Iterable[Measure], *, cut: bool = False) -> tuple[list[Factor], set[Cross]]:
    """Factors and crosses that measures read, the factors in the order in which to compute them.

    Parameters
    ----------
    measures
        Some measures.
    cut
        Whether some representations have components deleted, which takes their SVD.
    """
    used = {use for measure in measures for use in measure.uses()}
    crosses, factors = {use for use in used if isinstance(use, Cross)}, factors_of(used)
    if cut:
        factors.add(ThinSVD())
    if ThinSVD() not in factors and crosses & {SquaredCovariance(), AlignedSpectrum()}:
        factors.add(Centred())
    return sorted(factors, key=lambda factor: (factor != ThinSVD(), repr(factor))), crosses  # others read the SVD


@dataclass(frozen=True)
class Recipe:
    """What a worker must know of a plan.

    Parameters
    ----------
    measures
        The measures.
    factors
        What is computed of each representation.
    route
        See `Plan.route`.
    memory
        Bytes for factors.
    single
        Whether all data are stored in single precision or less.
    threads
        That one tile may use.
    """

    measures: tuple[Measure, ...]
    factors: tuple[Factor, ...]
    route: str
    memory: int
    single: bool = False
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
    memory
        Bytes for all that is held at one time.
    workers
        Number of workers.
    """

    roots: Sequence[Representation]
    comparisons: Sequence[Comparison]
    measures: Sequence[Measure]
    memory: int
    workers: int
    factors: tuple[Factor, ...] = field(init=False)
    crosses: frozenset[Cross] = field(init=False)

    def __post_init__(self) -> None:
        """Find out what the measures need."""
        used = {
            position for comparison in self.comparisons for asked in comparison.asked for position in asked.measures
        }
        cut = any(a.kept_x or a.kept_y for comparison in self.comparisons for a in comparison.asked)
        factors, crosses = needs((self.measures[position] for position in used), cut=cut)
        object.__setattr__(self, "factors", tuple(factors))
        object.__setattr__(self, "crosses", frozenset(crosses))

    @cached_property
    def route(self) -> str:
        """How linear kernels are compared.

        ``"svd"``: from the overlap of principal directions, which other measures need anyway. ``"features"``: from
        products of centred features. ``"gram"``: from kernel matrices, stacked so that one product serves all pairs;
        for CKA alone, over many representations of few inputs.
        """
        if ThinSVD() in self.factors:
            return "svd"
        linear = {Centred(), CentredNorm(), CovarianceNorm(), DiagonalSquares(), SquaredRowNorms(), Digest()}
        crosses = {SquaredCovariance(), DiagonalProduct()}
        if SquaredCovariance() not in self.crosses or not (self.crosses <= crosses and linear.issuperset(self.factors)):
            return "features"
        if len({root.n for root in self.roots}) > 1 or not all(root.has_features for root in self.roots):
            return "features"
        n, widths = self.roots[0].n, [root.d for root in self.roots]
        gram = sum(n * n * d for d in widths) + n * n * len(self.roots) ** 2
        features = sum(2 * n * widths[c.x] * widths[c.y] for c in self.comparisons) + sum(2 * n * d * d for d in widths)
        return "gram" if gram < features else "features"

    @property
    def recipe(self) -> Recipe:
        """What workers need."""
        single = all(root.precision >= np.finfo(np.float32).eps for root in self.roots)
        return Recipe(tuple(self.measures), self.factors, self.route, self.held, single)

    @cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """Comparisons in the order in which they are worked on.

        Roots are taken in blocks of which two fit in memory, so that each is factored as few times as memory
        allows; within a block, comparisons of the same first root follow each other.
        """
        if self.route == "gram":
            # All roots of a tile are multiplied with each other, so tiles are as large as memory allows.
            return tuple(Tile(tuple(group)) for group in self._blocks())
        tiles: list[Tile] = []
        most = -(-len(self.comparisons) // (_TILES_EACH * self.workers))
        for block in self._blocks():
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
        return tuple(tiles)

    @cached_property
    def held(self) -> int:
        """Bytes for factors that wait to be used again, beside those in work."""
        return max(self.memory - _IN_WORK * self.workers * self._largest, self.memory // 4)

    @cached_property
    def _largest(self) -> int:
        return max((self._side_bytes(root) for root in self.roots), default=0)

    def _blocks(self) -> list[list[Comparison]]:
        fit = int(0.8 * self.held / self._largest)
        size = max(1, len(self.roots) if fit >= len(self.roots) else fit // 2)

        def block(comparison: Comparison) -> tuple[int, int]:
            return comparison.x // size, comparison.y // size

        def order(comparison: Comparison) -> tuple[int, ...]:
            i, j = block(comparison)
            # There and back again, so that the block last used is the first of the next row. In squares, so that few
            # representations make many pairs.
            square = comparison.x // _SQUARE, comparison.y // _SQUARE
            return i, -j if i % 2 else j, *square, comparison.x, comparison.y

        return [list(group) for _, group in groupby(sorted(self.comparisons, key=order), key=block)]

    def _side_bytes(self, root: Representation) -> int:
        """Memory that the factors of a representation take, about."""
        return 8 * sum(factor.entries(root.n, root.d) for factor in self.factors) or 8 * root.n

    @property
    def bytes(self) -> int:
        """Memory that factors will take at one time, about."""
        return min(self.memory, sum(self._side_bytes(root) for root in self.roots))

    def _flops(self, comparison: Comparison) -> float:
        """Work of a comparison in floating-point operations of a matrix product; of the linear family only."""
        x, y = self.roots[comparison.x], self.roots[comparison.y]
        linear = self.crosses & {SquaredCovariance(), AlignedSpectrum()} or Overlap() in self.crosses
        work = 2.0 * x.n * x.d * y.d if linear or ThinSVD() in self.factors else 1e6
        for asked in comparison.asked:
            d = min(asked.kept_x or x.d, asked.kept_y or y.d)
            wanted = {use for position in asked.measures for use in self.measures[position].uses()}
            work += 1e5 + _SPECTRUM * d**3 * len(wanted & {AlignedSpectrum(), CanonicalCorrelations()})
            if ProjectionWeights() in wanted:
                work += _BASES * d * d * max(asked.kept_x or x.d, asked.kept_y or y.d)
        return work

    @cached_property
    def flops(self) -> float:
        """Work of the linear family, in floating-point operations of a matrix product."""
        if self.route == "gram":
            n, count = self.roots[0].n, len(self.roots)
            return float(sum(n * n * root.d for root in self.roots) + n * n * count**2)
        factoring = sum(6.0 * root.n * root.d * root.d + _SVD * root.d**3 for root in self.roots)
        return sum(map(self._flops, self.comparisons)) + (factoring if ThinSVD() in self.factors else 0.0)

    @property
    def estimates_all(self) -> bool:
        """Whether `seconds` counts all the measures."""
        known = {SquaredCovariance(), AlignedSpectrum(), CanonicalCorrelations(), ProjectionWeights(), Overlap()}
        return self.crosses <= known and all(measure.uses() for measure in self.measures)

    def seconds(self) -> float:
        """Estimated time of the linear family, from a matrix product timed now."""
        matrix = np.ones((512, 512))
        times = []
        with threadpool_limits(limits=1):  # as each worker has
            for _ in range(3):
                start = time.perf_counter()
                np.matmul(matrix, matrix)
                times.append(time.perf_counter() - start)
        return self.flops / (2 * 512**3 / min(times)) / self.workers

    def __str__(self) -> str:
        pairs = sum(tile.pairs for tile in self.tiles)
        beyond = "" if self.estimates_all else ", and what the measures beyond the linear family take"
        return (
            f"{pairs} pairs of {len(self.roots)} representations by {len(self.measures)} measures, "
            f"{len(self.tiles)} tiles, {self.workers} workers\n"
            f"route {self.route}, {self.flops / 1e9:.1f} GFLOP, about {self.seconds():.1f} s{beyond}\n"
            f"memory {self.bytes / 2**20:.0f} MiB of {self.memory / 2**20:.0f} MiB"
        )
