"""What a measure says that it uses is all that it reads, so that the engine can prepare it once and drop the rest."""

import numpy as np
import pytest
from test_declarations import WITH_PARAMETERS

from similitude.engine.plan import needs
from similitude.measures import BUILT_IN, get_measure
from similitude.measures.pair import Pair, Side


@pytest.mark.parametrize("id", [*BUILT_IN, *WITH_PARAMETERS])
def test_nothing_is_computed_after_preparation(id):
    rng = np.random.default_rng(0)
    measure = get_measure(id)
    factors, crosses = needs([measure])
    pair = Pair(Side.of(rng.normal(size=(60, 6)) + 0.3), Side.of(rng.normal(size=(60, 8)) + 0.4))
    pair.wanted |= crosses
    for side in (pair.x, pair.y):
        side.prepare(factors)
    held = set(pair.x._factors), set(pair.y._factors)
    measure.value(pair)
    assert (set(pair.x._factors), set(pair.y._factors)) == held
