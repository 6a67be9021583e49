"""Tensors and arrays of files of ``torch.save``, read as data: PyTorch is not needed, and runs nothing.

Such a file is a pickle, in which a tensor is the number of a storage with an offset, a size and strides, and the bytes
of the storages: members of a zip, or, in files from before 2020, what follows the pickle.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from similitude.errors import FileError
from similitude.representations.allowance import Allowance, Malformed
from similitude.representations.narrow import DECODERS
from similitude.representations.pickle_machine import Global, Refused, UnknownClass
from similitude.representations.pickles import Builder, PickleReader

__all__ = ["read_torch"]

_MAGIC = 0x1950A86A20F9469CFC6C
_TABLE_LIMIT = 256 << 20
"""Largest pickle, bytes; tensors are not in it."""

_DTYPES = {
    "float64": "f8", "float32": "f4", "float16": "f2", "complex128": "c16", "complex64": "c8",
    "int64": "i8", "int32": "i4", "int16": "i2", "int8": "i1",
    "uint64": "u8", "uint32": "u4", "uint16": "u2", "uint8": "u1", "bool": "?",
}  # fmt: skip

_STORAGES = {
    "Double": "float64", "Float": "float32", "Half": "float16", "BFloat16": "bfloat16",
    "ComplexDouble": "complex128", "ComplexFloat": "complex64",
    "Long": "int64", "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool",
    "Untyped": "uint8",
}  # fmt: skip

_OTHER_TENSORS = {
    "_rebuild_qtensor": "a quantised tensor; save tensor.dequantize()",
    "_rebuild_sparse_tensor": "a sparse tensor; save tensor.to_dense()",
    "_rebuild_nested_tensor": "a nested tensor; save tensor.to_padded_tensor(0)",
    "_rebuild_meta_tensor_no_storage": "a tensor of the meta device, which has no values",
    "_rebuild_wrapper_subclass": "a tensor of a class of its own; save a plain tensor",
}


@dataclass(frozen=True)
class _Storage:
    """Numbers of one type that one or several tensors are made of."""

    key: str
    dtype: str
    entries: int

    @property
    def nbytes(self) -> int:
        return self.entries * _width(self.dtype)


@dataclass(frozen=True, eq=False)
class _Tensor:
    """A tensor whose numbers have not been read."""

    storage: _Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        width = 4 if self.dtype in DECODERS else np.dtype(_DTYPES[self.dtype]).itemsize
        return math.prod(self.shape) * width

    def read(self, raw: np.ndarray) -> np.ndarray:
        """Values, copied from the bytes of the storage."""
        if self.dtype in DECODERS:
            flat = DECODERS[self.dtype][1](raw)
        else:
            flat = raw.view(np.dtype(_DTYPES[self.dtype]).newbyteorder("<"))
        last = self.offset + sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        if math.prod(self.shape) and not 0 <= last < len(flat):
            raise Malformed("a tensor that reaches beyond its values")
        if not math.prod(self.shape):
            return np.empty(self.shape, flat.dtype)
        strides = tuple(step * flat.itemsize for step in self.strides)
        view = np.lib.stride_tricks.as_strided(flat[self.offset :], self.shape, strides, writeable=False)
        return view.astype(view.dtype.newbyteorder("="), order="C", copy=True)


def read_torch(path: Path, allowance: Allowance) -> dict[str, np.ndarray]:
    """Tensors and NumPy arrays by name; those in dictionaries and lists have names with dots.

    Raises
    ------
    FileError
        It holds objects of other classes, or more than the allowance.
    Malformed
        It is damaged.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return _read(path, allowance, *_open_zip(path, archive))
        with open(path, "rb") as handle:
            return _read(path, allowance, *_open_legacy(path, handle))
    except UnknownClass as named:
        raise FileError(
            f"{path} holds Python objects ({named}), which could run any code when loaded. Save tensors or arrays "
            "alone."
        ) from None
    except Refused as refused:
        raise FileError(f"{path} is refused: it holds {refused}.") from None


def _read(
    path: Path, allowance: Allowance, content: Any, load: Callable[[_Storage], np.ndarray]
) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray | _Tensor] = {}
    for key, value in _tensors(content, ""):
        if key in found:
            raise FileError(f"{path} holds two tensors that are called {key!r}.")
        found[key] = value
    allowance.charge(path, sum(value.nbytes for value in found.values()))
    return {key: v.read(load(v.storage)) if isinstance(v, _Tensor) else v for key, v in found.items()}


def _tensors(content: Any, prefix: str) -> Iterator[tuple[str, np.ndarray | _Tensor]]:
    if isinstance(content, np.ndarray | _Tensor):
        yield prefix, content
    elif isinstance(content, dict):
        for key, value in content.items():
            if not prefix and key in ("ids", "id") and isinstance(value, list | tuple):
                yield key, np.array([str(v) for v in value])
            else:
                yield from _tensors(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(content, list | tuple):
        for i, value in enumerate(content):
            yield from _tensors(value, f"{prefix}.{i}" if prefix else str(i))


def _open_zip(path: Path, archive: zipfile.ZipFile) -> tuple[Any, Callable[[_Storage], np.ndarray]]:
    members = {info.filename: info for info in archive.infolist()}
    pickles = [name for name in members if name.rpartition("/")[2] == "data.pkl" and name.count("/") <= 1]
    if len(pickles) != 1:
        raise Malformed("not a file of torch.save")
    folder = pickles[0].rpartition("data.pkl")[0]
    if f"{folder}constants.pkl" in members or any(name.startswith(f"{folder}code/") for name in members):
        raise FileError(f"{path} holds a scripted network, not tensors. Save what it puts out.")
    if f"{folder}byteorder" in members and archive.read(f"{folder}byteorder")[:10] == b"big":
        raise FileError(f"{path} was saved on a big-endian machine. Save it again as .npy or .safetensors.")
    if members[pickles[0]].file_size > _TABLE_LIMIT:
        raise Refused("a pickle of more than 256 MiB")

    def load(storage: _Storage) -> np.ndarray:
        name = f"{folder}data/{storage.key}"
        if name not in members:
            raise Malformed("a tensor without its values")
        if members[name].file_size != storage.nbytes:
            raise Malformed("a tensor whose values are cut short")
        return np.frombuffer(archive.read(members[name]), np.uint8)

    return _unpickle(io.BytesIO(archive.read(pickles[0])), {}), load


def _open_legacy(path: Path, handle: Any) -> tuple[Any, Callable[[_Storage], np.ndarray]]:
    if path.stat().st_size > _TABLE_LIMIT:
        raise FileError(f"{path} is in the format of PyTorch before 1.6. Load it and save it again.")
    stream = io.BytesIO(handle.read())
    plain = PickleReader(len(stream.getbuffer()))
    if not stream.getbuffer()[:1] == b"\x80":
        raise Malformed("not a file of torch.save")
    if plain.load(stream) != _MAGIC:
        raise Malformed("not a file of torch.save")
    for _ in ("protocol", "sizes of types"):
        plain.load(stream)
    widths: dict[str, int] = {}
    content = _unpickle(stream, widths)
    keys = plain.load(stream)
    values: dict[str, bytes] = {}
    for key in keys if isinstance(keys, list) else ():
        entries = int.from_bytes(stream.read(8), "little")
        values[str(key)] = stream.read(min(entries * widths.get(str(key), 1), _TABLE_LIMIT))

    def load(storage: _Storage) -> np.ndarray:
        if len(values.get(storage.key, b"")) != storage.nbytes:
            raise Malformed("a tensor whose values are cut short")
        return np.frombuffer(values[storage.key], np.uint8)

    return content, load


def _unpickle(stream: io.BytesIO, widths: dict[str, int]) -> Any:
    """Content of a pickle; of each storage that it names, the bytes per entry are added to `widths`."""

    def outside(key: Any) -> _Storage:
        storage = _storage(key)
        widths[storage.key] = _width(storage.dtype)
        return storage

    return PickleReader(len(stream.getbuffer()), _BUILDERS, outside).load(stream, names=True)


def _width(dtype: str) -> int:
    return DECODERS[dtype][0] if dtype in DECODERS else np.dtype(_DTYPES[dtype]).itemsize


def _storage(key: Any) -> _Storage:
    """Storage of a persistent id: ("storage", class, key, device, number of entries)."""
    if not isinstance(key, tuple) or len(key) < 5 or key[0] != "storage" or not isinstance(key[1], Global):
        raise Malformed("a tensor without its values")
    dtype = _STORAGES.get(key[1].name.removesuffix("Storage"))
    if dtype is None:
        raise Refused(f"{key[1].name} values, which are quantised; save tensor.dequantize()")
    if not isinstance(key[2], str | int) or not isinstance(key[4], int) or key[4] < 0:
        raise Malformed("a tensor without its values")
    return _Storage(str(key[2]), dtype, key[4])


def _tensor(arguments: Any, state: Any, items: list[Any]) -> _Tensor:
    storage, offset, shape, strides = arguments[:4]
    return _checked(storage, storage.dtype if isinstance(storage, _Storage) else "", offset, shape, strides)


def _tensor_with_metadata(arguments: Any, state: Any, items: list[Any]) -> _Tensor:
    if len(arguments) > 6 and arguments[6]:
        raise Refused("a tensor that is a conjugate or negative view; save tensor.clone()")
    return _tensor(arguments, state, items)


def _tensor_with_dtype(arguments: Any, state: Any, items: list[Any]) -> _Tensor:
    storage, offset, shape, strides, _, _, dtype = arguments[:7]
    return _checked(storage, dtype.name if isinstance(dtype, Global) else "", offset, shape, strides)


def _checked(storage: Any, dtype: str, offset: Any, shape: Any, strides: Any) -> _Tensor:
    whole = (tuple, tuple, _Storage)
    if (type(shape), type(strides), type(storage)) != whole or len(shape) != len(strides) or len(shape) > 32:
        raise Malformed("a malformed tensor")
    if not all(type(n) is int and 0 <= n < 2**62 for n in (offset, *shape, *strides)):
        raise Malformed("a malformed tensor")
    if dtype not in _DTYPES and dtype not in DECODERS:
        raise Refused(f"a tensor of type {dtype}; save tensor.float()")
    return _Tensor(storage, dtype, offset, shape, strides)


def _refuse(what: str) -> Builder:
    def refuse(arguments: Any, state: Any, items: list[Any]) -> Any:
        raise Refused(what)

    return refuse


def _first(arguments: Any, state: Any, items: list[Any]) -> Any:
    """A parameter is its tensor, a size its tuple, a device its name."""
    return arguments[0]


_BUILDERS: dict[Global, Builder | None] = {
    **{Global("torch._utils", name): builder for name, builder in {
        "_rebuild_tensor": _tensor, "_rebuild_tensor_v2": _tensor_with_metadata,
        "_rebuild_tensor_v3": _tensor_with_dtype,
        "_rebuild_parameter": _first, "_rebuild_parameter_with_state": _first,
        **{name: _refuse(what) for name, what in _OTHER_TENSORS.items()},
    }.items()},
    **{Global("torch", f"{name}Storage"): None for name in (*_STORAGES, "QInt8", "QUInt8", "QInt32")},
    Global("torch.storage", "UntypedStorage"): None,
    Global("torch", "Size"): _first,
    Global("torch.serialization", "_get_layout"): _first,
    Global("torch", "device"): _first,
    **{Global("torch", name): None for name in (
        *_DTYPES, *DECODERS, "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu", "qint8", "quint8", "qint32",
        "per_tensor_affine", "per_channel_affine", "strided", "sparse_coo", "sparse_csr", "jagged",
    )},
}  # fmt: skip
"""Functions and classes of PyTorch that a file may name."""
