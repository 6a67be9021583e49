"""Images from files: resized, cropped and scaled as a network was trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from similitude.errors import FileError, InputError, require
from similitude.representations.folder import read_json

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

__all__ = ["IMAGE_SUFFIXES", "ImageFiles", "Preparation", "find_images", "read_thumbnail"]

IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")


@dataclass(frozen=True)
class Preparation:
    """How an image becomes the input of a network.

    Parameters
    ----------
    size
        Height and width in the end.
    resize
        Length of the shorter side before the centre is cut out; None resizes to `size` without keeping proportions.
    mean, deviation
        Per channel, of values between 0 and 1, subtracted and divided by; one channel makes grey images.
    resample
        Interpolation, as Pillow numbers them: 2 bilinear, 3 bicubic.
    """

    size: tuple[int, int]
    resize: int | None = None
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    deviation: tuple[float, ...] = (1.0, 1.0, 1.0)
    resample: int = 3

    @classmethod
    def of_timm(cls, model: Module) -> Preparation | None:
        """Preparation in a network's ``pretrained_cfg``, as timm writes it; None without one."""
        config = getattr(model, "pretrained_cfg", None) or getattr(model, "default_cfg", None)
        if not isinstance(config, dict) or "input_size" not in config:
            return None
        _, height, width = config["input_size"]
        share = config.get("crop_pct") or 1.0
        squashed = config.get("crop_mode") == "squash"
        return cls(
            (height, width),
            None if squashed else int(np.floor(min(height, width) / share)),
            tuple(config.get("mean") or (0.0,) * 3),
            tuple(config.get("std") or (1.0,) * 3),
            2 if config.get("interpolation") == "bilinear" else 3,
        )

    @classmethod
    def of_transformers(cls, path: str) -> Preparation | None:
        """Preparation in the ``preprocessor_config.json`` of a folder; None without one."""
        file = Path(path) / "preprocessor_config.json"
        config = read_json(file) if file.is_file() else None
        if not isinstance(config, dict) or "size" not in config:
            return None
        size, crop = config["size"], config.get("crop_size")
        pair = _sides(crop if config.get("do_center_crop") and crop else size)
        keeps = isinstance(size, dict) and "shortest_edge" in size
        share = config.get("crop_pct")
        resize = int(size["shortest_edge"] / (share or 1.0)) if keeps else None
        normal = config.get("do_normalize", True)
        return cls(
            pair,
            resize,
            tuple(config.get("image_mean") or (0.0,) * 3) if normal else (0.0,) * 3,
            tuple(config.get("image_std") or (1.0,) * 3) if normal else (1.0,) * 3,
            int(config.get("resample", 3)),
        )

    def changed(
        self, size: int | None = None, mean: Sequence[float] | None = None, deviation: Sequence[float] | None = None
    ) -> Preparation:
        """Preparation with what the user states in place of the network's own."""
        found = self
        if size is not None:
            grown = None if self.resize is None else round(self.resize * size / min(self.size))
            found = replace(found, size=(size, size), resize=grown)
        if mean is not None:
            found = replace(found, mean=tuple(mean))
        if deviation is not None:
            found = replace(found, deviation=tuple(deviation))
        if len(found.mean) != len(found.deviation) or len(found.mean) not in (1, 3) or not all(found.deviation):
            raise InputError(
                "Mean and deviation of images are 3 numbers each, or 1 for grey images; none is 0 to divide by."
            )
        return found

    def __call__(self, file: Path) -> Tensor:
        """Image of a file as a tensor (channels, height, width).

        Raises
        ------
        FileError
            The file is not an image.
        """
        import torch

        image = _opened(file, "L" if len(self.mean) == 1 else "RGB")
        height, width = self.size
        if self.resize is None:
            image = image.resize((width, height), self.resample)
        else:
            scale = self.resize / min(image.size)
            sides = [max(round(side * scale), self.resize) for side in image.size]
            image = image.resize((sides[0], sides[1]), self.resample)
            left, top = (image.width - width) // 2, (image.height - height) // 2
            image = image.crop((left, top, left + width, top + height))
        values = np.asarray(image, dtype=np.float32).reshape(height, width, -1) / 255
        scaled = (values - np.asarray(self.mean, np.float32)) / np.asarray(self.deviation, np.float32)
        return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1)))


def _opened(file: Path, mode: str) -> Any:
    pil = require("PIL.Image", "suites")
    try:
        with pil.open(file) as opened:
            return opened.convert(mode)
    except (OSError, ValueError, SyntaxError, pil.DecompressionBombError) as error:
        raise FileError(f"{file} cannot be read as an image: {error}") from None


def read_thumbnail(file: Path, size: int = 160) -> np.ndarray:
    """Return an image of a file as bytes (height, width, 3), at most so many pixels high and wide.

    Raises
    ------
    FileError
        The file is not an image.
    """
    image = _opened(file, "RGB")
    image.thumbnail((size, size))
    return np.asarray(image)


class ImageFiles:
    """Images of files as a data set, read when they are needed.

    Parameters
    ----------
    files
        The images.
    preparation
        How they are prepared.
    batch_size
        Images per batch.
    """

    def __init__(self, files: Sequence[Path], preparation: Preparation, batch_size: int) -> None:
        self._files = files
        self._preparation = preparation
        self._batch_size = batch_size

    def __len__(self) -> int:
        return -(-len(self._files) // self._batch_size)

    def __iter__(self):
        import torch

        for start in range(0, len(self._files), self._batch_size):
            yield torch.stack([self._preparation(file) for file in self._files[start : start + self._batch_size]])


def find_images(folder: Path) -> list[Path]:
    """Image files in a folder and its subfolders, in natural order; hidden files are passed over."""

    def natural(path: Path) -> list[Any]:
        import re

        return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.as_posix())]

    def is_hidden(path: Path) -> bool:
        return any(part.startswith(".") for part in path.relative_to(folder).parts)

    found = [path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and not is_hidden(path)]
    if not found:
        raise FileError(f"{folder} has no images; their names end in {', '.join(IMAGE_SUFFIXES)}.")
    return sorted(found, key=natural)


def _sides(size: Any) -> tuple[int, int]:
    """Height and width of a size in any form of transformers."""
    if isinstance(size, dict):
        short = size.get("shortest_edge", 0)
        return int(size.get("height", short)), int(size.get("width", short))
    return int(size), int(size)
