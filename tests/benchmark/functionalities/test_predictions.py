"""Predictions of networks: calibration against a loop over bins, pairs of models against counting."""

import numpy as np
import pytest

from similitude.benchmark import Pairwise, calibration_error, prediction_differences
from similitude.benchmark.functionalities.reliability import pairwise_reliability
from similitude.errors import InputError


def by_bins(probabilities, labels, bins):
    """Guo et al. 2017, equation 5, bin by bin."""
    total = 0.0
    confidence, answers = probabilities.max(axis=1), probabilities.argmax(axis=1)
    for m in range(bins):
        members = [i for i in range(len(labels)) if m / bins < confidence[i] <= (m + 1) / bins]
        if members:
            accuracy = np.mean([answers[i] == labels[i] for i in members])
            total += len(members) / len(labels) * abs(accuracy - np.mean([confidence[i] for i in members]))
    return total


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_calibration_error_is_that_of_the_bins(rng, bins):
    probabilities = rng.dirichlet((0.3, 0.5, 1), size=400)
    labels = rng.integers(3, size=400)
    assert calibration_error(probabilities, labels, bins) == pytest.approx(by_bins(probabilities, labels, bins))


def test_who_knows_what_it_knows_is_calibrated(rng):
    probabilities = rng.dirichlet((1, 1, 1), size=40_000)
    labels = np.array([rng.choice(3, p=p) for p in probabilities])
    assert calibration_error(probabilities, labels) < 0.015
    certain = np.eye(3)[probabilities.argmax(axis=1)]
    accuracy = np.mean(certain.argmax(axis=1) == labels)
    assert calibration_error(certain, labels) == pytest.approx(1 - accuracy)
    with pytest.raises(InputError, match=r"\(5,\)"):
        calibration_error(probabilities, labels[:5])


def test_differences_of_all_pairs_are_those_of_each(rng):
    items = rng.dirichlet((1, 1, 1), size=(4, 30))
    disagreement, divergence = prediction_differences("noise")
    assert disagreement.pairwise is not None
    assert (disagreement.pairwise.items, disagreement.pairwise.quality) == ("predictions/noise", "accuracy/noise")
    found = disagreement.pairwise.between(items)
    for a in range(4):
        for b in range(4):
            differ = sum(items[a, i].argmax() != items[b, i].argmax() for i in range(30))
            assert found[a, b] == pytest.approx(differ / 30)
    assert divergence.pairwise is not None
    found = divergence.pairwise.between(items)
    np.testing.assert_array_equal(found, found.T)
    assert (np.diag(found) == 0).all()
    assert (found[np.triu_indices(4, 1)] > 0).all()


def test_reliability_of_pairs_tells_a_spread_from_noise(rng):
    def distance(first, second):
        return float(np.abs(first - second).mean())

    pairwise = Pairwise("answers", distance, "accuracy")
    kinds = np.repeat([0.0, 1.0, 3.0], 4)[:, None]
    assert pairwise_reliability(pairwise, kinds + rng.normal(size=(12, 400))) > 0.95
    assert abs(pairwise_reliability(pairwise, rng.normal(size=(12, 400)))) < 0.6
    assert np.isnan(pairwise_reliability(pairwise, np.ones((12, 400))))
    assert np.isnan(pairwise_reliability(pairwise, rng.normal(size=(2, 400))))
