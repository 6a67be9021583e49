"""Letters: classes that networks trained on digits, or on photographs, have never seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from similitude.errors import require

__all__ = ["LETTERS", "letters"]

LETTERS = "AEFHKMNRTX"
"""Ten capitals, none of which is taken for a digit."""

_TYPEFACES = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralItalic",
    "cmr10",
    "cmss10",
    "cmtt10",
)
"""Of those that matplotlib ships."""

_HEIGHT = 0.72  # of the image, about that of the digits
_TURN, _SHEAR, _SCALE, _SHIFT = 15.0, 0.2, 0.15, 0.08  # degrees; the others as shares
_OVERSAMPLING = 4


def letters(count: int, height: int, width: int, channels: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of letters, white on black, each turned, sheared, scaled and shifted a little.

    Parameters
    ----------
    count
        Number of pictures; letters take turns, then typefaces.
    height, width, channels
        Of a picture.
    seed
        Of the turns and shifts.

    Returns
    -------
    images, labels
        Arrays (count, height, width, channels), uint8, and (count,), indices into `LETTERS`.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(LETTERS)
    typefaces = np.arange(count) // len(LETTERS) % len(_TYPEFACES)
    size = _OVERSAMPLING * min(height, width)
    glyphs = {
        (int(label), int(face)): _glyph(LETTERS[label], _TYPEFACES[face], size)
        for label, face in {*zip(labels, typefaces, strict=True)}
    }
    images = np.empty((count, height, width, channels), dtype=np.uint8)
    for i, place in enumerate(zip(labels.tolist(), typefaces.tolist(), strict=True)):
        moved = _moved(glyphs[place], rng)
        cells = moved.reshape(size // _OVERSAMPLING, _OVERSAMPLING, size // _OVERSAMPLING, _OVERSAMPLING)
        small = np.rint(255 * cells.mean(axis=(1, 3)).clip(0, 1)).astype(np.uint8)
        top, left = (height - len(small)) // 2, (width - len(small)) // 2
        picture = np.pad(
            small, ((top, height - len(small) - top), (left, width - len(small) - left)), constant_values=0
        )
        images[i] = picture[:, :, None]
    return images, labels


def _glyph(letter: str, typeface: str, size: int) -> np.ndarray:
    """A letter in the middle of a square, 0 to 1."""
    image, drawing, font = (require(f"PIL.{part}", extra="suites") for part in ("Image", "ImageDraw", "ImageFont"))
    file = Path(require("matplotlib", extra="suites").get_data_path()) / "fonts" / "ttf" / f"{typeface}.ttf"
    # Capitals are about .7 of the nominal size; the layout that needs no other library is the same everywhere.
    type_size = round(size * _HEIGHT / 0.72)
    face = font.truetype(str(file), type_size, layout_engine=font.Layout.BASIC)
    canvas = image.new("L", (size, size))
    drawing.Draw(canvas).text((size / 2, size / 2), letter, fill=255, font=face, anchor="mm")
    pixels = np.asarray(canvas, dtype=np.float64) / 255
    inked = np.argwhere(pixels > 0.5)
    centre = (inked.min(axis=0) + inked.max(axis=0)) / 2
    return ndimage.shift(pixels, (size - 1) / 2 - centre, order=1)


def _moved(glyph: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    size = len(glyph)
    turn, shear = np.deg2rad(rng.uniform(-_TURN, _TURN)), rng.uniform(-_SHEAR, _SHEAR)
    scale, shift = 1 + rng.uniform(-_SCALE, _SCALE, 2), size * rng.uniform(-_SHIFT, _SHIFT, 2)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = rotation @ np.array([[1, 0], [shear, 1]]) / scale
    middle = np.full(2, (size - 1) / 2)
    return ndimage.affine_transform(glyph, matrix, middle - matrix @ (middle + shift), order=1)
