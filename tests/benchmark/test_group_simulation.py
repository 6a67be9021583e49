"""The simulation behind docs/statistics.md, run coarsely: levels and coverage where models come in groups."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from similitude.benchmark.statistics import permutation


@pytest.fixture(scope="module")
def simulation():
    """The script whose tables docs/statistics.md shows."""
    file = Path(__file__).parents[2] / "benchmarks" / "grouped_simulation.py"
    spec = importlib.util.spec_from_file_location("grouped_simulation", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("design", [(4, 8, True), (5, 4, False)])
def test_intervals_cover_and_nulls_are_kept(simulation, design):
    """Coarse here; benchmarks/grouped_simulation.py measures it."""
    rng = np.random.default_rng(0)
    covered = simulation.coverage(simulation.World(*design), 50, rng, resamples=100)
    assert covered["jackknife"] >= 0.85  # 95 % less three standard errors
    assert covered["bootstrap"] >= 0.85
    null = simulation.false_verdicts(simulation.World(*design, strength=0.0), 120, rng, permutations=99)
    assert max(null["p"], null["every_p"]) <= 0.11  # 5 % plus three standard errors
    assert max(null["tracks"], null["inverted"]) <= 0.07
    equal = simulation.false_comparisons(simulation.World(*design, noise=(0.5,) * 4), 120, rng)
    assert max(equal["not leading"], equal["some distinct"]) <= 0.11


def test_p_is_uniform_where_there_is_nothing_to_find(simulation):
    rng = np.random.default_rng(1)
    world = simulation.World(3, 5, True, strength=0.0)
    found = []
    for _ in range(250):
        arrays = world.draw(rng)
        orders = world.sampling.permutations(99, rng)
        found.append(permutation.p_value(world.sampling.permuted(permutation.permuted_every, arrays, orders)[0])[0])
    assert stats.kstest(found, "uniform").pvalue > 0.001
