"""What a check is given: one measure, data, and what counts as equal."""

from __future__ import annotations

import math

import numpy as np

from similitude.factors.pair import Pair, Side
from similitude.measures import Measure
from similitude.testing.cases import INPUTS, WIDTHS, Case, draw, related

__all__ = ["BREAKS", "HOLDS", "Examination", "Failed", "Skipped"]

HOLDS = 1e-6
"""Values that should be equal differ by less than this, relative to the measure's typical value."""
BREAKS = 1e-4
"""Values that should differ do so by more than this."""


class Failed(Exception):
    """Raised inside a check: the measure does not do what it declares; the message says how that was seen."""


class Skipped(Exception):
    """Raised inside a check that does not apply; the message says why."""


class Examination:
    """One measure, the data it is examined on, and every value it has given so far.

    Parameters
    ----------
    measure
        What is examined.
    seed
        Of the data; a declaration that is false fails for nearly every seed.
    """

    def __init__(self, measure: Measure, seed: int) -> None:
        self.measure = measure
        self.declared = measure.properties()
        self.rng = np.random.default_rng(seed)
        self.cases = [related(self.rng, widths) for widths in WIDTHS]
        self._originals = [Case(case.x.copy(), case.y.copy()) for case in self.cases]
        self.seen: list[float] = []
        self.scale = 1.0

    def settle(self) -> None:
        """Evaluate once, and take the measure's typical value as the unit of "equal" and "different"."""
        values = [self(case.x, case.y) for case in self.cases]
        values += [self(case.x, draw(self.rng, INPUTS, case.y.shape[1])) for case in self.cases]
        self.scale = max(abs(value) for value in values) or 1.0

    def __call__(self, x: np.ndarray, y: np.ndarray) -> float:
        value = self.measure(x, y)
        if not isinstance(value, float):
            raise Failed(f"returns {type(value).__name__}, not float")
        self.seen.append(value)
        return value

    def inputs_changed(self) -> bool:
        """Whether any of the examination's arrays is no longer what it was."""
        return any(
            not (np.array_equal(now.x, before.x) and np.array_equal(now.y, before.y))
            for now, before in zip(self.cases, self._originals, strict=True)
        )

    def require_equal(self, value: float, expected: float, what: str, tolerance: float = HOLDS) -> None:
        """Fail unless two values agree relative to the typical value; NaN never does."""
        if not abs(value - expected) <= tolerance * max(self.scale, abs(expected)):
            raise Failed(f"{what}: {value:.10g} instead of {expected:.10g}")

    def require_usable(self, value: float, what: str) -> None:
        """Fail unless a value is a finite number within the declared bounds."""
        low, high = self.declared.bounds
        slack = 1e-9 * max([1.0, *(abs(bound) for bound in (low, high) if math.isfinite(bound))])
        if not math.isfinite(value):
            raise Failed(f"{what}: {value}")
        if not low - slack <= value <= high + slack:
            raise Failed(f"{what}: {value:.10g} outside the declared bounds [{low:g}, {high:g}]")

    def require_self(self, x: np.ndarray, what: str) -> None:
        """Fail unless a representation compared with itself gets the best value that there is."""
        if self.declared.exempt_from_self or not self.declared.self_is_best:
            return
        low, high = self.declared.bounds
        best = high if self.declared.kind == "similarity" else low
        # The root of a rounding error, relative to the size of the data that the error is made in.
        size = max(self.scale, float(np.linalg.norm(x)) if math.isinf(high) else 1.0)
        value = self(x, x.copy())
        if math.isfinite(best) and not abs(value - best) <= 1e-7 * size:
            raise Failed(f"{what} compared with itself: {value:.10g} instead of {best:g}")

    def in_order(self, x: np.ndarray, y: np.ndarray) -> float:
        """Score of two arrays in this order, which a value of a measure declared symmetric does not depend on."""
        return float(self.measure.score(Pair(Side.of(x), Side.of(y))))

    def pair(self, case: Case) -> Pair:
        """Pair of single-precision copies, whose double-precision values belong to the sides alone."""
        return Pair(Side.of(case.x.astype(np.float32)), Side.of(case.y.astype(np.float32)))
