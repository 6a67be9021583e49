"""Derivatives by the weights of inputs are those of weighing inputs, and errors are those of simple statistics."""

import numpy as np
import pytest
from scipy import sparse

from similitude import get_measure
from similitude.factors.pair import Pair, Side
from similitude.linalg import influence
from similitude.linalg.influence import Influence, aligned, of_alignment, of_sparse

N = 40


def weighted_value(id):
    """Definitions for sums over inputs with weights."""

    def unit(x, weights):
        return x - weights @ x / weights.sum()

    def spread(x, weights):
        return np.sum(weights[:, None] * x * x)

    def nuclear(x, y, weights):
        return np.linalg.norm(x.T @ (weights[:, None] * y), "nuc")

    def cosine(x, y, weights):
        x, y = unit(x, weights), unit(y, weights)
        return nuclear(x, y, weights) / np.sqrt(spread(x, weights) * spread(y, weights))

    def size_and_shape(x, y, weights):
        x, y = unit(x, weights), unit(y, weights)
        return np.sqrt(spread(x, weights) + spread(y, weights) - 2 * nuclear(x, y, weights))

    def correlations(x, y, weights):
        x, y = (np.linalg.qr(np.sqrt(weights)[:, None] * unit(side, weights))[0] for side in (x, y))
        return np.linalg.svd(x.T @ y, compute_uv=False)

    def regression(x, y, weights):
        x, y = (np.sqrt(weights)[:, None] * unit(side, weights) for side in (x, y))
        basis = np.linalg.qr(y)[0]
        return np.sum((basis.T @ x) ** 2) / np.sum(x * x)

    return {
        "nbs": cosine,
        "procrustes": lambda *given: 2 - 2 * cosine(*given),
        "orthogonal_procrustes": lambda *given: np.sqrt(2 - 2 * cosine(*given)),
        "angular_procrustes": lambda *given: np.arccos(cosine(*given)),
        "procrustes_size_and_shape": size_and_shape,
        "mean_cca": lambda *given: correlations(*given).mean(),
        "mean_squared_cca": lambda *given: np.mean(correlations(*given) ** 2),
        "linear_regression": regression,
    }[id]


DERIVED = [
    *("nbs", "procrustes", "orthogonal_procrustes", "angular_procrustes", "procrustes_size_and_shape"),
    *("mean_cca", "mean_squared_cca", "linear_regression"),
]


def data(widths=(3, 5), n=N):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(n, 2))
    return [z @ rng.normal(size=(2, d)) + rng.normal(size=(n, d)) + 3 for d in widths]


def by_weight(value, x, y, i, step=1e-5):
    ends = []
    for sign in (-1, 1):
        weights = np.ones(len(x))
        weights[i] += sign * step
        ends.append(value(x, y, weights))
    return (ends[1] - ends[0]) / (2 * step)


@pytest.mark.parametrize("widths", [(3, 5), (5, 3), (4, 4), (1, 2)])
@pytest.mark.parametrize("id", DERIVED)
def test_first_derivatives(id, widths):
    x, y = data(widths)
    measure, value = get_measure(id), weighted_value(id)
    assert measure(x, y) == pytest.approx(value(x, y, np.ones(N)), rel=1e-9)
    found = measure.influence(Pair(Side.of(x), Side.of(y))).inputs
    np.testing.assert_allclose(found, [by_weight(value, x, y, i) for i in range(N)], rtol=1e-4, atol=1e-8)


def second_derivatives(value, x, y, step=1e-3):
    n, found = len(x), np.empty((len(x), len(x)))
    for i, j in np.ndindex(n, n):
        total = 0.0
        for s in (-1, 1):
            for t in (-1, 1):
                weights = np.ones(n)
                weights[i] += s * step
                weights[j] += t * step
                total += s * t * value(x, y, weights)
        found[i, j] = total / (4 * step**2)
    return found - np.diag(np.diag(found))


@pytest.mark.parametrize("widths", [(2, 3), (3, 2), (3, 3)])
def test_second_derivatives_of_the_nuclear_norm(widths):
    """Of sides so alike that other inputs would hardly turn them."""
    rng = np.random.default_rng(0)
    z, n = rng.normal(size=(12, 2)), 12
    x, y = (np.c_[z, 0.05 * rng.normal(size=(n, width - 2))] + 0.01 * rng.normal(size=(n, width)) for width in widths)
    rows = aligned(x, y)
    found = of_alignment(rows, np.vecdot(rows.a, rows.b))
    exact = second_derivatives(lambda x, y, w: np.linalg.norm(x.T @ (w[:, None] * y), "nuc"), x, y)
    np.testing.assert_allclose(found.pairs, exact @ influence._signs(n), atol=0.05 * np.abs(exact).max())


def test_the_error_of_a_mean_is_the_usual_one():
    terms = np.random.default_rng(0).normal(size=N)
    without = np.array([np.delete(terms, i).mean() for i in range(N)])
    usual = np.std(terms, ddof=1) / N**0.5
    assert Influence.jackknife(without).error() == pytest.approx(usual, rel=1e-12)
    assert Influence((terms - terms.mean()) / N).error() == pytest.approx(usual, rel=1e-12)


def test_variation_of_pairs_is_counted_once():
    """Of a sum over pairs of signs, all variance is that of pairs, and first derivatives say twice as much."""
    rng = np.random.default_rng(0)
    found, single = [], []
    for _ in range(40):
        signs = rng.choice([-1.0, 1.0], size=(200, 1))
        kernel = rng.normal(size=(200, 200))
        kernel = signs * np.triu(kernel, 1)
        kernel = kernel + kernel.T
        first = kernel.sum(axis=1)
        found.append(of_sparse(sparse.csr_array(kernel), first).error())
        single.append(Influence(first).error())
    true = (200 * 199 / 2) ** 0.5
    assert np.mean(found) == pytest.approx(true, rel=0.05)
    assert np.mean(single) == pytest.approx(2**0.5 * true, rel=0.05)


def test_influences_can_be_subtracted():
    x, y = data()
    z = y + 0.1 * np.random.default_rng(1).normal(size=y.shape)
    measure, side = get_measure("procrustes"), Side.of(x)
    one, other = (measure.influence(Pair(side, Side.of(v))) for v in (y, z))
    assert (one - one).error() == 0
    assert (one - other).error() < 0.3 * one.error()
    assert one.times(-2.0).error() == pytest.approx(2 * one.error())
