"""Every statistic against loops and scipy on the resample or permutation written out."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from similitude.benchmark.grading import GradingData
from similitude.benchmark.statistics import bootstrap, permutation
from similitude.benchmark.statistics.arrays import GradingArrays
from similitude.benchmark.statistics.assess import assess
from similitude.benchmark.statistics.comparisons import holm
from similitude.benchmark.statistics.correlation import grade
from similitude.benchmark.statistics.places import equivalence_classes
from similitude.benchmark.statistics.ranks import bad_fraction, weighted_correlations
from similitude.benchmark.subtask import Variant
from similitude.errors import InputError

SHAPES = [(1, 12, 1), (2, 8, 3)]


def grading(groups=2, models=8, variants=3, *, seed=0, ties=False, pairwise=False, lower=False, **extra):
    """Three measures of falling worth; the last variant is the reference's own."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=(groups, models, variants))
    if ties:
        score = score.round(0)
    reference = score[:, :, -1]
    clean = np.abs(reference[:, :, None, None] - score[:, None])
    d = {f"noise{k}": clean + k * rng.random(clean.shape) for k in (1, 3)}
    if ties:
        d = {k: v.round(0) for k, v in d.items()}
    d |= {k: make(d["noise1"], rng) for k, make in extra.items()}
    same = np.zeros((groups, variants), dtype=bool)
    same[:, -1] = True
    of_layer = tuple(Variant(f"layer{v}") for v in range(variants))
    layers = tuple(f"layer{g}" for g in range(groups))
    names = tuple(f"m{i}" for i in range(models))
    between = None
    if pairwise:  # differences that no scores have
        between = rng.random((models, models)).round(1 if ties else 6)
        between = np.triu(between, 1) + np.triu(between, 1).T
    return GradingData(names, layers, (of_layer,) * groups, reference, score, same, d, between, "", lower)


def arrays(data):
    return GradingArrays(data.merit, data.difference, np.stack(list(data.dissimilarity.values())), data.same)


def difference(data, g, reference, m, v):
    if data.pairwise is not None:
        return data.pairwise[reference, m]
    return abs(data.reference_score[g, reference] - data.score[g, m, v])


def written_out(data, d, drawn, g, reference):
    """(dissimilarity, difference) of a resample: the reference once, every other model as often as drawn."""
    x, y = [], []
    for m in [reference, *(m for m in drawn if m != reference)]:
        for v in range(data.score.shape[2]):
            if m == reference and data.same[g, v]:
                continue
            x.append(d[g, reference, m, v])
            y.append(difference(data, g, reference, m, v))
    x, y = np.round(x, 12), np.round(y, 12)
    kept = np.isfinite(x)
    return x[kept], y[kept]


def both(x, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return stats.spearmanr(x, y)[0], stats.kendalltau(x, y)[0]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("pairwise", [False, True])
def test_bootstrap_equals_the_resample_written_out(shape, ties, pairwise):
    def fails(d, rng):
        return np.where(rng.random(d.shape) < 0.1, np.nan, d)

    data = grading(*shape, ties=ties, pairwise=pairwise, fails=fails)
    n = len(data.models)
    rng = np.random.default_rng(1)
    draws = rng.integers(n, size=(25, n))
    weights = np.stack([np.bincount(row, minlength=n) for row in draws])
    fast = bootstrap.resampled(arrays(data), weights)
    for b, drawn in enumerate(draws):
        for k, d in enumerate(data.dissimilarity.values()):
            values = []
            for g in range(shape[0]):
                reference = max(sorted(set(drawn)), key=lambda m: data.reference_score[g, m])
                values.append(both(*written_out(data, d, drawn, g, reference)))
            expected = np.mean(values, axis=0)
            np.testing.assert_allclose([fast.spearman[b, k], fast.kendall[b, k]], expected, atol=1e-12)


def test_every_reference_equals_the_loop():
    data = grading(2, 7, 2)
    drawn = np.array([0, 0, 2, 3, 3, 3, 6])
    fast = bootstrap.every_reference(arrays(data), np.bincount(drawn, minlength=7)[None])
    for k, d in enumerate(data.dissimilarity.values()):
        values = [both(*written_out(data, d, drawn, g, r)) for g in range(2) for r in drawn]
        np.testing.assert_allclose([fast.spearman[0, k], fast.kendall[0, k]], np.mean(values, axis=0), atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("pairwise", [False, True])
def test_permutation_equals_grading_shuffled_models(shape, ties, pairwise):
    data = grading(*shape, ties=ties, pairwise=pairwise, seed=3)
    if ties:  # several best models are no single reference: make it one
        data.reference_score[:, 2] = data.score[:, 2, -1] = 9
    orders = permutation.permutations(len(data.models), 20, np.random.default_rng(2))
    fast = {f: getattr(permutation, f"permuted_{f}")(arrays(data), orders) for f in ("spearman", "kendall", "every")}
    for b, order in enumerate(orders):
        shuffled = GradingData(
            data.models, data.layers, data.variants, data.reference_score[:, order], data.score[:, order], data.same,
            data.dissimilarity, None if data.pairwise is None else data.pairwise[np.ix_(order, order)],
        )  # fmt: skip
        for k, name in enumerate(data.dissimilarity):
            expected = grade(shuffled, name)
            assert fast["spearman"][:, b, k].mean() == pytest.approx(expected.rho, abs=1e-6)
            assert fast["kendall"][:, b, k].mean() == pytest.approx(expected.tau, abs=1e-6)
            once = np.arange(len(order))
            d = data.dissimilarity[name]
            every = [both(*written_out(shuffled, d, once, g, r))[0] for g in range(shape[0]) for r in once]
            assert fast["every"][:, b, k].mean() == pytest.approx(np.mean(every), abs=1e-6)


def test_p_value_counts_the_sample_itself():
    permuted = np.array([0.5, 0.6, 0.1, 0.5, np.nan])[:, None]
    assert permutation.p_value(permuted)[0] == pytest.approx(4 / 5)
    assert np.isnan(permutation.p_value(np.array([[np.nan], [0.2]]))[0])


def test_maximum_is_judged_against_maxima():
    rng = np.random.default_rng(0)
    permuted = rng.normal(size=(30, 2000, 1))
    alone = np.mean([permutation.p_value(p)[0] <= 0.05 for p in permuted])
    largest, chance, p = permutation.maximum_test(permuted)
    assert largest[0] == permuted[:, 0].max()
    assert chance[0] == pytest.approx(permuted[:, 1:].max(axis=0).mean())
    assert p[0] == np.mean(permuted.max(axis=0) >= permuted[:, 0].max() - 1e-9)
    assert 0 <= alone <= 0.3


def test_within_depth_ignores_what_depth_explains():
    rng = np.random.default_rng(4)
    n, depths = 12, 5
    score = np.linspace(0, 5, depths) + 0.1 * rng.normal(size=(1, n, depths))
    d = np.abs(np.linspace(0, 5, depths) - 5) + 0.1 * rng.random((1, n, n, depths))
    same = np.arange(depths)[None] == depths - 1
    of_layer = tuple(Variant(f"layer{v}") for v in range(depths))
    data = GradingData(
        tuple(map(str, range(n))), ("layer4",), (of_layer,), score[:, :, -1], score, same, {"depth": d}
    )  # fmt: skip
    row = assess(data, resamples=200, permutations=199).table.iloc[0]
    assert row["estimate"] > 0.9
    assert row["p"] > 0.05  # depth is kept by permuting models
    assert abs(row["within"]) < 0.3


@pytest.mark.parametrize("method", ["percentile", "bca", "expanded_percentile"])
def test_intervals_agree_with_independent_ones(method, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    import intervals

    rng = np.random.default_rng(5)
    sample = rng.exponential(size=30)
    replicates = rng.choice(sample, size=(4000, 30)).mean(axis=1)
    jackknife = np.array([np.delete(sample, i).mean() for i in range(30)])
    low, high = intervals.interval(method, replicates[:, None], np.array([sample.mean()]), jackknife[:, None])
    if method == "expanded_percentile":
        tail = stats.norm.cdf(-np.sqrt(30 / 29) * stats.t.ppf(0.975, 29))
        expected = np.quantile(replicates, [tail, 1 - tail])
    else:
        expected = stats.bootstrap(
            (sample,), np.mean, n_resamples=40_000, method=method.upper() if method == "bca" else method, rng=rng
        ).confidence_interval
    np.testing.assert_allclose([low[0], high[0]], expected, rtol=0.02)


def test_jackknife_interval_of_a_correlation_is_near_fishers():
    rng = np.random.default_rng(6)
    x, y = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=400).T
    r = np.corrcoef(x, y)[0, 1]
    left_out = np.array([np.corrcoef(np.delete(x, i), np.delete(y, i))[0, 1] for i in range(400)])
    low, high = bootstrap.jackknife_interval(left_out[:, None], np.array([r]))
    expected = np.tanh(np.arctanh(r) + np.array([-1.96, 1.96]) / np.sqrt(397))
    np.testing.assert_allclose([low[0], high[0]], expected, atol=0.03)


def test_assessment_agrees_with_the_grade_and_orders_measures():
    data = grading(2, 14, 3, random=lambda d, rng: rng.random(d.shape))
    found = assess(data, resamples=500, permutations=199)
    rho = found.table[found.table["statistic"] == "spearman"].set_index("measure")
    tau = found.table[found.table["statistic"] == "kendall"].set_index("measure")
    for name in data.dissimilarity:
        expected = grade(data, name)
        assert rho.loc[name, "estimate"] == pytest.approx(expected.rho, abs=1e-12)
        assert tau.loc[name, "estimate"] == pytest.approx(expected.tau, abs=1e-12)
        assert rho.loc[name, "n_pairs"] == expected.pairs
        assert rho.loc[name, "ci_low"] <= rho.loc[name, "estimate"] <= rho.loc[name, "ci_high"]
    assert list(rho["rank"]) == [1, 2, 3]
    assert rho.loc["noise1", "p"] == pytest.approx(1 / 200)
    assert rho.loc["random", "p"] > 0.05
    differences = found.differences().set_index(["first", "second"])
    assert differences.loc[("noise1", "random"), "distinct"]
    paired = found.replicates.spearman[:, 0] - found.replicates.spearman[:, 1]
    tail = stats.norm.cdf(-np.sqrt(14 / 13) * stats.t.ppf(0.975, 13))
    expected = np.quantile(paired, [tail, 1 - tail])
    np.testing.assert_allclose(differences.loc[("noise1", "noise3"), ["ci_low", "ci_high"]].astype(float), expected)


def test_equivalent_measures_share_a_place_and_failures_come_last():
    def fails(d, rng):
        d = d / 100
        d[:, :, 1] = np.nan
        return d

    data = grading(
        squared=lambda d, rng: d**2,
        constant=lambda d, rng: np.ones_like(d),
        fails=fails,
        **{"odd(k=2,t=3)": lambda d, rng: rng.random(d.shape)},
        angle=lambda d, rng: np.arccos(1 - d / d.max()),
    )
    rho = assess(data, resamples=100, permutations=49).table.query("statistic == 'spearman'").set_index("measure")
    assert rho.loc["noise1", "equivalent"] == "noise1, squared, angle"
    assert set(rho.loc[["noise1", "squared", "angle"], "rank"]) == {1}
    assert rho.loc["noise3", "rank"] == 2
    assert rho.loc["noise3", "equivalent"] == ""
    assert rho.loc["odd(k=2,t=3)", "equivalent"] == ""
    assert np.isnan(rho.loc["constant", "estimate"])
    assert rho.loc["fails", "n_failed"] == 6
    assert rho.loc["odd(k=2,t=3)", "rank"] == 3
    assert rho.loc["fails", "rank"] == rho.loc["constant", "rank"] == 5


def test_a_tied_measure_is_not_equivalent_to_one_that_varies():
    rng = np.random.default_rng(0)
    d = rng.random((1, 5, 5, 2))
    stack = np.stack([d, np.round(d), d * 2, -d])
    same = np.array([[False, True]])
    assert list(equivalence_classes(stack, same)) == [0, 1, 0, 3]


def test_holm_by_hand():
    np.testing.assert_allclose(holm([0.01, 0.04, np.nan, 0.03, 0.5]), [0.04, 0.09, np.nan, 0.09, 0.5])
    np.testing.assert_allclose(holm([0.9, 0.8]), [1.0, 1.0])
    assert holm([]).size == 0


def test_bad_fraction_by_hand():
    x = np.array([0.0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    y = np.array([9.0, 1, 2, 3, 4, 5, 6, 7, 8, 0])
    assert bad_fraction(x, y) == pytest.approx(0.1)
    assert bad_fraction(x, x) == 0
    assert bad_fraction(np.where(x == 0, np.nan, x), y) == 0


def test_correlation_of_what_does_not_vary_is_undefined():
    found = weighted_correlations(np.ones((1, 4, 1)), np.arange(4.0)[:, None], np.ones((1, 4)))
    assert np.isnan(found.spearman[0, 0])
    assert np.isnan(found.kendall[0, 0])


def test_functionality_that_does_not_vary_is_undefined_not_an_error():
    data = grading(1, 6, 2)
    data.score[:] = data.reference_score[:] = 0.5
    table = assess(data, resamples=50, permutations=19).table
    assert table[["estimate", "p", "every", "ci_low", "within", "maximum"]].isna().all(axis=None)
    assert (table["rank"] == 2).all()


def test_few_models_are_refused():
    with pytest.raises(InputError, match="at least 4 models"):
        assess(grading(1, 3, 1))


def test_same_seed_same_table():
    data = grading()
    first, second = (assess(data, resamples=50, permutations=19, seed=7).table for _ in range(2))
    assert first.equals(second)


def test_the_null_of_ten_models_is_kept():
    """Coarse here; benchmarks/statistics_simulation.py measures it."""
    rng = np.random.default_rng(8)
    rejected = 0
    for _ in range(400):
        score = rng.normal(size=(1, 10, 1))
        place = rng.normal(size=(10, 2))
        d = np.linalg.norm(place[:, None] - place, axis=-1)[None, None, :, :, None]
        orders = permutation.permutations(10, 99, rng)
        between = np.abs(score - score[0, :, 0])[..., None]
        found = permutation.permuted_spearman(GradingArrays(score[..., 0], between, d, np.array([[True]])), orders)
        rejected += permutation.p_value(found[0])[0] <= 0.05
    assert rejected / 400 <= 0.085  # 5 % plus three standard errors
