"""Files as they are found: those that grow when read, decimals, names that nearly collide, leftovers of programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from similitude.errors import FileError, InputError, SimilitudeWarning
from similitude.representations.allowance import Allowance
from similitude.representations.files import load_arrays, load_representations, named_sources
from similitude.suites.own.suite import OwnSuite, load_population

ROWS = 40_000_000
"""Values that take kilobytes on disk and 320 MB in memory."""


def expanding_npz(file):
    header = np.lib.format.header_data_from_array_1_0(np.empty((0, 8)))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as member:
        np.lib.format.write_array_header_1_0(member, {**header, "shape": (ROWS // 8, 8)})
        for _ in range(ROWS // 1_000_000):
            member.write(bytes(8_000_000))


def expanding_hdf5(file):
    h5py = pytest.importorskip("h5py")
    with h5py.File(file, "w") as content:
        content.create_dataset("x", (ROWS // 8, 8), "f8", chunks=(1000, 8), compression="gzip")


def expanding_parquet(file):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    part = pa.table({"x": pa.array(np.zeros(1_000_000)), "y": pa.array(np.zeros(1_000_000))})
    with parquet.ParquetWriter(file, part.schema, compression="zstd") as writer:
        for _ in range(ROWS // 2_000_000):
            writer.write_table(part)


WATCHED = """
import resource, sys
from similitude.representations.files import load_representations
load_representations(sys.argv[2])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    load_representations(sys.argv[1])
except Exception as error:
    print(type(error).__name__, str(error).replace(chr(10), " "), sep="|", end="|")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".parquet"])
def test_what_grows_when_read_is_refused_before_memory_is_used(suffix, tmp_path):
    file, small = tmp_path / f"large{suffix}", tmp_path / f"small{suffix}"
    {".npz": expanding_npz, ".h5": expanding_hdf5, ".parquet": expanding_parquet}[suffix](file)
    assert file.stat().st_size < 2_000_000
    values = np.random.default_rng(0).normal(size=(10, 2))
    if suffix == ".npz":
        np.savez(small, x=values)
    elif suffix == ".parquet":
        pd.DataFrame(values, columns=["x", "y"]).to_parquet(small)
    else:
        import h5py

        with h5py.File(small, "w") as content:
            content["x"] = values
    done = subprocess.run([sys.executable, "-c", WATCHED, file, small], capture_output=True, text=True, check=True)
    kind, message, grown = done.stdout.rsplit("|", 2)
    assert kind == "FileError"
    assert str(file) in message
    assert "would take 320 MB" in message
    assert int(grown) < 60


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".parquet"])
def test_one_allowance_is_for_all_files_of_a_call(suffix, tmp_path):
    {".npz": expanding_npz, ".h5": expanding_hdf5, ".parquet": expanding_parquet}[suffix](tmp_path / f"x{suffix}")
    with pytest.raises(FileError, match=f"x{suffix}"):
        load_arrays(tmp_path, allowance=Allowance(10_000_000))


def test_decimals_are_numbers(tmp_path):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    values = np.random.default_rng(0).normal(size=(12, 3)).round(6)
    columns = {
        "a": pa.array([Decimal(str(v)) for v in values[:, 0]], pa.decimal128(12, 6)),
        "b": pa.array([Decimal(str(v)) for v in values[:, 1]], pa.decimal256(40, 6)),
        "c": pa.array(values[:, 2]),
        "ids": [f"i{k}" for k in range(12)],
    }
    parquet.write_table(pa.table(columns), tmp_path / "net.parquet")
    (found,) = load_representations(tmp_path / "net.parquet").values()
    np.testing.assert_allclose(found.values, values, rtol=1e-15)
    assert found.ids == tuple(columns["ids"])
    columns["a"] = pa.array([None, *columns["a"][1:].to_pylist()], pa.decimal128(12, 6))
    parquet.write_table(pa.table(columns), tmp_path / "net.parquet")
    with pytest.raises(InputError, match=r"net\.parquet: row 0 has no value in column 'a'\. Remove or fill it\.$"):
        load_representations(tmp_path / "net.parquet")


def layers(seed):
    rng = np.random.default_rng(seed)
    return {"early": rng.normal(size=(30, 4)), "late": rng.normal(size=(30, 4))}


def save_folder(path, seed):
    path.mkdir()
    for name, values in layers(seed).items():
        np.save(path / f"{name}.npy", values)


def save_npz(path, seed):
    np.savez(path, **layers(seed))


def save_safetensors(path, seed):
    pytest.importorskip("safetensors.numpy").save_file(layers(seed), path)


COLLISIONS = {
    "folders with an ending": {"vit_base.augreg": save_folder, "vit_base.dino": save_folder, "vit_base": save_folder},
    "endings of files": {"net0.npz": save_npz, "net0.safetensors": save_safetensors, "net1.npz": save_npz},
    "a file and a folder": {"net0": save_folder, "net0.npz": save_npz, "net1.npz": save_npz},
    "dots in names of files": {"net.v1.npz": save_npz, "net.v2.npz": save_npz, "net.npz": save_npz},
}


@pytest.mark.parametrize("kind", COLLISIONS)
def test_networks_of_similar_names_stay_apart(kind, tmp_path):
    folder = tmp_path / "nets"
    folder.mkdir()
    for seed, (name, save) in enumerate(COLLISIONS[kind].items()):
        save(folder / name, seed)
    population = load_population(folder)
    assert len(population.models) == 3
    sources = named_sources(folder)
    for model in population.models:
        seed = list(COLLISIONS[kind]).index(sources[model].name)
        for layer, values in layers(seed).items():
            np.testing.assert_array_equal(population.representation(model, layer).values, values)
    scores = pd.DataFrame({"model": list(population.models), "accuracy": [0.1, 0.2, 0.3]})
    scores.to_csv(tmp_path / "scores.csv", index=False)
    (subtask,) = OwnSuite(folder, tmp_path / "scores.csv").subtasks()
    assert subtask.id == "nets/models"


@pytest.mark.parametrize("kind", COLLISIONS)
def test_networks_of_similar_names_stay_apart_on_the_command_line(kind, tmp_path):
    for seed, (name, save) in enumerate(COLLISIONS[kind].items()):
        save(tmp_path / name, seed)
    paths = [str(tmp_path / name) for name in COLLISIONS[kind]]
    done = subprocess.run(
        [sys.executable, "-m", "similitude", "compare", *paths, "--json"], capture_output=True, text=True, check=True
    )
    networks = {value["first"].rpartition("/")[0] for value in json.loads(done.stdout)["values"]}
    assert len(networks) == 3


LEFTOVERS = {
    ".ipynb_checkpoints": lambda path: save_folder(path, 9),
    "._net0.npz": lambda path: path.write_bytes(b"\x00\x05\x16\x07" + bytes(60)),
    ".DS_Store": lambda path: path.write_bytes(b"Bud1"),
    "__pycache__": lambda path: save_folder(path, 9),
    "__MACOSX": lambda path: save_folder(path, 9),
    "README.md": lambda path: path.write_text("nets"),
    "scores.csv": lambda path: path.write_text("model,accuracy\n"),
    "figure.png": lambda path: path.write_bytes(b"\x89PNG"),
}


@pytest.mark.parametrize("leftover", [*LEFTOVERS, "plots"])
def test_what_is_no_network_is_left_out(leftover, tmp_path):
    for i in range(3):
        save_npz(tmp_path / f"net{i}.npz", i)
    if leftover == "plots":
        (tmp_path / "plots").mkdir()
        (tmp_path / "plots" / "a.png").write_bytes(b"\x89PNG")
        with pytest.warns(SimilitudeWarning, match="'plots' without representations"):
            population = load_population(tmp_path)
    else:
        LEFTOVERS[leftover](tmp_path / leftover)
        population = load_population(tmp_path)
    assert list(population.models) == ["net0", "net1", "net2"]
    assert {os.path.dirname(key) for key in load_representations(tmp_path)} == {
        f"{tmp_path.name}/net{i}" for i in range(3)
    }
