"""Datasets of HDF5 files, without following what leads out of them."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from similitude.errors import FileError, require
from similitude.representations.allowance import Allowance, Malformed
from similitude.representations.names import natural

__all__ = ["read_hdf5"]

_MOST_OBJECTS = 100_000
_TEXT_LIMIT = 256 << 20
"""Most characters of texts of variable length, which may share their place in the file."""


def read_hdf5(path: Path, allowance: Allowance) -> dict[str, np.ndarray]:
    """Numeric datasets, and one-dimensional ones of text, by their path in the file, in natural order.

    Raises
    ------
    FileError
        A link to another file, or data in another file; more than the allowance.
    """
    h5py = require("h5py", "hdf5")
    with h5py.File(path, "r") as content:
        datasets = dict(sorted(_datasets(h5py, path, content), key=lambda entry: natural(entry[0])))
        allowance.charge(path, sum(_declared(dataset) for dataset in datasets.values()))
        return {name: _read(h5py, path, name, dataset) for name, dataset in datasets.items()}


def _datasets(h5py: Any, path: Path, content: Any) -> Iterator[tuple[str, Any]]:
    """Datasets with an axis or more, each once; soft links within the file are left to what they lead to."""
    groups, seen, count = [("", content)], set(), 0
    while groups:
        prefix, group = groups.pop()
        for key in group:
            count += 1
            if count > _MOST_OBJECTS:
                raise FileError(f"{path} is refused: it holds more than {_MOST_OBJECTS:,} objects.")
            name = f"{prefix}{key if isinstance(key, str) else key.decode('utf-8', 'backslashreplace')}"
            link = group.get(key, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise FileError(f"{path}: {name!r} is a link to another file, which is not followed.")
            if isinstance(link, h5py.SoftLink):
                continue
            entry = group.get(key)
            if not isinstance(entry, h5py.Dataset | h5py.Group):
                continue
            place = h5py.h5o.get_info(entry.id).addr
            if place in seen:
                continue
            seen.add(place)
            if isinstance(entry, h5py.Group):
                groups.append((f"{name}/", entry))
            elif entry.shape:
                _check(path, name, entry)
                yield name, entry


def _check(path: Path, name: str, dataset: Any) -> None:
    settings = dataset.id.get_create_plist()
    if dataset.is_virtual or settings.get_external_count():
        raise FileError(f"{path}: the values of {name!r} lie in another file, which is not followed.")


def _declared(dataset: Any) -> int:
    """Bytes of a dataset; reading any of it needs a whole chunk."""
    chunk = 1
    for length in dataset.chunks or ():
        chunk *= length
    return max(dataset.size, chunk) * max(dataset.dtype.itemsize, 1)


def _read(h5py: Any, path: Path, name: str, dataset: Any) -> np.ndarray:
    if h5py.check_string_dtype(dataset.dtype) is not None and dataset.dtype.kind == "O":
        if dataset.ndim > 1 and dataset.shape[1:] != (1,) * (dataset.ndim - 1):
            raise FileError(f"{path}: {name!r} holds texts; names of inputs are one row of them.")
        return np.array(list(_texts(path, name, dataset)), object)
    if dataset.dtype.kind not in "biufcS":
        raise FileError(f"{path}: {name!r} is of type {dataset.dtype}, which is not read. Save numbers.")
    return dataset[()]


def _texts(path: Path, name: str, dataset: Any) -> Iterator[bytes]:
    """Texts of variable length, whose lengths are looked up first: the library reserves memory for what they say."""
    longest, total = 0, 0
    for raw in _raw(path, name, dataset):
        entries = np.frombuffer(raw[: len(raw) // (width := _width(dataset)) * width], np.uint8).reshape(-1, width)
        lengths = entries[:, :4].copy().view("<u4")
        longest, total = max(longest, int(lengths.max(initial=0))), total + int(lengths.sum(dtype=np.int64))
    if longest > path.stat().st_size:
        raise Malformed(f"a text in {name!r} is longer than the file")
    if total > _TEXT_LIMIT:
        raise FileError(f"{path} is refused: the texts in {name!r} take more than 256 MiB.")
    yield from dataset[()].ravel().tolist()


def _width(dataset: Any) -> int:
    """Bytes of the reference to a text: its length, the address of a heap, and its place there."""
    return 8 + dataset.file.id.get_create_plist().get_sizes()[0]


def _raw(path: Path, name: str, dataset: Any) -> Iterator[bytes]:
    """References to the texts of a dataset, as they lie in the file."""
    settings = dataset.id.get_create_plist()
    filters = [settings.get_filter(i)[0] for i in range(settings.get_nfilters())]
    if dataset.chunks is None:
        if dataset.id.get_storage_size():
            if (offset := dataset.id.get_offset()) is None:
                raise FileError(f"{path}: {name!r} holds texts in an unusual layout. Save them again.")
            with open(path, "rb") as handle:
                handle.seek(offset)
                yield handle.read(dataset.size * _width(dataset))
        return
    size = math.prod(dataset.chunks) * _width(dataset)
    for i in range(dataset.id.get_num_chunks()):
        mask, raw = dataset.id.read_direct_chunk(dataset.id.get_chunk_info(i).chunk_offset)
        for position, kind in reversed(list(enumerate(filters))):
            if mask >> position & 1:
                continue
            if kind not in _UNDONE:
                raise FileError(f"{path}: {name!r} holds texts of an unusual compression. Use gzip or none.")
            raw = _UNDONE[kind](raw, size)
        yield raw


def _unshuffle(raw: bytes, size: int, width: int = 16) -> bytes:
    return np.frombuffer(raw, np.uint8).reshape(width, -1).T.tobytes()


_UNDONE: dict[int, Callable[[bytes, int], bytes]] = {
    1: lambda raw, size: zlib.decompressobj().decompress(raw, size + 4),
    2: _unshuffle,
    3: lambda raw, size: raw[:-4],  # a checksum
}
"""Number of a filter of HDF5 to what undoes it: deflate, shuffle and fletcher32."""
