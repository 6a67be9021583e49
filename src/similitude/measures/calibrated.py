"""Any measure, calibrated by what it gives for shuffled inputs."""

from __future__ import annotations

import dataclasses
import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from similitude.errors import InputError, MeasureError
from similitude.factors.base import Cost, Cross, Factor, Use
from similitude.factors.pair import Pair, as_numpy
from similitude.factors.shuffled import draw_orders, shuffled
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.null import FEWEST, LEVEL, Null, Shuffles, check_inputs
from similitude.measures.parameters import parameter

__all__ = ["Calibrated", "calibrate"]


def calibrate(measure: Measure, value: float, threshold: float) -> float:
    """Return 0 for a value no more alike than the threshold, 1 for the best that the measure can give."""
    best = _best(measure)
    return min(1.0, max(0.0, (value - threshold) / (best - threshold)))


def _best(measure: Measure) -> float:
    declared = measure.properties()
    return declared.bounds[1] if declared.kind == "similarity" else declared.bounds[0]


@dataclass(frozen=True)
class ShuffledValues(Cross):
    """Values of a measure for random orders of the inputs of the second side, the same orders for all pairs.

    The inverse of each order is there too, so that it is the same which side is shuffled.

    Parameters
    ----------
    measure
        The measure.
    count
        Number of orders, rounded up to an even one.
    """

    measure: Measure
    count: int

    @property
    def reads(self) -> tuple[Use, ...]:  # type: ignore[override]  # depends on the parameter
        """What the measure reads."""
        return self.measure.uses()

    def cost(self, n: int, p: int, q: int) -> Cost:
        """Crosses of each order."""
        crosses = [use for use in self.reads if isinstance(use, Cross)]
        return Cost(self.count * (n * (p + q) + sum(use.cost(n, p, q).flops for use in crosses)), 8.0 * self.count)

    def __call__(self, pair: Pair) -> np.ndarray:
        """Factors are reordered, crosses computed again."""
        some = draw_orders(pair.n, -(-self.count // 2))
        orders = [*some, *map(np.argsort, some)]
        return np.array([self.measure.value(Pair(pair.x, shuffled(pair.y, order))) for order in orders])


@dataclass(frozen=True)
class Calibrated(Measure):
    """How far a value exceeds chance: 0 where shuffled inputs give as much, 1 where it is the best that there is.

    Parameters
    ----------
    of
        Id of the measure that is calibrated.
    level
        Share of all orders of inputs whose value, at least, is taken for chance.
    permutations
        Number of random orders, half of them the inverses of the others and the same for all pairs, for measures whose
        distribution has no closed form.
    """

    of: str = "cka"
    level: float = parameter(LEVEL, at_least=0.5, at_most=0.9999)
    permutations: int = parameter(200, at_least=20)

    name = "calibrated"
    version = 2
    variants = ("of=procrustes,permutations=20", "of=cka(debiased=true),level=0.9")
    declares = Properties(
        kind="similarity",
        bounds=(0.0, 1.0),
        symmetric=True,
        invariances=invariant("OST"),
        reference="Groeger et al. 2026, arXiv:2602.14486; closed form: Kazi-Aoual et al. 1995, "
        "doi:10.1016/0167-9473(94)00064-2",
        formula="max(0, (s - t) / (1 - t)), t the 95 % quantile of s over all orders of the inputs of one side",
        minimum_n=FEWEST,
        cost="that of the measure, 200 times that where its distribution has no closed form,",
        caution="0 for all that chance could give: it does not order values below the threshold.",
    )

    def __post_init__(self) -> None:
        """Spell the id in one way, and refuse a measure without a best value."""
        super().__post_init__()
        object.__setattr__(self, "of", str(self.measure))
        if isinstance(self.measure, Calibrated):
            raise InputError(f"calibrated: {self.of} is calibrated already. Name the measure that it is of.")
        if not math.isfinite(_best(self.measure)):
            raise InputError(
                f"calibrated: {self.of} has no best value by which it could be calibrated. Use a measure whose range "
                "ends where representations are most alike."
            )

    @functools.cached_property
    def measure(self) -> Measure:
        """The measure that is calibrated."""
        from similitude.measures.parse import get_measure  # which finds this module among those of measures

        return get_measure(self.of)

    def properties(self) -> Properties:
        """Those of the measure, as far as they concern pairs and not values."""
        of = self.measure.properties()
        kept = ("symmetric", "invariances", "needs", "self_is_best", "exempt_from_self", "takes_rdms")
        inherited: dict[str, Any] = {name: getattr(of, name) for name in kept}
        return dataclasses.replace(self.declares, **inherited, minimum_n=max(FEWEST, of.minimum_n))

    def uses(self) -> tuple[Factor | Cross, ...]:
        """What the measure reads, and what gives its distribution."""
        form = self.measure.closed_form()
        null = form.invariants if form is not None else ShuffledValues(self.measure, self.permutations)
        return (*self.measure.uses(), null)

    def score(self, pair: Pair) -> float:
        """The value between threshold and best."""
        check_inputs(pair.n)
        self.measure.check(pair)
        value = self.measure.score(pair)
        if getattr(value, "requires_grad", False):
            as_numpy(value)  # raises: a threshold has no gradient
        null = self._null(pair)
        if not null.varies:
            raise MeasureError(f"{self.of} gives the same value in whatever order the inputs are: there is no chance.")
        return calibrate(self.measure, float(value), null.quantile(self.level))

    def _null(self, pair: Pair) -> Null | Shuffles:
        form = self.measure.closed_form()
        if form is not None:
            return form.null(pair)
        return Shuffles(pair[ShuffledValues(self.measure, self.permutations)], self.measure.properties().kind)
