"""Arrays of one file, by kind of file. What a file declares to hold is looked up and allowed before it is read."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from similitude.errors import FileError, SimilitudeError, require
from similitude.representations.allowance import Allowance, Malformed, check_regular
from similitude.representations.folder import load_array
from similitude.representations.hdf5_files import read_hdf5
from similitude.representations.names import first_repeated, natural, printable
from similitude.representations.narrow import DECODERS
from similitude.representations.npy_files import ObjectArray, read_header
from similitude.representations.parquet_files import read_parquet
from similitude.representations.torch_files import read_torch

__all__ = ["SUFFIXES", "read_file", "read_npz"]

_MOST_MEMBERS = 100_000


def read_file(path: Path, allowance: Allowance) -> dict[str, np.ndarray]:
    """Arrays of a file by name, in its order where it has one, else in natural order.

    Raises
    ------
    FileError
        Damaged, of another kind, of Python objects, or more than the allowance. The message names the file.
    """
    check_regular(path)
    with _errors(path):
        return _READERS[path.suffix.lower()](path, allowance)


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """Whatever a reader stumbles over becomes an error that names the file."""
    try:
        yield
    except SimilitudeError:
        raise
    except PermissionError:
        raise FileError(f"{path} cannot be read: permission denied.") from None
    except MemoryError:
        raise FileError(f"{path} does not fit in memory. Save it as .npy, which is read piece by piece.") from None
    except Exception as error:  # the libraries that parse files raise anything, in words of their own
        reason = f" ({printable(str(error))[:200]})" if isinstance(error, Malformed) else ""
        raise FileError(
            f"{path} cannot be read as {path.suffix}; it may be damaged or cut short{reason}. Save it again."
        ) from error


def _read_npy(path: Path, allowance: Allowance) -> dict[str, np.ndarray]:
    return {"": load_array(path, mmap=True)}


def read_npz(path: Path, allowance: Allowance) -> dict[str, np.ndarray]:
    """Arrays of a ``.npz`` file, in its order."""
    if not zipfile.is_zipfile(path):
        raise FileError(f"{path} is not a .npz file, or is cut short. Save arrays with numpy.savez.")
    with zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if not _is_foreign(info)]
        if len(members) > _MOST_MEMBERS:
            raise FileError(f"{path} is refused: it has more than {_MOST_MEMBERS:,} members.")
        names = [info.filename.removesuffix(".npy") for info in members]
        for info in members:
            if not info.filename.endswith(".npy"):
                raise FileError(f"{path} holds {info.filename!r}, which is not an array. Save arrays with numpy.savez.")
        if twice := first_repeated(names):
            raise FileError(f"{path} holds two arrays that are called {twice[0]!r}.")
        allowance.charge(path, sum(_declared(path, archive, info) for info in members))
        found = {}
        for info, name in zip(members, names, strict=True):
            with archive.open(info) as member:
                found[name] = np.lib.format.read_array(member, allow_pickle=False)
        return found


def _is_foreign(info: zipfile.ZipInfo) -> bool:
    """Whether a member is a folder, or what a Mac adds of its own."""
    return info.is_dir() or info.filename.startswith("__MACOSX/") or info.filename.rpartition("/")[2] == ".DS_Store"


def _declared(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> int:
    """Bytes of the array of a member, by its header, which must agree with the member's size."""
    with archive.open(info) as member:
        try:
            header = read_header(member, info.file_size)
        except ObjectArray:
            raise FileError(
                f"{path} holds Python objects, which could run any code when loaded. Save arrays alone."
            ) from None
    return max(header.nbytes, info.file_size)


def _read_safetensors(path: Path, allowance: Allowance) -> dict[str, np.ndarray]:
    safetensors = require("safetensors", "models")
    with safetensors.safe_open(path, framework="numpy") as content:  # checks that offsets and sizes agree
        keys = sorted(content.keys(), key=natural)
        types = {key: content.get_slice(key).get_dtype() for key in keys}
        doubled = 2 if any(dtype in _NARROW for dtype in types.values()) else 1
        allowance.charge(path, doubled * path.stat().st_size)
        found = {}
        for key in keys:
            if types[key] in _NARROW:
                found[key] = _narrow_tensor(path, key, _NARROW[types[key]])
            elif types[key] in _WIDE:
                found[key] = content.get_tensor(key)
            else:
                raise FileError(
                    f"{path}: {key!r} is of type {types[key]}, which is not read. Save it in single precision."
                )
        return found


_NARROW = {"BF16": "bfloat16", "F8_E5M2": "float8_e5m2", "F8_E4M3": "float8_e4m3fn"}
_WIDE = {"F64", "F32", "F16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL", "C64"}


def _narrow_tensor(path: Path, key: str, dtype: str) -> np.ndarray:
    """A tensor of a type that NumPy lacks; the library has checked the header."""
    with open(path, "rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        entry: dict[str, Any] = json.loads(handle.read(length))[key]
        begin, end = entry["data_offsets"]
        handle.seek(8 + length + begin)
        raw = np.frombuffer(handle.read(end - begin), np.uint8)
    return DECODERS[dtype][1](raw).reshape(entry["shape"])


_READERS: dict[str, Callable[[Path, Allowance], dict[str, np.ndarray]]] = {
    ".npy": _read_npy,
    ".npz": read_npz,
    ".safetensors": _read_safetensors,
    ".pt": read_torch,
    ".pth": read_torch,
    ".h5": read_hdf5,
    ".hdf5": read_hdf5,
    ".parquet": read_parquet,
}

SUFFIXES = tuple(_READERS)
"""Endings of the files that are read."""
