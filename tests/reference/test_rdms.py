"""Dissimilarity matrices in place of features: same values, checked on entry, refused by what needs features."""

from __future__ import annotations

import itertools
from typing import get_args

import definitions
import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist, squareform
from scipy.stats import spearmanr

from similitude import RDM, Representation, compare, diagnose, get_measure, pairwise, significance
from similitude.engine import Ledger
from similitude.errors import InputError, MeasureError, ShapeMismatch, SimilitudeWarning
from similitude.factors.distances import Dissimilarity
from similitude.measures import BUILT_IN
from similitude.measures.rsa import Comparison
from similitude.representations import ModelRecord, Population, PopulationWriter

N = 30
METRICS = {
    "correlation": "correlation",
    "cosine": "cosine",
    "euclidean": "euclidean",
    "squared_euclidean": "sqeuclidean",
}
COMPARISONS = get_args(Comparison)


@pytest.fixture
def features(rng):
    signal = rng.normal(size=(N, 3))
    return [signal @ rng.normal(size=(3, d)) + rng.normal(size=(N, d)) + 0.5 for d in (6, 8)]


@pytest.mark.parametrize("how", COMPARISONS)
@pytest.mark.parametrize("kind", get_args(Dissimilarity))
def test_given_dissimilarities_count_like_those_that_are_computed(features, kind, how):
    x, y = features
    measure = get_measure(f"rsa(rdm={kind},compare={how})")
    a, b = (pdist(side, METRICS[kind]) for side in features)
    expected = measure(x, y)
    found = [measure(RDM(a), RDM(squareform(b))), measure(RDM(a), y), measure(x, RDM(b)), measure(RDM(b), x)]
    assert found == pytest.approx([expected] * 4, abs=1e-12)


@pytest.mark.parametrize("how", COMPARISONS)
def test_any_dissimilarities_agree_with_the_definition(rng, how):
    """Also where many are tied, and below 0, as those of a design or of cross-validated distances are."""
    classes = rng.integers(0, 3, size=12)
    cases = {
        "below zero": rng.normal(size=66),
        "a design": pdist(classes[:, None], "hamming"),
        "far from zero": 1e3 + rng.normal(size=66),
        "integers": rng.integers(-2, 3, size=66).astype(float),
    }
    measure = get_measure(f"rsa(compare={how})")
    for a, b in itertools.product(cases.values(), repeat=2):
        expected = definitions.compare_rdms(a, b, how)
        assert measure(RDM(a), RDM(b)) == pytest.approx(expected, rel=1e-10, abs=1e-10)


def test_rho_a_is_the_mean_over_ways_to_break_ties():
    a, b = np.array([0.0, 1, 1, 2, 3, 3]), np.array([2.0, 2, 0, 1, 2, 5])

    def broken(values):
        orders = itertools.permutations(range(len(values)))
        return [order for order in orders if (np.diff(values[list(order)]) >= 0).all()]

    ranks = [[np.argsort(order) for order in broken(values)] for values in (a, b)]
    expected = np.mean([spearmanr(r, s).statistic for r, s in itertools.product(*ranks)])
    assert get_measure("rsa(compare=rho_a)")(RDM(a), RDM(b)) == pytest.approx(expected, abs=1e-12)


def test_rho_a_does_not_favour_a_model_that_predicts_ties(rng):
    truth = RDM(rng.random(45))
    noisy = truth.values + rng.normal(scale=0.3, size=45)
    coarse = np.round(2 * noisy) / 2
    gain = [get_measure(id)(truth, RDM(coarse)) for id in ("rsa", "rsa(compare=rho_a)")]
    assert gain[0] > gain[1]
    assert get_measure("rsa")(truth, RDM(noisy)) == get_measure("rsa(compare=rho_a)")(truth, RDM(noisy))


def test_whitened_cosine_of_squared_distances_is_cka(features):
    found = compare(*features, "cka,rsa(rdm=squared_euclidean,compare=whitened_cosine)")
    assert found["rsa(rdm=squared_euclidean,compare=whitened_cosine)"] == pytest.approx(found["cka"], abs=1e-13)


def test_whitening_needs_no_matrix_of_all_pairs(rng):
    """The structured inverse is that of the explicit covariance, for n from 3 on; a million pairs take no time."""
    for n in (3, 4, 9, 25):
        a, b = rng.random((2, n * (n - 1) // 2))
        for how in ("whitened_cosine", "whitened_pearson"):
            expected = definitions.compare_rdms(a, b, how)
            assert get_measure(f"rsa(compare={how})")(RDM(a), RDM(b)) == pytest.approx(expected, abs=1e-10)
    a, b = rng.random((2, 1500 * 1499 // 2))
    assert abs(get_measure("rsa(compare=whitened_pearson)")(RDM(a), RDM(b))) < 0.01


@pytest.mark.filterwarnings("ignore::similitude.SimilitudeWarning")
@pytest.mark.parametrize("executor", ["threads", "processes:1"])
def test_measures_of_features_fail_on_rdms_and_on_nothing_else(features, executor, tmp_path):
    x, y = features
    given = {"rdm": RDM(pdist(x, "correlation")), "x": x, "y": y}
    with pytest.warns(SimilitudeWarning, match="failed"):
        table = pairwise(given, ["cka", "rsa", "mean_cca"], executor=executor, ledger=Ledger(tmp_path / "ledger"))
    assert table.matrix("rsa").loc["rdm"].tolist() == pytest.approx(table.matrix("rsa").loc["x"].tolist())
    for id in ("cka", "mean_cca"):
        assert table.matrix(id).loc["x", "y"] == pytest.approx(get_measure(id)(x, y))
        assert table.matrix(id)["rdm"].isna().all()
    assert set(table.failures["measure"]) == {"cka", "mean_cca"}
    assert (table.failures["reason"].str.contains("rdm is an RDM. Use rsa, or give features")).all()


@pytest.mark.filterwarnings("ignore::similitude.SimilitudeWarning")
@pytest.mark.parametrize("memory", [100, 1 << 30])
def test_an_rdm_is_never_taken_for_features(features, memory):
    rdm = RDM(pdist(features[0]))
    table = pairwise([rdm, squareform(rdm.values)], "cka", memory=memory)
    assert table.frame["cka"].isna().tolist() == [True, True, True, False]
    assert rdm.content_hash != Representation(squareform(rdm.values)).content_hash


@pytest.mark.parametrize("id", BUILT_IN)
def test_every_measure_says_whether_it_takes_rdms(features, id):
    measure = get_measure(id)
    rdm = RDM(pdist(features[0]), model="V4")
    if measure.properties().takes_rdms:
        assert np.isfinite(measure(rdm, features[1]))
    else:
        with pytest.raises(MeasureError, match=f"{id}.* compares features, and V4 is an RDM"):
            measure(rdm, features[1])


@pytest.mark.parametrize("id", ["distance_correlation", "rsm_norm_difference"])
def test_given_euclidean_distances_count_like_features(features, id):
    x, y = (2.0**70 * features[0], features[1])
    measure, given = get_measure(id), [RDM(pdist(side)) for side in (x, y)]
    expected = measure(x, y)
    assert [measure(*given), measure(given[0], y), measure(x, given[1])] == pytest.approx([expected] * 3, rel=1e-12)
    permuted = [significance(x, side, id, permutations=20, seed=3) for side in (y, given[1])]
    pd.testing.assert_frame_equal(*permuted, rtol=1e-10)


def test_distance_correlation_of_zeros_is_undefined(rng):
    with pytest.raises(MeasureError, match="all dissimilarities of a side are 0"):
        get_measure("distance_correlation")(RDM(np.zeros(45)), RDM(rng.random(45)))


def test_a_cosine_of_dissimilarities_below_zero_is_in_its_range(rng):
    measure, entries = get_measure("rsa(compare=cosine)"), rng.random(45)
    assert measure(RDM(entries), RDM(-entries)) == pytest.approx(-1.0)
    assert measure.properties().bounds == (-1.0, 1.0)


def test_the_doctor_examines_dissimilarities(features):
    x, y = features
    rdm = RDM(pdist(x, "correlation"), model="V4", ids=map(str, range(N)))
    assert [finding.where for finding in diagnose(rdm, y)] == ["array 2"]
    found = diagnose(RDM(np.where(np.arange(66) < 3, 0.0, np.arange(66) - 10), model="V4"))
    assert {finding.check: finding.numbers["count"] for finding in found} == {"negative": 7, "duplicates": 4}
    assert [f.check for f in diagnose(RDM(np.ones(66)))] == ["constant"]
    (finding,) = diagnose(rdm, RDM(pdist(y[:20])))
    assert (finding.severity, finding.check) == ("error", "inputs")
    assert "features x inputs" not in finding.text
    finding = diagnose(rdm, Representation(y, ids=map(str, reversed(range(N)))))[0]
    assert "another order" in finding.text


def test_a_population_refuses_dissimilarities(features, tmp_path):
    record = ModelRecord("net", {"last": RDM(pdist(features[0]))})
    writer = PopulationWriter(tmp_path / "kept", "kept", ["last"], list(map(str, range(N))))
    with pytest.raises(InputError, match="'net', layer 'last' is an RDM; a population keeps features"):
        writer.write(record)
    assert not writer.done
    with pytest.raises(InputError, match="is an RDM"):
        Population.from_records("kept", ["last"], [record])


def test_the_default_measure_of_rdms_is_rsa(features):
    x, y = features
    rdm = RDM(pdist(x, "correlation"))
    assert list(compare(rdm, y)) == ["rsa"]
    assert pairwise([x], others=[rdm]).frame.columns[-1] == "rsa"
    assert significance(rdm, y, permutations=5)["measure"].tolist() == ["rsa"]


@pytest.mark.parametrize("how", COMPARISONS)
def test_significance_permutes_rows_and_columns_together(features, how):
    x, y = features
    given = significance(x, RDM(pdist(y, "correlation")), f"rsa(compare={how})", permutations=20, seed=2)
    computed = significance(x, y, f"rsa(compare={how})", permutations=20, seed=2)
    pd.testing.assert_frame_equal(given, computed)
    assert given["p"][0] < 0.1


def test_reordered_inputs(features):
    x, order = features[0], np.random.default_rng(1).permutation(N)
    rdm = RDM(pdist(x), ids=[f"i{i}" for i in range(N)]).reordered(order)
    np.testing.assert_allclose(rdm.values, pdist(x[order]))
    assert rdm.ids == tuple(f"i{i}" for i in order)


def test_ids_are_matched(features):
    rdm = RDM(pdist(features[0]), ids=map(str, range(N)))
    assert compare(rdm, Representation(features[1], ids=map(str, range(N))), "rsa")
    with pytest.raises(ShapeMismatch, match=r"^first and second have .* another order"):
        compare(rdm, Representation(features[1], ids=map(str, reversed(range(N)))), "rsa")
    with pytest.raises(ShapeMismatch, match=r"^first has 30 inputs and second has 29"):
        compare(rdm, features[1][:29], "rsa")
    with pytest.raises(MeasureError, match="first is an RDM"):
        compare(rdm, features[1], "cka")


def test_the_same_rdm_has_one_hash_as_matrix_frame_or_vector(features):
    vector = pdist(features[0])
    square = squareform(vector)
    rdms = [RDM(vector), RDM(square), RDM(pd.DataFrame(square)), RDM(square + 1e-12 * np.tri(N, k=-1))]
    assert len({rdm.content_hash for rdm in rdms}) == 1
    np.testing.assert_array_equal(rdms[0].matrix, square)
    assert (rdms[0].n, rdms[0].values.flags.writeable) == (N, False)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_tensors(features, dtype):
    torch = pytest.importorskip("torch")
    square = torch.tensor(squareform(pdist(features[0]))).to(getattr(torch, dtype)).requires_grad_()
    expected = get_measure("rsa(rdm=euclidean)")(RDM(square.detach().double().numpy()), features[1])
    assert get_measure("rsa(rdm=euclidean)")(RDM(square), features[1]) == expected
    with pytest.raises(MeasureError, match="no gradient"):
        get_measure("rsa")(RDM(square), torch.tensor(features[1], requires_grad=True))


def test_entries_that_differ_by_rounding_are_tied(rng):
    levels, other = rng.integers(-1, 3, size=66) / 3, rng.random(66)
    moved = levels + 1e-15 * rng.normal(size=66)
    expected = definitions.compare_rdms(levels, other, "spearman")
    assert get_measure("rsa")(RDM(moved), RDM(other)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.eye(4), "look like similarities; pass 1 - values"),
        (np.diag([0, 0, 0.5, 0]) + 1 - np.eye(4), "the diagonal of an RDM is zero"),
        (np.triu(np.ones((4, 4)), 1), r"symmetric, and entries \(0, 1\) and \(1, 0\) are 1 and 0"),
        (np.ones(7), "7.*A vector of 6 or 10 entries would fit 4 or 5 inputs"),
        (np.ones((2, 6)), "Of several RDMs give one at a time"),
        (np.ones((2, 3, 3)), "no RDM"),
        ([], "no RDM"),
        ([[0.0]], "one input only"),
        ([0.1, np.nan, 0.3], "1 NaN or infinite dissimilarities, the first at 1"),
        (np.array([[0, np.inf], [np.inf, 0]]), "first at 0, 1"),
        (["a", "b", "c"], "type <U1"),
        ([1j, 2, 3], "complex"),
    ],
)
def test_what_is_no_rdm_is_refused_with_what_to_do(values, message):
    with pytest.raises(InputError, match=f"^V4: .*{message}"):
        RDM(values, model="V4")


@pytest.mark.parametrize("how", COMPARISONS)
def test_dissimilarities_that_are_all_equal_have_nothing_to_compare(rng, how):
    other = RDM(rng.random(45))
    if "cosine" in how:
        assert get_measure(f"rsa(compare={how})")(RDM(np.ones(45)), other) > 0
        with pytest.raises(MeasureError, match="are 0"):
            get_measure(f"rsa(compare={how})")(RDM(np.zeros(45)), other)
    else:
        with pytest.raises(MeasureError, match="V4: all dissimilarities are equal"):
            get_measure(f"rsa(compare={how})")(RDM(0.1 * np.ones(45), model="V4"), other)


def test_number_of_ids_and_components_are_refused():
    with pytest.raises(InputError, match="2 input ids for 3 inputs"):
        RDM(np.ones(3), ids=["a", "b"])
    with pytest.raises(InputError, match="an RDM has none"):
        RDM(np.ones(3)).truncate(1)


@pytest.mark.filterwarnings("ignore::similitude.SimilitudeWarning")
def test_rdms_among_truncated_views(features):
    view, rdm = Representation(features[0]).truncate(3), RDM(pdist(features[1]))
    expected = get_measure("rsa(rdm=euclidean)")(np.array(view.values), rdm)
    table = pairwise({"view": view, "rdm": rdm}, "rsa(rdm=euclidean),cka")
    assert table.matrix("rsa(rdm=euclidean)").iloc[0, 1] == pytest.approx(expected, abs=1e-12)
    assert table.matrix("cka").iloc[0].notna().tolist() == [True, False]
    for sides in ((view, rdm), (rdm, view)):
        frame = significance(*sides, "rsa(rdm=euclidean)", permutations=20)
        assert frame["value"][0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e30, 1e150])
@pytest.mark.parametrize("how", COMPARISONS)
def test_the_unit_of_an_rdm_does_not_matter(features, how, scale):
    x, y = (pdist(side) for side in features)
    measure = get_measure(f"rsa(compare={how})")
    assert measure(RDM(scale * x), RDM(y)) == pytest.approx(measure(RDM(x), RDM(y)), abs=1e-12)


def test_compare_gives_the_other_measures_of_an_rdm(features):
    rdm = RDM(pdist(features[0], "correlation"))
    with pytest.warns(SimilitudeWarning, match="1 of 2 measures"):
        found = compare(rdm, features[1], "rsa,cka")
    assert found["rsa"] == pytest.approx(get_measure("rsa")(*features))
    assert np.isnan(found["cka"])
    assert "first is an RDM" in found.failures["cka"]
