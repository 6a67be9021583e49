"""What benchmarks/breakdown.py and benchmarks/bounds.py recompute of published results, at small size."""

import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from similitude import Site, get_measure
from similitude.measures import BUILT_IN
from similitude.measures.describe import breakdown as described
from similitude.suites.synthetic import SUITE

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def script(name):
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


breakdown, bounds = script("breakdown"), script("bounds")


@pytest.mark.parametrize("share", [0.01, 0.1, 0.4])
def test_cka_tends_to_the_limit_of_davari(share):
    rng = np.random.default_rng(0)
    x = breakdown.draw(rng, 300)
    far = breakdown.moved(x, share, 1e5, rng)
    rows = np.flatnonzero((far != x).any(axis=1))
    assert rows.size == round(share * 300)
    limit = breakdown.davari_limit(x, rows)
    assert 0 < limit < 0.5
    assert get_measure("cka")(x, far) == pytest.approx(limit, rel=1e-3)


def test_what_outliers_leave_of_a_measure():
    found = breakdown.curves(["cka", "jaccard"], draws=1)
    far = found[found["distance"] == breakdown.FAR].pivot(index="measure", columns="share", values="retained")
    one_row = far.columns.min()
    assert far.loc["cka", one_row] < 0.1
    assert far.loc["jaccard", one_row] > 0.95
    assert (np.diff(far.loc["jaccard"]) < 0).all()
    near = found[found["share"] == 0.1].set_index(["measure", "distance"])["value"]
    assert 1 > near["cka", 1.0] > near["cka", 5.0] > near["cka", 20.0]
    axes, _ = breakdown.figure(found).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["jaccard", "cka"]
    assert axes.texts[0].get_text() == f".{far.loc['jaccard', one_row] * 1000:.0f}"


def test_every_measure_declares_what_the_simulation_found():
    found = breakdown.halves(pd.read_csv(breakdown.FILE))
    assert set(BUILT_IN) - set(found.index) == {"random"}
    declared = pd.Series({name: described(name) for name in found.index}, dtype=float)
    pd.testing.assert_series_equal(declared, found, check_names=False)
    assert declared["cka"] < 0.01 < declared["rsa"] < 0.5
    assert described("cka(kernel=rbf,bandwidth=0.4)") is None


def test_a_measure_that_fails_has_lost_its_meaning():
    frame = pd.DataFrame({"measure": "m", "share": [0.1, 0.2, 0.3], "distance": breakdown.FAR})
    assert breakdown.halves(frame.assign(retained=[0.9, np.nan, 0.1]))["m"] == 0.2
    assert np.isnan(breakdown.halves(frame.assign(retained=[0.9, 0.8, 0.7]))["m"])


def pairs(count=150):
    for seed in range(count):
        rng = np.random.default_rng(seed)
        (d, e), n = rng.integers(1, 8, 2), int(rng.integers(4, 40))
        x = rng.normal(size=(n, d)) * rng.exponential(size=d) ** 3
        related = rng.choice([0, 1]) * (x @ rng.normal(size=(d, e)))
        yield x, related + rng.choice([0.01, 0.1, 1]) * rng.normal(size=(n, e))


def test_every_pair_is_within_the_bounds():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pd.DataFrame([bounds.values(x, y) for x, y in pairs()])
    assert bounds.within(found["low"], found["cka"], found["high"]).all()
    assert bounds.within(found["near"], found["decoders"], found["far"]).all()
    assert not bounds.within(found["high"] + 0.1, found["cka"], found["high"] + 1).any()


def test_bounds_are_attained():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3))
    same = bounds.values(x, 2 * x + 1)
    assert same["low"] == pytest.approx(1)
    assert same["high"] == pytest.approx(1)
    line = bounds.values(x[:, :1], x[:, :1] + 0.5 * rng.normal(size=(40, 1)))
    assert line["low"] == pytest.approx(line["cka"]) == pytest.approx(line["high"])
    assert line["decoders"] == pytest.approx(line["far"])


def test_every_pair_of_a_suite(tmp_path):
    site = Site(tmp_path, "quick")
    SUITE.build(site)
    (row,) = bounds.check([site.folder("synthetic")], most=60).to_dict("records")
    assert row["pairs"] == 60
    assert row["outside"] == row["decoders_outside"] == 0
    assert row["nbs"] > row["cka"] > 0


def test_optimisation_stays_in_the_region():
    pytest.importorskip("torch")
    found = bounds.region(n=30, d=3, steps=40, directions=4)
    assert bounds.within(found["low"], found["cka"], found["high"]).all()
    start, end = (found[found["step"] == step].set_index("direction") for step in (0, 30))
    assert end.loc[0, "cka"] > start.loc[0, "cka"]
    assert end.loc[1, "nbs"] > start.loc[1, "nbs"]
    assert end.loc[2, "cka"] < start.loc[2, "cka"]
    assert len(bounds.figure(found).axes) == 1
