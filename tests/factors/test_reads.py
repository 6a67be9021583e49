"""What factors and crosses declare is what they do: what they read, in which order it is computed, what it costs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pytest

from similitude import Representation, get_measure, pairwise
from similitude.engine import plan_pairs
from similitude.factors.base import Factor, closure, reading, steps
from similitude.factors.linear import Centred, CovarianceNorm, Mean, Scatter, ThinSVD
from similitude.factors.pair import Pair, Side
from similitude.measures import BUILT_IN
from similitude.measures.base import Measure, Properties, invariant

SIZES = {"n": 30, "d": 6}
MORE = [
    "cka(debiased=true)",
    "cka(kernel=rbf)",
    "shape_metric(alpha=0.5)",
    "rsa(rdm=euclidean,compare=whitened_pearson)",
]
IDS = [id for id in (*BUILT_IN, *MORE) if get_measure(id).uses()]


@pytest.fixture
def read(monkeypatch):
    """What each factor and each cross asks for while it is computed."""
    asked: dict[object, set] = defaultdict(set)
    working: list[object] = []

    def watched(cls, name):
        original = getattr(cls, name)

        def getitem(self, use):
            use = self.route(use) if isinstance(self, Pair) else use
            if working:
                asked[working[-1]].add(use)
            working.append(use)
            try:
                return original(self, use)
            finally:
                working.pop()

        monkeypatch.setattr(cls, name, getitem)

    for cls, name in ((Side, "__getitem__"), (Side, "take"), (Pair, "__getitem__")):
        watched(cls, name)
    return asked


@pytest.mark.filterwarnings("ignore::similitude.SimilitudeWarning")
@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("widths", [(6, 8), (40, 50)], ids=["many inputs", "few inputs"])
def test_nothing_is_read_that_is_not_declared(read, id, widths):
    rng = np.random.default_rng(0)
    measure = get_measure(id)
    pair = Pair(*(Side.of(rng.normal(size=(30, d)) + 0.3) for d in widths))
    try:
        measure.value(pair)
    except (ValueError, ArithmeticError):
        pytest.skip("not defined on these data")
    allowed = reading(measure.uses(), pair.route)
    for use, reads in read.items():
        declared = set(reading(use.reads, pair.route).factors) | set(reading(use.reads, pair.route).crosses)
        # The same of the other side, and what a cross of the swapped pair is made of.
        assert reads <= declared | {use}, use
    assert {use for use in read if not isinstance(use, Factor)} <= allowed.crosses


def test_steps_come_before_what_reads_them():
    order = steps(frozenset({CovarianceNorm(), ThinSVD()}))
    assert set(order) == {Centred(), Scatter(), CovarianceNorm(), ThinSVD()}
    assert order.index(Centred()) < order.index(Scatter()) < order.index(ThinSVD())
    assert steps(frozenset({ThinSVD()})) == (Centred(), ThinSVD())  # its products of features serve nothing else
    assert closure([CovarianceNorm()]) == {CovarianceNorm(), Scatter(), Centred(), Mean()}


@dataclass(frozen=True)
class Cubes(Factor):
    """A factor of someone else's."""

    reads = (Mean(),)
    work = "10nddd"
    size = "nd"

    def __call__(self, side):
        return side.values**3 - side[Mean()]


@dataclass(frozen=True)
class OfCubes(Measure):
    name = "of_cubes"
    declares = Properties("dissimilarity", (0.0, np.inf), True, invariant(""), "", "")

    def uses(self):
        return (Cubes(),)

    def score(self, pair):
        return abs(pair.x[Cubes()].sum() - pair.y[Cubes()].sum())


def test_factors_of_other_packages_are_planned_and_costed_like_ours(rng):
    assert Cubes().cost(20, 5) == (10 * 20 * 5**3, 8 * 20 * 5)
    reps = [Representation(rng.normal(size=(20, 5))) for _ in range(4)]
    plan = plan_pairs([(x, y) for x in reps for y in reps], [OfCubes()])
    assert plan.factors == {(0, i): frozenset({Cubes()}) for i in range(4)}
    assert plan.flops >= 4 * 10 * 20 * 5**3
    assert plan.bytes == 4 * 8 * 20 * 5
    assert pairwise(reps, [OfCubes()]).matrix().to_numpy().diagonal() == pytest.approx(np.zeros(4))


def test_letters_are_sizes():
    assert ThinSVD().cost(**SIZES).bytes == 8 * (30 * 6 + 6 * 6)
    assert Scatter().cost(4, 100).bytes == 8 * 4 * 4
