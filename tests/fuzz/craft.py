"""Files of every kind, byte by byte: whole, odd, or made to harm."""

from __future__ import annotations

import io
import json
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Read = Callable[[Path], object]
Make = Callable[[Path], object]

_RNG = np.random.default_rng(0)
ROWS = _RNG.normal(size=(8, 3))
IDS = np.array([f"input{i}" for i in range(8)])


def make_npy_content(shape: str, dtype: str = "'<f8'", data: bytes = bytes(192)) -> bytes:
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header = text.ljust(118 if len(text) < 118 else len(text)) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) & 0xFFFF) + header + data


def make_npy(shape: str, dtype: str = "'<f8'") -> Make:
    return make_text(make_npy_content(shape, dtype))


def make_sparse(path: Path) -> None:
    make_npy("(12500000000, 1)")(path)
    os.truncate(path, 100 * 10**9)


def make_npz(**arrays: np.ndarray) -> Make:
    return lambda path: np.savez_compressed(path, **arrays)


def make_zip(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, **changes: int) -> Make:
    def make(path: Path) -> None:
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, body in members.items():
                archive.writestr(name, body)
        if "flags" in changes:
            content = bytearray(path.read_bytes())
            for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
                content[content.find(mark) + at] |= changes["flags"]
            path.write_bytes(content)

    return make


def make_body(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


ODD_NAMES = ("\x1b[2J", "[red]x", "../up", "/etc/x", "a\nb", "=1+1", "‮txt", "é" * 200, "")
ODD_IDS = (
    np.array([b"\xff\xfe", *[b"a%d" % i for i in range(7)]]),
    np.array([1.5, np.nan, np.nan, 4, 5, 6, 7, 8]),
    np.arange(8) % 2 == 0,
    np.arange(8).astype("M8[D]"),
    np.arange(8) * 1j,
    np.arange(8).reshape(8, 1),
    np.arange(7),
    np.array(["\x1b[2J", *IDS[1:]]),
)


def make_safetensors(header: object, data: bytes = bytes(192), length: int | None = None) -> Make:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    content = struct.pack("<Q", len(text) if length is None else length) + text + data
    return lambda path: path.write_bytes(content)


def make_tensor(dtype: str, shape: list[int], end: int, begin: int = 0) -> dict[str, object]:
    return {"x": {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}}


def make_hdf5(fill: Callable[[h5py.File, Path], object]) -> Make:
    def make(path: Path) -> None:
        with h5py.File(path, "w") as file:
            fill(file, path)

    return make


def make_fifo_link(file: h5py.File, path: Path) -> None:
    os.mkfifo(path.with_suffix(".fifo"))
    file["x"] = h5py.ExternalLink(str(path.with_suffix(".fifo")), "/x")


def make_virtual(file: h5py.File, path: Path) -> None:
    layout = h5py.VirtualLayout((8, 3), "f8")
    layout[:] = h5py.VirtualSource(str(path.with_suffix(".other")), "x", (8, 3))
    file.create_virtual_dataset("x", layout)


def make_loop(file: h5py.File, path: Path) -> None:
    file.create_group("a")["again"] = file["/"]
    file["soft"] = h5py.SoftLink("/soft")
    file["x"] = ROWS


def make_parquet(table: pa.Table) -> Make:
    return lambda path: pq.write_table(table, path)


def make_text(content: str | bytes) -> Make:
    raw = content if isinstance(content, bytes) else content.encode()
    return lambda path: path.write_bytes(raw)


def make_torch(pickled: bytes, storages: dict[str, bytes] | None = None) -> Make:
    data = {f"archive/data/{key}": body for key, body in (storages or {}).items()}
    return make_zip({"archive/data.pkl": pickled, "archive/version": b"3\n", **data}, zipfile.ZIP_STORED)


def make_torch_tensor(shape: bytes, strides: bytes, offset: bytes = b"K\x00", entries: bytes = b"K\x18") -> bytes:
    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu" + entries + b"tQ"
    rebuild = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + offset + shape + strides
    return b"\x80\x02" + rebuild + b"\x89ccollections\nOrderedDict\n)RtR."


def make_tar(*members: tuple[str, dict[str, object], bytes], mode: str = "w") -> Make:
    def make(path: Path) -> None:
        with tarfile.open(path, mode, format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
            for name, fields, body in members:
                info = tarfile.TarInfo(name)
                info.size = len(body)
                for field, value in fields.items():
                    setattr(info, field, value)
                archive.addfile(info, io.BytesIO(body) if body else None)

    return make
