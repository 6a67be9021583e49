"""Probes and the reliability of a spread."""

import numpy as np
import pytest

from similitude.benchmark import probe_correct, split_half_reliability
from similitude.benchmark.functionalities.probes import few_shot_share
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


def test_few_shot_probes_learn_classes_that_are_apart(rng):
    centres = 6 * rng.normal(size=(4, 10))
    labels = np.arange(200) % 4
    train, test = (centres[labels] + rng.normal(size=(200, 10)) for _ in range(2))
    assert few_shot_share(train, labels, test, labels, shots=3).mean() > 0.95
    noise = few_shot_share(rng.normal(size=(200, 10)), labels, test, labels, shots=3)
    assert noise.mean() == pytest.approx(0.25, abs=0.15)


def test_few_shot_probes_see_a_few_examples_of_every_class(rng, monkeypatch):
    seen = []

    def spy(train_x, train_y, test_x, test_y, **options):
        seen.append((train_x[:, 0], train_y))
        return np.arange(len(test_y)) % 2 == 0

    monkeypatch.setattr("similitude.benchmark.functionalities.probes.probe_correct", spy)
    labels = np.repeat([0, 1, 2], [9, 5, 20])
    rows = np.arange(34.0)[:, None]
    share = few_shot_share(rows, labels, rows, labels, shots=5, draws=6)
    np.testing.assert_array_equal(share, np.arange(34) % 2 == 0)
    assert len(seen) == 6
    for values, classes in seen:
        assert np.bincount(classes).tolist() == [5, 5, 5]
        assert len(set(values)) == 15
        np.testing.assert_array_equal(labels[values.astype(int)], classes)
    assert len({tuple(values) for values, _ in seen}) == 6
    with pytest.raises(InputError, match="5 training examples"):
        few_shot_share(rows, labels, rows, labels, shots=6)


def test_few_shot_probes_do_not_see_a_rotation(rng):
    labels = np.arange(120) % 3
    train, test = (rng.normal(size=(120, 6)) + np.eye(3, 6)[labels] for _ in range(2))
    rotation = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    plain = few_shot_share(train, labels, test, labels, shots=5)
    turned = few_shot_share(3 * train @ rotation, labels, 3 * test @ rotation, labels, shots=5)
    np.testing.assert_array_equal(turned, plain)
