"""How much memory there is for a comparison, and what follows from that: what is kept, streamed, spilled, warned of."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from similitude.errors import SimilitudeWarning
from similitude.factors.memory import MEMORY, gigabytes, machine_memory, needed
from similitude.measures.base import Measure
from similitude.representations.representation import Representation

__all__ = ["Budget"]

_IN_WORK = 3
"""Memory that computing the factors of a representation takes for a while, in units of what they take in the end."""

_BLOCK = 8
"""Representations that a block should hold, so that factoring them costs little beside comparing them."""

_ROUGHLY = 1.25
"""Excess over the limit from which it is warned of: estimates are not exact."""


Sides = tuple[Representation, Representation]


@dataclass(frozen=True)
class Budget:
    """Memory for representations and for all that is computed of them.

    Parameters
    ----------
    bytes
        That there may be at one time, about.
    """

    bytes: float = MEMORY

    @property
    def for_representations(self) -> Budget:
        """Half of it, where representations are yet to be extracted: beyond, they are spilled to files."""
        return Budget(self.bytes // 2)

    @property
    def for_factors(self) -> Budget:
        """The other half."""
        return Budget(self.bytes - self.bytes // 2)

    def held(self, largest: float, workers: int) -> int:
        """Return the bytes for factors that wait to be used again, beside those in work; beyond, they are evicted.

        Parameters
        ----------
        largest
            Bytes of the factors of one representation.
        workers
            That are computing at one time.
        """
        return int(max(self.bytes - _IN_WORK * workers * largest, self.bytes // 4))

    def for_one(self, workers: int, representations: int) -> float:
        """Return the bytes that factors of one representation may take, so that two blocks fit beside those in work.

        Measures whose factors take more together are computed in parts. Smaller parts make for larger blocks, in which
        a representation is factored once for all its pairs.

        Parameters
        ----------
        workers
            Number of representations in work at one time.
        representations
            Number that are compared in all.
        """
        return self.bytes / (min(max(representations, 2), 2 * _BLOCK) + _IN_WORK * workers)

    def holds(self, x: Representation, y: Representation) -> bool:
        """Whether the centred values of two sides fit; if not, they are streamed where a measure allows it."""
        return 8 * x.n * (x.d + y.d) <= self.bytes

    def warn(self, asked: Iterable[tuple[Measure, Sequence[Sides]]], stacklevel: int) -> None:
        """Warn of measures by which the largest pair takes more than this.

        Those that take more than the machine has are not named here: they fail, with the reason.

        Parameters
        ----------
        asked
            Measures, each with pairs of representations; one of each shape is enough.
        stacklevel
            As of `warnings.warn`, for the caller of this method.
        """
        exceeding: list[tuple[float, Measure, Sides]] = []
        for measure, pairs in asked:
            uses = tuple(measure.uses())
            sizes = [sum(needed(uses, side.n, side.d) for side in pair) for pair in pairs]
            size = max(sizes, default=0)
            if _ROUGHLY * self.bytes < size <= machine_memory():
                exceeding.append((size, measure, pairs[sizes.index(size)]))
        if not exceeding:
            return
        x, y = max(exceeding, key=lambda found: found[0])[2]
        named = ", ".join(f"{measure} takes about {gigabytes(size)}" for size, measure, _ in exceeding)
        warnings.warn(
            f"{named} of memory for {x.key} and {y.key} ({x.n:,} inputs), more than the {gigabytes(self.bytes)} "
            "allowed. Raise the limit, use a random sample of the inputs, or use measures that can be streamed, such "
            "as cka.",
            SimilitudeWarning,
            stacklevel=stacklevel + 1,
        )
