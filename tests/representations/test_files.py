"""Files of every kind come back as they were saved; foreign, damaged and dangerous ones are named and refused."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pandas as pd
import pytest

from similitude.errors import FileError, InputError, SimilitudeError
from similitude.representations import ModelRecord, PopulationWriter
from similitude.representations.files import SUFFIXES, load_arrays, load_representations

RNG = np.random.default_rng(0)
FIRST = RNG.normal(size=(6, 3)).astype(np.float32)
SECOND = RNG.normal(size=(6, 2))
IDS = [f"image{i}" for i in range(6)]


def save_npz(path):
    np.savez(path, first=FIRST, second=SECOND, ids=np.array(IDS), labels=np.arange(6))


def save_safetensors(path):
    pytest.importorskip("safetensors.numpy").save_file({"first": FIRST, "second": SECOND}, path)


def save_torch(path):
    torch = pytest.importorskip("torch")
    torch.save({"first": torch.as_tensor(FIRST), "second": torch.as_tensor(SECOND), "ids": IDS, "step": 3}, path)


def save_hdf5(path):
    with pytest.importorskip("h5py").File(path, "w") as file:
        file["first"] = FIRST
        file["second"] = SECOND
        file["ids"] = IDS
        file["scalar"] = 3


def save_parquet(path):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"first": list(FIRST), "second": list(SECOND), "ids": IDS}).to_parquet(path)


SAVERS = {
    ".npz": save_npz,
    ".safetensors": save_safetensors,
    ".pt": save_torch,
    ".pth": save_torch,
    ".h5": save_hdf5,
    ".hdf5": save_hdf5,
    ".parquet": save_parquet,
}


def test_every_kind_has_a_case():
    assert set(SAVERS) | {".npy"} == set(SUFFIXES)


@pytest.mark.parametrize("suffix", SAVERS)
def test_files_of_several_layers(suffix, tmp_path):
    file = tmp_path / f"net{suffix}"
    SAVERS[suffix](file)
    found = load_representations(file)
    assert list(found) == ["net/first", "net/second"]
    np.testing.assert_array_equal(found["net/first"].values, FIRST)
    np.testing.assert_array_equal(found["net/second"].values, SECOND)
    assert found["net/first"].ids == (None if suffix == ".safetensors" else tuple(IDS))
    assert next(iter(load_representations(file, name="mine"))) == "mine/first"


@pytest.mark.parametrize("suffix", SAVERS)
@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_damaged_files_are_named(suffix, damage, tmp_path):
    file = tmp_path / f"net{suffix}"
    SAVERS[suffix](file)
    content = file.read_bytes()
    file.write_bytes({"cut": content[: len(content) // 2], "text": b"hello " * 50, "empty": b""}[damage])
    with pytest.raises(FileError, match=rf"net{suffix} (cannot be read as|is not a) {suffix}"):
        load_representations(file)


def test_npy(tmp_path):
    np.save(tmp_path / "a.npy", FIRST)
    found = load_representations(tmp_path / "a.npy")
    assert list(found) == ["a"]
    np.testing.assert_array_equal(found["a"].values, FIRST)


def test_numeric_columns_of_parquet_are_features(tmp_path):
    pytest.importorskip("pyarrow")
    pd.DataFrame(FIRST, columns=list("abc")).assign(id=IDS, text="x").to_parquet(tmp_path / "a.parquet")
    (found,) = load_representations(tmp_path / "a.parquet").values()
    np.testing.assert_array_equal(found.values, FIRST)
    assert found.ids == tuple(IDS)


def test_lists_of_different_lengths(tmp_path):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"x": [[1.0, 2.0], [3.0]]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(FileError, match="'x' differ in length"):
        load_representations(tmp_path / "a.parquet")


def test_bfloat16(tmp_path):
    torch = pytest.importorskip("torch")
    values = torch.as_tensor(FIRST).to(torch.bfloat16)
    pytest.importorskip("safetensors.torch").save_file({"x": values}, tmp_path / "a.safetensors")
    torch.save(values, tmp_path / "b.pt")
    for file in ("a.safetensors", "b.pt"):
        (found,) = load_representations(tmp_path / file).values()
        np.testing.assert_array_equal(found.values, values.float().numpy())


class Bomb:
    def __reduce__(self):
        return (os.mkdir, (self.target,))

    def __init__(self, target):
        self.target = str(target)


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.pt", "a.pkl", "a.pickle", "a.joblib"])
def test_nothing_is_unpickled(name, tmp_path):
    bomb = Bomb(tmp_path / "exploded")
    file = tmp_path / name
    if name == "a.npy":
        np.save(file, np.array([bomb], dtype=object), allow_pickle=True)
    elif name == "a.npz":
        np.savez(file, x=np.array([bomb], dtype=object))
    elif name == "a.pt":
        pytest.importorskip("torch").save({"x": bomb}, file)
    else:
        file.write_bytes(pickle.dumps(bomb))
    with pytest.raises(FileError, match=r"a\.\w+ (holds Python objects|is a pickle)"):
        load_representations(file)
    assert not (tmp_path / "exploded").exists()


def test_a_folder_of_files_in_natural_order(tmp_path):
    folder = tmp_path / "net"
    folder.mkdir()
    for i in (10, 2, 1):
        np.save(folder / f"layer{i}.npy", FIRST + i)
    (folder / "notes.txt").write_text("not an array")
    assert list(load_representations(folder)) == ["net/layer1", "net/layer2", "net/layer10"]


def test_a_population(tmp_path):
    writer = PopulationWriter(tmp_path / "pop", "pop", ["a", "b"], IDS, reduction="cls")
    for model in ("m1", "m2"):
        writer.write(ModelRecord(model, {"a": FIRST, "b": SECOND}))
    found = load_representations(tmp_path / "pop")
    assert list(found) == ["m1/a", "m1/b", "m2/a", "m2/b"]
    assert found["m2/b"].reduction == "cls"
    assert found["m2/b"].ids == tuple(IDS)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda p: p / "absent.npy", "does not exist"),
        (lambda p: (p / "a.csv").write_text("1,2") and p / "a.csv", "unsupported file type"),
        (lambda p: (p / "empty").mkdir() or p / "empty", "no population"),
        (lambda p: np.savez(p / "v.npz", a=np.arange(3), b=np.arange(4)) or p / "v.npz", "two axes"),
        (lambda p: np.savez(p / "i.npz", a=FIRST, ids=np.zeros(6)) or p / "i.npz", "not unique"),
    ],
)
def test_what_is_wrong_is_said(make, text, tmp_path):
    path = make(tmp_path)
    with pytest.raises(FileError, match=text) as caught:
        load_arrays(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("values", [np.full((4, 2), np.nan), np.ones((4, 2)), np.zeros((4, 2, 2)), np.zeros((1, 3))])
def test_values_that_cannot_be_compared_name_the_file(values, tmp_path):
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(InputError, match=r"a\.npy: a: "):
        load_representations(tmp_path / "a.npy")


def test_a_missing_reader_says_what_to_install(tmp_path, monkeypatch):
    save_parquet(tmp_path / "a.parquet")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(SimilitudeError, match=r"pip install 'similitude\[parquet\]'"):
        load_representations(tmp_path / "a.parquet")
