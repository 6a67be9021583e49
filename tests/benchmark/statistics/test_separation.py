"""Group separation and monotonicity of layers, against plain loops, scikit-learn and enumeration."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score

from similitude.benchmark.grading import GradingData
from similitude.benchmark.statistics.monotonicity import assess_monotonicity, monotonicities
from similitude.benchmark.statistics.partitions import Relabellings, count_partitions
from similitude.benchmark.statistics.separation import assess_separation, precision_interval, separations
from similitude.benchmark.subtask import Variant
from similitude.errors import InputError


def distances(rng, labels, apart=0.0, digits=12):
    """Distances of models around one point per group."""
    centres = {label: apart * rng.normal(size=4) for label in dict.fromkeys(labels)}
    places = np.array([centres[label] + rng.normal(size=4) for label in labels])
    return np.round(np.linalg.norm(places[:, None] - places, axis=-1), digits)


def slow(matrix, labels):
    """AUPRC and violation rate as they are written in the paper."""
    precision, violation = [], []
    for label in sorted(set(labels)):
        members = [i for i, other in enumerate(labels) if other == label]
        others = [i for i, other in enumerate(labels) if other != label]
        within = [matrix[i, j] for i, j in combinations(members, 2)]
        across = [matrix[i, j] for i in members for j in others]
        truth = [1] * len(within) + [0] * len(across)
        precision.append(average_precision_score(truth, [-d for d in within + across]))
        violation.append(np.mean([a >= b for a in within for b in across]))
    return np.mean(precision), np.mean(violation)


@pytest.mark.parametrize("labels", ["aabbb", "aaabbb", "abacbac"])
@pytest.mark.parametrize("digits", [12, 0])
def test_every_relabelling_is_counted(labels, digits):
    labels = tuple(labels)
    matrices = np.stack([distances(np.random.default_rng(i), labels, apart=i, digits=digits) for i in range(3)])
    found = separations(matrices[:, None], labels)
    assert found.exact
    for k, matrix in enumerate(matrices):
        auprc, violation = slow(matrix, labels)
        every = [slow(matrix, other)[0] for other in set(permutations(labels))]
        assert found.auprc[k] == pytest.approx(auprc, abs=1e-12)
        assert found.violation[k] == pytest.approx(violation, abs=1e-12)
        assert found.chance[k] == pytest.approx(np.mean(every), abs=1e-6)
        assert found.p[k] == pytest.approx(np.mean([value >= auprc - 1e-6 for value in every]))
        for i in range(len(labels)):
            rest = [j for j in range(len(labels)) if j != i]
            if min(np.unique([labels[j] for j in rest], return_counts=True)[1]) > 1:
                without = slow(matrix[np.ix_(rest, rest)], tuple(labels[j] for j in rest))[0]
                assert found.leave_one_out[i, k] == pytest.approx(without, abs=1e-12)
            else:
                assert np.isnan(found.leave_one_out[i, k])


def test_the_order_of_models_and_the_names_of_groups_do_not_matter():
    rng = np.random.default_rng(0)
    labels = np.repeat(["a", "b", "c"], 5)
    matrix = distances(rng, labels, apart=1, digits=0)  # many ties
    order = rng.permutation(15)
    renamed = np.array(["z", "y", "x"])[(labels[order] == "b") + 2 * (labels[order] == "c")]
    first = separations(matrix[None, None], tuple(labels))
    second = separations(matrix[np.ix_(order, order)][None, None], tuple(renamed))
    for name in ("auprc", "violation", "chance", "p"):
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), rtol=1e-6)


def test_planted_and_exchangeable_groups():
    rng = np.random.default_rng(1)
    labels = tuple(np.repeat(["a", "b", "c"], 5))
    planted = separations(distances(rng, labels, apart=50)[None, None], labels)
    assert planted.auprc[0] == 1
    assert planted.violation[0] == 0
    assert planted.p[0] == pytest.approx(1 / 126_126)
    pairs = tuple(np.repeat(["a", "b"], 5))
    p = [separations(distances(rng, pairs)[None, None], pairs, units=False).p[0] for _ in range(300)]
    assert stats.kstest(p, "uniform").pvalue > 0.001
    assert 0.02 <= np.mean(np.array(p) <= 0.05) <= 0.09


def test_a_sample_of_relabellings_agrees_with_all():
    labels = tuple(np.repeat(["a", "b", "c"], 5))
    matrix = distances(np.random.default_rng(4), labels, apart=0.6)[None, None]
    exact = separations(matrix, labels)
    rng = np.random.default_rng(0)
    drawn = np.array([slow(matrix[0, 0], tuple(rng.permutation(labels)))[0] for _ in range(400)])
    assert exact.chance[0] == pytest.approx(drawn.mean(), abs=4 * drawn.std() / 20)
    large = tuple(np.repeat(list("abcde"), 5))
    matrix = distances(np.random.default_rng(5), large, apart=0.5)[None, None]
    found, again = (separations(matrix, large, samples=2_000, seed=seed) for seed in (0, 1))
    assert not found.exact
    assert found.p[0] > 0
    assert found.chance[0] == pytest.approx(again.chance[0], abs=0.003)
    assert found.p[0] == pytest.approx(again.p[0], abs=0.03)


@pytest.mark.parametrize("sizes", [(2, 3), (2, 2, 3), (3, 3, 3), (2, 2, 2, 3, 3), (4, 6)])
def test_partitions_are_distinct_and_all_there(sizes):
    labels = [str(group) for group, size in enumerate(sizes) for _ in range(size)]
    found = Relabellings.of(labels, 0, np.random.default_rng(0))
    assert len({frozenset(groups) for groups in found.groups.tolist()}) == len(found.groups) == count_partitions(sizes)
    assert (found.members[found.groups].sum(axis=1) == 1).all()


def grading(labels, dissimilarity):
    models = tuple(f"m{i}" for i in range(len(labels)))
    group = np.array([[float(ord(label)) for label in labels]])
    return GradingData(
        models=models,
        layers=("last",),
        variants=((Variant("last"),),),
        reference_score=group,
        score=group[:, :, None],
        same=np.ones((1, 1), dtype=bool),
        dissimilarity={name: values[None, :, :, None] for name, values in dissimilarity.items()},
        groups=tuple(labels),
    )


def test_a_measure_that_fails_is_counted_and_comes_last():
    labels = "aaaaabbbbbccccc"
    rng = np.random.default_rng(0)
    good, poor = distances(rng, labels, apart=5), distances(rng, labels)
    holes, nothing = good.copy(), np.full_like(good, np.nan)
    holes[0, 14] = holes[14, 0] = np.inf
    data = grading(
        labels, {"good": good, "holes": holes, "poor": poor, "nothing": nothing, "equal": np.ones_like(good)}
    )
    found = assess_separation(data)
    table = found.table.set_index("measure")
    assert table["n_failed"].to_dict() == {"good": 0, "holes": 1, "poor": 0, "nothing": 105, "equal": 0}
    assert table["every_rank"].to_dict() == {"good": 1, "poor": 2, "equal": 3, "holes": 4, "nothing": 4}
    assert table.loc["holes", "estimate"] == pytest.approx(table.loc["good", "estimate"])
    assert not table.loc[["holes", "nothing"], "leading"].any()
    assert np.isnan(table.loc["nothing", "estimate"])
    assert table["collapsed"].to_dict() == {"good": 0, "holes": 0, "poor": 0, "nothing": 0, "equal": 1}
    assert table.loc["good", ["tells", "leading"]].all()
    assert table.loc["equal", "every"] == pytest.approx(0, abs=1e-6)
    assert table.loc["equal", "violation"] == 1
    compared = found.differences.set_index(["first", "second"])
    assert compared.loc[("good", "poor"), "p"] < 1e-3
    assert compared.loc[("good", "poor"), "distinct"]
    assert not compared.loc[("holes", "poor"), "distinct"]


def test_a_saturated_row_does_not_tell_measures_apart():
    labels = "aaaaabbbbb"
    rng = np.random.default_rng(0)
    measures = {f"m{i}": distances(rng, labels, apart=30) for i in range(3)} | {"poor": distances(rng, labels)}
    table = assess_separation(grading(labels, measures)).table
    assert table["saturated"].all()
    assert not table["apart"].any()
    del measures["m0"], measures["m1"]
    assert not assess_separation(grading(labels, measures)).table["saturated"].any()


def test_the_jackknife_of_a_mean_is_its_standard_error():
    labels = ("a",) * 6 + ("b",) * 6
    rng = np.random.default_rng(0)
    values = rng.uniform(0.4, 0.6, size=12)
    without = np.array([(values.sum() - v) / 11 for v in values])
    low, high = precision_interval(values.mean(), without, labels)
    within = values - np.repeat([values[:6].mean(), values[6:].mean()], 6)
    error = np.sqrt((within**2).sum() * 5 / 6) / 11
    assert high - low == pytest.approx(2 * stats.t.ppf(0.975, 10) * error, rel=0.02)


@pytest.mark.parametrize(
    ("labels", "text"), [("aaaa", "in one group"), ("aaab", "Group 'b' has one model"), ("abcd", "has one model")]
)
def test_groups_that_cannot_be_separated(labels, text):
    with pytest.raises(InputError, match=text):
        separations(np.ones((1, 1, 4, 4)), tuple(labels))


def slow_monotonicity(matrix):
    forward, backward, violated = [], [], []
    count = len(matrix)
    for anchor in range(count):
        for found, layers in ((forward, range(anchor + 1, count)), (backward, range(anchor - 1, -1, -1))):
            if len(layers) > 1:
                row = [matrix[anchor, layer] for layer in layers]
                found.append(stats.spearmanr(row, np.arange(len(row))).statistic if len(set(row)) > 1 else 0.0)
                violated += [near >= far for near, far in combinations(row, 2)]
    return np.mean(forward), np.mean(backward), np.mean(violated)


@pytest.mark.parametrize("layers", [3, 5, 8])
@pytest.mark.parametrize("digits", [12, 1])
def test_monotonicity_is_that_of_plain_loops(layers, digits):
    matrices = np.round(np.random.default_rng(layers).uniform(size=(4, layers, layers)), digits)
    found = monotonicities(matrices)
    for i, matrix in enumerate(matrices):
        np.testing.assert_allclose([values[i] for values in found], slow_monotonicity(matrix), atol=1e-12)
    depth = np.arange(layers, dtype=float)
    perfect = monotonicities(np.abs(depth[:, None] - depth))
    assert (perfect.mean, perfect.violation) == (1, 0)


def layers_data(measures):
    count = len(next(iter(measures.values())))
    models = tuple(f"m{i}" for i in range(count))
    depth = np.arange(5.0)
    tensors = {}
    for name, matrices in measures.items():
        tensor = np.full((5, count, count, 5), np.nan)
        tensor[:, np.arange(count), np.arange(count)] = np.moveaxis(matrices, 0, 1)
        tensors[name] = tensor
    return GradingData(
        models=models,
        layers=tuple("abcde"),
        variants=(tuple(Variant(layer) for layer in "abcde"),) * 5,
        reference_score=np.tile(depth[:, None], (1, count)),
        score=np.tile(depth, (5, count, 1)),
        same=np.eye(5, dtype=bool),
        dissimilarity=tensors,
        groups=models,
        within=True,
    )


def test_monotonicity_over_models():
    rng = np.random.default_rng(0)
    depth = np.abs(np.arange(5.0)[:, None] - np.arange(5.0))
    noisy = depth + 1.5 * rng.normal(size=(8, 5, 5))
    holes = noisy.copy()
    holes[0, 0, 4] = np.nan
    noise = rng.normal(size=(8, 5, 5))
    measures = {"noisy": noisy, "perfect": np.tile(depth, (8, 1, 1)), "holes": holes, "noise": noise}
    found = assess_monotonicity(layers_data(measures))
    table = found.table.set_index("measure")
    of_models = monotonicities(noisy).mean
    interval = stats.t.interval(0.95, 7, of_models.mean(), stats.sem(of_models))
    assert table.loc["noisy", "every"] == pytest.approx(of_models.mean())
    assert table.loc["noisy", ["every_low", "every_high"]].tolist() == pytest.approx(interval)
    assert table["every_rank"].to_dict() == {"perfect": 1, "noisy": 2, "noise": 3, "holes": 4}
    assert table["n_failed"].to_dict() == {"perfect": 0, "noisy": 0, "noise": 0, "holes": 1}
    compared = found.differences.set_index(["first", "second"]).loc[("noisy", "noise")]
    paired = stats.ttest_rel(of_models, monotonicities(noise).mean)
    assert compared["p"] == pytest.approx(paired.pvalue)
    assert compared[["every_low", "every_high"]].tolist() == pytest.approx(paired.confidence_interval())
