"""Convnets under conditions: discs, noise, and that a disabled condition fails its gate."""

import colorsys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("mlxtend")

from similitude.errors import DegeneratePopulation
from similitude.suites.vision.conditions import (
    DESIGNS,
    EXPERIMENTS,
    Conditioned,
    VisionExperiments,
    noisy,
    with_discs,
)
from similitude.suites.vision.recipe import LAYERS, Training

TINY = VisionExperiments(Conditioned(seeds=2, images=200, tested=100, training=Training(width=8, epochs=25, batch=40)))
BLACK = np.zeros((2000, 24, 24, 1), dtype=np.uint8)
LABELS = np.arange(2000) % 10


def record(test, seed=0, **changes):
    design = DESIGNS[test]
    condition = replace(design.conditions[-1], **changes)
    return TINY.record(design, condition, seed, 0), design.conditions[-1]


@pytest.fixture(scope="module")
def random_labels():
    return record("labels_own")


def test_a_seed_decides_every_bit(random_labels):
    found, _ = random_labels
    again, _ = record("labels_own")
    other, _ = record("labels_own", seed=1)
    assert found.representations["stage3.block2"].tobytes() == again.representations["stage3.block2"].tobytes()
    assert found.representations["stage3.block2"].tobytes() != other.representations["stage3.block2"].tobytes()
    assert found.scores == again.scores


def test_a_record_has_the_attribute_and_shapes_that_groups_need(random_labels):
    found, condition = random_labels
    assert found.model == "1.00-seed000"
    assert found.attributes == {"condition": condition.name, "strength": 1.0, "seed": 0}
    assert {len(values) for values in found.representations.values()} == {100} == {len(TINY.ids())}
    assert tuple(found.representations) == LAYERS == TINY.layers


def test_labels_are_memorised_and_true_ones_fail_the_gate(random_labels):
    found, condition = random_labels
    condition.check(found)
    with pytest.raises(DegeneratePopulation, match=r"accuracy/clean .* at most 0\.3 is required"):
        condition.check(record("labels_own", strength=0.0)[0])


def test_discs_are_used_and_discs_at_chance_fail_the_gate():
    found, condition = record("shortcut")
    condition.check(found)
    with pytest.raises(DegeneratePopulation, match=r"shortcut .* at least 0\.2 is required"):
        condition.check(record("shortcut", strength=0.1)[0])


def test_without_noise_the_gate_of_robustness_fails():
    found, condition = record("augmentation", strength=0.0)
    with pytest.raises(DegeneratePopulation, match=r"accuracy/noise .* at least 0\.85 is required"):
        condition.check(found)


def test_noise_in_training_makes_networks_robust_to_it():
    accuracy = [
        {score.functionality: score.value for score in record("augmentation", strength=strength)[0].scores}
        for strength in (0.0, 0.8)
    ]
    assert accuracy[1]["accuracy/noise"] > accuracy[0]["accuracy/noise"] + 0.1


@pytest.mark.parametrize("right", [0.1, 0.9, 1.0])
def test_a_disc_has_the_hue_of_a_class(right):
    images = with_discs(BLACK, LABELS, right, [0])
    assert images.shape == (2000, 24, 24, 3)
    inked = images.any(axis=3)
    assert set(np.unique(inked.sum(axis=(1, 2)))) == {37}  # whole discs, 7 across
    colours = np.array([image[mask][0] for image, mask in zip(images, inked, strict=True)]) / 255
    hues = np.array([colorsys.rgb_to_hsv(*colour)[0] for colour in colours])
    assert np.mean(np.rint(10 * hues) % 10 == LABELS) == pytest.approx(right, abs=0.03)


def test_discs_leave_the_rest_of_the_image_and_are_drawn_once():
    images = np.full_like(BLACK, 7)
    first, again, other = (with_discs(images, LABELS, 0.9, seed) for seed in ([0], [0], [1]))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert ((first == 7).all(axis=3).sum(axis=(1, 2)) == 24 * 24 - 37).all()


def test_the_variance_of_noise_is_uniform_up_to_the_largest():
    grey = np.full((4000, 24, 24, 1), 128, dtype=np.uint8)
    found = noisy(grey, np.random.default_rng(0), largest=0.1)
    variance = found.var(axis=(1, 2, 3)) / 255**2
    assert np.quantile(variance, [0.1, 0.5, 0.9]) == pytest.approx([0.001, 0.005, 0.009], abs=3e-4)
    assert (noisy(grey[:3], np.random.default_rng(0), largest=0.0) == grey[:3]).all()


def test_documented_scales():
    assert EXPERIMENTS["embedded"].recipe.seeds == 5
    assert EXPERIMENTS["standard"].recipe.seeds > 5
    assert all(len(design.conditions) == 3 for design in DESIGNS.values())
