"""Floating-point types that NumPy lacks, decoded from their bytes to single precision."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["DECODERS"]


def _bfloat16(raw: np.ndarray) -> np.ndarray:
    """The upper half of a single-precision number."""
    return (raw.view("<u2").astype(np.uint32) << 16).view(np.float32)


def _float8_e5m2(raw: np.ndarray) -> np.ndarray:
    """The upper half of a half-precision number."""
    return (raw.astype(np.uint16) << 8).view(np.float16).astype(np.float32)


def _float8_e4m3(raw: np.ndarray) -> np.ndarray:
    """Without infinities (``float8_e4m3fn``): arXiv 2209.05433, table 1."""
    code = np.arange(256)
    exponent, mantissa = code >> 3 & 15, code & 7
    size = np.where(exponent, (1 + mantissa / 8) * 2.0 ** (exponent - 7), mantissa / 8 * 2.0**-6)
    table = np.where(code >> 7, -size, size).astype(np.float32)
    table[[0x7F, 0xFF]] = np.nan
    return table[raw]


DECODERS: dict[str, tuple[int, Callable[[np.ndarray], np.ndarray]]] = {
    "bfloat16": (2, _bfloat16),
    "float8_e5m2": (1, _float8_e5m2),
    "float8_e4m3fn": (1, _float8_e4m3),
}
"""Name to the bytes per number, and a function from an array of bytes (uint8) to one of single precision."""
