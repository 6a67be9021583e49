"""What factors and crosses declare: what they read, what they cost, and what becomes of them when inputs move.

Both are frozen values; equal ones asked for by different measures are the same key, so that work is shared between
measures that know nothing of each other. What one computes depends on its fields and on the data alone.
"""

from __future__ import annotations

import functools
import math
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from similitude.factors.pair import Pair, Side

__all__ = ["Cost", "Cross", "Factor", "Reading", "Streamed", "Use", "closure", "reading", "steps"]

_TERM = re.compile(r"(\d*)([a-z]*)")


Streamed = Literal["sums", "triangle", "passes"]


class Cost(NamedTuple):
    """What computing something takes, about."""

    flops: float
    """Floating-point operations at the speed of a matrix product; what runs slower counts as more of them."""
    bytes: float
    """Memory of the result, with the steps to it that nothing else reads."""


def _evaluate(terms: str, sizes: dict[str, int]) -> float:
    """Value of a sum of products such as ``"6ndd+nd"``."""
    total = 0.0
    for term in terms.split("+") if terms else ():
        match = _TERM.fullmatch(term)
        assert match is not None, term
        total += float(match[1] or 1) * math.prod(sizes[letter] for letter in match[2])
    return total


class Factor(ABC):
    """Something computed once of one representation, such as its SVD. Subclasses are frozen dataclasses.

    Attributes
    ----------
    reads
        Other factors that it is computed from.
    work
        Floating-point operations, as a sum of products of n, d, and m, the smaller of the two: ``"2nd+22mmm"``.
    size
        Numbers that it takes, with the steps to it that no other measure's factor is; in the same form.
    from_stream
        What a stream of minibatches must keep so that it follows: ``"sums"`` of products of features, or their
        ``"triangle"``; ``"passes"`` if it takes several passes over inputs that can be read again, which `of_stored`
        makes; None if it needs all inputs at once.
    under_permutation
        What becomes of the result when the inputs are put in another order: ``"unchanged"``; its ``"rows"`` are
        reordered, or its ``"rows and columns"``; or it is ``"recomputed"``.
    """

    reads: tuple[Factor, ...] = ()
    work: ClassVar[str] = ""
    from_stream: ClassVar[Streamed | None] = None
    size: ClassVar[str] = "nn"
    under_permutation: ClassVar[Literal["unchanged", "rows", "rows and columns", "recomputed"]] = "recomputed"

    def cost(self, n: int, d: int) -> Cost:
        """Return what it takes for n inputs and d features, what it reads not counted."""
        sizes = {"n": n, "d": d, "m": min(n, d)}
        return Cost(_evaluate(self.work, sizes), 8 * _evaluate(self.size, sizes))

    @abstractmethod
    def __call__(self, side: Side) -> Any:
        """Compute it; read values from ``side.values``, other factors from ``side[factor]``."""

    def of_stored(self, values: np.ndarray, exponent: int) -> Any:
        """Compute it from values that may be mapped from a file, a few rows at a time; see `from_stream`.

        Parameters
        ----------
        values
            n x d, as they are stored.
        exponent
            That of the side.
        """
        raise NotImplementedError(f"{self} cannot be computed a few rows at a time.")

    def permuted(self, value: Any, order: np.ndarray) -> Any:
        """Return the factor of the representation with its rows in another order.

        Parameters
        ----------
        value
            The factor of the representation as it is.
        order
            Row i of the new representation is row ``order[i]`` of this one.

        Returns
        -------
        object
            ``NotImplemented`` where computing it anew is the only way.
        """
        if self.under_permutation == "unchanged":
            return value
        if self.under_permutation == "rows":
            return value[order]
        return value[order][:, order] if self.under_permutation == "rows and columns" else NotImplemented


class Cross(ABC):
    """Something computed once of a pair, such as its canonical correlations. Subclasses are frozen dataclasses.

    Attributes
    ----------
    reads
        Factors of both sides, and other crosses, that it is computed from.
    work
        Floating-point operations, as a sum of products of n, the widths p and q, and m, the smaller of the two.
    from_stream
        As of a `Factor`.
    when_swapped
        What becomes of the result when the sides change places: it is the ``"same"``, ``"transposed"``, its parts are
        ``"exchanged"`` (see `mirrored`), or it is ``"recomputed"``.
    together
        Whether `of_many` shares work between pairs.
    """

    reads: tuple[Use, ...] = ()
    work: ClassVar[str] = ""
    from_stream: ClassVar[Streamed | None] = None
    when_swapped: ClassVar[Literal["same", "transposed", "exchanged", "recomputed"]] = "recomputed"
    together: ClassVar[bool] = False

    def ways(self, single: bool) -> tuple[Cross, ...]:
        """Return the ways of computing it that agree but for rounding, the one that serves most others first.

        Parameters
        ----------
        single
            Whether all data are stored in single precision or less.
        """
        return ()

    def chosen(self, n: int, p: int, q: int, *, cut: bool = False) -> Cross:
        """Return the way to take for one pair: itself, unless there are `ways`.

        Parameters
        ----------
        n, p, q
            Number of inputs, and of features of either side.
        cut
            Whether components of a side were deleted.
        """
        return self

    def cost(self, n: int, p: int, q: int) -> Cost:
        """Return what it takes for n inputs, and p and q features, what it reads not counted."""
        return Cost(_evaluate(self.work, {"n": n, "p": p, "q": q, "m": min(p, q)}), 0.0)

    def cost_of_side(self, n: int, d: int) -> Cost:
        """Return what `of_many` spends once on each side, whatever the number of its pairs."""
        return Cost(0.0, 0.0)

    @abstractmethod
    def __call__(self, pair: Pair) -> Any:
        """Compute it from ``pair.x[factor]``, ``pair.y[factor]`` and other crosses ``pair[cross]``."""

    def of_many(self, pairs: Sequence[Pair], threads: int = 1) -> list[Any]:
        """Return the value for each pair, bit for bit as if it were alone."""
        return [self(pair) for pair in pairs]

    def mirrored(self, value: Any) -> Any:
        """Return the cross of the swapped pair, from the `value` for the pair."""
        return value.T if self.when_swapped == "transposed" else value


Use = Factor | Cross
"""What a measure reads."""


class Reading(NamedTuple):
    """What measures read of a pair."""

    factors: frozenset[Factor]
    """of both sides, by the measures or by the crosses"""
    crosses: frozenset[Cross]
    """each by the way in which it is computed"""


def reading(uses: Iterable[Use], route: Callable[[Cross], Cross]) -> Reading:
    """Return what is read where measures use this, and crosses are computed as `route` has it."""
    factors, crosses, waiting = set[Factor](), set[Cross](), list(uses)
    while waiting:
        use = waiting.pop()
        if isinstance(use, Factor):
            factors.add(use)
        elif (routed := route(use)) not in crosses:
            crosses.add(routed)
            waiting += routed.reads
    return Reading(frozenset(factors), frozenset(crosses))


def closure(factors: Iterable[Factor]) -> set[Factor]:
    """Return factors, and all that they read in turn."""
    found, waiting = set[Factor](), list(factors)
    while waiting:
        factor = waiting.pop()
        if factor not in found:
            found.add(factor)
            waiting += factor.reads
    return found


@functools.lru_cache(maxsize=1024)
def steps(factors: frozenset[Factor]) -> tuple[Factor, ...]:
    """Return factors, and what at least two of them read, such that each comes after all that it reads."""
    everything = closure(factors)
    readers = Counter(read for factor in everything for read in factor.reads)
    chosen = factors | {factor for factor, count in readers.items() if count > 1}
    found = dict[Factor, None]()

    def add(factor: Factor) -> None:
        for read in factor.reads:
            add(read)
        if factor in chosen:
            found.setdefault(factor)

    for factor in sorted(factors, key=repr):
        add(factor)
    return tuple(found)
