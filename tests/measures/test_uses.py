"""What a measure says that it uses is all that it reads, so that the engine can prepare it once and drop the rest."""

import gc
import weakref

import numpy as np
import pytest

from catalogue import ON_NOISE
from similitude.factors.crosses import Overlap
from similitude.factors.pair import Pair, Side
from similitude.measures import BUILT_IN, get_measure
from similitude.measures.evaluation import read_by


@pytest.mark.parametrize("id", ON_NOISE)
def test_nothing_is_computed_after_preparation(id):
    rng = np.random.default_rng(0)
    measure = get_measure(id)
    pair = Pair(Side.of(rng.normal(size=(60, 6)) + 0.3), Side.of(rng.normal(size=(60, 8)) + 0.4))
    for side in (pair.x, pair.y):
        side.prepare(read_by([measure], pair.route).factors)
    held = set(pair.x._factors), set(pair.y._factors)
    measure.value(pair)
    assert (set(pair.x._factors), set(pair.y._factors)) == held


def test_nothing_outlives_a_pair():
    """Memory that waits for the collector of cycles is not there for the next pair."""
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(60, 3))
    x, y = (signal @ rng.normal(size=(3, 6)) + rng.normal(size=(60, 6)) + mean for mean in (0.3, 0.4))
    side = Side.of(x)
    pair = Pair(side, Side.of(y))
    freed = weakref.ref(side)
    for id in BUILT_IN:
        get_measure(id).value(pair)
        get_measure(id).value(pair.swapped)
    gc.disable()
    try:
        del side, pair
        assert freed() is None
    finally:
        gc.enable()


def test_the_pair_the_other_way_round_shares_what_is_computed():
    rng = np.random.default_rng(0)
    pair = Pair(Side.of(rng.normal(size=(60, 6))), Side.of(rng.normal(size=(60, 4))))
    overlap = pair.swapped[Overlap()]
    assert np.shares_memory(pair[Overlap()], overlap)
    assert pair.swapped.swapped[Overlap()] is pair[Overlap()]
    cut = Pair(pair.x.leading(3), pair.y, pair)
    assert cut.swapped.parent is not None
    assert np.shares_memory(cut.swapped.parent[Overlap()], overlap)
