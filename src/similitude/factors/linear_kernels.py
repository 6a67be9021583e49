"""Inner products of centred linear kernels, from which linear CKA follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal, NamedTuple

import numpy as np

from similitude.factors.base import Cost, Cross, Use
from similitude.factors.crosses import CrossCovariance, CumulatedSquares
from similitude.factors.linear import Centred, CentredInSingle, CovarianceNorm, Gram, ThinSVD
from similitude.factors.pair import Pair
from similitude.linalg.ranking import parts
from similitude.linalg.threads import map_in_order

__all__ = ["InnerProducts", "LinearKernels"]

_ROWS, _COLUMNS = 128, 1024
"""Shape of the piece of each kernel matrix that is worked on at a time: enough for a product to reach full speed."""

_ALIGNED = 8
"""Entries of a row of pieces are padded to a multiple of this."""

_PART = 1 << 13
"""Entries over which an inner product sums before the next part is added, in double precision."""


class InnerProducts(NamedTuple):
    """Inner products of the kernel matrices K and L of two sides."""

    xy: Any
    """<K, L>"""
    xx: Any
    """<K, K>"""
    yy: Any
    """<L, L>"""


@dataclass(frozen=True)
class LinearKernels(Cross):
    """<K, L>, <K, K> and <L, L> of the centred linear kernels K = X_c X_c^T, L = Y_c Y_c^T.

    Parameters
    ----------
    by
        ``"features"``: <K, L> = ||X_c^T Y_c||_F^2. ``"kernels"``: from the matrices K and L, of which those of many
        sides are multiplied at once; ``"kernels in single"`` the same, in single precision with sums in double.
        ``"components"``: from principal directions, where components were deleted. None for what serves a pair.
    """

    by: Literal["features", "kernels", "kernels in single", "components"] | None = None

    from_stream = "sums"
    when_swapped = "exchanged"

    @property
    def reads(self) -> tuple[Use, ...]:  # type: ignore[override]  # depends on the parameter
        """Features, or the components of either side."""
        if self.by == "features":
            return (CrossCovariance(), CovarianceNorm())
        if self.by == "components":
            return (ThinSVD(), CumulatedSquares(), CovarianceNorm())
        return (CentredInSingle(),) if self.by == "kernels in single" else (Centred(),)

    @property
    def together(self) -> bool:  # type: ignore[override]  # depends on the parameter
        """Kernel matrices serve all pairs of their side."""
        return self.by in ("kernels", "kernels in single")

    def cost(self, n: int, p: int, q: int) -> Cost:
        """Inner products of long vectors run at a fraction of the speed of matrix products."""
        if not self.together:
            return Cost(2.0 * p * q, 0.0)
        return Cost((6.0 if self.by == "kernels" else 3.0) * n * n, 0.0)

    def cost_of_side(self, n: int, d: int) -> Cost:
        """The kernel matrix, by symmetry half of it."""
        if not self.together:
            return Cost(0.0, 0.0)
        return Cost((1.0 if self.by == "kernels" else 0.5) * n * n * d, 8.0 * _ROWS * _COLUMNS)

    def ways(self, single: bool) -> tuple[Cross, ...]:
        """Kernels, of which each serves all its pairs, or features."""
        return (replace(self, by="kernels in single" if single else "kernels"), replace(self, by="features"))

    def chosen(self, n: int, p: int, q: int, *, cut: bool = False) -> Cross:
        """From the smaller of features and kernel matrices."""
        if self.by:
            return self
        return replace(self, by="components" if cut else "kernels" if n < min(p, q) else "features")

    def __call__(self, pair: Pair) -> InnerProducts:
        """Of one pair."""
        if self.together:
            return self.of_many([pair])[0]
        if self.by == "components":
            assert pair.parent is not None
            ranks = pair.x[ThinSVD()].rank, pair.y[ThinSVD()].rank
            square = pair.parent[CumulatedSquares()][ranks[0] - 1, ranks[1] - 1]
        else:
            square = pair.xp.sum(pair[CrossCovariance()] * pair[CrossCovariance()])
        x, y = (side[CovarianceNorm()] for side in (pair.x, pair.y))
        return InnerProducts(square, x * x, y * y)

    def of_many(self, pairs: Sequence[Pair], threads: int = 1) -> list[InnerProducts]:
        """From a piece of all kernel matrices at a time."""
        if not self.together:
            return [self(pair) for pair in pairs]
        if not isinstance(pairs[0].x[Centred()], np.ndarray):
            return list(map(_of_tensors, pairs))
        centred = CentredInSingle() if self.by == "kernels in single" else Centred()
        sides = list({id(side): side for pair in pairs for side in (pair.x, pair.y)}.values())
        place = {id(side): i for i, side in enumerate(sides)}
        wanted = [(place[id(pair.x)], place[id(pair.y)]) for pair in pairs]
        products = _inner_products([side[centred] for side in sides], wanted, threads)
        return [InnerProducts(products[i, j], products[i, i], products[j, j]) for i, j in wanted]

    def mirrored(self, value: InnerProducts) -> InnerProducts:
        """The same, of the sides in the other order."""
        return InnerProducts(value.xy, value.yy, value.xx)


def _of_tensors(pair: Pair) -> InnerProducts:
    x, y = pair.x[Gram()], pair.y[Gram()]
    return InnerProducts(*(pair.xp.sum(a * b) for a, b in ((x, y), (x, x), (y, y))))


def _inner_products(matrices: Sequence[np.ndarray], wanted: Sequence[tuple[int, int]], threads: int) -> np.ndarray:
    """Inner products <K_i, K_j> of the kernel matrices K = X X^T, for i = j and the pairs wanted, either way round.

    Each is summed part by part in a fixed order, so that it does not depend on what else is wanted, on the memory, or
    on the number of threads.
    """
    count, n = len(matrices), len(matrices[0])
    last = list(range(count))  # the highest partner of each
    for i, j in wanted:
        last[min(i, j)] = max(last[min(i, j)], i, j)

    def of_piece(corner: tuple[int, int]) -> np.ndarray:
        rows = slice(corner[0], min(corner[0] + _ROWS, n))
        columns = slice(corner[1], min(corner[1] + _COLUMNS, n))
        height, width = rows.stop - rows.start, columns.stop - columns.start
        # Every piece starts as far from a boundary of vector registers: the order of some sums depends on that.
        flat = np.empty((count, -(-height * width // _ALIGNED) * _ALIGNED), matrices[0].dtype)[:, : height * width]
        stack = flat.reshape(count, height, width)
        for matrix, piece in zip(matrices, stack, strict=True):
            np.matmul(matrix[rows], matrix[columns].T, out=piece)
        if columns.start == rows.start:
            # What lies on both sides of the diagonal counts once, all else twice.
            stack[:, :, :height] *= 0.5**0.5
        total = np.zeros((count, count))
        for part in parts(height * width, _PART):
            cut = flat[:, part]
            for i in range(count):
                total[i, i : last[i] + 1] += np.vecdot(cut[i], cut[i : last[i] + 1])
        return 2.0 * total

    total = np.zeros((count, count))
    for found in map_in_order(of_piece, list(_corners(n)), threads):
        total += found
    return np.triu(total) + np.triu(total, 1).T


def _corners(n: int) -> Iterator[tuple[int, int]]:
    """First row and column of the pieces that lie on the diagonal of a symmetric matrix, or beyond it."""
    for row in range(0, n, _ROWS):
        yield from product([row], range(row, n, _COLUMNS))
