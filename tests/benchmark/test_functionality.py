"""Probes and the reliability of a spread."""

import numpy as np
import pytest

from similitude.benchmark import probe_correct, split_half_reliability
from similitude.errors import InputError


def test_probe_reads_what_is_linearly_there_and_no_more(rng):
    x = rng.normal(size=(400, 5)) * [1, 1e3, 1e-3, 1, 1] + [0, 5, 0, 0, 100]
    there, absent = x[:, 1] > 5, rng.random(400) > 0.5
    assert probe_correct(x[:200], there[:200], x[200:], there[200:]).mean() > 0.95
    assert 0.3 < probe_correct(x[:200], absent[:200], x[200:], absent[200:]).mean() < 0.7


def test_reliability_is_the_share_of_variance_between_models(rng):
    """For accuracies with sd s over models and binomial noise of variance v, it is s^2 / (s^2 + v)."""
    skill = rng.normal(0.5, 0.05, size=(4000, 1))
    items = rng.random((4000, 100)) < skill
    noise = 0.25 / 100
    assert split_half_reliability(items, splits=50) == pytest.approx(0.05**2 / (0.05**2 + noise), abs=0.03)


def test_no_differences_no_reliability(rng):
    assert abs(split_half_reliability(rng.random((500, 200)) < 0.5)) < 0.15
    assert np.isnan(split_half_reliability(np.ones((5, 10))))
    with pytest.raises(InputError, match="models x test items"):
        split_half_reliability(np.ones(5))
