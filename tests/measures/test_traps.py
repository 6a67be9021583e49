"""Where public tools of the field have been seen to give a wrong number without a word."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist
from scipy.stats import rankdata, spearmanr

from similitude import Representation
from similitude.engine import score_pairs
from similitude.errors import InputError, MeasureError, ShapeMismatch, SimilitudeWarning
from similitude.factors.distances import Dissimilarities
from similitude.factors.neighbours import Neighbours
from similitude.factors.pair import Pair, Side
from similitude.linalg.ranking import rank_in_place
from similitude.measures import BUILT_IN, get_measure

CCA = ["mean_cca", "mean_squared_cca", "pwcca", "gulp", "shape_metric(alpha=0)"]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("offset", [0.0, 10.0, 1e3, 1e6])
def test_uncentred_features_do_not_move_cka(rng, offset):
    X, Y = rng.normal(size=(200, 10)), rng.normal(size=(200, 8))
    expected = get_measure("cka")(X, Y)
    assert get_measure("cka")(X + offset, Y - offset) == pytest.approx(expected, rel=1e-8)
    X32 = (X + min(offset, 1e3)).astype(np.float32)
    assert get_measure("cka")(X32, Y) == pytest.approx(get_measure("cka")(X32.astype(float), Y), rel=1e-12)


@pytest.mark.parametrize("id", CCA)
def test_rank_deficient_data_have_their_rank(rng, id):
    low = rng.normal(size=(100, 4))
    X, Y = low @ rng.normal(size=(4, 12)) + 1e3, rng.normal(size=(100, 6)) @ rng.normal(size=(6, 9))
    basis = np.linalg.svd(Y - Y.mean(0), full_matrices=False)[0][:, :6]
    measure = get_measure(id)
    best = 1.0 if measure.properties().kind == "similarity" else 0.0
    assert measure(X, X) == pytest.approx(best, abs=1e-6)
    if id != "pwcca":  # which weighs by the features themselves
        assert measure(X, Y) == pytest.approx(measure(low, basis), rel=1e-7)


@pytest.mark.parametrize("id", [*CCA, "linear_regression", "svcca(components=40)"])
def test_nothing_is_said_where_anything_can_be_predicted(rng, id):
    X, Y = rng.normal(size=(30, 5)), rng.normal(size=(30, 40))
    with pytest.raises(MeasureError, match=r"[Uu]se (more|fewer)"):
        get_measure(id)(X, Y)


def test_regression_refuses_only_the_predictor(rng):
    wide, narrow = rng.normal(size=(30, 40)), rng.normal(size=(30, 5))
    assert 0 < get_measure("linear_regression")(wide, narrow) < 0.5


def test_some_correlations_must_be_one(rng):
    with pytest.warns(SimilitudeWarning, match="at least 5"):
        get_measure("mean_cca")(rng.normal(size=(30, 17)), rng.normal(size=(30, 17)))


@pytest.mark.parametrize("scale", [1e-6, 0.1, 1e6])
def test_self_cka_is_one_at_any_scale(rng, scale):
    X = scale * rng.normal(size=(50, 6))
    for id in ("cka", "cka(debiased=true)", "cka(kernel=rbf)", "nbs", "mean_cca", "svcca", "cknna"):
        assert get_measure(id)(X, X.copy()) == pytest.approx(1.0, abs=1e-12)


def test_svcca_keeps_a_share_of_the_variance_not_one_component(rng):
    shared = rng.normal(size=(300, 1))
    X = np.hstack([3 * shared, rng.normal(size=(300, 4))])
    Y = np.hstack([3 * shared, rng.normal(size=(300, 4))])
    assert get_measure("svcca(components=1)")(X, Y) > 0.95
    assert get_measure("svcca")(X, Y) < 0.5


def test_no_input_is_its_own_neighbour_whatever_duplicates_it_has(rng):
    X = rng.normal(size=(6, 4))[np.repeat(np.arange(6), 15)]
    for closeness in ("cosine", "euclidean", "inner_product"):
        lists = Neighbours(10, closeness)(Side.of(X)).indices
        assert not (lists == np.arange(90)[:, None]).any()
        assert all(len(set(row)) == 10 for row in lists)
    Z = rng.normal(size=(90, 4))
    for id in ("jaccard", "mutual_knn", "rank_similarity", "second_order_cosine"):
        assert get_measure(id)(X, X @ np.linalg.qr(rng.normal(size=(4, 4)))[0]) == pytest.approx(1.0, abs=1e-12)
        assert 0 <= get_measure(id)(X, Z) < 1


def test_close_and_duplicate_inputs_keep_their_distances(rng):
    X = rng.normal(size=(40, 5)) + 100
    X[1] = X[0]
    X[3] = X[2] + 1e-7
    distances = Dissimilarities("euclidean")(Side.of(X))
    assert distances == pytest.approx(pdist(X), rel=1e-8)
    assert distances[0] == 0


def test_unbiased_estimates_need_four_inputs(rng):
    X, Y = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    with pytest.raises(InputError, match="at least 4"):
        get_measure("cka(debiased=true)")(X, Y)


def test_unbiased_cka_does_not_reward_width(rng):
    values = [get_measure("cka(debiased=true)")(*(rng.normal(size=(32, 500)) for _ in "xy")) for _ in range(30)]
    assert abs(np.mean(values)) < 0.05
    assert min(values) < 0
    assert get_measure("cka")(rng.normal(size=(32, 500)), rng.normal(size=(32, 500))) > 0.9


def test_different_numbers_of_inputs_are_an_error(rng):
    for id in BUILT_IN:
        with pytest.raises(ShapeMismatch):
            get_measure(id)(rng.normal(size=(20, 3)), rng.normal(size=(21, 3)))


@pytest.mark.parametrize("kind", ["tall", "wide", "deficient", "constant feature", "centred", "far"])
def test_eigenspace_overlap_follows_from_centred_bases(rng, kind):
    X = rng.normal(size=(60, 8)) + 3
    if kind == "wide":
        X = rng.normal(size=(60, 40)) + 3
    elif kind == "deficient":
        X = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 8)) + rng.normal(size=8)
    elif kind == "constant feature":
        X[:, 0] = 2.0
    elif kind == "centred":
        X = X - X.mean(axis=0)
    elif kind == "far":
        X = X + 1e4
    Y = rng.normal(size=(60, 5)) - 1
    bases = [u[:, s > 1e-12 * s[0]] for u, s, _ in (np.linalg.svd(Z, full_matrices=False) for Z in (X, Y))]
    expected = np.sum((bases[0].T @ bases[1]) ** 2) / max(basis.shape[1] for basis in bases)
    assert get_measure("eigenspace_overlap")(X, Y) == pytest.approx(expected, rel=1e-10)
    assert get_measure("eigenspace_overlap")(Y, X) == pytest.approx(expected, rel=1e-10)


def test_aligned_cosine_of_a_mean_outside_the_row_space(rng):
    X = rng.normal(size=(50, 3)) @ rng.normal(size=(3, 6)) + rng.normal(size=6)
    Y = rng.normal(size=(50, 6)) + 1
    left, _, right = np.linalg.svd(X.T @ Y)
    turned = X @ left[:, :4] @ right[:4]  # the rank without centring is 4
    cosines = np.sum(turned * Y, axis=1) / np.linalg.norm(X, axis=1) / np.linalg.norm(Y, axis=1)
    assert get_measure("aligned_cosine")(X, Y) == pytest.approx(cosines.mean(), rel=1e-12)


def test_constant_features_are_left_out_of_matching(rng):
    X = rng.normal(size=(30, 4))
    padded = np.column_stack([X, np.full(30, 1 / 3), np.zeros(30)])
    for id in ("hard_correlation_match", "soft_correlation_match"):
        Y = rng.normal(size=(30, 3))
        assert get_measure(id)(padded, Y) == pytest.approx(get_measure(id)(X, Y), rel=1e-12)
        assert get_measure(id)(padded, padded) == pytest.approx(1.0)


def test_correlation_rdm_needs_two_features(rng):
    with pytest.raises(MeasureError, match="equal"):
        get_measure("rsa")(rng.normal(size=(20, 1)), rng.normal(size=(20, 3)))


def test_asymmetric_measures_keep_their_direction(rng):
    X, Y = rng.normal(size=(50, 4)), rng.normal(size=(50, 7))
    for id in ("linear_regression", "pwcca", "ridge_regression"):
        measure = get_measure(id)
        pair = Pair(Side.of(X), Side.of(Y))
        assert measure.value(pair) == measure(X, Y)
        assert measure.value(pair.swapped) == pytest.approx(measure(Y, X), rel=1e-12)
        assert measure(X, Y) != pytest.approx(measure(Y, X), rel=1e-3)


def test_an_outlier_leaves_the_order_of_the_others_alone(rng):
    X, Y = rng.normal(size=(40, 5)), rng.normal(size=(40, 6))
    X[0] *= 1e9
    for rdm in ("euclidean", "squared_euclidean"):
        plain = spearmanr(pdist(X) ** (1 + (rdm != "euclidean")), pdist(Y))[0]
        assert get_measure(f"rsa(rdm={rdm})")(X, Y) == pytest.approx(plain, rel=1e-10)
    gram = X @ X.T
    np.fill_diagonal(gram, -np.inf)
    nearest = np.argsort(-gram, axis=1, kind="stable")[:, :5]
    assert np.array_equal(Neighbours(5, "inner_product")(Side.of(X)).indices, nearest)
    distances = cdist(X, X)
    np.fill_diagonal(distances, np.inf)
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :5]
    assert np.array_equal(Neighbours(5, "euclidean")(Side.of(X)).indices[1:], nearest[1:])


def test_ranks_are_those_of_scipy_with_ties(rng):
    values = np.concatenate([rng.integers(0, 50, size=300) / 7, rng.normal(size=200) ** 2, [0.0, 0.0, 1e-300, 1e6]])
    for floor in (1.0, 1e-6):
        ranks = values.copy()
        rank_in_place(ranks, floor)
        assert np.array_equal(ranks + (values.size + 1) / 2, rankdata(np.round(values, 11)))


@pytest.mark.parametrize("id", ["jaccard(k=50)", "second_order_cosine(k=500)", "cknna(k=50)", "mutual_knn(k=30)"])
def test_more_neighbours_than_inputs_is_a_failure_that_says_so(rng, id):
    reps = [Representation(rng.normal(size=(30, 4))) for _ in "ab"]
    scored = score_pairs([(reps[0], reps[1])], [get_measure(id), get_measure("cka")])
    assert np.isnan(scored.values[0, 0])
    assert np.isfinite(scored.values[0, 1])
    assert "needs at least" in scored.failures[0][2]
