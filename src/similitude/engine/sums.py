"""What a stream keeps of the inputs it has seen: sums of products of features, or their triangular factor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Self, TypeVar

import numpy as np

from similitude.factors.aligned import AlignedDistance
from similitude.factors.base import Cross
from similitude.factors.crosses import AlignedSpectrum, DiagonalProduct
from similitude.factors.linear import Centred, CentredNorm, DiagonalSquares
from similitude.factors.linear_kernels import InnerProducts, LinearKernels
from similitude.factors.pair import Pair, Side
from similitude.linalg.spectra import singular_values

__all__ = ["Moments", "Triangle", "merged"]

AnySums = TypeVar("AnySums", "Moments", "Triangle")


def merged(held: AnySums | None, new: AnySums | None) -> AnySums | None:
    """Return the sums of both, or of the one that has seen inputs."""
    return (held or new) if held is None or new is None else held.merged(new)


class Sums(ABC):
    """What is kept of rows w = [1, z], z = [x y] less a shift near the mean, so that the mean does not cost digits.

    With `diagonals`, w goes on with |z_x|^2 and |z_y|^2. In either case another shift changes w by a linear map. So
    does another unit of x or y, a power of two.
    """

    def __init__(self, matrix: np.ndarray, shift: np.ndarray, width: int, exponents: tuple[int, int]) -> None:
        self.matrix = matrix
        self.shift = shift
        self.width = width
        self.exponents = exponents

    def in_units(self, exponents: tuple[int, int]) -> Self:
        """The same for values divided by other powers of two."""
        if exponents == self.exponents:
            return self
        x, y = (own - new for own, new in zip(self.exponents, exponents, strict=True))
        count, squares = len(self.shift), self.matrix.shape[1] - 1 - len(self.shift)
        powers = np.repeat([0, x, y], [1, self.width, count - self.width])
        powers = np.concatenate([powers, [2 * x, 2 * y][:squares]]).astype(int)
        return type(self)(self._times(powers), np.ldexp(self.shift, powers[1 : 1 + count]), self.width, exponents)

    def merged(self, other: Self) -> Self:
        """The sum, once both have the same units and the same shift."""
        exponents = max(self.exponents[0], other.exponents[0]), max(self.exponents[1], other.exponents[1])
        first = self.in_units(exponents)
        matrix = first._joined(other.in_units(exponents).moved(first.shift))
        return type(self)(matrix, first.shift, self.width, exponents)

    @abstractmethod
    def _times(self, powers: np.ndarray) -> np.ndarray:
        """The matrix if w were multiplied by these powers of two."""

    @abstractmethod
    def moved(self, shift: np.ndarray) -> np.ndarray:
        """The matrix for another shift."""

    @abstractmethod
    def _joined(self, matrix: np.ndarray) -> np.ndarray:
        """The matrix of these rows and of others with a matrix for the same shift."""

    def translation(self, shift: np.ndarray) -> np.ndarray:
        """T such that w for another shift is T w."""
        d, width, size = self.shift - shift, self.width, self.matrix.shape[1]
        t = np.eye(size)
        t[1 : 1 + len(d), 0] = d
        if size > 1 + len(d):
            t[-2, 1 : 1 + width], t[-1, 1 + width : -2] = 2 * d[:width], 2 * d[width:]
            t[-2, 0], t[-1, 0] = d[:width] @ d[:width], d[width:] @ d[width:]
        return t

    def sides(self, of_features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Columns of the first and of the second side."""
        return of_features[..., : self.width], of_features[..., self.width : len(self.shift)]


class Moments(Sums):
    """W, the sum of w w^T."""

    @classmethod
    def of(cls, rows: np.ndarray, shift: np.ndarray, width: int, exponents: tuple[int, int]) -> Self:
        """Of rows w, which are overwritten."""
        z = rows[:, 1 : 1 + len(shift)]
        z -= shift
        if rows.shape[1] > 1 + len(shift):
            for column, part in ((-2, z[:, :width]), (-1, z[:, width:])):
                np.einsum("ij,ij->i", part, part, out=rows[:, column])
        return cls(rows.T @ rows, shift, width, exponents)

    @property
    def n(self) -> int:
        """The square of the ones."""
        return round(self.matrix[0, 0])

    def _times(self, powers: np.ndarray) -> np.ndarray:
        return np.ldexp(self.matrix, powers[:, None] + powers)

    def _joined(self, matrix: np.ndarray) -> np.ndarray:
        return self.matrix + matrix

    def moved(self, shift: np.ndarray) -> np.ndarray:
        """W for another shift."""
        if np.array_equal(shift, self.shift):
            return self.matrix
        t = self.translation(shift)
        return t @ self.matrix @ t.T

    def fill(self, pair: Pair, wanted: Collection[Cross]) -> None:
        """Give a pair what follows from sums of products."""
        d = len(self.shift)
        w = self.moved(self.shift + self.matrix[0, 1 : 1 + d] / self.n)
        products = w[1 : 1 + d, 1 : 1 + d]
        xx, yy = products[: self.width, : self.width], products[self.width :, self.width :]
        xy = products[: self.width, self.width :]
        for side, own in ((pair.x, xx), (pair.y, yy)):
            side[CentredNorm()] = max(np.trace(own), 0.0) ** 0.5
        pair[LinearKernels()] = InnerProducts(np.vdot(xy, xy), np.vdot(xx, xx), np.vdot(yy, yy))
        if AlignedSpectrum() in wanted:
            pair[AlignedSpectrum()] = singular_values(np.ascontiguousarray(xy), np)
            for distance in (AlignedDistance(normalised=True), AlignedDistance(normalised=False)):
                pair[distance] = distance.of_products(pair)
        if len(w) > 1 + d:
            pair.x[DiagonalSquares()], pair.y[DiagonalSquares()] = w[-2, -2], w[-1, -1]
            pair[DiagonalProduct()] = w[-2, -1]


class Triangle(Sums):
    """R of the QR decomposition of all w."""

    @classmethod
    def of(cls, rows: np.ndarray, shift: np.ndarray, width: int, exponents: tuple[int, int]) -> Self:
        """Of rows w, which are overwritten."""
        rows[:, 1:] -= shift
        return cls(_upper(rows), shift, width, exponents)

    @property
    def n(self) -> int:
        """The square of the first entry, the length of the ones."""
        return round(self.matrix[0, 0] ** 2)

    def _times(self, powers: np.ndarray) -> np.ndarray:
        return np.ldexp(self.matrix, powers)

    def moved(self, shift: np.ndarray) -> np.ndarray:
        """Rows with the inner products of R for another shift; not triangular."""
        return self.matrix @ self.translation(shift).T

    def _joined(self, matrix: np.ndarray) -> np.ndarray:
        return _upper(np.concatenate([self.matrix, matrix]))

    def pair(self, precisions: tuple[float, float]) -> Pair:
        """Sides of few rows with the same inner products as all the data; below the first row they are centred."""
        whole = self.moved(np.zeros_like(self.shift))[:, 1:]
        found = []
        centred_sides = self.sides(self.matrix[1:, 1:])
        parts = zip(self.sides(whole), centred_sides, precisions, self.exponents, strict=True)
        for values, centred, precision, exponent in parts:
            side = Side(values, precision, exponent=exponent, inputs=self.n)
            side[Centred()] = centred
            found.append(side)
        return Pair(*found)


def _upper(rows: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.qr(rows, mode="r"))
