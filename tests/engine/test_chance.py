"""What values are by chance, for whole tables: frames, files, maxima."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from similitude import Representation, SimilitudeWarning, Stream, compare, pairwise, significance
from similitude.engine import Ledger
from similitude.errors import InputError

IDS = ["cka", "cka(kernel=rbf,debiased=true)", "distance_correlation", "rsa"]


def network(name, n=40, signal=0.0, layers=3, seed=0, shared=1):
    rng = np.random.default_rng([seed, len(name), *map(ord, name)])
    z = np.random.default_rng(shared).normal(size=(n, 3))
    return [
        Representation(signal * z @ rng.normal(size=(3, 6 + i)) + rng.normal(size=(n, 6 + i)), model=name, layer=str(i))
        for i in range(layers)
    ]


@pytest.fixture(scope="module")
def table():
    first, second = network("a", signal=1.0), network("b", signal=1.0)[1:] + network("c")
    return pairwise(first, [*IDS, "procrustes"], others=second, chance=True, permutations=None, seed=3)


def test_every_cell_is_that_of_significance(table):
    first, second = network("a", signal=1.0), network("b", signal=1.0)[1:] + network("c")
    of_cell = table.chance.set_index(["first", "second", "measure"])
    for x, y in ((first[0], second[1]), (first[2], second[3])):
        alone = significance(x, y, [*IDS, "procrustes"], seed=3).set_index("measure")
        for measure in alone.index:
            for what in ("value", "chance", "sd", "z", "p"):
                assert of_cell.loc[(x.key, y.key, measure), what] == pytest.approx(
                    alone.loc[measure, what], rel=1e-9
                ), (measure, what)
            assert of_cell.loc[(x.key, y.key, measure), "null"] == alone.loc[measure, "null"]


def test_frames_and_matrices_have_it(table, tmp_path):
    frame = table.to_frame()
    assert list(frame.columns[:7]) == ["first", "second", *IDS, "procrustes"]
    assert {"cka chance", "cka sd", "cka z", "cka p", "cka calibrated", "procrustes p"} <= set(frame.columns)
    assert table.matrix("cka", "p").shape == (3, 5)
    assert table.matrix("cka", "p").iloc[1, 2] == frame["cka p"][1 * 5 + 2]
    assert (table.within_chance("cka") == (table.matrix("cka", "p") > 0.05)).all(axis=None)
    table.to_csv(tmp_path / "table.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "table.csv"), frame, check_dtype=False)


def test_related_networks_exceed_chance_and_others_do_not(table):
    related = table.matrix("cka", "p").iloc[:, :2]
    assert (related < 1e-4).all(axis=None)
    assert 0 < table.matrix("cka", "p").iloc[:, 2:].min(axis=None) < 1
    calibrated = table.matrix("cka", "calibrated")
    assert (calibrated.iloc[:, :2] > 0).all(axis=None)
    within = table.within_chance("cka")
    assert (calibrated.to_numpy()[within.to_numpy()] == 0).all()
    assert within.to_numpy().any()


def test_calibrated_values_are_those_of_the_measure(table):
    first, second = network("a", signal=1.0), network("b", signal=1.0)[1:] + network("c")
    values = pairwise(first, "calibrated(of=cka),calibrated(of=rsa)", others=second)
    for id in ("cka", "rsa"):
        expected = table.matrix(id, "calibrated").to_numpy()
        assert values.matrix(f"calibrated(of={id})").to_numpy() == pytest.approx(expected, abs=1e-12)


def test_the_largest_value_is_judged_as_the_largest(table):
    largest = table.largest.set_index("measure")
    cells = table.chance[table.chance["measure"] == "cka"]
    assert largest.loc["cka", "value"] == cells["value"].max()
    assert largest.loc["cka", "null"] == "bound"
    assert largest.loc["cka", "p"] == pytest.approx(15 * cells.loc[cells["value"].idxmax(), "p"])
    assert largest.loc["procrustes", "null"] == "permutation"
    assert largest.loc["procrustes", "value"] == table.frame["procrustes"].min()
    assert (largest["pairs"] == 15).all()


def test_one_order_of_inputs_for_all_layers():
    """The maximum over layers that repeat each other is no more extreme than one of them."""
    x, y = network("a", n=30)[0], network("b", n=30)[0]
    copies = [Representation(y.values + 0.0, model=f"copy {i}") for i in range(4)]
    alone = pairwise([x], "cka", others=copies[:1], chance=True, permutations=60)
    together = pairwise([x], "cka", others=copies, chance=True, permutations=60)
    assert together.largest["p"][0] == alone.largest["p"][0]
    assert together.largest["null"][0] == "permutation"
    assert together.chance["null"].tolist() == ["exact"] * 4
    rescaled = [Representation(y.values * 2.0, model="other scale"), *copies]
    assert pairwise([x], "cka", others=rescaled, chance=True, permutations=60).largest["p"][0] == alone.largest["p"][0]


def test_the_largest_of_unrelated_layers_is_significant_as_often_as_it_should_be():
    ps = []
    for seed in range(60):
        first, second = network("a", n=24, layers=3, seed=seed), network("b", n=24, layers=3, seed=seed)
        ps.append(pairwise(first, "cka", others=second, chance=True, permutations=39, seed=seed).largest["p"][0])
    assert 0.38 < np.mean(ps) < 0.62
    assert np.mean(np.array(ps) <= 0.1) < 0.22


def test_a_network_with_itself():
    layers = network("a", signal=1.0)
    table = pairwise(layers, "cka", chance=True)
    assert (np.diag(table.matrix("cka", "p")) < 1e-6).all()
    assert np.diag(table.matrix("cka", "calibrated")) == pytest.approx(1.0)
    row = table.largest.iloc[0]
    assert row["first"] != row["second"]  # a layer with itself is not a finding
    assert row["pairs"] == 6


def test_it_is_the_same_whatever_else_is_asked_for():
    first, second = network("a"), network("b")
    together = pairwise(first, [*IDS, "procrustes"], others=second, chance=True, permutations=10).chance
    alone = pairwise(first, "rsa", others=second, chance=True).chance
    assert together[together["measure"] == "rsa"].reset_index(drop=True).equals(alone)


def test_compare_has_it():
    x, y = network("a", signal=1.0)[0], network("b", signal=1.0)[0]
    values = compare(x, y, "cka,procrustes", chance=True, permutations=30, seed=1)
    expected = significance(x, y, "cka,procrustes", permutations=30, seed=1).set_index("measure")
    assert values.to_frame()["p"].tolist() == expected["p"].tolist()
    assert values.chance["null"].tolist() == ["exact", "permutation"]
    assert "chance" in repr(values)
    assert "chance" in values._repr_html_()
    assert compare(x, y, "cka").chance is None


def test_tensors_with_gradients_keep_them():
    torch = pytest.importorskip("torch")
    x = torch.randn(30, 4, requires_grad=True, generator=torch.Generator().manual_seed(0))
    y = np.random.default_rng(0).normal(size=(30, 5))
    values = compare(x, y, "cka", chance=True)
    values["cka"].backward()
    assert x.grad.abs().sum() > 0
    assert values.chance.loc["cka", "chance"] == pytest.approx(
        compare(x.detach(), y, "cka", chance=True).chance.loc["cka", "chance"]
    )


def test_a_measure_that_fails_has_no_chance():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 30)), rng.normal(size=(12, 3))
    with pytest.warns(SimilitudeWarning, match="1 value"):
        table = pairwise({"x": x}, "mean_cca,cka", others={"y": y}, chance=True, permutations=9)
    assert table.chance.set_index("measure").loc["mean_cca", ["chance", "z", "p", "calibrated"]].isna().all()
    assert table.largest["measure"].tolist() == ["cka"]


def test_bad_requests():
    x, y = network("a", n=3)[0], network("b", n=3)[0]
    for compared in (lambda: compare(x, y, "cka", chance=True), lambda: pairwise([x, y], "cka", chance=True)):
        with pytest.raises(InputError, match="Chance needs at least 4 inputs"):
            compared()
    x, y = network("a")[0], network("b")[0]
    with pytest.raises(InputError, match="permutations must be at least 1"):
        pairwise([x, y], "cka", chance=True, permutations=0)
    with pytest.raises(InputError, match=r"Compare with chance=True"):
        pairwise([x, y], "cka").matrix("cka", "p")
    with pytest.raises(InputError, match=r"Known: value, chance"):
        pairwise([x, y], "cka").matrix("cka", "q")


def test_rows_that_are_constant_are_named():
    x = np.random.default_rng(0).normal(size=(20, 4))
    with pytest.raises(InputError, match="constant"):
        compare(np.ones((20, 3)), x, "cka", chance=True)
    with pytest.warns(SimilitudeWarning, match="all correlation dissimilarities are equal|rounding"):
        values = compare(np.tile(np.arange(20.0)[:, None], 3), x, "rsa,cka", chance=True)
    assert np.isnan(values.chance.loc["rsa", "p"])


def test_heat_maps_hatch_what_is_within_chance(table):
    figure = table.plot(["cka"])
    hatched = [artist for artist in figure.axes[0].collections if artist.get_hatch()]
    assert len(hatched[0].get_paths()) == int(table.within_chance("cka").to_numpy().sum())
    assert "hatched: within chance" in figure.axes[1].get_ylabel()
    calibrated = table.plot("cka", calibrated=True)
    drawn = calibrated.axes[0].images[0].get_array()
    assert np.asarray(drawn) == pytest.approx(table.matrix("cka", "calibrated").to_numpy())
    plain = pairwise(network("a"), "cka").plot()
    assert not plain.axes[0].collections


EVERY = "cka,cka(debiased=true),cka(kernel=rbf),multiscale_cka,distance_correlation,rsa(rdm=euclidean,compare=pearson)"


@pytest.mark.filterwarnings("ignore:CKA of:similitude.SimilitudeWarning")  # of chance, where it is not asked for
@pytest.mark.parametrize("n", [5, 300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_are_the_same_bits_with_chance_and_without(n, dtype):
    first, second = (np.random.default_rng(seed).normal(size=(4, n, 20)).astype(dtype) for seed in range(2))
    plain = pairwise(list(first), EVERY, others=list(second)).frame
    assert pairwise(list(first), EVERY, others=list(second), chance=True).frame.equals(plain)
    values = compare(first[0], second[0], EVERY)
    assert compare(first[0], second[0], EVERY, chance=True) == values


def numbers(chance):
    return chance[["chance", "sd", "z", "p", "calibrated"]].to_numpy(float)


@pytest.mark.parametrize("n", [5, 300])
@pytest.mark.parametrize(("scale", "offset"), [(1e-6, 0), (1e6, 0), (1e-150, 0), (1e150, 0), (1, 1e6)])
def test_scale_and_offset_do_not_matter(n, scale, offset):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(n, 5)), rng.normal(size=(n, 7))
    expected = numbers(compare(x, y, EVERY, chance=True).chance)
    found = numbers(compare(scale * x + offset, y / scale - offset, EVERY, chance=True).chance)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_data_that_do_not_vary_over_orders():
    """All inputs equally far apart: in every order the value is the same, and never more than chance."""
    rng = np.random.default_rng(0)
    for n in (5, 300):
        y = rng.normal(size=(n, 3))
        table = compare(np.eye(n), y, "cka,cka(kernel=rbf),multiscale_cka,distance_correlation", chance=True).chance
        assert table["sd"].tolist() == [0.0] * 4
        assert table["p"].tolist() == [1.0] * 4
        assert table["value"].to_numpy() == pytest.approx(table["chance"].to_numpy(), rel=1e-9)


@pytest.mark.parametrize("shape", ["one feature", "duplicates", "ties", "wide", "one far out"])
def test_p_values_of_odd_data_are_those_of_permutations(shape):
    n, rng = 60, np.random.default_rng(1)
    x, y = rng.normal(size=(n, 6)), rng.normal(size=(n, 4))
    if shape == "one feature":
        x, y = x[:, :1], y[:, :1]
    elif shape == "duplicates":
        x[10:20], y[30:50] = x[:10], y[:20]
    elif shape == "ties":
        x, y = (np.round(side) for side in (x, y))
    elif shape == "wide":
        x = rng.normal(size=(n, 500))
    else:
        x[0] *= 20
    measures = "cka,cka(debiased=true),cka(kernel=rbf),multiscale_cka,distance_correlation"
    found = compare(x, y, measures, chance=True).chance
    shuffled = [compare(x, y[rng.permutation(n)], measures) for _ in range(150)]
    for id, row in found.iterrows():
        values = np.array([of_order[id] for of_order in shuffled])
        power = 2.0 if id == "distance_correlation" else 1.0
        chance = row["chance"] ** power
        assert np.mean(values**power) == pytest.approx(chance, abs=4 * np.std(values**power) / 150**0.5), id
        if shape != "one far out":
            assert np.mean(values >= row["value"]) == pytest.approx(row["p"], abs=0.15), id


@pytest.mark.parametrize("memory", [30_000, 60_000])
def test_shuffled_maps_keep_to_the_memory_allowed(memory, monkeypatch):
    """A few first and second sides at a time, in the same orders of inputs."""
    rng = np.random.default_rng(0)
    first, second = list(rng.normal(size=(5, 60, 8))), list(rng.normal(size=(4, 60, 9)))
    options = {"others": second, "chance": True, "permutations": 12}
    expected = pairwise(first, "cka,procrustes", **options)
    blocks = []
    original = sys.modules["similitude.engine.chance"].shuffle_values
    monkeypatch.setattr(
        "similitude.engine.chance.shuffle_values",
        lambda pairs, *rest: blocks.append(len(pairs)) or original(pairs, *rest),
    )
    found = pairwise(first, "cka,procrustes", **options, memory=memory)
    assert len(blocks) > 1
    assert sum(blocks) == 20
    assert found.chance.equals(expected.chance)
    assert found.largest.equals(expected.largest)


def test_shuffles_that_cannot_fit_are_named(monkeypatch):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 60, 8))
    with pytest.warns(SimilitudeWarning, match="Shuffling inputs for procrustes takes about"):
        pairwise([x], "procrustes", others=[y], chance=True, permutations=5, memory=20_000)
    monkeypatch.setattr("similitude.engine.chance.machine_memory", lambda: 20_000)
    with pytest.warns(SimilitudeWarning, match=r"1 value\(s\) failed, the first: Shuffling inputs for procrustes"):
        table = pairwise([x], "cka,procrustes", others=[y], chance=True)
    assert table.failures["measure"].tolist() == ["procrustes chance"]
    by_chance = table.chance.set_index("measure")
    assert np.isfinite(by_chance.loc["procrustes", "value"])
    assert np.isnan(by_chance.loc["procrustes", "p"])
    assert np.isfinite(by_chance.loc["cka", "p"])
    with pytest.warns(SimilitudeWarning, match="procrustes chance: Shuffling inputs for procrustes"):
        compare(x, y, "cka,procrustes", chance=True)


@pytest.mark.parametrize("n", [200, 3000])
def test_pairs_that_are_streamed_have_their_chance_too(n, tmp_path, monkeypatch):
    """From files, of which no whole is read; but for rounding it is the same."""
    rng = np.random.default_rng(0)
    z, files = rng.normal(size=(n, 4)), []
    arrays = [z @ rng.normal(size=(4, d)) + 4 * rng.normal(size=(n, d)) + 10 for d in (8, 12)]
    for i, array in enumerate(arrays):
        np.save(tmp_path / f"{i}.npy", array)
        files.append(np.load(tmp_path / f"{i}.npy", mmap_mode="r"))
    ids = "cka,cka(debiased=true),calibrated(of=cka)"
    expected = pairwise(arrays[:1], ids, others=arrays[1:], chance=True, permutations=3).chance
    streamed = []
    original = sys.modules["similitude.engine.compute"].stream_pair
    monkeypatch.setattr(
        "similitude.engine.compute.stream_pair", lambda *given: streamed.append(len(given[2])) or original(*given)
    )
    monkeypatch.setattr("similitude.engine.streamed._Reread.bytes", lambda *_: 0)
    monkeypatch.setattr("similitude.factors.linear_invariants._ENTRIES", 4000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SimilitudeWarning)  # shuffles for the calibrated one take more
        found = pairwise(files[:1], ids, others=files[1:], chance=True, permutations=3, memory=8 * n * 19).chance
    assert streamed == [9]
    assert numbers(found) == pytest.approx(numbers(expected), rel=1e-5, abs=1e-12, nan_ok=True)
    with pytest.raises(InputError, match="needs all inputs at once"):
        Stream("calibrated(of=cka)")


def test_other_processes_and_ledgers_give_the_same(tmp_path):
    first, second = network("a", n=300), network("b", n=300)
    expected = pairwise(first, "cka", others=second, chance=True).chance
    assert pairwise(first, "cka", others=second, chance=True, executor="processes:2").chance.equals(expected)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        for _ in range(2):
            assert pairwise(first, "cka", others=second, chance=True, ledger=ledger).chance.equals(expected)
        assert len(ledger) == 4 * 9
