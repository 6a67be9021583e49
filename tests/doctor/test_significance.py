import numpy as np
import pytest

from catalogue import EVERY
from similitude import MeasureError, Representation, SimilitudeWarning, significance
from similitude.errors import InputError
from similitude.factors.pair import Pair, Side
from similitude.factors.shuffled import shuffled
from similitude.measures import get_measure

RSA = [f"rsa(compare={how})" for how in ("rho_a", "tau_a", "whitened_cosine", "whitened_pearson")]


def data(n=40, seed=0, signal=1.0):
    rng = np.random.default_rng(seed)
    z = signal * rng.normal(size=(n, 3))
    return [z @ rng.normal(size=(3, d)) + rng.normal(size=(n, d)) + 0.5 for d in (6, 8)]


@pytest.mark.parametrize("id", [*EVERY, "rsa(compare=kendall)", *RSA])
def test_reordered_factors_give_the_value_of_reordered_data(id):
    X, Y = data()
    order = np.random.default_rng(1).permutation(len(Y))
    measure = get_measure(id)
    side = Side.of(Y)
    measure.value(Pair(Side.of(X), side))  # the factors of the data as they are
    value = measure.value(Pair(Side.of(X), shuffled(side, order)))
    assert value == pytest.approx(measure(X, Y[order]), rel=1e-9, abs=1e-12)


def test_truncated_representations_are_shuffled_as_a_whole():
    X, Y = data()
    order = np.random.default_rng(1).permutation(len(Y))
    for id in ("cka", "mean_cca", "procrustes", "distance_correlation"):
        view = Representation(Y).truncate(3)
        value = get_measure(id).value(Pair(Side.of(X), shuffled(Side.of(view), order)))
        assert value == pytest.approx(get_measure(id)(X, view.values[order]), rel=1e-9)


def test_closed_form_of_cka_is_the_mean_over_all_permutations():
    frame = significance(*data(n=30, signal=0), "cka,cka(debiased=true)", permutations=2000)
    X, Y = data(n=30, signal=0)
    rng = np.random.default_rng(5)
    null = [get_measure("cka")(X, Y[rng.permutation(30)]) for _ in range(1000)]
    assert frame["chance"][0] == pytest.approx(np.mean(null), abs=4 * np.std(null) / 1000**0.5)
    assert frame["sd"][0] == pytest.approx(np.std(null), rel=0.1)
    assert frame["chance"][1] == 0.0


def test_related_data_are_significant_and_independent_ones_are_not():
    ids = ["cka", "procrustes", "jaccard", "rsa", "mean_cca"]
    related = significance(*data(), ids, permutations=99)
    assert (related["p"] <= 0.01).all()
    assert related["null"].tolist() == ["exact", "permutation", "permutation", "exact", "permutation"]
    assert (related["p"][related["null"] == "exact"] < 1e-4).all()  # permutations reach 1 / 100
    assert (related["z"] > 3).all()
    pvalues = [significance(*data(seed=s, signal=0), ids, permutations=39)["p"] for s in range(40)]
    assert 0.35 < np.mean(pvalues) < 0.65


def test_measures_that_do_not_match_inputs_are_never_significant():
    frame = significance(*data(), "norm_difference,imd,magnitude_difference", permutations=20)
    assert (frame["p"] == 1.0).all()
    assert frame["z"].isna().all()


def test_same_seed_same_frame():
    first, again = (significance(*data(), "cka,jaccard", permutations=20, seed=3) for _ in range(2))
    assert first.equals(again)


def test_at_least_one_permutation():
    with pytest.raises(InputError):
        significance(*data(), "cka", permutations=0)


def test_a_measure_that_fails_costs_only_itself():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(12, 30)), rng.normal(size=(12, 3))
    with pytest.warns(SimilitudeWarning, match="1 of 2 measures failed: mean_cca. mean_cca: .*rank 11 on 12 inputs"):
        table = significance(X, Y, "mean_cca,cka", permutations=10)
    assert list(table.failures) == ["mean_cca"]
    assert table.set_index("measure").loc["mean_cca", ["value", "chance", "sd", "z", "p"]].isna().all()
    assert table["p"][1] > 0
    assert table["kind"].tolist() == ["similarity", "similarity"]
    with pytest.raises(MeasureError, match="rank 11 on 12 inputs"):
        significance(X, Y, "mean_cca", permutations=10)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_the_scale_of_a_side_changes_nothing(scale):
    X, Y = data()
    ids = "cka,procrustes,rsa,mean_cca"
    expected, found = (significance(X, Y * factor, ids, permutations=10) for factor in (1.0, scale))
    np.testing.assert_allclose(
        found.iloc[:, 2:-1].astype(float), expected.iloc[:, 2:-1].astype(float), rtol=1e-9, atol=1e-12
    )


def test_too_few_inputs():
    with pytest.raises(InputError, match="Chance needs at least 4 inputs, to be paired in other ways; there are 3"):
        significance(*data(n=3), "procrustes")


def test_inputs_that_are_all_as_far_apart_have_no_chance_to_exceed():
    frame = significance(np.eye(8), np.random.default_rng(0).normal(size=(8, 3)), "cka", permutations=10)
    assert frame["z"].isna().all()
    assert frame["p"].tolist() == [1.0]


@pytest.mark.parametrize(("d", "published"), [(10, 0.069), (100, 0.210), (1024, 0.501)])
def test_chance_of_gaussian_data_is_that_of_murphy_et_al(d, published):
    """Figure 1 of arXiv:2405.01012: biased CKA of independent data with a reference of 1,024 inputs and features."""
    rng = np.random.default_rng(0)
    x, reference = rng.normal(size=(1024, d)), rng.normal(size=(1024, 1024))
    frame = significance(x, reference, "cka")
    assert frame["chance"][0] == pytest.approx(published, abs=0.002)
    assert frame["value"][0] == pytest.approx(published, abs=0.004)
    assert frame["p"][0] > 0.001
