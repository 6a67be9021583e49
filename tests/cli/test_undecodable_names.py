"""Files whose names are not UTF-8 are compared like others, and every output can be written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from similitude import Representation, pairwise
from similitude.errors import FileError
from similitude.representations.files import load_representations
from similitude.representations.folder import read_json, write_json
from similitude.representations.tables import write_csv

NAMES = [b"net\xff.npy", b"net\xe9\x80.npy", "näch\u2028ste.npy".encode()]


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    base = rng.normal(size=(40, 5))
    place = Path(os.fsdecode(os.fsencode(tmp_path) + b"/nets\xfe"))
    try:
        place.mkdir()
        for name in NAMES:
            np.save(os.fsdecode(os.fsencode(place) + b"/" + name), base + rng.normal(size=(40, 5)))
    except OSError:
        pytest.skip("this file system refuses such names")
    return place


def command(*arguments):
    environment = {**os.environ, "COLUMNS": "120", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-m", "similitude", *map(os.fsencode, arguments)],
        capture_output=True,
        env=environment,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert b"internal error" not in done.stderr
    return done


def test_every_output_of_a_comparison(folder, tmp_path):
    files = [folder / os.fsdecode(name) for name in NAMES]
    table, figure = tmp_path / "t.csv", tmp_path / "f.png"
    done = command("compare", *files, "--json", "--csv", table, "--map", figure, "--figure", tmp_path / "h.png")
    assert done.returncode == 0, done.stderr
    values = json.loads(done.stdout)["values"]
    assert {value["first"] for value in values} == {"net\\xff", "net\\xe9\\x80", "näch\u2028ste"}
    assert {"net\\xff", "net\\xe9\\x80"} < set(pd.read_csv(table)["first"])
    assert figure.is_file()
    assert command("compare", *files[:2]).returncode == 0
    assert command("doctor", *files[:2]).returncode == 0


def test_a_file_that_cannot_be_read_is_named(folder):
    broken = folder / os.fsdecode(b"broken\xff.npy")
    broken.write_bytes(b"no array")
    done = command("compare", broken, broken)
    assert done.returncode == 2
    assert b"udcff" in done.stderr or b"\\xff" in done.stderr


def test_layers_of_a_folder_of_such_files(folder):
    assert "nets\\xfe/net\\xff" in load_representations(folder)


def test_text_that_is_no_unicode_survives_json_and_csv(tmp_path):
    write_json(tmp_path / "a.json", {"name": "net\udcff"})
    assert read_json(tmp_path / "a.json") == {"name": "net\udcff"}
    write_csv(pd.DataFrame({"name": pd.Series(["net\udcff"], dtype=object)}), tmp_path / "a.csv")
    assert "net\\udcff" in (tmp_path / "a.csv").read_text()


CONTENTS = [b"", b"PK\x03\x04" + bytes(60), b"\x93NUMPY\x01\x00v\x00{x: }", b"\x89HDF\r\n\x1a\n", b"PAR1PAR1"]


def test_names_given_in_python_reach_tables():
    x = np.random.default_rng(0).normal(size=(2, 30, 3))
    sides = [Representation(values, model=name, layer="l\udc80") for values, name in zip(x, "a\udcff", strict=False)]
    assert pairwise([*sides, Representation(x[1], model="\ud800")], "cka").rows[0] == "a/l\\x80"


FOREIGN = ["malformed node", "literal", "Unable to", "Errno", "opcode", "Traceback", "NoneType", "0x", "line 1", "zlib"]


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".safetensors", ".pt", ".h5", ".parquet"])
@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04" + bytes(60), b"\x93NUMPY\x01\x00v\x00{x: }", b"\x89HDF\r\n\x1a\n", b"PAR1PAR1"]
)
def test_no_words_of_libraries_reach_users(tmp_path, suffix, content):
    file = tmp_path / f"x{suffix}"
    file.write_bytes(content)
    if suffix in (".h5", ".parquet", ".safetensors"):
        pytest.importorskip({".h5": "h5py", ".parquet": "pyarrow", ".safetensors": "safetensors"}[suffix])
    with pytest.raises(FileError) as caught:
        load_representations(file)
    text = str(caught.value).replace(str(file), "")
    assert not any(word in text for word in FOREIGN), text
    assert "Save" in text or "not a" in text, text
