"""Files of every kind that is read: a whole one to damage, ones made to harm, and what reads them."""

from __future__ import annotations

import gzip
import os
import pickle
import tarfile
import zipfile
from dataclasses import dataclass

import h5py
import numpy as np
import pyarrow as pa
from craft import (
    IDS,
    ODD_IDS,
    ODD_NAMES,
    ROWS,
    Make,
    Read,
    make_body,
    make_fifo_link,
    make_hdf5,
    make_loop,
    make_npy,
    make_npy_content,
    make_npz,
    make_parquet,
    make_safetensors,
    make_sparse,
    make_tar,
    make_tensor,
    make_text,
    make_torch,
    make_torch_tensor,
    make_virtual,
    make_zip,
)
from mutations import Mutation, change, change_header, change_members, change_tar
from reading import (
    SCORES_OF,
    copied,
    read_file_of_archive,
    read_file_of_plain,
    read_file_of_population,
    read_file_of_predictions,
    read_file_of_scores,
    write_population,
    write_whole_archive,
    write_whole_results,
)

from similitude.benchmark.results import read_results
from similitude.extraction.input_files import load_inputs
from similitude.representations.files import load_representations


@dataclass(frozen=True)
class Kind:
    """A kind of file: its name, how a whole one is written, what reads it, and how it is damaged."""

    name: str
    whole: Make
    read: Read
    mutations: tuple[Mutation, ...] = (change, change_header)
    crafted: tuple[Make, ...] = ()


KINDS = [
    Kind(
        "npy",
        lambda path: np.save(path, ROWS),
        load_representations,
        crafted=(
            *(
                make_npy(shape)
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
            *(
                make_npy("(8, 3)", f"'{kind}'")
                for kind in ("V8", "O", "<M8[D]", "S8", "<U2", "f" * 300, "(3,)f8", "a0")
            ),
            make_npy("(8, 3)", "[('a', '<f8')]"),
            make_npy("(0, 3)"),
            make_npy("(" * 5000),
            make_sparse,
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
            *(make_zip({f"{name}.npy": make_body(ROWS), "b.npy": make_body(ROWS)}) for name in ODD_NAMES),
            *(make_npz(x=ROWS, ids=ids) for ids in ODD_IDS),
            make_npz(x=np.array([{}], object)),
            make_npz(x=np.array([["a", 1], [b"\xff", None]], object)),
            make_npz(x=np.zeros((100_000, 1000))),
            make_zip({"x.npy": make_body(ROWS)[:-8]}),
            make_zip({"x.npy": make_body(ROWS)}, flags=1),
            make_zip({"x.npy": make_body(ROWS)}, zipfile.ZIP_LZMA),
            make_zip({f"{i}.npy": b"" for i in range(3)}),
            make_zip({}),
        ),
    ),
    Kind(
        "safetensors",
        make_safetensors(make_tensor("F64", [8, 3], 192), ROWS.tobytes()),
        load_representations,
        crafted=(
            *(make_safetensors(make_tensor(kind, [8, 3], 192)) for kind in ("F4", "F8_E8M0", "BF16", "\x1b[2J", "U8")),
            *(
                make_safetensors(make_tensor("F64", shape, 192))
                for shape in ([-8, -3], [2**62, 4], [0, 3], [], [8.0, 3], [24])
            ),
            make_safetensors(
                {
                    name: {"dtype": "U8", "shape": [1, 8], "data_offsets": [8 * i, 8 * i + 8]}
                    for i, name in enumerate(ODD_NAMES)
                },
                bytes(8 * len(ODD_NAMES)),
            ),
            make_safetensors(b"[" * 100_000),
            make_safetensors({}, length=2**63),
            make_safetensors(make_tensor("F64", [8, 3], 192, 2**60)),
        ),
    ),
    Kind(
        "h5",
        make_hdf5(lambda file, path: file.update({"first": ROWS, "second": ROWS, "ids": [f"i{k}" for k in range(8)]})),
        load_representations,
        crafted=(
            *(make_hdf5(fill) for fill in (make_fifo_link, make_virtual, make_loop)),
            make_hdf5(lambda file, path: file.create_dataset("x", (10**6, 10**4), "f8", fillvalue=1.0)),
            make_hdf5(lambda file, path: file.create_dataset("x", (8, 3), "f8", chunks=(8, 3), maxshape=(None, 3))),
            make_hdf5(
                lambda file, path: file.create_dataset(
                    "x", (1, 1), "f8", chunks=(30_000, 30_000), maxshape=(None, None)
                )
            ),
            make_hdf5(lambda file, path: file.create_dataset("x", data=np.zeros(8, [("a", "f8"), ("b", "S3")]))),
            make_hdf5(lambda file, path: file.create_dataset("x", (8, 3), h5py.enum_dtype({"a": 0}))),
            make_hdf5(lambda file, path: file.create_dataset("x", (8,), h5py.vlen_dtype("f8"))),
            make_hdf5(lambda file, path: file.create_dataset("x", (8,), h5py.ref_dtype)),
            make_hdf5(lambda file, path: file.create_dataset("x", data=h5py.Empty("f8"))),
            make_hdf5(
                lambda file, path: [file.create_dataset(name, data=ROWS) for name in ("\x1b[2J", "[red]x", b"\xff\xfe")]
            ),
            *(
                make_hdf5(lambda file, path, ids=ids: file.update({"x": ROWS, "ids": ids}))
                for ids in ODD_IDS
                if ids.dtype.kind in "Sfbi"
            ),
            make_hdf5(lambda file, path: None),
        ),
    ),
    Kind(
        "parquet",
        make_parquet(pa.table({"x": list(ROWS), "y": ROWS[:, 0], "ids": IDS})),
        load_representations,
        crafted=(
            make_parquet(pa.table({"x": pa.array([None] * 8, pa.float64())})),
            make_parquet(pa.table({"x": [[1.0], None]})),
            make_parquet(pa.table({"x": [[[1.0]], [[2.0]]]})),
            make_parquet(pa.table({"x": pa.array([], pa.float64())})),
            make_parquet(pa.table({"x": ["a", "b"]})),
            make_parquet(pa.table({"ids": ["a", None], "x": [1.0, 2.0]})),
            make_parquet(pa.table({"ids": [b"\xff", b"a"], "x": [1.0, 2.0]})),
            make_parquet(pa.table({"\x1b[2J": [1.0, None]})),
            make_parquet(pa.table({"x": pa.array(np.zeros(30_000_000))})),
            make_parquet(pa.table([pa.array([1.0]), pa.array([2.0])], names=["x", "x"])),
            make_parquet(pa.table({"x": pa.array([{"a": 1}])})),
            make_parquet(pa.table({})),
        ),
    ),
    Kind(
        "pt",
        make_torch(make_torch_tensor(b"K\x08K\x03\x86", b"K\x03K\x01\x86"), {"0": ROWS.astype("<f4").tobytes()}),
        load_representations,
        (change, change_members, change_members),
        (
            *(
                make_torch(make_torch_tensor(*parts), {"0": bytes(96)})
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
            make_torch(b"\x80\x02" + b"]" * 50_000 + b"a" * 49_999 + b"."),
            make_torch(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R."),
            make_torch(pickle.dumps({"ids": ["a"], "x": ROWS, "\x1b[2J": ROWS}, 2)),
            make_torch(pickle.dumps({"x": {"y": ROWS}, "x.y": ROWS}, 2)),
            make_torch(pickle.dumps({}, 2)),
        ),
    ),
    Kind(
        "pkl",
        lambda path: path.write_bytes(pickle.dumps({"a": {1: {0: [0.5, np.float32(1)]}}, "b": ROWS, "c": {1, "x"}}, 3)),
        read_file_of_plain,
        crafted=tuple(
            make_text(content)
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
        make_text("model,layer,loss (lower is better),acc\nnet0,a,1,0.5\nnet1,a,2,0.25\nnet2,a,3,0.75\n"),
        read_file_of_scores,
        crafted=tuple(
            make_text(content)
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
        read_file_of_predictions,
        (change, change_members),
        (
            *(
                make_npz(test=odd)
                for odd in (np.zeros((8, 2)), np.full((8, 2), np.nan), np.array([{}], object), np.full((8, 2), "a"))
            ),
            make_npz(test=np.zeros((100_000, 1000))),
            make_npz(other=np.tile([0.25, 0.75], (8, 1))),
        ),
    ),
    Kind(
        "manifest.json",
        lambda path: path.write_bytes((write_population(path.parent / "nets") / "manifest.json").read_bytes()),
        read_file_of_population("manifest.json"),
        (change,),
        tuple(map(make_text, ("", "{}", "[" * 100_000, "null", '{"format": 1e999}'))),
    ),
    Kind(
        "model.json",
        lambda path: path.write_bytes((write_population(path.parent / "nets") / "models/net0/model.json").read_bytes()),
        read_file_of_population("models/net0/model.json"),
        (change,),
        tuple(map(make_text, ("", "{}", "[" * 100_000, '{"attributes": 1, "scores": 2, "checksums": 3}'))),
    ),
    Kind(
        "results.json",
        write_whole_results,
        copied("results.json", read_results),
        (change,),
        tuple(map(make_text, ("", "{}", "[" * 100_000, '{"results": [1], "provenance": 1}'))),
    ),
    Kind(
        "tar",
        write_whole_archive,
        read_file_of_archive,
        (change, change_tar, change_tar, change_tar),
        (
            make_tar((f"r/{SCORES_OF}", {"pax_headers": {"size": "-1"}}, b"x")),
            make_tar((f"r/{SCORES_OF}", {"pax_headers": {"size": "9" * 30}}, b"x")),
            make_tar((f"r/{SCORES_OF}", {"pax_headers": {"path": "\x1b[2J/../.."}}, b"x")),
            make_tar((f"r/{SCORES_OF}", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, b"")),
            make_tar((f"r/{SCORES_OF}", {"type": tarfile.FIFOTYPE}, b"")),
            make_tar(("/etc/x", {}, b"x")),
            make_tar(("../x", {}, b"x")),
            *(
                make_tar((f"r/{SCORES_OF}", {}, content))
                for content in (
                    b"",
                    b"\x80\x04" + b"]" * 100_000 + b".",
                    b"F1e999\n.",
                    pickle.dumps({"SST-2 probe": {1: {1: {0: [float("inf")]}}}}),
                )
            ),
            *(
                make_tar(("r/embeddings/mnli_matched_100/base/1/2000000/0/rep.npy", {}, make_npy_content(shape)))
                for shape in ("(-8, 3)", "(True, 3)", "(8, 2**60)")
            ),
            make_tar((f"r/{SCORES_OF}", {}, bytes(200_000_000)), mode="w:gz"),
            lambda path: path.write_bytes(gzip.compress(b"x" * 1000)[:-9]),
        ),
    ),
    Kind(
        "txt",
        make_text("a text\nanother\n"),
        load_inputs,
        (change,),
        tuple(map(make_text, ("", b"\xff\xfe", b"\0\x1b[2J"))),
    ),
]
