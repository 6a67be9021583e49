"""Corrupted test images, in the manner of CIFAR-10-C: eight families at three severities each.

Everything is deterministic: the same images, family and severity give the same bytes, for every network. The levels
were chosen by measurement on the embedded population, so that accuracies are neither at ceiling nor at floor and
spread over networks: the standard deviation of clean accuracy is .003, of these .02 (rotation) to .23 (contrast), with
a split-half reliability over test images above .96 in every family.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage

from similitude.errors import UnknownName, suggestion

__all__ = ["CORRUPTIONS", "Corruption", "corrupt", "shift"]


@dataclass(frozen=True)
class Corruption:
    """A family of corruptions.

    Parameters
    ----------
    apply
        Function of images (n, height, width, channels) with values 0 to 1, a level, and a random generator; values
        outside 0 to 1 are clipped afterwards.
    levels
        What severity 1, 2, 3 ... mean to `apply`; lengths are shares of the image's side.
    """

    apply: Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
    levels: tuple[float, ...]


def corrupt(images: np.ndarray, family: str, severity: int) -> np.ndarray:
    """Corrupt images of shape (n, height, width, channels), uint8.

    Parameters
    ----------
    images
        The clean images.
    family
        Key of `CORRUPTIONS`.
    severity
        From 1, the mildest.
    """
    if family not in CORRUPTIONS:
        raise UnknownName(f"Unknown corruption {family!r}. {suggestion(family, CORRUPTIONS)}")
    corruption = CORRUPTIONS[family]
    rng = np.random.default_rng([severity, *family.encode()])
    corrupted = corruption.apply(images.astype(np.float32) / 255, corruption.levels[severity - 1], rng)
    return np.rint(255 * corrupted.clip(0, 1)).astype(np.uint8)


def shift(images: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Move each image by its own whole number of pixels, and fill with zeros.

    Parameters
    ----------
    images
        Array (n, height, width, channels).
    down, right
        Integers, shape (n,).
    """
    _, height, width, _ = images.shape
    margin = int(max(np.abs(down).max(), np.abs(right).max()))
    padded = np.pad(images, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
    windows = sliding_window_view(padded, (height, width), axis=(1, 2))
    return np.moveaxis(windows[np.arange(len(images)), margin - down, margin - right], 1, -1)


def _noise(images: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    return images + deviation * rng.standard_normal(images.shape, dtype=np.float32)


def _salt_and_pepper(images: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    pixels = (*images.shape[:3], 1)
    return np.where(rng.random(pixels) < share, rng.random(pixels) < 0.5, images)


def _blur(images: np.ndarray, width: float, rng: np.random.Generator) -> np.ndarray:
    sigma = width * images.shape[1]
    return ndimage.gaussian_filter(images, (0, sigma, sigma, 0))


def _contrast(images: np.ndarray, factor: float, rng: np.random.Generator) -> np.ndarray:
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    return mean + factor * (images - mean)


def _inversion(images: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Part of the way to the negative; all of the way leaves every network at chance."""
    return (1 - share) * images + share * (1 - images)


def _translation(images: np.ndarray, distance: float, rng: np.random.Generator) -> np.ndarray:
    angle = 2 * np.pi * rng.random(len(images))
    pixels = distance * images.shape[1]
    return shift(images, np.rint(pixels * np.sin(angle)).astype(int), np.rint(pixels * np.cos(angle)).astype(int))


def _rotation(images: np.ndarray, degrees: float, rng: np.random.Generator) -> np.ndarray:
    rotated = np.empty_like(images)
    for start, angle in ((0, degrees), (1, -degrees)):
        rotated[start::2] = ndimage.rotate(images[start::2], angle, axes=(1, 2), reshape=False, order=1)
    return rotated


def _occlusion(images: np.ndarray, side: float, rng: np.random.Generator) -> np.ndarray:
    """A black square near the middle."""
    _, height, width, _ = images.shape
    size, border = round(side * height), height // 12
    top, left = (rng.integers(border, length - size - border + 1, (len(images), 1)) for length in (height, width))
    rows, columns = (
        (np.arange(length) >= start) & (np.arange(length) < start + size)
        for length, start in ((height, top), (width, left))
    )
    return np.where((rows[:, :, None] & columns[:, None, :])[..., None], 0, images)


CORRUPTIONS: dict[str, Corruption] = {
    "noise": Corruption(_noise, (0.2, 0.3, 0.4)),
    "salt_and_pepper": Corruption(_salt_and_pepper, (0.1, 0.15, 0.2)),
    "blur": Corruption(_blur, (1.5 / 24, 2 / 24, 2.5 / 24)),
    "contrast": Corruption(_contrast, (0.5, 0.4, 0.3)),
    "inversion": Corruption(_inversion, (0.1, 0.15, 0.2)),
    "translation": Corruption(_translation, (3 / 24, 4 / 24, 5 / 24)),
    "rotation": Corruption(_rotation, (30, 40, 50)),
    "occlusion": Corruption(_occlusion, (8 / 24, 10 / 24, 12 / 24)),
}
"""Families by name."""
