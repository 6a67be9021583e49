"""Headers of NumPy's array files, checked before they are believed."""

from __future__ import annotations

import math
from typing import IO, NamedTuple

import numpy as np

from similitude.representations.allowance import Malformed

__all__ = ["Header", "ObjectArray", "read_header"]


class ObjectArray(Malformed):
    """The array is of Python objects, which are never loaded."""


class Header(NamedTuple):
    """What a file says of its array.

    Parameters
    ----------
    shape, dtype
        Of the array.
    fortran
        Whether columns are contiguous.
    start
        Position of the values in the file.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    fortran: bool
    start: int

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(stream: IO[bytes], size: int) -> Header:
    """Header of the array file that a stream is at the beginning of.

    Parameters
    ----------
    stream
        The file.
    size
        Its length, bytes.

    Raises
    ------
    ObjectArray
        It holds Python objects.
    Malformed
        It is not an array file, of no possible shape, or shorter than its header says; the text completes "it".
    """
    if stream.read(6) != b"\x93NUMPY":
        raise Malformed("is not a .npy file")
    version = stream.read(2)
    width = {b"\x01\x00": 2, b"\x02\x00": 4, b"\x03\x00": 4}.get(version)
    if len(version) < 2:
        raise Malformed("has a header that is damaged or truncated")
    if width is None:
        raise Malformed("is an array file of an unknown version")
    read = np.lib.format.read_array_header_1_0 if width == 2 else np.lib.format.read_array_header_2_0
    try:
        shape, fortran, dtype = read(stream)
    except Exception:  # the parser of Python literals behind it raises anything
        raise Malformed("has a header that is damaged or truncated") from None
    header = Header(shape, dtype, bool(fortran), stream.tell())
    if dtype.hasobject:
        raise ObjectArray("holds Python objects")
    if not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 32 or not dtype.itemsize:
        raise Malformed(f"has a header of an impossible array, of shape {shape} and type {dtype}")
    if header.nbytes > size - header.start:
        raise Malformed(f"is truncated: it holds {size - header.start:,} of {header.nbytes:,} bytes")
    return header
