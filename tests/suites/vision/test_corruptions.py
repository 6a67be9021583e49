import numpy as np
import pytest

from similitude.errors import UnknownName
from similitude.suites.vision.corruptions import CORRUPTIONS, corrupt, shift


@pytest.fixture(scope="module", params=[(24, 1), (32, 3)], ids=["grey", "colour"])
def images(request: pytest.FixtureRequest) -> np.ndarray:
    side, channels = request.param
    rng = np.random.default_rng(1)
    images = np.zeros((40, side, side, channels), dtype=np.uint8)
    middle = slice(side // 4, -side // 4)
    images[:, middle, middle] = rng.integers(100, 256, images[:, middle, middle].shape)
    return images


@pytest.mark.parametrize("family", CORRUPTIONS)
def test_same_bytes_each_time_and_worse_with_severity(family, images):
    before = images.copy()
    severities = range(1, len(CORRUPTIONS[family].levels) + 1)
    corrupted = [corrupt(images, family, severity) for severity in severities]
    for severity, result in zip(severities, corrupted, strict=True):
        assert result.dtype == np.uint8
        assert result.shape == images.shape
        assert result.tobytes() == corrupt(images, family, severity).tobytes()
    assert (images == before).all()
    errors = [np.mean((result.astype(float) - images) ** 2) for result in corrupted]
    assert errors[0] > 0
    assert errors == sorted(errors)


def test_what_each_family_does(images):
    side = images.shape[1]
    flat = np.full_like(images, 100)
    assert np.std(corrupt(flat, "noise", 1) / 255.0) == pytest.approx(0.2, abs=0.01)
    flipped = (corrupt(flat, "salt_and_pepper", 3) != 100).all(axis=-1)
    assert flipped.mean() == pytest.approx(0.2, abs=0.02)
    assert (corrupt(flat, "blur", 3) == 100).all()
    assert (corrupt(flat, "contrast", 3) == 100).all()
    assert (corrupt(flat, "inversion", 1) == round(0.9 * 100 + 0.1 * 155)).all()
    assert ((corrupt(flat, "occlusion", 1) == 0).sum(axis=(1, 2, 3)) == round(side / 3) ** 2 * flat.shape[-1]).all()
    moved = corrupt(images, "translation", 1)
    assert (moved.reshape(len(images), -1).sum(1, dtype=int) == images.reshape(len(images), -1).sum(1, dtype=int)).all()


def test_shift_is_that_of_a_plain_loop(images):
    rng = np.random.default_rng(0)
    down, right = rng.integers(-5, 6, (2, len(images)))
    expected = np.zeros_like(images)
    _, height, width, _ = images.shape
    for i in range(len(images)):
        for y in range(height):
            for x in range(width):
                if 0 <= y - down[i] < height and 0 <= x - right[i] < width:
                    expected[i, y, x] = images[i, y - down[i], x - right[i]]
    assert (shift(images, down, right) == expected).all()


def test_unknown_family_names_the_nearest(images):
    with pytest.raises(UnknownName, match="'rotation'"):
        corrupt(images, "rotatoin", 1)
