"""Models in groups: estimates, jackknife, bootstrap and permutations against loops over the groups written out."""

import dataclasses
import itertools
import json
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from similitude import ModelRecord, Population, Score, get_measures
from similitude.benchmark import (
    Functionality,
    GradingData,
    Grouping,
    Pairing,
    Subtask,
    evaluate,
    grade,
)
from similitude.benchmark.results import load_grading, save_grading
from similitude.benchmark.statistics import bootstrap, permutation
from similitude.benchmark.statistics.arrays import GradingArrays
from similitude.benchmark.statistics.assess import assess
from similitude.benchmark.statistics.assessed import assessed
from similitude.benchmark.statistics.correlation import reference_pairs
from similitude.benchmark.statistics.sampling import Sampling
from similitude.benchmark.subtask import Variant
from similitude.errors import InputError

SIZES = (5, 6, 4)
KINDS = [{"within": w, "variants": v, "ties": t} for w in (True, False) for v, t in ((1, False), (1, True), (3, False))]


def grading(
    sizes=SIZES, *, within=True, variants=1, layers=1, ties=False, pairwise=False, seed=0, noise=1.0, fails=0.0
):
    """Two measures on groups whose models are dealt out in turn, so that groups are no blocks of the arrays."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([f"g{i}" for i in range(len(sizes))], sizes)
    labels = tuple(rng.permutation(labels).tolist())
    n = len(labels)
    score = rng.normal(size=(layers, n, variants))
    if ties:
        score = (2 * score).round() / 2
    between = None
    if pairwise:
        between = np.triu(rng.random((n, n)), 1)
        between = between + between.T
    reference = score[:, :, -1]
    clean = np.abs(reference[:, :, None, None] - score[:, None])
    d = {f"noise{k}": clean + noise * k * rng.random(clean.shape) for k in (1, 3)}
    if fails:
        d["fails"] = np.where(rng.random(clean.shape) < fails, np.nan, clean)
    same = np.zeros((layers, variants), dtype=bool)
    same[:, -1] = True
    names = tuple(f"m{i}" for i in range(n))
    of_layer = tuple(Variant(f"layer{v}") for v in range(variants))
    return GradingData(
        names, tuple(f"layer{g}" for g in range(layers)), (of_layer,) * layers, reference, score, same, d, between,
        groups=labels, within=within,
    )  # fmt: skip


def kept(data, models):
    """Some models only, as a population by itself."""
    models = np.asarray(models)
    return dataclasses.replace(
        data,
        models=tuple(data.models[m] for m in models),
        reference_score=data.reference_score[:, models],
        score=data.score[:, models],
        dissimilarity={k: d[:, models][:, :, models] for k, d in data.dissimilarity.items()},
        pairwise=None if data.pairwise is None else data.pairwise[np.ix_(models, models)],
        groups=(),
        within=False,
    )


def members(data):
    return {g: [i for i, label in enumerate(data.groups) if label == g] for g in sorted(set(data.groups))}


def every(data, name):
    """(ρ, τ) averaged over every model as the reference, by scipy."""
    found = []
    for g, r in itertools.product(range(len(data.layers)), range(len(data.models))):
        x, y = [], []
        for m, v in itertools.product(range(len(data.models)), range(data.score.shape[2])):
            if m == r and data.same[g, v]:
                continue
            x.append(data.dissimilarity[name][g, r, m, v])
            y.append(data.difference[g, r, m, v])
        x, y = np.round(x, 12), np.round(y, 12)
        good = np.isfinite(x)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append((stats.spearmanr(x[good], y[good])[0], stats.kendalltau(x[good], y[good])[0]))
    return np.mean(found, axis=0)


def every_in_groups(data, name):
    if not data.within:
        return every(kept(data, range(len(data.models))), name)
    return np.mean([every(kept(data, models), name) for models in members(data).values()], axis=0)


def without_group(data, label):
    models = [i for i, own in enumerate(data.groups) if own != label]
    groups = tuple(data.groups[m] for m in models)
    return dataclasses.replace(kept(data, models), groups=groups, within=data.within)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pairwise", [False, True])
def test_estimates_are_means_over_groups_written_out(kind, pairwise):
    data = grading(**kind, layers=2, pairwise=pairwise, fails=0.05)
    table = assess(data, resamples=20, permutations=19).table.set_index(["measure", "statistic"])
    parts = [kept(data, m) for m in (members(data).values() if data.within else [range(len(data.models))])]
    for name in data.dissimilarity:
        by_group = [grade(part, name) for part in parts]
        assert table.loc[(name, "spearman"), "estimate"] == pytest.approx(np.mean([g.rho for g in by_group]), abs=1e-12)
        assert table.loc[(name, "kendall"), "estimate"] == pytest.approx(np.mean([g.tau for g in by_group]), abs=1e-12)
        assert table.loc[(name, "kendall"), "n_pairs"] == sum(g.pairs for g in by_group)
        assert table.loc[(name, "kendall"), "n_failed"] == sum(g.failed for g in by_group)
        assert grade(data, name).rho == pytest.approx(np.mean([g.rho for g in by_group]), abs=1e-12)
        for statistic, expected in zip(("spearman", "kendall"), every_in_groups(data, name), strict=True):
            assert table.loc[(name, statistic), "every"] == pytest.approx(expected, abs=1e-12, nan_ok=True)
    assert set(table["n_groups"]) == {3}
    assert set(table["n_models"]) == {15}


@pytest.mark.parametrize("kind", KINDS)
def test_the_jackknife_leaves_out_whole_groups(kind):
    data = grading(**kind)
    found = assess(data, resamples=20, permutations=19)
    assert set(found.units) == set(data.groups)
    for k, name in enumerate(data.dissimilarity):
        without = np.array([every_in_groups(without_group(data, label), name) for label in found.units])
        np.testing.assert_allclose(found.leave_one_out.spearman[1:, k], without[:, 0], atol=1e-12)
        np.testing.assert_allclose(found.leave_one_out.kendall[1:, k], without[:, 1], atol=1e-12)
        z, centre = np.arctanh(without[:, 0]), np.arctanh(every_in_groups(data, name)[0])
        half = stats.t.ppf(0.975, 2) * np.sqrt(2 / 3 * ((z - z.mean()) ** 2).sum())
        row = found.table.set_index(["measure", "statistic"]).loc[(name, "spearman")]
        assert row["every_low"] == pytest.approx(np.tanh(centre - half), abs=1e-12)
        assert row["every_high"] == pytest.approx(np.tanh(centre + half), abs=1e-12)


def test_bootstrap_within_is_the_mean_over_drawn_groups_of_resampled_models():
    data = grading((5, 6, 7), ties=True, variants=2)
    arrays, sampling = GradingArrays.of(data), Sampling.of(data)
    found = sampling.bootstrap(arrays, 40, np.random.default_rng(3))
    rng = np.random.default_rng(3)  # the same draws, in the same order
    times = rng.multinomial(3, np.full(3, 1 / 3), size=40)
    values = [[] for _ in range(40)]
    for block, of_block in zip(sampling.blocks, times.T, strict=True):
        part = GradingArrays.of(kept(data, block))
        for b, count in enumerate(of_block):
            for _ in range(count):
                weights = rng.multinomial(len(block), np.full(len(block), 1 / len(block)))
                values[b].append(resample(part, weights))
    expected = np.array([[np.nanmean([v[s] for v in of_b]) for s in (0, 1)] for of_b in values])
    np.testing.assert_allclose(found.spearman[1:, 0], expected[:, 0], atol=1e-12)
    np.testing.assert_allclose(found.kendall[1:, 0], expected[:, 1], atol=1e-12)


def resample(arrays, weights):
    """(ρ, τ) of the first measure in one resample written out."""
    drawn = np.repeat(np.arange(len(weights)), weights)
    best = max(drawn, key=lambda m: arrays.merit[0, m])
    x, y = [], []
    for m in [best, *drawn[drawn != best]]:
        for v in range(arrays.same.shape[1]):
            if not (m == best and arrays.same[0, v]):
                x.append(arrays.dissimilarity[0, 0, best, m, v])
                y.append(arrays.difference[0, best, m, v])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return stats.spearmanr(x, y)[0], stats.kendalltau(x, y)[0]


def test_bootstrap_across_draws_groups_then_models(monkeypatch):
    groups = (np.array([0, 2, 4]), np.array([1, 3, 5, 6]))
    seen = []
    monkeypatch.setattr(bootstrap, "resampled", lambda *given: seen.append(given[-1]))
    arrays = GradingArrays.of(grading((3, 4), within=False))
    Sampling((np.arange(7),), groups).bootstrap(arrays, 4000, np.random.default_rng(0))
    assert (seen[0][0] == 1).all()
    weights = seen[0][1:]
    drawn = np.stack([weights[:, group].sum(axis=1) for group in groups], axis=1) / [3, 4]
    assert np.array_equal(drawn, drawn.round())
    assert (drawn.sum(axis=1) == 2).all()
    assert np.mean(drawn[:, 0] == 1) == pytest.approx(1 / 2, abs=0.03)
    twice = weights[drawn[:, 0] == 2][:, groups[0]]
    assert twice.var(axis=0) == pytest.approx(np.full(3, 6 * 1 / 3 * 2 / 3), abs=0.15)  # two independent draws


def test_permutations_across_reach_every_rearrangement_of_groups_and_of_models_in_them():
    groups = (np.array([0, 3]), np.array([1, 2]), np.array([4, 5, 6]))
    orders = permutation.permutations(7, 20_000, np.random.default_rng(0), groups)
    assert np.array_equal(orders[0], np.arange(7))
    owner = np.array([0, 1, 1, 0, 2, 2, 2])
    for group in groups:
        assert (owner[orders[:, group]] == owner[orders[:, group[:1]]]).all()
    assert (owner[orders[:, 4]] == 2).all()
    _, counts = np.unique(orders[1:], axis=0, return_counts=True)
    assert len(counts) == 2 * 2 * 2 * 6
    assert stats.chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize("within", [True, False])
def test_p_is_that_of_all_permutations(within):
    data = grading((3, 3), within=within, noise=0.7, seed=5)
    arrays, sampling = GradingArrays.of(data), Sampling.of(data)
    groups = list(members(data).values())
    orders = []
    for first, second in itertools.product(itertools.permutations(range(3)), repeat=2):
        for swapped in (False,) if within else (False, True):
            order = np.empty(6, dtype=int)
            a, b = (groups[1], groups[0]) if swapped else groups
            order[groups[0]] = np.array(a)[list(first)]
            order[groups[1]] = np.array(b)[list(second)]
            orders.append(order)
    values = []
    for order in orders:
        shuffled = dataclasses.replace(
            data, reference_score=data.reference_score[:, order], score=data.score[:, order], groups=data.groups
        )
        values.append([every_in_groups(shuffled, name)[0] for name in data.dissimilarity])
    exact = np.mean(np.array(values) >= values[0] - np.array(1e-9), axis=0)
    drawn = sampling.permuted(
        permutation.permuted_every, arrays, sampling.permutations(20_000, np.random.default_rng(0))
    ).mean(axis=0)
    np.testing.assert_allclose(permutation.p_value(drawn), exact, atol=0.015)


@pytest.mark.parametrize("within", [True, False])
def test_no_groups_and_one_group_are_the_same(within):
    data = grading((9,), within=within)
    plain = dataclasses.replace(data, groups=(), within=False)
    one, none = (assess(d, resamples=100, permutations=49) for d in (data, plain))
    pd.testing.assert_frame_equal(one.table.drop(columns="n_groups"), none.table.drop(columns="n_groups"))
    assert set(none.table["n_groups"]) == {0}
    assert one.units == data.models


def test_two_groups_across_give_no_verdict():
    """Without one of them no pair across is left; a jackknife of the two called 49 % of equal measures distinct."""
    found = assess(grading((8, 8), within=False, noise=0.1), resamples=50, permutations=19)
    assert found.table["every"].notna().all()
    assert found.table[["every_low", "every_high"]].isna().all(axis=None)
    assert set(found.table["verdict"]) == {"undecided"}
    assert found.table["leading"].all()
    assert not found.table["apart"].any()
    assert not found.differences()[["distinct", "distinct_alone"]].any(axis=None)
    assert found.table["ci_low"].notna().all()
    within = assess(grading((8, 8), noise=0.1), resamples=50, permutations=19).table
    assert within["every_low"].notna().all()


def test_planted_effects_are_found_and_noise_is_not():
    rng = np.random.default_rng(2)
    data = grading((12,) * 6, noise=0.3)
    data.dissimilarity["noise"] = rng.random(data.difference.shape)
    rho = assess(data, resamples=200, permutations=199).table.query("statistic == 'spearman'").set_index("measure")
    assert list(rho["verdict"]) == ["tracks", "tracks", "undecided"]
    assert list(rho["tells"]) == [True, True, False]
    assert list(rho["leading"]) == [True, False, False]
    assert list(rho["every_rank"]) == [1, 2, 3]
    assert rho["apart"].all()
    assert rho.loc["noise1", "p"] == pytest.approx(1 / 200)
    assert rho.loc["noise", "every_p"] > 0.05
    data.dissimilarity["noise1"] = -data.dissimilarity["noise1"]
    inverted = assess(data, resamples=50, permutations=19).table.iloc[0]
    assert (inverted["verdict"], inverted["tells"]) == ("inverted", False)


def test_a_group_in_which_nothing_varies_is_left_out():
    data = grading((6, 6, 6))
    flat = members(data)["g1"]
    data.score[:, flat] = data.reference_score[:, flat] = 0.5
    found = assess(data, resamples=100, permutations=49)
    expected = np.mean([every(kept(data, members(data)[g]), "noise1")[0] for g in ("g0", "g2")])
    row = found.table.iloc[0]
    assert row["every"] == pytest.approx(expected, abs=1e-12)
    assert (row["n_groups"], row["n_models"]) == (2, 12)
    assert set(found.units) == {"g0", "g2"}
    assert {rows.group for rows in reference_pairs(data)} == {"g0", "g2"}
    everywhere = dataclasses.replace(data, score=0 * data.score, reference_score=0 * data.reference_score)
    table = assess(everywhere, resamples=50, permutations=19).table
    assert table[["estimate", "p", "every", "ci_low", "every_low"]].isna().all(axis=None)
    assert (table["verdict"] == "undecided").all()
    assert not table[["tells", "leading", "apart"]].any(axis=None)


def test_a_failed_measure_never_leads():
    data = grading((6, 6, 6))
    clean = data.difference.copy()
    pair = members(data)["g0"][:2]
    clean[:, pair[0], pair[1]] = np.nan  # not of the best reference, so that n_failed may be 0
    data.dissimilarity["best"] = clean
    found = assess(data, resamples=50, permutations=19)
    best = found.table.query("statistic == 'spearman'").set_index("measure").loc["best"]
    assert best["every"] == pytest.approx(1)
    assert not best["leading"]
    assert best["every_rank"] == 3
    differences = found.differences().set_index(["first", "second"])
    assert not differences.loc[("noise1", "best"), "distinct"]
    assert found.without()["best"].isna().all()
    across = data.dissimilarity["best"].copy()
    across[:, pair[0], pair[1]] = 0.0
    across[:, members(data)["g0"][0], members(data)["g1"][0]] = np.nan  # is not compared
    data.dissimilarity["best"] = across
    assert assess(data, resamples=50, permutations=19).table.iloc[2]["every_rank"] == 1


def test_grading_data_with_groups_survive_the_disk_and_older_files_have_none(tmp_path):
    data = grading()
    save_grading(tmp_path / "grading.npz", {("s/x", "f"): data})
    loaded = load_grading(tmp_path / "grading.npz")["s/x", "f"]
    assert (loaded.groups, loaded.within) == (data.groups, True)
    with np.load(tmp_path / "grading.npz") as arrays:
        content = dict(arrays)
    index = json.loads(content["index"].tobytes())
    for key in ("groups", "within"):
        del index[0][key]
    content["index"] = np.frombuffer(json.dumps(index).encode(), dtype=np.uint8)
    np.savez(tmp_path / "old.npz", **content)
    assert load_grading(tmp_path / "old.npz")["s/x", "f"].groups == ()


def test_kept_statistics_are_of_the_same_groups(tmp_path):
    data = grading()
    first = assessed(data, 50, cache=tmp_path)
    again = assessed(data, 50, cache=tmp_path)
    for fresh, kept_table in zip(first, again, strict=True):
        pd.testing.assert_frame_equal(fresh, kept_table)
    other = assessed(dataclasses.replace(data, within=False), 50, cache=tmp_path)
    assert not np.allclose(first.table["every"], other.table["every"])
    assert len(list(tmp_path.iterdir())) == 2


@pytest.fixture
def population(rng):
    records = [
        ModelRecord(
            f"m{m}",
            {"a": rng.normal(size=(30, 4))},
            {"checkpoint": m % 3, "odd": m if m else 1},
            [Score("accuracy", float(rng.random()))],
        )
        for m in range(12)
    ]
    return Population.from_records("nets", ("a",), records)


def subtask(pairs, attribute="checkpoint"):
    grouping = Grouping(attribute, pairs)
    return Subtask("s/x", "nets", "seed", (Functionality("accuracy"),), Pairing("models"), grouping=grouping)


def test_pairs_across_groups_are_not_computed(population):
    measures = get_measures("cka,procrustes")
    within = evaluate([subtask("within")], {"nets": population}, measures, resamples=50)
    across = evaluate([subtask("across")], {"nets": population}, measures, resamples=50)
    assert within.computed == 2 * 3 * (4 * 5 / 2)
    assert across.computed == 2 * 12 * 13 / 2
    (data,) = within.grading.values()
    assert data.groups == tuple("012" * 4)
    assert np.isnan(data.dissimilarity["cka"][0, 0, 1]).all()
    for row in within.results.frame.query("statistic == 'spearman'").itertuples():
        by_group = [stats.spearmanr(g[row.measure], g["difference"])[0] for _, g in within.pairs.groupby("group")]
        assert row.estimate == pytest.approx(np.mean(by_group), abs=1e-12)
    assert len(across.pairs) == 11
    without = within.results.leave_one_out
    assert without is not None
    assert list(without["unit"].unique()) == ["0", "1", "2"]
    published = evaluate([subtask("within")], {"nets": population}, measures, protocol="published")
    assert set(published.pairs["group"]) == {"0", "1", "2"}


def test_groups_that_cannot_be_are_refused(population):
    measures = get_measures("cka")
    with pytest.raises(InputError, match=r"'chekpoint'.*Did you mean 'checkpoint'"):
        evaluate([subtask("within", "chekpoint")], {"nets": population}, measures)
    with pytest.raises(InputError, match="odd 1 has 2 model"):
        evaluate([subtask("within", "odd")], {"nets": population}, measures)
    assert len(evaluate([subtask("across", "odd")], {"nets": population}, measures, resamples=50).results.frame) == 2
