"""The population folder: written whole or not at all, and never trusted."""

import json

import numpy as np
import pytest

from similitude import ModelRecord, PopulationWriter, Score, open_population
from similitude.errors import FileError, InputError, UnknownName
from similitude.representations import load_array

LAYERS = ("conv/1", "..fc")
IDS = [f"i{k}" for k in range(12)]


def record(name, rng):
    return ModelRecord(
        name,
        {layer: rng.normal(size=(12, 3)).astype(np.float32) for layer in LAYERS},
        {"seed": np.int64(3)},
        [Score("accuracy", np.float32(0.5), items=4), Score("probe", 0.25, layer="conv/1", deleted=2)],
        {"accuracy": np.array([True, False, True, False])},
    )


def writer(path, **changes):
    return PopulationWriter(path, **{"name": "nets", "layers": LAYERS, "ids": IDS, **changes})


def test_what_was_written_is_read_back(tmp_path, rng):
    made = record("net:a/1", rng)
    writer(tmp_path, reduction="mean_pool").write(made)
    population = open_population(tmp_path)
    assert population.models == ("net:a/1",)
    assert population.layers == LAYERS
    representation = population.representation("net:a/1", "..fc")
    assert np.array_equal(representation.values, made.representations["..fc"])
    assert representation.ids == tuple(IDS)
    assert representation.reduction == "mean_pool"
    assert population.attributes.loc["net:a/1", "seed"] == 3
    assert population.scores["value"].tolist() == [0.5, 0.25]
    assert population.items("accuracy").tolist() == [[True, False, True, False]]


def test_half_a_model_is_no_model(tmp_path, rng):
    target = writer(tmp_path)
    target.write(record("whole", rng))
    (tmp_path / "models" / "half").mkdir()
    np.save(tmp_path / "models" / "half" / "conv%2F1.npy", np.ones((12, 3)))
    (tmp_path / "models" / ".other.123.partial").mkdir()
    assert target.done == {"whole"}
    assert open_population(tmp_path).models == ("whole",)


def test_a_model_replaces_the_half_of_it_that_a_killed_copy_left(tmp_path, rng):
    (tmp_path / "models" / "net").mkdir(parents=True)
    writer(tmp_path).write(record("net", rng))
    assert writer(tmp_path).done == {"net"}


def test_a_failed_write_leaves_nothing(tmp_path, rng):
    bad = record("bad", rng)
    bad.representations["..fc"] = np.ones((5, 3))
    with pytest.raises(InputError, match="5 rows for 12 inputs"):
        writer(tmp_path).write(bad)
    assert list((tmp_path / "models").iterdir()) == []


def test_two_recipes_never_mix(tmp_path):
    writer(tmp_path, settings={"epochs": 3})
    writer(tmp_path, settings={"epochs": 3})
    with pytest.raises(InputError, match="other inputs, layers or settings"):
        writer(tmp_path, settings={"epochs": 4})


def test_a_changed_array_is_noticed(tmp_path, rng):
    writer(tmp_path).write(record("net", rng))
    np.save(tmp_path / "models" / "net" / "conv%2F1.npy", np.ones((12, 3), dtype=np.float32))
    with pytest.raises(FileError, match="damaged"):
        open_population(tmp_path).representation("net", "conv/1")


def test_unknown_names_get_the_nearest(tmp_path, rng):
    writer(tmp_path).write(record("network", rng))
    with pytest.raises(UnknownName, match="'network'"):
        open_population(tmp_path).representation("netwrok", "conv/1")


@pytest.mark.parametrize(
    "content", ["", "[]", json.dumps({"format": "other"}), json.dumps({"format": "similitude-population"})]
)
def test_a_foreign_manifest_is_refused(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(FileError, match=r"manifest|format version"):
        open_population(tmp_path)


def test_no_population_there(tmp_path):
    with pytest.raises(FileError, match="no manifest"):
        open_population(tmp_path)


def test_arrays_are_never_unpickled(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(FileError, match=r"objects\.npy.*not loaded"):
        load_array(tmp_path / "objects.npy")


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "not a .npy"), (b"\x80\x04K\x01.", "not a .npy"), (b"\x93NUMPY\x01\x00", "truncated")]
)
def test_files_that_are_no_arrays(tmp_path, content, words):
    file = tmp_path / "bad.npy"
    file.write_bytes(content)
    with pytest.raises(FileError, match=words):
        load_array(file)


def test_truncated_and_missing_arrays(tmp_path):
    np.save(tmp_path / "whole.npy", np.ones((100, 5)))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "whole.npy").read_bytes()[:-9])
    for mmap in (False, True):
        with pytest.raises(FileError, match="truncated"):
            load_array(tmp_path / "cut.npy", mmap=mmap)
    with pytest.raises(FileError, match="does not exist"):
        load_array(tmp_path / "none.npy")
    with pytest.raises(FileError, match="folder"):
        load_array(tmp_path)
