"""PWCCA has one value by every route where canonical correlations are tied or directions cannot be reached."""

from __future__ import annotations

import definitions
import numpy as np
import pytest

from similitude import Representation, compare, get_measure, pairwise
from similitude.engine.streaming import Stream
from similitude.linalg.ties import mean_absolute_sums

N = 240
IDS = ["pwcca", "pwcca(lost=drop)"]


def generic(d, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(N, 6)) @ rng.normal(size=(6, d)) + rng.normal(size=(N, d)) + 1


def one_hot(classes, step):
    return np.eye(classes)[(np.arange(N) * step // 3) % classes]


def prescribed(correlations, dx, seed=0):
    """Two sides with these canonical correlations, the first d_x wide."""
    rng = np.random.default_rng(seed)
    rho, k = np.asarray(correlations), len(correlations)
    base = rng.normal(size=(N, dx + k))
    q = np.linalg.qr(base - base.mean(0))[0]
    y = q[:, :k] * rho + q[:, dx:] * np.sqrt(1 - rho**2)
    return q[:, :dx] @ rng.normal(size=(dx, dx)), y @ rng.normal(size=(k, k))


def leading(x, kept):
    return Representation(x).truncate(kept).values


CASES = {
    "own leading components": lambda: (generic(12), leading(generic(12), 5)),
    "own leading components, first": lambda: (leading(generic(12), 5), generic(12)),
    "itself": lambda: (generic(9), generic(9)),
    "itself, transformed": lambda: (generic(9), generic(9) @ np.random.default_rng(3).normal(size=(9, 9))),
    "classes": lambda: (one_hot(5, 1), one_hot(4, 2)),
    "crossed classes": lambda: (one_hot(3, 1), one_hot(8, 3)),
    "integers": lambda: (np.arange(N)[:, None] // [1, 2, 4, 8, 16] % 2, np.arange(N)[:, None] // [1, 2, 32] % 3),
    "wide first": lambda: (generic(16), generic(7, seed=1)),
    "wide second": lambda: (generic(7), generic(16, seed=1)),
    "second of lower rank": lambda: (generic(8), generic(3, seed=1) @ np.random.default_rng(2).normal(size=(3, 11))),
    "first of lower rank": lambda: (generic(5) @ np.random.default_rng(2).normal(size=(5, 11)), generic(8, seed=1)),
    "few inputs of low rank": lambda: (
        generic(6)[:20] @ np.random.default_rng(2).normal(size=(6, 30)),
        generic(4, seed=1)[:20] @ np.random.default_rng(3).normal(size=(4, 40)),
    ),
    "tied in threes": lambda: prescribed([0.9, 0.9, 0.9, 0.4, 0.4, 0.4, 0.1], 10),
    "tied but for rounding": lambda: prescribed([0.9, 0.9 - 1e-13, 0.5, 0.5 - 1e-9, 0.2], 5),
    "uncorrelated": lambda: prescribed([0.8, 0.3, 0.0, 0.0], 6),
}


@pytest.fixture(params=CASES)
def sides(request):
    return [np.asarray(side, float) for side in CASES[request.param]()]


@pytest.mark.parametrize("id", IDS)
@pytest.mark.filterwarnings("ignore:Ranks")
def test_agrees_with_its_definition_by_every_route(sides, id, monkeypatch):
    x, y = sides
    measure = get_measure(id)
    expected = definitions.pwcca(x, y, measure.lost)
    stream = Stream([id, "mean_cca"])
    for start in range(0, len(x), 17):
        stream.update(x[start : start + 17], y[start : start + 17])
    monkeypatch.setattr(Stream, "bytes", lambda self, widths: 1)  # as if there were many more inputs
    rotated = x[:, ::-1], y @ np.linalg.qr(np.random.default_rng(4).normal(size=(y.shape[1],) * 2))[0]
    routes = {
        "alone": measure(x, y),
        "both ways round": pairwise([x, y], [id, "cka", "mean_cca"]).matrix(id).to_numpy()[0, 1],
        "streamed": stream.result()[id],
        "streamed by the engine": pairwise([x], [id], others=[y], memory=100).frame[id][0],
        "rotated": measure(*rotated),
    }
    assert routes == pytest.approx(dict.fromkeys(routes, expected), rel=0, abs=1e-10)


@pytest.mark.parametrize("id", IDS)
@pytest.mark.filterwarnings("ignore:Ranks")
def test_curves_over_tied_components_are_those_of_the_cut_data(id):
    x = Representation(generic(12), model="x")
    y = Representation(np.concatenate([leading(generic(12), 4), generic(8, seed=1)], axis=1), model="y")
    for first, second in [(x, x), (x, y), (y, x)]:
        for kept in (1, 3, 4, 8, 11):
            for pair in [
                (first, second.truncate(kept)),
                (first.truncate(kept), second),
                (first.truncate(5), second.truncate(kept)),
            ]:
                arrays = [np.array(side.values) for side in pair]
                expected = definitions.pwcca(*arrays, get_measure(id).lost)
                found = compare(*pair, [id, "cka", "mean_squared_cca"])[id]
                assert found == pytest.approx(expected, rel=0, abs=1e-10)
                assert get_measure(id)(*arrays) == pytest.approx(expected, rel=0, abs=1e-10)


@pytest.mark.parametrize("gap", np.geomspace(1e-7, 1e-4, 13))
def test_rounding_does_not_decide_which_correlations_are_tied(gap):
    x, y = prescribed([0.8, 0.5, 0.5 - gap, 0.5 - 2.5 * gap, 0.1], 6)
    measure = get_measure("pwcca")
    value = measure(x, y)
    assert value == pytest.approx(definitions.pwcca(x, y), rel=0, abs=1e-9)
    for i in range(5):
        noise = 1e-15 * np.random.default_rng(i).normal(size=x.shape)
        assert measure(x + noise, y) == pytest.approx(value, rel=0, abs=1e-9)


def test_the_weight_of_tied_directions_is_the_mean_over_their_bases():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(4, 9))
    values = np.array([0.9, 0.5, 0.5, 0.5])
    bases = [np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(20_000)]
    sampled = np.mean([np.abs(basis @ rows[1:]).sum() for basis in bases]) / 3
    found = mean_absolute_sums(values, rows, None, np)
    assert found == pytest.approx([np.abs(rows[0]).sum(), *[sampled] * 3], rel=3e-3)
    assert found[0] == np.abs(rows[0]).sum()
