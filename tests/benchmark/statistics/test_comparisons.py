"""Paired comparisons of measures, the set of those that may be best, mean ranks, and p-values for many tests."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from similitude.benchmark import GradingData
from similitude.benchmark.results import Results, read_results
from similitude.benchmark.statistics.assess import assess, extra_permutations
from similitude.benchmark.statistics.comparisons import compare, distinct, holm, leading
from similitude.benchmark.statistics.mean_ranks import mean_ranks
from similitude.benchmark.subtask import Variant


def jackknifed(sample):
    """Means of columns, and the same without each row."""
    return sample.mean(axis=0), np.stack([np.delete(sample, i, axis=0).mean(axis=0) for i in range(len(sample))])


def test_comparison_of_means_is_the_paired_t_test():
    sample = np.random.default_rng(0).normal(size=(9, 3))
    found = compare(*jackknifed(sample))
    for i, j in ((0, 1), (2, 0)):
        expected = stats.ttest_rel(sample[:, i], sample[:, j])
        interval = expected.confidence_interval(0.95)
        assert found.t[i, j] == pytest.approx(expected.statistic)
        assert [found.low[i, j], found.high[i, j]] == pytest.approx(list(interval))
        assert found.distinct[i, j] == (expected.pvalue < 0.05)
    assert found.df == 8
    assert (np.diag(found.t) == 0).all()


def test_measures_that_differ_by_rounding_are_never_distinct():
    sample = np.random.default_rng(1).normal(size=(8, 2))
    values, without = jackknifed(np.column_stack([sample[:, 0], sample[:, 0] + 1e-13, sample[:, 0] + 1]))
    found = compare(values, without)
    assert not found.distinct[0, 1]
    assert found.distinct[2, 0]


def test_distinct_is_holms_adjustment_of_all_pairs():
    rng = np.random.default_rng(2)
    for _ in range(20):
        sample = rng.normal(size=(10, 4)) + np.array([0, 0.4, 0.8, 1.2])
        found = distinct(compare(*jackknifed(sample)), np.arange(4), np.ones(4, dtype=bool), 0.95)
        pairs = np.triu_indices(4, k=1)
        p = [stats.ttest_rel(sample[:, i], sample[:, j]).pvalue for i, j in zip(*pairs, strict=True)]
        assert list(found[pairs]) == list(holm(p) <= 0.05)
        assert np.array_equal(found, found.T)


def test_leading_is_bonferroni_against_every_rival():
    rng = np.random.default_rng(3)
    for _ in range(20):
        sample = rng.normal(size=(10, 4)) + np.array([0, 0.4, 0.8, 1.2])
        values, without = jackknifed(sample)
        found = leading(values, compare(values, without), np.arange(4), np.ones(4, dtype=bool))
        for i in range(4):
            p = [stats.ttest_rel(sample[:, j], sample[:, i], alternative="greater").pvalue for j in range(4) if j != i]
            assert found[i] == (min(p) > 0.05 / 3)
        assert found[np.argmax(values)]


def test_equivalent_measures_count_once_and_failed_ones_not_at_all():
    rng = np.random.default_rng(4)
    base = rng.normal(size=(10, 2)) * 0.1
    sample = np.column_stack([base[:, 0], base[:, 0], base[:, 1] + 0.12, base[:, 1] + 9, np.full(10, np.nan)])
    classes, usable = np.array([0, 0, 2, 3, 4]), np.array([True, True, True, False, True])
    values, without = jackknifed(sample)
    compared = compare(values, without)
    alone = compare(values[[0, 2]], without[:, [0, 2]])
    found = leading(values, compared, classes, usable)
    expected = leading(values[[0, 2]], alone, np.arange(2), np.ones(2, dtype=bool))
    assert list(found) == [expected[0], expected[0], expected[1], False, False]
    assert not distinct(compared, classes, usable, 0.95)[3].any()
    nothing = leading(values[4:], compare(values[4:], without[:, 4:]), np.arange(1), np.ones(1, dtype=bool))
    assert not nothing.any()


def test_the_best_of_many_equal_measures_is_rarely_excluded():
    rng = np.random.default_rng(5)
    measures, usable = np.arange(8), np.ones(8, dtype=bool)
    out = apart = alone = 0
    for _ in range(400):
        values, without = jackknifed(rng.normal(size=(5, 8)))
        compared = compare(values, without)
        out += not leading(values, compared, measures, usable)[0]
        apart += distinct(compared, measures, usable, 0.95).any()
        alone += compared.distinct.any()
    assert out / 400 <= 0.083  # 5 % plus three standard errors
    assert apart / 400 <= 0.083
    assert alone / 400 > 0.3  # what adjusting is for


def results(every, *, apart=None, populations=None, noise=0.1, units=12, equivalent="", seed=0):
    """Results on len(every) rows, with leave-one-out values whose jackknife standard error is `noise`."""
    rng = np.random.default_rng(seed)
    every = np.asarray(every, dtype=float)
    n_measures = every.shape[1]
    names = [f"m{k}" for k in range(n_measures)]
    frames, without = [], []
    shared = {}
    for i, values in enumerate(every):
        population = populations[i] if populations else str(i)
        spread = shared.setdefault(population, rng.normal(size=(units, n_measures)))
        spread = (spread - spread.mean(axis=0)) / np.sqrt((spread**2).sum(axis=0) * (units - 1) / units) * noise
        labels = {"subtask": "s/x", "functionality": f"f{i}", "statistic": "spearman"}
        finite = np.nan_to_num(values, nan=-np.inf)
        columns = {
            "measure": names,
            "estimate": values,
            "every": values,
            "every_rank": 1 + (finite > finite[:, None]).sum(axis=1),
            "equivalent": equivalent,
            "apart": True if apart is None else apart[i],
        }
        frames.append(pd.DataFrame(columns).assign(**labels))
        kept = pd.DataFrame(values + spread, columns=pd.Index(names))
        without.append(kept.assign(population=population, unit=[f"u{u}" for u in range(units)], **labels))
    return Results(pd.concat(frames, ignore_index=True), {}, pd.concat(without, ignore_index=True))


def test_summary_counts_rows_that_tell_measures_apart():
    found = results([[0.9, 0.5, 0.1], [0.1, 0.2, 0.3], [0.8, 0.9, -0.2]], apart=[True, False, True], noise=0.001)
    summary = found.summary()
    assert list(summary["mean_rank"]) == [1.5, 1.5, 3]
    assert dict(summary["worst"]) == {"m0": 0.8, "m1": 0.5, "m2": -0.2}
    assert set(summary["rows"]) == {2}
    np.testing.assert_allclose(summary["mean_rank_low"], summary["mean_rank"])  # far apart: no doubt about ranks


def test_no_row_tells_measures_apart():
    summary = results([[0.9, 0.5]], apart=[False]).summary()
    assert list(summary.index) == ["m0", "m1"]
    assert summary.drop(columns="rows").isna().all(axis=None)
    assert set(summary["rows"]) == {0}


def test_ranks_of_one_population_vary_together():
    every = [[0.5, 0.45, 0.4]] * 8
    one = results(every, populations=["nets"] * 8).summary()
    many = results(every).summary()
    width = [(s["mean_rank_high"] - s["mean_rank_low"]).mean() for s in (one, many)]
    assert width[0] > 1.6 * width[1]
    assert (one["mean_rank_low"] >= 1).all()
    assert (one["mean_rank_high"] <= 3).all()


def test_mean_rank_interval_by_hand():
    """Two measures in one row: the rank of the first is 2 with the chance that Student's t gives."""
    found = results([[0.5, 0.4]], units=10, noise=0.1)
    assert found.leave_one_out is not None
    without = found.leave_one_out[["m0", "m1"]].to_numpy()
    change = without[:, 0] - without[:, 1]
    error = np.sqrt(9 / 10 * ((change - change.mean()) ** 2).sum())
    behind = stats.t.sf(0.1 / (np.sqrt(2) * error), 9)
    expected = 1.96 * np.sqrt(behind * (1 - behind))
    summary = found.summary()
    assert summary.loc["m0", "mean_rank_high"] - 1 == pytest.approx(expected, rel=0.1)


def test_equivalent_measures_share_their_ranks_in_draws():
    found = results([[0.5, 0.5, 0.4]], noise=0.1)
    frame = found.frame.assign(equivalent=["m0, m1", "m0, m1", ""], every_rank=[1, 1, 2])
    without = found.leave_one_out.assign(m1=found.leave_one_out["m0"])
    summary = mean_ranks(frame, without)
    assert tuple(summary.loc["m0"]) == tuple(summary.loc["m1"])
    assert summary["mean_rank_high"].max() <= 3


def test_a_failed_measure_is_last_in_every_draw():
    found = results([[0.5, np.nan, 0.4]])
    summary = found.summary()
    assert list(summary.index) == ["m0", "m2", "m1"]
    assert summary.loc["m1", "mean_rank"] == summary.loc["m1", "mean_rank_low"] == 3
    assert np.isnan(summary.loc["m1", "worst"])


def test_leave_one_out_survives_the_disk(tmp_path):
    found = results([[0.5, 0.45], [0.3, 0.4]])
    found.leave_one_out["unit"] = ["NA", *found.leave_one_out["unit"][1:]]
    found.write(tmp_path)
    pd.testing.assert_frame_equal(read_results(tmp_path).summary(), found.summary(), rtol=1e-6)
    assert read_results(tmp_path).leave_one_out["unit"][0] == "NA"
    Results(found.frame, {}).write(tmp_path)
    again = read_results(tmp_path)
    assert again.leave_one_out is None
    assert again.summary()["mean_rank_low"].isna().all()


def graded(noise, n=14):
    rng = np.random.default_rng(7)
    score = rng.normal(size=(1, n, 1))
    clean = np.abs(score[:, :, None] - score[:, None])
    d = {f"m{k}": clean + size * rng.random(clean.shape) for k, size in enumerate(noise)}
    names = tuple(f"net{i}" for i in range(n))
    return GradingData(names, ("a",), ((Variant("a"),),), score[..., 0], score, np.array([[True]]), d)


def test_permutations_suffice_for_the_number_of_tests():
    assert extra_permutations(1999, 20) == 0
    assert extra_permutations(1999, 21) == 10_000
    assert extra_permutations(1999, 189) == 20_000
    data = graded((0.2, 3.0))
    few, many = (assess(data, resamples=50, permutations=199, tests=t).table for t in (1, 100))
    spearman = many["statistic"] == "spearman"
    assert many["p"][0] == pytest.approx(1 / 10_200)
    assert holm(many.loc[spearman, "p"])[0] * 100 <= 0.05
    assert few["p"][0] == pytest.approx(1 / 200)
    assert many["p"][1] == pytest.approx(few["p"][1], abs=0.1)
    pd.testing.assert_frame_equal(few.drop(columns="p"), many.drop(columns="p"))


def test_differences_of_every_reference_are_those_of_the_table():
    found = assess(graded((0.2, 1.0, 3.0)), resamples=50, permutations=19)
    every = found.table.query("statistic == 'kendall'").set_index("measure")["every"]
    for row in found.differences("kendall").itertuples():
        assert row.every_difference == pytest.approx(every[row.first] - every[row.second])
        assert row.every_low < row.every_difference < row.every_high
        assert row.distinct_alone or not row.distinct
    assert found.table["apart"].all()
