"""Intervals over inputs: what is left out, what errors come to, and which questions are refused."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist

from catalogue import QUICK
from similitude import RDM, MeasureError, Representation, SimilitudeWarning, get_measure, interval, measure, pairwise
from similitude.engine.intervals import ends_of, find_spread, with_intervals
from similitude.engine.replicates import replicate
from similitude.errors import InputError, ShapeMismatch
from similitude.factors.pair import Pair, Side

N = 60


@measure(kind="similarity", bounds=(-np.inf, np.inf))
def mean_product(x, y):
    """Mean product of the first features."""
    return float(np.mean(x[:, 0] * y[:, 0]))


def data(seed=0, n=N):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 3))
    return [
        z @ rng.normal(size=(3, d)) + noise * rng.normal(size=(n, d)) for d, noise in ((5, 0.5), (6, 0.5), (6, 3.0))
    ]


@pytest.mark.parametrize("id", QUICK)
def test_every_measure_has_an_interval(id):
    (row,) = interval(*data()[:2], id, resamples=4).to_dict("records")
    low, high = get_measure(id).properties().bounds
    assert low <= row["low"] <= row["value"] <= row["high"] <= high


def test_replicates_are_values_without_a_fifth_of_the_inputs():
    x, y, _ = data()
    measures = [get_measure(id) for id in ("cka", "jaccard(k=5)")]
    found = replicate([(Representation(x), Representation(y))], measures, resamples=3, seed=7)
    rng = np.random.default_rng(7)
    for without in found.without:
        rows = np.sort(rng.permutation(N)[N // 5 :])
        assert without[0] == pytest.approx([m(x[rows], y[rows]) for m in measures], rel=1e-12)


def test_progress_counts_pairs_and_replicates():
    x, y, z = (Representation(values) for values in data())
    told = []
    for ids, steps in ((["cka"], 2), (["cka", "gulp"], 8), (["gulp"], 6)):
        for memory in (2**30, 30_000):
            measures = [get_measure(id) for id in ids]
            options = {"resamples": 6, "memory": memory, "progress": lambda *now: told.append(now)}
            find_spread([(x, y), (x, z)], measures, **options)
            assert told[-1] == (steps, steps)
            assert told == sorted(told)
            told.clear()


INFLUENCE = [
    *("cka", "cka(debiased=true)", "cka(kernel=rbf)", "distance_correlation", "rsa(rdm=euclidean,compare=pearson)"),
    *("nbs", "procrustes_size_and_shape", "mean_cca", "mean_squared_cca", "linear_regression"),
    *("jaccard", "mutual_knn(k=5)"),
]


def test_errors_are_those_of_many_draws():
    """By influence, and for differences of equally good representations, of which half the variance is shared."""
    measures = [get_measure(id) for id in INFLUENCE]
    mixed = np.random.default_rng(1).normal(size=(2, 4, 7))
    values, errors, differences = [], [], []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        z = rng.normal(size=(120, 4))
        sides = [Side.of(z @ m + 1.5 * rng.normal(size=(120, 7))) for m in (mixed[0], mixed[1], mixed[1])]
        values.append([[m.value(Pair(sides[0], side)) for m in measures] for side in sides[1:]])
        found = [[m.influence(Pair(sides[0], side)) for m in measures] for side in sides[1:]]
        errors.append([one.error() for one in found[0]])
        differences.append([(one - other).error() for one, other in zip(*found, strict=True)])
    values = np.array(values)
    ratio = np.mean(errors, axis=0) / values[:, 0].std(axis=0)
    assert ((ratio > 0.8) & (ratio < 1.25)).all(), dict(zip(INFLUENCE, ratio, strict=True))
    ratio = np.mean(differences, axis=0) / (values[:, 0] - values[:, 1]).std(axis=0)
    assert ((ratio > 0.75) & (ratio < 1.4)).all(), dict(zip(INFLUENCE, ratio, strict=True))


@pytest.mark.parametrize("id", QUICK)
def test_influence_is_declared_where_there_is_one(id):
    x, y, _ = data()
    measure, pair = get_measure(id), Pair(Side.of(x), Side.of(y))
    if measure.has_influence:
        found = measure.influence(pair)
        assert found.inputs.shape == (N,)
        assert found.error() == find_spread([(Representation(x), Representation(y))], [measure]).errors[0, 0]
    else:
        with pytest.raises(MeasureError, match=r"has no (derivatives|closed form)"):
            measure.influence(pair)
    (method,) = interval(x, y, id, resamples=2)["method"]
    assert method == ("influence" if measure.has_influence else "subsets")


def test_the_error_of_a_mean_is_the_usual_one():
    x, y, _ = data(n=100)
    (error,) = interval(x, y, mean_product, resamples=2000)["se"]
    assert error == pytest.approx(np.std(x[:, 0] * y[:, 0], ddof=1) / 10, rel=0.06)


def test_nominal_intervals_cover():
    def draw(seed):
        rng = np.random.default_rng(seed)
        z = rng.normal(size=(N, 4))
        return z + rng.normal(size=z.shape), z + rng.normal(size=z.shape)

    truth = np.mean([get_measure("cka")(*draw(seed)) for seed in range(1000, 3000)])
    tables = [interval(*draw(seed), "cka", resamples=40) for seed in range(150)]
    covered = np.mean([t["low"][0] <= truth <= t["high"][0] for t in tables])
    assert 0.89 < covered < 0.99


def test_the_same_whatever_the_workers_and_the_memory():
    x, y, z = data()
    ids = ["cka", "rsa", "mean_cca"]
    first = interval(x, y, ids, than=z, resamples=12, workers=1)
    pd.testing.assert_frame_equal(first, interval(x, y, ids, than=z, resamples=12, workers=3), check_exact=True)
    little = interval(x, y, ids, than=z, resamples=12, memory=30_000)
    pd.testing.assert_frame_equal(first, little, rtol=1e-9)
    assert not first.equals(interval(x, y, ids, than=z, resamples=12, seed=1))


def test_which_is_closer():
    x, near, far = data()
    ids = ["cka", "procrustes"]
    table = interval(x, near, ids, than=far)
    assert list(table["closer"]) == ["y", "y"]
    assert list(np.sign(table["difference"])) == [1, -1]
    assert (table["p"] < 0.05).all()
    turned = interval(x, far, ids, than=near)
    assert list(turned["closer"]) == ["than", "than"]
    np.testing.assert_allclose(turned[["low", "high"]], -table[["high", "low"]], rtol=1e-9)


def test_of_two_alike_neither_is_closer():
    x, y, _ = data()
    table = interval(x, y, ["cka", "jaccard"], than=y.copy(), resamples=10)
    assert (table["p"] == 1).all()
    assert list(table["closer"]) == ["", ""]


def test_shared_inputs_make_differences_sharper():
    x, y, _ = data()
    z = y + 0.1 * np.random.default_rng(5).normal(size=y.shape)
    table = interval(x, y, "cka", than=z)
    assert table["se"][0] < 0.3 * interval(x, y, "cka")["se"][0]


def test_dissimilarities_and_components_are_cut_with_their_inputs():
    x, y, _ = data()
    for id in ("rsa(rdm=euclidean)", "rsa(rdm=euclidean,compare=pearson)"):
        of_features = interval(x, y, id, resamples=5)
        of_rdms = interval(RDM(pdist(x)), y, id, resamples=5)
        assert of_rdms["se"][0] == pytest.approx(of_features["se"][0], rel=1e-9)
    cut = Representation(x).truncate(2)
    assert list(interval(cut, y, ["cka", "procrustes"], resamples=5)["method"]) == ["subsets"] * 2
    view = replicate([(Representation(x).truncate(2), Representation(y))], [get_measure("cka")], resamples=1 + 1)
    rows = np.sort(np.random.default_rng(0).permutation(N)[N // 5 :])
    cut = Representation(x[rows]).truncate(2).values
    assert view.without[0, 0, 0] == pytest.approx(get_measure("cka")(cut, y[rows]), rel=1e-9)


def test_frames_are_put_on_one_index():
    x, y, z = (pd.DataFrame(values) for values in data())
    shuffled = [frame.sample(frac=1, random_state=3) for frame in (y, z)]
    table = interval(x, shuffled[0], "cka", than=shuffled[1], resamples=5)
    pd.testing.assert_frame_equal(table, interval(x, y, "cka", than=z, resamples=5))


def test_a_measure_without_an_interval_costs_only_itself():
    x, y, _ = data()
    with pytest.warns(SimilitudeWarning, match=r"cknna\(k=50\): It has no value without a fifth"):
        table = interval(x, y, ["cka", "cknna(k=50)"], resamples=3)
    assert set(table.failures) == {"cknna(k=50)"}
    assert np.isfinite(table["value"]).all()
    assert list(table["low"].isna()) == [False, True]


def test_what_is_refused():
    x, y, z = data()
    with pytest.raises(InputError, match="at least 20 inputs; there are 19"):
        interval(x[:19], y[:19])
    with pytest.raises(InputError, match="level must be between 0 and 1"):
        interval(x, y, level=95)
    with pytest.raises(InputError, match="resamples must be at least 2"):
        interval(x, y, "gulp", resamples=1)
    with pytest.raises(ShapeMismatch):
        interval(x, y, than=z[:50])


def test_intervals_of_a_table():
    x, y, z = (Representation(values, model=name) for name, values in zip("xyz", data(), strict=True))
    table = with_intervals(pairwise([x], ["cka", "gulp"], others=[y, z]), [x], [y, z])
    for row, other in zip(table.frame.to_dict("records"), (y, z), strict=True):
        expected = interval(x, other, ["cka", "gulp"])
        for k, id in enumerate(("cka", "gulp")):
            ends = ends_of(pd.Series(row), get_measure(id))
            assert [*ends.values()] == pytest.approx(expected[["low", "high"]].iloc[k].tolist(), rel=1e-9)
    assert table.matrix("gulp").shape == (1, 2)
