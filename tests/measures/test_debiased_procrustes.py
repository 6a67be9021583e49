"""The Procrustes distance of few inputs, estimated as if there were many."""

from __future__ import annotations

import numpy as np
import pytest

from similitude import get_measure
from similitude.errors import InputError
from similitude.factors.pair import Pair, Side
from similitude.measures.debiased_procrustes import SpectralMoments

N, D = 100, 50


def draw(rng, correlation, n=N):
    """Sides whose features correlate pairwise: the population's distance is 2 - 2 correlation."""
    X, noise = rng.normal(size=(2, n, D))
    return X, correlation * X + np.sqrt(1 - correlation**2) * noise


def values(id, correlation, repeats=20):
    rng = np.random.default_rng(0)
    return np.array([get_measure(id)(*draw(rng, correlation)) for _ in range(repeats)])


@pytest.mark.parametrize("correlation", [0.0, 0.2, 0.4])
def test_it_is_nearer_the_truth_than_the_plain_distance(correlation):
    truth = 2 - 2 * correlation
    plain, debiased = values("procrustes", correlation), values("debiased_procrustes", correlation)
    assert truth - plain.mean() > 0.1
    assert abs(debiased.mean() - truth) < 0.7 * (truth - plain.mean())
    assert np.sqrt(np.mean((debiased - truth) ** 2)) < np.sqrt(np.mean((plain - truth) ** 2))


def test_unrelated_sides_are_as_far_apart_as_can_be():
    assert values("debiased_procrustes", 0.0).mean() == pytest.approx(2.0, abs=0.03)


def test_the_weight_trades_bias_against_noise():
    found = [values(f"debiased_procrustes(weight={weight})", 0.4) for weight in (0.3, 1, 3)]
    biases, noises = [abs(v.mean() - 1.2) for v in found], [v.std() for v in found]
    assert biases == sorted(biases, reverse=True)
    assert noises == sorted(noises)


def test_moments_have_no_bias():
    """Of sides whose singular values are all the correlation."""
    rng = np.random.default_rng(0)
    found = np.array([Pair(*map(Side.of, draw(rng, 0.5, n=60)))[SpectralMoments(2)] for _ in range(900)])
    expected = D * (0.5 / D) ** (2 * np.arange(1, 3))
    error = found.std(axis=0) / 30
    assert (error < 0.06 * expected).all()
    np.testing.assert_array_less(np.abs(found.mean(axis=0) - expected), 3 * error)


def test_the_order_of_inputs_matters_within_the_noise():
    rng = np.random.default_rng(0)
    X, Y = draw(rng, 0.6)
    by_order = [get_measure("debiased_procrustes")(X[order], Y[order]) for order in map(rng.permutation, [N] * 10)]
    sorted_by_value = np.argsort(X[:, 0])
    found = get_measure("debiased_procrustes")(X[sorted_by_value], Y[sorted_by_value])
    assert min(by_order) - 0.1 < found < max(by_order) + 0.1
    assert np.std(by_order) < 0.1


def test_parameters_have_limits():
    for settings in ("weight=0", "moments=0", "moments=13"):
        with pytest.raises(InputError, match="must be"):
            get_measure(f"debiased_procrustes({settings})")
