"""Files with bytes changed, cut and doubled: readers give arrays, or one of our errors. The seed is fixed."""

from __future__ import annotations

import contextlib
import pickle

import numpy as np
import pytest
from test_files import SAVERS

from similitude.errors import SimilitudeError
from similitude.representations.files import load_representations
from similitude.representations.pickles import load_plain
from similitude.representations.tables import read_cells

CASES = 40


def mutations(content, seed):
    rng = np.random.default_rng(seed)
    for _ in range(CASES):
        changed = bytearray(content)
        for _ in range(rng.integers(1, 6)):
            place = int(rng.integers(len(changed)))
            match rng.integers(3):
                case 0:
                    changed[place] = int(rng.integers(256))
                case 1:
                    del changed[place : place + int(rng.integers(1, 20))]
                case _:
                    changed[place:place] = changed[: int(rng.integers(1, 20))]
        yield bytes(changed)


def save_npy(path):
    np.save(path, np.arange(18.0).reshape(6, 3))


@pytest.mark.parametrize("suffix", [".npy", *SAVERS])
def test_array_files(suffix, tmp_path):
    file = tmp_path / f"net{suffix}"
    (SAVERS | {".npy": save_npy})[suffix](file)
    for content in mutations(file.read_bytes(), 1):
        file.write_bytes(content)
        with contextlib.suppress(SimilitudeError):
            load_representations(file)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(protocol):
    content = {"SST-2": {1: {1: [[0.5, 0.25]]}}, "array": np.arange(6.0), "scalar": np.float32(1), "set": {1, "a"}}
    for changed in mutations(pickle.dumps(content, protocol), 2):
        with contextlib.suppress(SimilitudeError):
            load_plain(changed, "scores.pkl")


def test_tables(tmp_path):
    for content in mutations(b'model,layer,"a b",value\nnet0,x,"1",2\nnet1,y,3,4\n', 3):
        (tmp_path / "scores.csv").write_bytes(content)
        with contextlib.suppress(SimilitudeError):
            read_cells(tmp_path / "scores.csv")
