"""Means over rows of several populations, on values whose means and errors are known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from similitude.benchmark.statistics.pooled import pool

NAMES = ("a", "b", "c", "d")


def rows(values, *, population, subtask=None, functionality="f", names=NAMES, broken=()):
    """A row whose value is the mean over units of values of shape (units, measures)."""
    count = len(values)
    mean = values.mean(axis=0)
    frame = pd.DataFrame(
        {
            "subtask": subtask or f"{population}/s",
            "functionality": functionality,
            "measure": names,
            "statistic": "spearman",
            "every": [np.nan if n in broken else m for n, m in zip(names, mean, strict=True)],
            "n_groups": 0,
        }
    )
    without = pd.DataFrame((count * mean - values) / (count - 1), columns=list(names))
    for name in broken:
        without[name] = np.nan
    about = {"subtask": frame["subtask"][0], "functionality": functionality, "population": population}
    without = without.assign(unit=[f"m{i}" for i in range(count)], statistic="spearman", **about)
    return frame, without


def pooled(parts, **options):
    frames, without = zip(*parts, strict=True)
    return pool(pd.concat(frames, ignore_index=True), pd.concat(without, ignore_index=True), **options)


def draw(rng, means, units=20, sd=0.1):
    shared = rng.normal(0, sd, size=(units, 1))
    return np.asarray(means) + shared + rng.normal(0, sd, size=(units, len(means)))


def test_mean_and_interval_of_one_population_are_students():
    values = draw(np.random.default_rng(0), [0.5, 0.4, 0.1, 0.0])
    found = pooled([rows(values, population="p")]).table.set_index("measure")
    for k, name in enumerate(NAMES):
        interval = stats.t.interval(0.95, 19, values[:, k].mean(), stats.sem(values[:, k]))
        assert found.loc[name, ["low", "high"]].tolist() == pytest.approx(interval)
    assert found["units"].tolist() == [20] * 4
    assert found["rank"].tolist() == [1, 2, 3, 4]


def test_independent_populations_add_variances_with_welchs_degrees_of_freedom():
    rng = np.random.default_rng(1)
    one, two = draw(rng, [0.5] * 4, units=12), draw(rng, [0.3] * 4, units=40, sd=0.02)
    found = pooled([rows(one, population="p"), rows(two, population="q")]).table.iloc[0]
    variances = one[:, 0].var(ddof=1) / 12 / 4, two[:, 0].var(ddof=1) / 40 / 4
    df = sum(variances) ** 2 / (variances[0] ** 2 / 11 + variances[1] ** 2 / 39)
    half = stats.t.ppf(0.975, df) * np.sqrt(sum(variances))
    assert found["high"] - found["estimate"] == pytest.approx(half)
    assert (found["subtasks"], found["units"]) == (2, 52)


def test_rows_on_the_same_networks_are_not_independent():
    values = draw(np.random.default_rng(2), [0.5, 0.4, 0.1, 0.0])
    once = pooled([rows(values, population="p")]).table
    twice = pooled([rows(values, population="p", functionality=f) for f in ("f", "g")]).table
    assert twice["low"].tolist() == pytest.approx(once["low"].tolist())
    assert twice["units"].tolist() == [20] * 4


def test_subtasks_weigh_the_same_however_many_rows_they_have():
    rng = np.random.default_rng(3)
    many = [rows(draw(rng, [0.8] * 4), population="p", functionality=f"f{i}") for i in range(5)]
    found = pooled([*many, rows(draw(rng, [0.2] * 4), population="q")]).table
    assert found["estimate"].to_numpy() == pytest.approx(0.5, abs=0.06)


def test_measures_that_are_alike_are_rarely_told_apart():
    rng = np.random.default_rng(4)
    wrong = sum(
        pooled([rows(draw(rng, [0.3] * 4, units=10), population=p) for p in "pq"]).differences["distinct"].any()
        for _ in range(200)
    )
    assert wrong <= 18  # 10 expected at most; 18 is exceeded in 1 % of such simulations


def test_places_hold_the_true_ones_together():
    rng = np.random.default_rng(5)
    truth, missed = [0.5, 0.45, 0.44, 0.2], 0
    for _ in range(200):
        table = pooled([rows(draw(rng, truth, units=12), population=p) for p in "pq"]).table
        missed += not all(table["rank_low"] <= [1, 2, 3, 4]) or not all(table["rank_high"] >= [1, 2, 3, 4])
    assert missed <= 18


def test_clear_differences_are_counted():
    found = pooled([rows(draw(np.random.default_rng(6), [0.9, 0.5, 0.5, 0.1], units=30), population="p")])
    table = found.table.set_index("measure")
    assert table[["better", "worse", "distinct"]].to_numpy().tolist() == [[0, 3, 3], [1, 1, 2], [1, 1, 2], [3, 0, 3]]
    assert table["leading"].tolist() == [True, False, False, False]
    assert table.loc["a", ["rank_low", "rank_high"]].tolist() == [1, 1]
    assert table.loc["b", ["rank_low", "rank_high"]].tolist() == [2, 3]
    assert table["tells"].all()


def test_a_measure_that_failed_is_last_and_counted():
    rng = np.random.default_rng(7)
    parts = [rows(draw(rng, [0.9, 0.5, 0.4, 0.1]), population="p")]
    parts += [rows(draw(rng, [0.9, 0.5, 0.4, 0.1]), population="q", broken=("a",))]
    table = pooled(parts).table.set_index("measure")
    assert np.isnan(table.loc["a", "estimate"])
    assert table.loc["a", ["rank", "rank_low", "rank_high", "failed"]].tolist() == [4, 4, 4, 1]
    assert not table.loc["a", "leading"]
    assert table.loc["b", ["rank", "failed"]].tolist() == [1, 0]


def test_equivalent_measures_share_a_place():
    values = draw(np.random.default_rng(8), [0.9, 0.5, 0.4, 0.1])
    values[:, 1] = values[:, 0]
    table = pooled([rows(values, population="p")]).table.set_index("measure")
    assert table["rank"].tolist() == [1, 1, 2, 3]
    assert table["rank_high"].max() == 3


def test_a_value_without_error_is_certain():
    values = draw(np.random.default_rng(9), [0.9, 0.5, 0.4, 0.1])
    values[:, 0] = 1.0
    table = pooled([rows(values, population="p")]).table.set_index("measure")
    assert table.loc["a", ["low", "high"]].tolist() == [1, 1]
    assert table.loc["a", "tells"]


def test_rows_without_an_interval_do_not_count():
    rng = np.random.default_rng(10)
    good, bad = rows(draw(rng, [0.5] * 4), population="p"), rows(draw(rng, [0.5] * 4), population="q", broken=NAMES)
    assert pooled([good, bad]).table["rows"].tolist() == [1] * 4
    none = pooled([bad])
    assert none.table["estimate"].isna().all()
    assert not none.table["tells"].any()
    assert none.differences.empty
