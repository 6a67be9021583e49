"""A value depends on its measure and on the data alone: not on other measures, their order, or who asks for it."""

from __future__ import annotations

import numpy as np
import pytest

from catalogue import QUICK
from similitude import Measure, Representation, SimilitudeError, compare, get_measure, pairwise, significance
from similitude.engine import score_pairs

pytestmark = pytest.mark.filterwarnings("ignore::similitude.SimilitudeWarning")

IDS = [str(get_measure(id)) for id in QUICK if id != "random"]  # which is asked for beside them
SHAPES = {"many inputs": (60, (7, 9, 7)), "few inputs": (20, (30, 24, 30)), "between": (24, (12, 30, 12))}


def bits(value: float) -> bytes:
    return np.float64(value).tobytes()


def called(measure: Measure, x: Representation, y: Representation) -> float:
    try:
        return measure(x, y)
    except SimilitudeError:
        return float("nan")


def data(shape: str, dtype: type, seed: int) -> list[Representation]:
    rng = np.random.default_rng(seed)
    n, widths = SHAPES[shape]
    base = rng.normal(size=(n, 6))
    arrays = [base @ rng.normal(size=(6, d)) + 0.5 * rng.normal(size=(n, d)) + 0.3 for d in widths]
    return [Representation(array.astype(dtype), model=f"m{i}") for i, array in enumerate(arrays)]


@pytest.fixture(scope="module", params=[(s, t) for s in SHAPES for t in (np.float64, np.float32)], ids=str)
def alone(request):
    """Representations, and the value of each measure for the first two, asked for alone."""
    shape, dtype = request.param
    reps = data(shape, dtype, 0)
    values = {id: score_pairs([(reps[0], reps[1])], [get_measure(id)], workers=1).values[0, 0] for id in IDS}
    return reps, {id: bits(value) for id, value in values.items()}


@pytest.mark.parametrize("seed", range(6))
def test_values_are_the_same_bits_beside_whatever_else_is_asked_for(alone, seed):
    reps, expected = alone
    rng = np.random.default_rng(seed)
    chosen = [str(id) for id in rng.permutation(IDS)[: rng.integers(2, 14)]]
    measures = [get_measure(id) for id in chosen]
    x, y, z = reps
    curves = [(x, y.truncate(2)), (x.truncate(3), y), (x, y)]
    found = {
        "compare": list(compare(x, y, [*chosen, "random"]).values())[:-1],
        "the measure called": [called(measure, x, y) for measure in measures],
        "pairwise": pairwise(reps, chosen, workers=int(rng.integers(1, 4))).frame.iloc[1, 2:],
        "a run": score_pairs([(z, y), (x, y)], measures).values[1],
        "beside deletion curves": score_pairs(curves, measures).values[2],
        "significance": significance(x, y, [*chosen, "random"], permutations=1)["value"][:-1],
    }
    for asked_by, values in found.items():
        assert [id for id, v in zip(chosen, values, strict=True) if bits(v) != expected[id]] == [], asked_by


@pytest.mark.parametrize("seed", range(3))
def test_symmetric_measures_are_the_same_bits_either_way_round(alone, seed):
    reps, expected = alone
    chosen = [str(id) for id in np.random.default_rng(100 + seed).permutation(IDS)[:12]]
    symmetric = [id for id in chosen if get_measure(id).properties().symmetric]
    found = compare(reps[1], reps[0], [*symmetric, "random"])
    assert not [id for id in symmetric if bits(found[id]) != expected[id]]


@pytest.mark.parametrize("seed", range(3))
def test_values_of_views_are_the_same_bits_beside_others(seed):
    x, y, _ = data("many inputs", np.float64, 1)
    pair = (x, y.truncate(3))
    chosen = [str(id) for id in np.random.default_rng(seed).permutation(IDS)[:8]]
    together = score_pairs([(x, y), pair, (y.truncate(2), x), pair[::-1]], list(map(get_measure, chosen))).values[1]
    alone = [score_pairs([pair], [get_measure(id)]).values[0, 0] for id in chosen]
    assert [id for id, a, b in zip(chosen, alone, together, strict=True) if bits(a) != bits(b)] == []


def test_large_sets_too(monkeypatch):
    """Where work is large, crosses take ways that serve all pairs: the same ones whatever else is asked for."""
    monkeypatch.setattr("similitude.engine.routes._LARGE", 1.0)
    rng = np.random.default_rng(0)
    for dtype in (np.float64, np.float32):
        reps = [Representation(rng.normal(size=(150, 40)).astype(dtype)) for _ in range(7)]
        pairs = [(x, y) for x in reps for y in reps]
        expected = {
            id: score_pairs(pairs, [get_measure(id)], workers=1).values[:, 0] for id in [*IDS[::3], "cka", "nbs"]
        }
        for options in ({"workers": 2}, {"memory": 10**6, "workers": 2}):
            chosen = [get_measure(id) for id in rng.permutation(list(expected))]
            found = score_pairs(pairs, chosen, **options).values
            for measure, values in zip(chosen, found.T, strict=True):
                assert np.array_equal(values, expected[str(measure)], equal_nan=True), measure
