"""Files of every kind that is read: a whole one to damage, ones made to harm, and what reads them."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from mutations import Mutation, change, change_header, change_members, change_tar

from similitude.benchmark.results import load_grading, read_results
from similitude.representations import ModelRecord, PopulationWriter, Score, open_population
from similitude.representations.files import load_representations
from similitude.representations.pickles import load_plain
from similitude.representations.references import load_inputs
from similitude.suites.own import OwnSuite, load_population
from similitude.suites.own_predictions import read_predictions
from similitude.suites.own_scores import read_scores
from similitude.suites.published.archive import open_archive
from similitude.suites.published.distances import read_distances
from similitude.suites.published.layout import SUBTASKS
from similitude.suites.published.scores import read_scores as read_published

Read = Callable[[Path], object]
Make = Callable[[Path], object]

_RNG = np.random.default_rng(0)
ROWS = _RNG.normal(size=(8, 3))
IDS = np.array([f"input{i}" for i in range(8)])


@dataclass(frozen=True)
class Kind:
    """A kind of file: its name, how a whole one is written, what reads it, and how it is damaged."""

    name: str
    whole: Make
    read: Read
    mutations: tuple[Mutation, ...] = (change, change_header)
    crafted: tuple[Make, ...] = ()


def _npy(shape: str, dtype: str = "'<f8'", data: bytes = bytes(192)) -> Make:
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header = text.ljust(118 if len(text) < 118 else len(text)) + b"\n"
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) & 0xFFFF) + header + data
    return lambda path: path.write_bytes(content)


def _sparse(path: Path) -> None:
    _npy("(12500000000, 1)")(path)
    os.truncate(path, 100 * 10**9)


def _npz(**arrays: np.ndarray) -> Make:
    return lambda path: np.savez_compressed(path, allow_pickle=True, **arrays)


def _zip(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, **changes: int) -> Make:
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


def _body(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


_ODD_NAMES = ("\x1b[2J", "[red]x", "../up", "/etc/x", "a\nb", "=1+1", "‮txt", "é" * 200, "")
_ODD_IDS = (
    np.array([b"\xff\xfe", *[b"a%d" % i for i in range(7)]]),
    np.array([1.5, np.nan, np.nan, 4, 5, 6, 7, 8]),
    np.arange(8) % 2 == 0,
    np.arange(8).astype("M8[D]"),
    np.arange(8) * 1j,
    np.arange(8).reshape(8, 1),
    np.arange(7),
    np.array(["\x1b[2J", *IDS[1:]]),
)


def _safetensors(header: object, data: bytes = bytes(192), length: int | None = None) -> Make:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    content = struct.pack("<Q", len(text) if length is None else length) + text + data
    return lambda path: path.write_bytes(content)


def _tensor(dtype: str, shape: list[int], end: int, begin: int = 0) -> dict[str, object]:
    return {"x": {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}}


def _hdf5(fill: Callable[[h5py.File, Path], object]) -> Make:
    def make(path: Path) -> None:
        with h5py.File(path, "w") as file:
            fill(file, path)

    return make


def _fifo_link(file: h5py.File, path: Path) -> None:
    os.mkfifo(path.with_suffix(".fifo"))
    file["x"] = h5py.ExternalLink(str(path.with_suffix(".fifo")), "/x")


def _virtual(file: h5py.File, path: Path) -> None:
    layout = h5py.VirtualLayout((8, 3), "f8")
    layout[:] = h5py.VirtualSource(str(path.with_suffix(".other")), "x", (8, 3))
    file.create_virtual_dataset("x", layout)


def _loop(file: h5py.File, path: Path) -> None:
    file.create_group("a")["again"] = file["/"]
    file["soft"] = h5py.SoftLink("/soft")
    file["x"] = ROWS


def _parquet(table: pa.Table) -> Make:
    return lambda path: pq.write_table(table, path)


def _text(content: str | bytes) -> Make:
    raw = content if isinstance(content, bytes) else content.encode()
    return lambda path: path.write_bytes(raw)


def _torch(pickled: bytes, storages: dict[str, bytes] | None = None) -> Make:
    data = {f"archive/data/{key}": body for key, body in (storages or {}).items()}
    return _zip({"archive/data.pkl": pickled, "archive/version": b"3\n", **data}, zipfile.ZIP_STORED)


def _torch_tensor(shape: bytes, strides: bytes, offset: bytes = b"K\x00", entries: bytes = b"K\x18") -> bytes:
    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu" + entries + b"tQ"
    rebuild = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + offset + shape + strides
    return b"\x80\x02" + rebuild + b"\x89ccollections\nOrderedDict\n)RtR."


def _tar(*members: tuple[str, dict[str, object], bytes], mode: str = "w") -> Make:
    def make(path: Path) -> None:
        with tarfile.open(path, mode, format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
            for name, fields, body in members:
                info = tarfile.TarInfo(name)
                info.size = len(body)
                for field, value in fields.items():
                    setattr(info, field, value)
                archive.addfile(info, io.BytesIO(body) if body else None)

    return make


_SCORES_OF = "scores/layer_exp/layer_exp_scores.pkl"


def _published(root: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted(root.rglob("*")):
        if file.is_file():
            yield f"sim_metric_resources/{file.relative_to(root).as_posix()}", file.read_bytes()


def _read_archive(path: Path) -> None:
    """Read all that the archive holds; what it lacks is no fault of its reader."""
    from similitude.errors import SimilitudeError

    with open_archive(path) as archive:
        errors = []
        for read in (read_published, read_distances):
            for subtask in SUBTASKS.values():
                try:
                    read(archive, subtask)
                except SimilitudeError as error:
                    errors.append(error)
        for name in archive.parts:
            if name.endswith(".npy"):
                try:
                    archive.array(name)
                except SimilitudeError as error:
                    errors.append(error)
    if errors:
        raise errors[0]
