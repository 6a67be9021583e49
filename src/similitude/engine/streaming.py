"""Minibatches in, the exact value out: the linear family in memory that does not grow with the number of inputs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from similitude.engine.sums import Moments, Triangle, merged
from similitude.errors import InputError, ShapeMismatch
from similitude.factors.base import Cross, Factor, Use, reading
from similitude.factors.crosses import DiagonalProduct
from similitude.factors.linear import CentredNorm
from similitude.factors.pair import Pair, Side
from similitude.linalg.scale import exponent_of, largest_of, scaled
from similitude.measures import Measure, get_measures
from similitude.measures.evaluation import evaluate
from similitude.representations.arrays import as_array

__all__ = ["Stream", "can_stream", "several_passes"]

_EXACT = float(np.finfo(np.float64).eps)


def can_stream(measure: Measure) -> bool:
    """Whether a measure follows from what `Stream` keeps."""
    uses = measure.uses()
    return bool(_kept(uses)) and all(use.from_stream for use in uses)


def several_passes(measure: Measure) -> list[Factor]:
    """Factors that a measure reads and that take several passes over the inputs."""
    factors = reading(measure.uses(), lambda cross: cross).factors
    return [factor for factor in factors if factor.from_stream == "passes"]


def _kept(uses: Iterable[Use]) -> set[str]:
    """What must be kept for crosses; a factor of the triangle that is read on its own is read input by input."""
    return {
        use.from_stream for use in uses if use.from_stream and (isinstance(use, Cross) or use.from_stream == "sums")
    }


class Stream:
    """Values of measures for two representations of which the inputs come in minibatches.

    Values are those of the whole arrays, whatever the sizes of the batches. CKA and the Procrustes family need
    sums of products, kept relative to the mean of the first inputs; the CCA family and regression need the
    triangular factor R of [1 X Y], since products would square the condition number. Both can be merged.

    Parameters
    ----------
    measures
        Ids; by default ``cka`` and ``procrustes``. Biased and debiased linear CKA, the CCA family, the Procrustes
        family, shape metrics and linear regression can be streamed.
    precisions
        Machine epsilon in which each side was computed, where that is coarser than the type of the batches.

    Raises
    ------
    InputError
        A measure that needs all inputs at once.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 5))
    >>> stream = Stream("cka")
    >>> for start in range(0, 1000, 64):
    ...     stream = stream.update(X[start : start + 64], 2 * X[start : start + 64] + 1)
    >>> round(stream.result()["cka"], 12)
    1.0
    """

    rereads = False
    """Whether inputs can be read again, for factors that take several passes."""

    def __init__(
        self,
        measures: str | Measure | Iterable[str | Measure] = ("cka", "procrustes"),
        *,
        precisions: tuple[float, float] = (_EXACT, _EXACT),
    ) -> None:
        self.measures = get_measures(measures)
        for measure in self.measures:
            if not can_stream(measure) or (several_passes(measure) and not self.rereads):
                raise InputError(
                    f"{measure} needs all inputs at once. Measures that can be streamed: linear CKA, the CCA family, "
                    "the Procrustes family, shape metrics and linear regression."
                )
        uses = {use for measure in self.measures for use in measure.uses()}
        kept = {use.from_stream for use in uses}
        # Either serves its own measures alone, so that no value depends on which others are asked for.
        self._sums, self._triangular = "sums" in kept, "triangle" in kept
        self._diagonals = DiagonalProduct() in uses
        self._widths: tuple[int, int] | None = None
        self._precisions = precisions
        self._largest = 0.0, 0.0
        self._buffer = np.empty((0, 0))
        self._filled = 0
        self._moments: Moments | None = None
        self._triangle: Triangle | None = None

    def _begin(self, widths: tuple[int, int]) -> None:
        """Make the buffer: always filled to the same row, so that values do not depend on the batches."""
        self._widths = widths
        self._buffer = np.empty(self._buffer_shape(widths))

    def _buffer_shape(self, widths: tuple[int, int]) -> tuple[int, int]:
        columns = 1 + sum(widths) + 2 * self._diagonals
        return max(1024, (4 if self._triangular else 2) * columns), columns

    def bytes(self, widths: tuple[int, int]) -> int:
        """Memory that a stream of sides of these widths takes, about, however many inputs there are."""
        rows, columns = self._buffer_shape(widths)
        return 8 * columns * ((2 if self._triangular else 1) * rows + 3 * columns)

    @property
    def n(self) -> int:
        """Number of inputs so far."""
        held = self._moments or self._triangle
        return self._filled + (held.n if held is not None else 0)

    def update(self, x: Any, y: Any) -> Stream:
        """Add a minibatch.

        Parameters
        ----------
        x, y
            Arrays or tensors of shape (b, d_x) and (b, d_y), b any number; row i of both is the same input.

        Returns
        -------
        Stream
            Itself.

        Raises
        ------
        ShapeMismatch
            Different numbers of rows, or other widths than before.
        InputError
            NaN or infinite values, or arrays that are not two-dimensional.
        """
        (x, of_x, high_x), (y, of_y, high_y) = _checked(x, "first"), _checked(y, "second")
        if len(x) != len(y):
            raise ShapeMismatch(f"A batch has {len(x)} inputs on the first side and {len(y)} on the second.")
        if self._widths is None:
            self._begin((x.shape[1], y.shape[1]))
        assert self._widths is not None
        if (x.shape[1], y.shape[1]) != self._widths:
            raise ShapeMismatch(f"A batch has widths {x.shape[1]} and {y.shape[1]}; those before had {self._widths}.")
        self._coarsen((of_x, of_y))
        self._enlarge((high_x, high_y))
        start = 0
        while start < len(x):
            stop = min(len(x), start + len(self._buffer) - self._filled)
            rows = self._buffer[self._filled : self._filled + stop - start]
            middle = 1 + self._widths[0]
            rows[:, 0] = 1.0
            rows[:, 1:middle] = x[start:stop]
            rows[:, middle : middle + self._widths[1]] = y[start:stop]
            self._filled += stop - start
            start = stop
            if self._filled == len(self._buffer):
                self._moments, self._triangle = self._absorbed(self._buffer)
                self._filled = 0
        return self

    def merge(self, other: Stream) -> Stream:
        """Add what another stream has seen; neither order nor grouping matters beyond rounding.

        Parameters
        ----------
        other
            A stream of the same measures, left as it is.

        Returns
        -------
        Stream
            Itself.
        """
        if list(map(str, other.measures)) != list(map(str, self.measures)):
            raise InputError("Only streams of the same measures can be merged.")
        if other._widths is None:
            return self
        if self._widths not in (None, other._widths):
            raise ShapeMismatch(f"One stream has widths {self._widths}, the other {other._widths}.")
        moments, triangle = other._total()
        if self._widths is None:
            self._begin(other._widths)
        self._enlarge(other._largest)
        self._moments = merged(self._moments, moments)
        self._triangle = merged(self._triangle, triangle)
        self._coarsen(other._precisions)
        return self

    def result(self) -> dict[str, float]:
        """Measure id to value, for all inputs so far; more may follow.

        Raises
        ------
        InputError
            Fewer than two inputs, or constant features only.
        MeasureError
            A measure is not defined on these data.
        """
        pair = self.pair()
        values = dict(zip(map(str, self.measures), evaluate(pair, self.measures), strict=True))
        for value in values.values():
            if isinstance(value, Exception):
                raise value
        return values

    def pair(self) -> Pair:
        """Both sides, with all that the measures read of them, for all inputs so far.

        Raises
        ------
        InputError
            Fewer than two inputs, or constant features only.
        """
        if self.n < 2:
            raise InputError(f"The stream has seen {self.n} inputs; similarity needs at least two.")
        moments, triangle = self._total()
        if triangle is not None:
            pair = triangle.pair(self._precisions)
        else:
            assert moments is not None
            parts = zip(moments.sides(moments.shift), self._precisions, moments.exponents, strict=True)
            x, y = (Side(part[None], eps, exponent=exponent, inputs=self.n) for part, eps, exponent in parts)
            pair = Pair(x, y)
        if moments is not None:
            uses = {use for measure in self.measures for use in measure.uses()}
            moments.fill(pair, reading(uses, lambda cross: cross).crosses)
        if not (pair.x[CentredNorm()] > 0 and pair.y[CentredNorm()] > 0):
            raise InputError("Every feature of a side is constant over the inputs; there is nothing to compare.")
        return pair

    def _coarsen(self, precisions: tuple[float, float]) -> None:
        """Take note of the precision in which values were stored; it sets the tolerance for their rank."""
        self._precisions = max(self._precisions[0], precisions[0]), max(self._precisions[1], precisions[1])

    def _enlarge(self, largest: tuple[float, float]) -> None:
        """Take note of the largest magnitudes; they set the powers of two by which both sides are divided."""
        self._largest = max(self._largest[0], largest[0]), max(self._largest[1], largest[1])

    def _total(self) -> tuple[Moments | None, Triangle | None]:
        """Sums over all rows, those that wait in the buffer too."""
        return self._absorbed(self._buffer[: self._filled].copy()) if self._filled else (self._moments, self._triangle)

    def _absorbed(self, rows: np.ndarray) -> tuple[Moments | None, Triangle | None]:
        """Sums with these rows, which are overwritten."""
        assert self._widths is not None
        width, columns = self._widths[0], slice(0, 1 + sum(self._widths))
        exponents = exponent_of(self._largest[0]), exponent_of(self._largest[1])
        for part, exponent in zip((slice(1, 1 + width), slice(1 + width, columns.stop)), exponents, strict=True):
            rows[:, part] = scaled(rows[:, part], -exponent)
        held = self._moments or self._triangle
        shift = rows[:, columns][:, 1:].mean(axis=0) if held is None else held.in_units(exponents).shift
        moments = triangle = None
        if self._triangular:
            triangle = merged(self._triangle, Triangle.of(rows[:, columns].copy(), shift, width, exponents))
        if self._sums:
            moments = merged(self._moments, Moments.of(rows, shift, width, exponents))
        return moments, triangle


def _checked(batch: Any, name: str) -> tuple[np.ndarray, float, float]:
    """A batch as an array, the machine epsilon of its type, and its largest magnitude."""
    array, precision = as_array(batch, name)
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        raise InputError(f"{name}: a batch of shape {array.shape} and type {array.dtype} is not inputs x features.")
    largest = largest_of(array)
    if not math.isfinite(largest):
        raise InputError(f"{name}: a batch with NaN or infinite values.")
    return array, precision, largest
