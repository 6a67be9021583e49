"""Alignments as objects: the measure's own value on the inputs fitted, and what they say of others."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from sklearn.linear_model import LinearRegression, Ridge

from catalogue import EVERY
from similitude import RDM, Alignment, Representation, align, get_measure
from similitude.errors import InputError, MeasureError, ShapeMismatch, SimilitudeWarning

ALIGNING = [id for id in EVERY if get_measure(id).aligns]
IN_SAMPLE = [id for id in ALIGNING if not id.startswith("ridge_regression")] + ["svcca(variance=0.8)"]


@st.composite
def pairs(draw):
    """Two related matrices of unequal widths, at an offset; some of lower rank, some with constant features."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, widths = draw(st.integers(20, 40)), draw(st.tuples(st.integers(1, 8), st.integers(1, 8)))
    signal = rng.normal(size=(n, 3))
    sides = [signal @ rng.normal(size=(3, d)) + rng.normal(size=(n, d)) + draw(st.sampled_from([0, 5])) for d in widths]
    case = draw(st.sampled_from(["full rank", "low rank", "constant features"]))
    if case == "low rank":
        sides = [side @ np.diag(np.arange(side.shape[1]) < 3) @ rng.normal(size=(side.shape[1], 6)) for side in sides]
    if case == "constant features":
        sides = [np.column_stack([side, np.full(n, 1.5)]) for side in sides]
    return sides


@pytest.mark.parametrize("id", IN_SAMPLE)
@pytest.mark.filterwarnings("ignore::similitude.SimilitudeWarning")
def test_the_score_of_the_inputs_fitted_is_the_measure(id):
    measure = get_measure(id)

    @settings(max_examples=25, deadline=None, derandomize=True)
    @given(pairs())
    def run(pair):
        X, Y = pair
        try:
            expected = measure(X, Y)
        except MeasureError:
            with pytest.raises(MeasureError):
                align(X, Y, id)
            return
        assert align(X, Y, id).score(X, Y) == pytest.approx(expected, rel=1e-10, abs=1e-10)

    run()


def related(n=300, widths=(6, 8), noise=0.3, seed=0):
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(n, 4))
    return [signal @ rng.normal(size=(4, d)) + noise * rng.normal(size=(n, d)) + 2 for d in widths]


@pytest.mark.parametrize("id", [*IN_SAMPLE, "ridge_regression"])
def test_held_out_inputs_of_related_sides_score_nearly_as_well_and_of_unrelated_ones_do_not(id):
    X, Y = related()
    fitted = align(X[:200], Y[:200], id)
    measure, held_out = fitted.measure, fitted.score(X[200:], Y[200:])
    shuffled = fitted.score(X[200:], Y[200:][np.random.default_rng(1).permutation(100)])
    assert measure.dissimilarity(held_out) < measure.dissimilarity(shuffled)
    if np.isfinite(measure.properties().bounds).all():
        in_sample = fitted.score(X[:200], Y[:200])
        assert abs(held_out - in_sample) < 0.5 * abs(held_out - shuffled)


@pytest.mark.parametrize("id", [*IN_SAMPLE, "ridge_regression"])
def test_score_compares_what_transform_returns(id):
    X, Y = related()
    fitted = align(X[:200], Y[:200], id)
    A, B = fitted.transform(X[200:], Y[200:])
    assert A.shape == B.shape == (100, fitted.masses.size)
    for mapped, values, matrix, offset in zip((A, B), (X, Y), fitted.matrices, fitted.offsets, strict=True):
        np.testing.assert_allclose(mapped, (values[200:] - offset) @ matrix, atol=1e-12)
    again = pickle.loads(pickle.dumps(fitted))
    assert again.score(X[200:], Y[200:]) == fitted.score(X[200:], Y[200:])


@pytest.mark.parametrize("id", ["procrustes", "procrustes_size_and_shape"])
def test_the_rotation_is_that_of_scipy(id):
    X, Y = related(widths=(5, 5))
    fitted = align(X, Y, id)
    Xc, Yc = X - X.mean(0), Y - Y.mean(0)
    expected, nuclear = orthogonal_procrustes(Yc, Xc)
    np.testing.assert_allclose(fitted.matrices[1], expected, atol=1e-12)
    assert fitted.scale == pytest.approx(nuclear / (Yc**2).sum() if id == "procrustes" else 1.0)
    np.testing.assert_allclose(fitted.predict(Y), X.mean(0) + fitted.scale * Yc @ expected, atol=1e-12)


@pytest.mark.parametrize(
    ("id", "model"), [("linear_regression", LinearRegression()), ("ridge_regression(alpha=3)", Ridge(3.0))]
)
def test_regressions_predict_as_scikit_learn_does(id, model):
    X, Y = related()
    model.fit(Y[:200], X[:200])
    fitted = align(X[:200], Y[:200], id)
    predicted = model.predict(Y[200:])
    np.testing.assert_allclose(fitted.predict(Y[200:]), predicted, atol=1e-9)
    expected = 1 - ((X[200:] - predicted) ** 2).sum() / ((X[200:] - X[:200].mean(0)) ** 2).sum()
    assert fitted.score(X[200:], Y[200:]) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("width", [8, 120])
def test_ridge_regression_is_made_of_held_out_alignments(width):
    X, Y = related(n=90, widths=(6, width))
    errors = 0.0
    for test in np.array_split(np.arange(90), 5):
        train = np.setdiff1d(np.arange(90), test)
        errors += ((X[test] - align(X[train], Y[train], "ridge_regression").predict(Y[test])) ** 2).sum()
    expected = 1 - errors / ((X - X.mean(0)) ** 2).sum()
    assert get_measure("ridge_regression")(X, Y) == pytest.approx(expected, abs=1e-10)


def test_canonical_variates_are_uncorrelated_and_best_correlated_first():
    X, Y = related()
    A, B = align(X, Y, "mean_cca").transform(X, Y)
    np.testing.assert_allclose(A.T @ A, np.eye(6), atol=1e-10)
    np.testing.assert_allclose(B.T @ B, np.eye(6), atol=1e-10)
    rho = np.diag(A.T @ B)
    np.testing.assert_allclose(A.T @ B, np.diag(rho), atol=1e-10)
    assert (np.diff(rho) <= 1e-12).all()


def test_matched_features_are_found_again():
    X = related(widths=(7, 1))[0]
    order = np.random.default_rng(0).permutation(7)
    Y = X[:, order] + 0.01
    expected = [[i, int(np.flatnonzero(order == i)[0])] for i in range(7)]
    for id in ("hard_correlation_match", "permutation_procrustes", "soft_matching"):
        assert align(X, Y, id).matches.tolist() == expected
    soft = align(X, Y, "soft_correlation_match")
    assert soft.matches[:7].tolist() == expected
    assert soft.masses == pytest.approx(np.full(14, 1 / 14))
    X[:, 2] = 1.0  # constant features are left out
    assert 2 not in align(X, Y, "hard_correlation_match").matches[:, 0]


def test_a_transport_plan_of_unequal_widths():
    pytest.importorskip("ot")
    X, Y = related(widths=(4, 6))
    fitted = align(X, Y, "soft_matching")
    for side, width in enumerate((4, 6)):
        moved = np.bincount(fitted.matches[:, side], fitted.masses)
        assert moved == pytest.approx(np.full(width, 1 / width))


@pytest.mark.parametrize("id", ["procrustes", "aligned_cosine", "shape_metric(alpha=0.5)"])
def test_too_few_inputs_for_a_rotation_warn(id):
    X, Y = related(n=60, widths=(30, 40))
    few = slice(0, 15)
    with pytest.warns(SimilitudeWarning, match=r"determine the rotation in 1[45] of 30 dimensions"):
        fitted = align(X[few], Y[few], id)
    assert fitted.score(X[few], Y[few]) == pytest.approx(get_measure(id)(X[few], Y[few]), abs=1e-10)
    assert np.isfinite(fitted.score(X[15:], Y[15:]))
    turn = fitted.matrices[1] if id != "shape_metric(alpha=0.5)" else None
    if turn is not None:
        np.testing.assert_allclose(turn @ turn.T, np.eye(40), atol=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        align(X[:50], Y[:50], id)


@pytest.mark.parametrize("id", ["linear_regression", "mean_cca", "pwcca", "shape_metric(alpha=0)"])
def test_as_many_features_as_inputs_are_refused_where_anything_could_be_predicted(id):
    X, Y = related(n=20, widths=(30, 40))
    with pytest.raises(MeasureError, match="every canonical correlation is 1"):
        align(X, Y, id)


def test_inputs_of_any_type():
    torch = pytest.importorskip("torch")
    X, Y = related()
    expected = align(X, Y).score(X[:5], Y[:5])
    tensors = torch.tensor(X, requires_grad=True), torch.tensor(Y)
    fitted = align(*tensors)
    assert fitted.score(tensors[0][:5], tensors[1][:5]) == pytest.approx(expected, abs=1e-12)
    assert fitted.score(Representation(X[:5]), Representation(Y[:5])) == pytest.approx(expected, abs=1e-12)
    assert fitted.transform(X[:1], Y[:1])[0].shape == (1, 8)


def test_what_cannot_be_aligned_is_refused_with_what_to_do():
    X, Y = related()
    with pytest.raises(MeasureError, match=r"rsa rests on no alignment of features. Measures that do: .*procrustes"):
        Alignment("rsa")
    with pytest.raises(InputError, match="not fitted; call fit"):
        Alignment("procrustes").score(X, Y)
    with pytest.raises(MeasureError, match="compares features, and X is an RDM"):
        align(RDM(np.ones(300 * 299 // 2), model="X"), Y)
    fitted = align(X, Y, "mean_cca")
    with pytest.raises(InputError, match=r"X has shape \(300, 8\); the alignment was fitted to inputs x 6"):
        fitted.score(Y, X)
    with pytest.raises(InputError, match="X has 9 inputs and Y has 8"):
        fitted.score(X[:9], Y[:8])
    with pytest.raises(InputError, match="NaN"):
        fitted.score(np.full((4, 6), np.nan), Y[:4])
    with pytest.raises(ShapeMismatch, match="another order"):
        fitted.score(Representation(X[:2], ids="ab"), Representation(Y[:2], ids="ba"))
    with pytest.raises(MeasureError, match="predicts neither side"):
        fitted.predict(Y)
    with pytest.raises(MeasureError, match="matches no features"):
        _ = fitted.matches
    with pytest.raises(MeasureError, match="X equals the mean"):
        align(X, Y).score(np.tile(X.mean(0), (3, 1)), Y[:3])
    with pytest.raises(InputError, match="is an RDM"):
        fitted.score(RDM(np.ones(3)), Y[:3])
    assert repr(fitted) == "Alignment('mean_cca', fitted)"


@pytest.mark.parametrize("scale", [1e-40, 1e30])
@pytest.mark.parametrize("id", ["procrustes_size_and_shape", "ridge_regression", "soft_correlation_match", "mean_cca"])
def test_data_far_from_one_keep_their_unit(id, scale):
    X, Y = (scale * side for side in related())
    fitted = align(X[:200], Y[:200], id)
    A, B = fitted.transform(X[200:], Y[200:])
    assert np.isfinite(fitted.score(X[200:], Y[200:]))
    if id != "ridge_regression":
        assert fitted.score(X[:200], Y[:200]) == pytest.approx(get_measure(id)(X[:200], Y[:200]), rel=1e-10)
    if id == "procrustes_size_and_shape":
        assert np.linalg.norm(A) == pytest.approx(np.linalg.norm(X[200:] - X[:200].mean(0)), rel=1e-12)
        assert np.linalg.norm(B) == pytest.approx(np.linalg.norm(Y[200:] - Y[:200].mean(0)), rel=1e-12)


def test_data_whose_products_overflow_are_refused():
    X, Y = related()
    with pytest.raises(InputError, match="Scale it"):
        align(1e100 * X, Y)


def test_features_that_are_constant_on_held_out_inputs_correlate_with_nothing():
    X, Y = related(widths=(4, 4))
    fitted = align(X, X + 1, "hard_correlation_match")
    held_out = X[:50].copy()
    held_out[:, 1] = 0.5
    assert fitted.score(held_out, held_out) == pytest.approx(0.75)
    assert Y.shape == X.shape
