"""A tiny CIFAR-10 and CIFAR-10-C, written in their own formats."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from similitude.suites.vision.recipe import Recipe, Training

TEST_IMAGES = 60


@pytest.fixture(scope="session")
def cifar10(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images whose class shows as brightness, so that there is something to learn."""
    folder = tmp_path_factory.mktemp("cifar10")
    rng = np.random.default_rng(0)
    for name, count in [*((f"data_batch_{i}", 24) for i in range(1, 6)), ("test_batch", TEST_IMAGES)]:
        labels = rng.permutation(np.arange(count) % 10)
        pixels = np.clip(25 * labels[:, None] + rng.integers(0, 40, (count, 3072)), 0, 255).astype(np.uint8)
        batch = {"batch_label": name, "labels": [int(label) for label in labels], "data": pixels, "filenames": []}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=4))
    return folder


@pytest.fixture(scope="session")
def cifar10c(cifar10: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cifar10c")
    batch = pickle.loads((cifar10 / "test_batch").read_bytes())  # our own file
    images = batch["data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    np.save(folder / "labels.npy", np.tile(batch["labels"], 5))
    np.save(folder / "fog.npy", np.concatenate([np.maximum(images, 30 * s) for s in range(1, 6)]).astype(np.uint8))
    np.save(folder / "brightness.npy", np.concatenate([images // 2 + 10 * s for s in range(1, 6)]).astype(np.uint8))
    return folder


@pytest.fixture(scope="session")
def tiny() -> Recipe:
    """A population of three, in a second."""
    training = Training(width=8, epochs=1, batch=24)
    return Recipe(models=3, probed=2, training=training, inputs=TEST_IMAGES, folds=3, predicted=20, letters=60)
