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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from mutations import Mutation, change, change_header, change_members, change_tar

from similitude.benchmark.results import load_grading, read_results
from similitude.errors import SimilitudeError
from similitude.representations import ModelRecord, PopulationWriter, Score, open_population
from similitude.representations.files import load_representations
from similitude.representations.input_files import load_inputs
from similitude.representations.pickles import load_plain
from similitude.suites.own.predictions import read_predictions
from similitude.suites.own.scores import read_scores
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


def _npy_content(shape: str, dtype: str = "'<f8'", data: bytes = bytes(192)) -> bytes:
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header = text.ljust(118 if len(text) < 118 else len(text)) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) & 0xFFFF) + header + data


def _npy(shape: str, dtype: str = "'<f8'") -> Make:
    return _text(_npy_content(shape, dtype))


def _sparse(path: Path) -> None:
    _npy("(12500000000, 1)")(path)
    os.truncate(path, 100 * 10**9)


def _npz(**arrays: np.ndarray) -> Make:
    return lambda path: np.savez_compressed(path, **arrays)


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


_SCORES_OF = "scores/layer_exp/scores.pkl"


def _read_archive(path: Path) -> None:
    """Read all that an archive holds; the first error is raised when all is read."""
    with open_archive(path) as archive:
        errors = []
        for name in archive.parts:
            try:
                if name.endswith(".npy"):
                    archive.array(name)
                else:
                    subtask = SUBTASKS[name.split("/")[1]]
                    (read_published if name.startswith("scores/") else read_distances)(archive, subtask)
            except SimilitudeError as error:
                errors.append(error)
    if errors:
        raise errors[0]


def _whole_archive(path: Path) -> None:
    body = _body(ROWS.astype(np.float32))
    scores = {task: {1: {k: {0: [0.5], 1: [0.25]} for k in range(3)}} for task in ("SST-2 probe", "QNLI probe")}
    table = (
        "architecture1,seed1,step1,layer1,architecture2,seed2,step2,layer2,CKA\nbase,1,2000000,0,base,2,2000000,0,0.5\n"
    )
    _tar(
        ("r/embeddings/mnli_matched_100/base/1/2000000/0/rep.npy", {}, body),
        (f"r/{_SCORES_OF}", {}, pickle.dumps(scores)),
        ("r/scores/feather/scores.csv", {}, b"Overall accuracy\n0.5\n0.75\n"),
        ("r/dists/layer_exp/dists.csv", {"pax_headers": {"comment": "x"}}, table.encode()),
    )(path)


def _population(path: Path) -> Path:
    writer = PopulationWriter(path, "nets", ["a"], list(IDS))
    for k in range(3):
        writer.write(ModelRecord(f"net{k}", {"a": ROWS + k * ROWS**2}, {"seed": k}, [Score("accuracy", k / 4)]))
    return path


def _within(folder: Path, name: str, path: Path) -> Path:
    """Folder of a population in which one file is that of the case."""
    target = _population(folder) / name
    target.write_bytes(path.read_bytes())
    return folder


def _read_population(name: str) -> Read:
    def read(path: Path) -> None:
        population = open_population(_within(path.parent / "nets", name, path))
        for model in population.models:
            population.representation(model, "a")

    return read


def _read_scores(path: Path) -> object:
    folder = path.parent / "nets"
    return read_scores(path, open_population(_population(folder)))


def _read_predictions(path: Path) -> object:
    folder = path.parent / "predictions"
    folder.mkdir(exist_ok=True)
    np.savez(folder / "labels.npz", test=np.arange(8) % 2)
    (folder / "net.npz").write_bytes(path.read_bytes())
    return read_predictions(folder, ("net",))


def _read_plain(path: Path) -> object:
    return load_plain(path.read_bytes(), str(path))


def _copied(name: str, read: Callable[[Path], object]) -> Read:
    def read_copy(path: Path) -> object:
        (path.parent / name).write_bytes(path.read_bytes())
        return read(path.parent / name if read is load_grading else path.parent)

    return read_copy


def _whole_results(path: Path) -> None:
    rows = [{"subtask": "s", "functionality": "f", "measure": "cka", "statistic": "spearman", "estimate": 0.5}]
    path.write_text(json.dumps({"provenance": {"scale": "quick"}, "results": rows}))


KINDS = [
    Kind(
        "npy",
        lambda path: np.save(path, ROWS),
        load_representations,
        crafted=(
            *(
                _npy(shape)
                for shape in (
                    "(-1, 3)",
                    "(True, 3)",
                    "(8, 3, )" * 2,
                    "(10**9,) * 10",
                    "(2**40, 2**40)",
                    "8, 3",
                    "[8, 3]",
                )
            ),
            *(_npy("(8, 3)", f"'{kind}'") for kind in ("V8", "O", "<M8[D]", "S8", "<U2", "f" * 300, "(3,)f8", "a0")),
            _npy("(8, 3)", "[('a', '<f8')]"),
            _npy("(0, 3)"),
            _npy("(" * 5000),
            _sparse,
            lambda path: path.mkdir(),
            lambda path: os.mkfifo(path),
        ),
    ),
    Kind(
        "npz",
        lambda path: np.savez(path, first=ROWS, second=ROWS, ids=IDS),
        load_representations,
        (change, change_members, change_members),
        (
            *(_zip({f"{name}.npy": _body(ROWS), "b.npy": _body(ROWS)}) for name in _ODD_NAMES),
            *(_npz(x=ROWS, ids=ids) for ids in _ODD_IDS),
            _npz(x=np.array([{}], object)),
            _npz(x=np.array([["a", 1], [b"\xff", None]], object)),
            _npz(x=np.zeros((100_000, 1000))),
            _zip({"x.npy": _body(ROWS)[:-8]}),
            _zip({"x.npy": _body(ROWS)}, flags=1),
            _zip({"x.npy": _body(ROWS)}, zipfile.ZIP_LZMA),
            _zip({f"{i}.npy": b"" for i in range(3)}),
            _zip({}),
        ),
    ),
    Kind(
        "safetensors",
        _safetensors(_tensor("F64", [8, 3], 192), ROWS.tobytes()),
        load_representations,
        crafted=(
            *(_safetensors(_tensor(kind, [8, 3], 192)) for kind in ("F4", "F8_E8M0", "BF16", "\x1b[2J", "U8")),
            *(_safetensors(_tensor("F64", shape, 192)) for shape in ([-8, -3], [2**62, 4], [0, 3], [], [8.0, 3], [24])),
            _safetensors(
                {
                    name: {"dtype": "U8", "shape": [1, 8], "data_offsets": [8 * i, 8 * i + 8]}
                    for i, name in enumerate(_ODD_NAMES)
                },
                bytes(8 * len(_ODD_NAMES)),
            ),
            _safetensors(b"[" * 100_000),
            _safetensors({}, length=2**63),
            _safetensors(_tensor("F64", [8, 3], 192, 2**60)),
        ),
    ),
    Kind(
        "h5",
        _hdf5(lambda file, path: file.update({"first": ROWS, "second": ROWS, "ids": [f"i{k}" for k in range(8)]})),
        load_representations,
        crafted=(
            *(_hdf5(fill) for fill in (_fifo_link, _virtual, _loop)),
            _hdf5(lambda file, path: file.create_dataset("x", (10**6, 10**4), "f8", fillvalue=1.0)),
            _hdf5(lambda file, path: file.create_dataset("x", (8, 3), "f8", chunks=(8, 3), maxshape=(None, 3))),
            _hdf5(
                lambda file, path: file.create_dataset(
                    "x", (1, 1), "f8", chunks=(30_000, 30_000), maxshape=(None, None)
                )
            ),
            _hdf5(lambda file, path: file.create_dataset("x", data=np.zeros(8, [("a", "f8"), ("b", "S3")]))),
            _hdf5(lambda file, path: file.create_dataset("x", (8, 3), h5py.enum_dtype({"a": 0}))),
            _hdf5(lambda file, path: file.create_dataset("x", (8,), h5py.vlen_dtype("f8"))),
            _hdf5(lambda file, path: file.create_dataset("x", (8,), h5py.ref_dtype)),
            _hdf5(lambda file, path: file.create_dataset("x", data=h5py.Empty("f8"))),
            _hdf5(
                lambda file, path: [file.create_dataset(name, data=ROWS) for name in ("\x1b[2J", "[red]x", b"\xff\xfe")]
            ),
            *(
                _hdf5(lambda file, path, ids=ids: file.update({"x": ROWS, "ids": ids}))
                for ids in _ODD_IDS
                if ids.dtype.kind in "Sfbi"
            ),
            _hdf5(lambda file, path: None),
        ),
    ),
    Kind(
        "parquet",
        _parquet(pa.table({"x": list(ROWS), "y": ROWS[:, 0], "ids": IDS})),
        load_representations,
        crafted=(
            _parquet(pa.table({"x": pa.array([None] * 8, pa.float64())})),
            _parquet(pa.table({"x": [[1.0], None]})),
            _parquet(pa.table({"x": [[[1.0]], [[2.0]]]})),
            _parquet(pa.table({"x": pa.array([], pa.float64())})),
            _parquet(pa.table({"x": ["a", "b"]})),
            _parquet(pa.table({"ids": ["a", None], "x": [1.0, 2.0]})),
            _parquet(pa.table({"ids": [b"\xff", b"a"], "x": [1.0, 2.0]})),
            _parquet(pa.table({"\x1b[2J": [1.0, None]})),
            _parquet(pa.table({"x": pa.array(np.zeros(30_000_000))})),
            _parquet(pa.table([pa.array([1.0]), pa.array([2.0])], names=["x", "x"])),
            _parquet(pa.table({"x": pa.array([{"a": 1}])})),
            _parquet(pa.table({})),
        ),
    ),
    Kind(
        "pt",
        _torch(_torch_tensor(b"K\x08K\x03\x86", b"K\x03K\x01\x86"), {"0": ROWS.astype("<f4").tobytes()}),
        load_representations,
        (change, change_members, change_members),
        (
            *(
                _torch(_torch_tensor(*parts), {"0": bytes(96)})
                for parts in (
                    (b"J\xff\xff\xff\xffK\x03\x86", b"K\x03K\x01\x86"),
                    (b"\x88K\x03\x86", b"K\x03K\x01\x86"),
                    (b"K\x08K\x03\x86", b"J\xff\xff\xff\xffK\x01\x86"),
                    (b"K\x08K\x03\x86", b"K\x7fK\x01\x86"),
                    (b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86", b"K\x00K\x00\x86"),
                    (b"K\x08K\x03\x86", b"K\x03K\x01\x86", b"K\x7f"),
                    (b"K\x08K\x03\x86", b"K\x03K\x01\x86", b"J\xff\xff\xff\xff"),
                    (b"K\x08K\x03\x86", b"K\x03K\x01\x86", b"K\x00", b"J\xff\xff\xff\xff"),
                )
            ),
            _torch(b"\x80\x02" + b"]" * 50_000 + b"a" * 49_999 + b"."),
            _torch(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R."),
            _torch(pickle.dumps({"ids": ["a"], "x": ROWS, "\x1b[2J": ROWS}, 2)),
            _torch(pickle.dumps({"x": {"y": ROWS}, "x.y": ROWS}, 2)),
            _torch(pickle.dumps({}, 2)),
        ),
    ),
    Kind(
        "pkl",
        lambda path: path.write_bytes(pickle.dumps({"a": {1: {0: [0.5, np.float32(1)]}}, "b": ROWS, "c": {1, "x"}}, 3)),
        _read_plain,
        crafted=tuple(
            _text(content)
            for content in (
                b"\x80\x04" + b"]" * 100_000 + b"a" * 99_999 + b".",
                b"\x80\x04" + b"(" * 100_000 + b"t" * 100_000 + b".",
                b"F1e999\n.",
                b"L" + b"9" * 100_000 + b"L\n.",
                b"I" + b"9" * 100_000 + b"\n.",
                b"S'" + b"\\x" * 10 + b"'\n.",
                b"V\\ud800\n.",
            )
        ),
    ),
    Kind(
        "csv",
        _text("model,layer,loss (lower is better),acc\nnet0,a,1,0.5\nnet1,a,2,0.25\nnet2,a,3,0.75\n"),
        _read_scores,
        crafted=tuple(
            _text(content)
            for content in (
                "",
                "\ufeff",
                "model",
                "model,acc\nnet0,\x1b[2J\nnet1,1\nnet2,1\n",
                "model,acc\nnet0,[/nothing]\nnet1,1\nnet2,1\n",
                "model,[/red]\nnet0,1e999\nnet1,1\nnet2,1\n",
                "model,acc\n=cmd()|1,1\n",
                "model,acc,deleted\nnet0,1,-1\nnet1,1,1e30\nnet2,1,inf\n",
                'model,acc\n"net0,1\nnet1,1\n',
                "model,model\nnet0,1\n",
                "model," + ",".join(map(str, range(100_000))) + "\n",
                "model,acc\n" + "net0,1\n" * 100_000,
                "model\tacc\nnet0\t1,5\nnet1\t2\nnet2\t3\n",
                "Model;acc\nnet0;0,5\nnet1;0,25\nnet2;1\n",
                "model,acc\n" + "x" * 10_000_000 + ",1\n",
                "model,acc\nnet0,1\n".encode("utf-16"),
                b"model,acc\nnet\xff,1\n",
                b"model,acc\nnet0\0,1\n",
            )
        ),
    ),
    Kind(
        "predictions.npz",
        lambda path: np.savez(path, test=np.tile([0.25, 0.75], (8, 1))),
        _read_predictions,
        (change, change_members),
        (
            *(
                _npz(test=odd)
                for odd in (np.zeros((8, 2)), np.full((8, 2), np.nan), np.array([{}], object), np.full((8, 2), "a"))
            ),
            _npz(test=np.zeros((100_000, 1000))),
            _npz(other=np.tile([0.25, 0.75], (8, 1))),
        ),
    ),
    Kind(
        "manifest.json",
        lambda path: path.write_bytes((_population(path.parent / "nets") / "manifest.json").read_bytes()),
        _read_population("manifest.json"),
        (change,),
        tuple(map(_text, ("", "{}", "[" * 100_000, "null", '{"format": 1e999}'))),
    ),
    Kind(
        "model.json",
        lambda path: path.write_bytes((_population(path.parent / "nets") / "models/net0/model.json").read_bytes()),
        _read_population("models/net0/model.json"),
        (change,),
        tuple(map(_text, ("", "{}", "[" * 100_000, '{"attributes": 1, "scores": 2, "checksums": 3}'))),
    ),
    Kind(
        "results.json",
        _whole_results,
        _copied("results.json", read_results),
        (change,),
        tuple(map(_text, ("", "{}", "[" * 100_000, '{"results": [1], "provenance": 1}'))),
    ),
    Kind(
        "tar",
        _whole_archive,
        _read_archive,
        (change, change_tar, change_tar, change_tar),
        (
            _tar((f"r/{_SCORES_OF}", {"pax_headers": {"size": "-1"}}, b"x")),
            _tar((f"r/{_SCORES_OF}", {"pax_headers": {"size": "9" * 30}}, b"x")),
            _tar((f"r/{_SCORES_OF}", {"pax_headers": {"path": "\x1b[2J/../.."}}, b"x")),
            _tar((f"r/{_SCORES_OF}", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, b"")),
            _tar((f"r/{_SCORES_OF}", {"type": tarfile.FIFOTYPE}, b"")),
            _tar(("/etc/x", {}, b"x")),
            _tar(("../x", {}, b"x")),
            *(
                _tar((f"r/{_SCORES_OF}", {}, content))
                for content in (
                    b"",
                    b"\x80\x04" + b"]" * 100_000 + b".",
                    b"F1e999\n.",
                    pickle.dumps({"SST-2 probe": {1: {1: {0: [float("inf")]}}}}),
                )
            ),
            *(
                _tar(("r/embeddings/mnli_matched_100/base/1/2000000/0/rep.npy", {}, _npy_content(shape)))
                for shape in ("(-8, 3)", "(True, 3)", "(8, 2**60)")
            ),
            _tar((f"r/{_SCORES_OF}", {}, bytes(200_000_000)), mode="w:gz"),
            lambda path: path.write_bytes(gzip.compress(b"x" * 1000)[:-9]),
        ),
    ),
    Kind("txt", _text("a text\nanother\n"), load_inputs, (change,), tuple(map(_text, ("", b"\xff\xfe", b"\0\x1b[2J")))),
]
