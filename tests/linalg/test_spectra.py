"""Singular values keep their digits, whichever way they are computed, and cut pairs equal pairs of cut data."""

from __future__ import annotations

import numpy as np
import pytest

from similitude import Representation, get_measure
from similitude.factors.pair import Pair, Side
from similitude.linalg.spectra import left_singular, singular_values, singular_values_of_products


def orthogonal(rng, n, d):
    return np.linalg.qr(rng.normal(size=(n, d)))[0]


SPECTRA = {
    "flat": np.ones(40),
    "slow": 1 / np.arange(1, 41),
    "steep": 10.0 ** -np.linspace(0, 12, 40),
    "step": np.where(np.arange(40) < 20, 1.0, 1e-9),
    "deficient": np.where(np.arange(40) < 20, 1.0, 0.0),
}


@pytest.mark.parametrize("first", SPECTRA)
@pytest.mark.parametrize("second", SPECTRA)
@pytest.mark.parametrize("shared", [0, 20, 40])
@pytest.mark.parametrize("width", [25, 40])
def test_sum_of_singular_values_keeps_its_digits(first, second, shared, width):
    rng = np.random.default_rng(0)
    u = orthogonal(rng, 300, 80)
    overlap = (
        u[:, :40].T @ np.concatenate([u[:, :shared], u[:, 80 - (40 - shared) :]], axis=1) @ orthogonal(rng, 40, 40)
    )
    overlap = overlap if shared else u[:, :40].T @ orthogonal(rng, 300, 40)
    matrix = (SPECTRA[first][:, None] * overlap * SPECTRA[second])[:, :width]
    expected = np.linalg.svd(matrix, compute_uv=False)
    for found in (singular_values(matrix, np), singular_values(matrix.T, np)):
        assert found.shape == expected.shape
        assert abs(found.sum() - expected.sum()) <= 1e-12 * expected.sum()


def test_the_fast_way_is_taken_where_it_is_safe_and_only_there():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(30, 50))
    assert singular_values_of_products(matrix @ matrix.T, 30) is not None
    matrix[0] = matrix[1]
    assert singular_values_of_products(matrix @ matrix.T, 30) is None


@pytest.mark.parametrize("decay", ["k^-1", "k^-4", "exp"])
@pytest.mark.parametrize("other", ["same", "mixed", "independent", "flat", "rectified", "nearly the same"])
def test_products_of_principal_directions_keep_the_digits_of_small_values_or_are_refused(decay, other):
    rng = np.random.default_rng(0)
    k = np.arange(1, 121.0)
    sizes = {"k^-1": 1 / k, "k^-4": k**-4, "exp": 10.0 ** (-k / 12)}[decay]
    shared = rng.normal(size=(900, 120)) * sizes
    second = {
        "same": shared,
        "mixed": shared + rng.normal(size=shared.shape) * sizes,
        "independent": rng.normal(size=shared.shape) * sizes,
        "flat": rng.normal(size=shared.shape),
        "rectified": np.maximum(shared @ rng.normal(size=(120, 120)), 0),
        "nearly the same": shared + 1e-3 * rng.normal(size=shared.shape),
    }[other]
    sides = [np.linalg.svd(a - a.mean(0), full_matrices=False) for a in (shared, second @ orthogonal(rng, 120, 120))]
    (u, s, _), (v, t, _) = sides
    matrix = s[:, None] * (u.T @ v) * t
    expected = np.linalg.svd(matrix, compute_uv=False)
    found = [singular_values_of_products(rows @ rows.T, 120) for rows in (matrix, matrix.T)]
    for values in found:
        assert values is None or abs(values.sum() - expected.sum()) <= 1e-12 * expected.sum()
    if decay == "k^-1":  # as steep as trained networks are: one way round at least is the fast one
        assert any(values is not None for values in found)


@pytest.mark.parametrize("shape", [(30, 30), (20, 35)])
@pytest.mark.parametrize("smallest", [0.3, 1e-3, 1e-9, 0.0])
def test_left_singular_vectors(shape, smallest):
    rng = np.random.default_rng(1)
    k = shape[0]
    values = np.linspace(1, smallest, k)
    u, v = orthogonal(rng, shape[0], k), orthogonal(rng, shape[1], k)
    matrix = (u * values) @ v.T
    left, found = left_singular(matrix, np)
    np.testing.assert_allclose(found, values, atol=1e-12)
    np.testing.assert_allclose(left.T @ left, np.eye(k), atol=1e-10)
    np.testing.assert_allclose((left * found**2) @ left.T, matrix @ matrix.T, atol=1e-13)
    again, same = left_singular(matrix, np, (v, values))
    np.testing.assert_allclose(same, values, atol=1e-12)
    np.testing.assert_allclose(again.T @ again, np.eye(k), atol=1e-10)


MEASURES = ["cka", "cka(debiased=true)", "procrustes", "mean_cca", "mean_squared_cca", "pwcca", "pwcca(lost=drop)"]


def pairs_of_widths():
    rng = np.random.default_rng(2)
    base = rng.normal(size=(200, 12))
    x = base @ rng.normal(size=(12, 24)) + 0.4 * rng.normal(size=(200, 24))
    y = np.maximum(base @ rng.normal(size=(12, 16)) + 0.4 * rng.normal(size=(200, 16)), 0)
    return Representation(x), Representation(y), Representation(np.tile(y[:, :8], 3))


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("kept", [1, 7, 12, 16])
def test_a_cut_pair_equals_the_pair_of_the_cut_data(measure, kept):
    measure = get_measure(measure)
    x, y, _ = pairs_of_widths()
    for first, second in ((x, y.truncate(kept)), (y.truncate(kept), x), (x.truncate(20), y.truncate(kept))):
        expected = measure(np.array(first.values), np.array(second.values))
        assert measure(first, second) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(("i", "j"), [(0, 1), (1, 0), (0, 2), (2, 1), (1, 2)])
def test_what_else_is_wanted_changes_no_value(measure, i, j):
    """Alone, or once the canonical directions of the other side are there."""
    measure, reps = get_measure(measure), pairs_of_widths()
    alone = measure(reps[i], reps[j])
    wanting = Pair(Side.of(reps[i]), Side.of(reps[j]))
    get_measure("pwcca").value(wanting.swapped)
    assert measure.value(wanting) == alone
    assert get_measure("pwcca").value(wanting) == get_measure("pwcca")(reps[i], reps[j])
    if measure.properties().symmetric:
        assert measure.value(wanting.swapped) == alone


def test_few_inputs_go_through_the_gram_matrix():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(20, 50)) + 3, rng.normal(size=(20, 70)) - 100
    a, b = x - x.mean(0), y - y.mean(0)
    expected = np.linalg.norm(a.T @ b) ** 2 / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b))
    assert get_measure("cka")(x, y) == pytest.approx(expected, rel=1e-12)
    expected = 2 - 2 * np.linalg.norm(a.T @ b, "nuc") / np.linalg.norm(a) / np.linalg.norm(b)
    assert get_measure("procrustes")(x, y) == pytest.approx(expected, rel=1e-12)
