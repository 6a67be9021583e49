"""Score pickles: what plain data they may hold, and what they may not do."""

import collections
import datetime
import os
import pickle

import numpy as np
import pytest

from similitude.errors import FileError
from similitude.suites.published.unpickle import load_plain

PLAIN = {
    "numbers": [1, 2.5, True, None, 1 + 2j, 10**40],
    "text": ("x", b"bytes", b""),
    (1, 2): {"set": {1, 2}, "frozen": frozenset([3])},
    "ordered": collections.OrderedDict(a=1),
    "defaults": collections.defaultdict(dict, {1: {2: [0.5]}}),
}
ARRAYS = {
    "matrix": np.arange(6.0).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "strided": np.arange(10)[::2],
    "bool": np.array([True, False]),
    "text": np.array(["ab", "c"]),
    "bytes": np.array([b"ab"]),
    "half": np.array([0.5], dtype=np.float16),
    "swapped": np.arange(3, dtype=">i4"),
    "empty": np.zeros((0, 3)),
    "objects": np.array([[0.5, 1.0], [2.0]], dtype=object),
    "scalar": np.float32(1.5),
}


class Dangerous:
    """Makes a folder when a pickle of it is trusted."""

    folder = "/nowhere"

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(Dangerous, "folder", str(tmp_path / "made"))
    yield str(tmp_path / "made")
    assert not (tmp_path / "made").exists(), "the pickle was executed"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_come_out_as_they_went_in(protocol):
    assert load_plain(pickle.dumps(PLAIN, protocol), "scores.pkl") == PLAIN
    loaded = load_plain(pickle.dumps(ARRAYS, protocol), "scores.pkl")
    for name, array in ARRAYS.items():
        assert loaded[name].dtype.newbyteorder("=") == array.dtype.newbyteorder("="), name
        assert loaded[name].shape == array.shape
        assert np.array_equal(loaded[name], array), name


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ("value", "named"),
    [
        (Dangerous(), f"{os.mkdir.__module__}.mkdir"),
        ([{"deep": (Dangerous(),)}], f"{os.mkdir.__module__}.mkdir"),
        (np.array([Dangerous()], dtype=object), f"{os.mkdir.__module__}.mkdir"),
        (eval, "eval"),
        (getattr, "getattr"),
        (datetime.date(2021, 8, 3), "datetime.date"),
        (collections.Counter("aab"), "collections.Counter"),
        (np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), "V12"),
        (np.array(["2021-08-03"], dtype="M8[D]"), "datetime64"),
        (np.random.default_rng(0), "numpy.random"),
        (np.load, "load"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_anything_else_is_refused_by_name(protocol, value, named):
    with pytest.raises(FileError, match=r"scores\.pkl is refused") as caught:
        load_plain(pickle.dumps({"value": value}, protocol), "scores.pkl")
    assert named in str(caught.value)


def test_hand_written_attacks_do_nothing(folder):
    made = folder.encode()
    for content in (
        b"cos\nmkdir\n(S'" + made + b"'\ntR.",
        b"(S'" + made + b"'\nios\nmkdir\n.",
        b"(cos\nmkdir\nS'" + made + b"'\no.",
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"\x80\x04\x8c\x05numpy\x8c\x0ccore.os.mkdir\x93.",
        b"cnumpy\nndarray\n(dS'__setstate__'\nI1\nsb.",
        b"cnumpy\ndtype\n(dS'__setstate__'\nI1\nsb.",
    ):
        with pytest.raises(FileError):
            load_plain(content, "scores.pkl")


def test_damage_is_said_and_reserves_no_memory():
    whole = pickle.dumps(ARRAYS | {"list": list(range(1000))})
    for content in (
        b"",
        b"\x80",
        whole[:-1],
        whole[: len(whole) // 2],
        b"not a pickle",
        b"K\x01r\xff\xff\xff\x7f.",  # memo number 2**31 - 1
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",  # 2**63 - 1 bytes
        b"\x80\x05\x96\x00\x00\x00\x00\x10\x00\x00\x00.",  # 64 GiB
        b"." * 10,
    ):
        with pytest.raises(FileError, match="not a readable pickle"):
            load_plain(content, "scores.pkl")


def test_an_array_must_have_the_data_that_its_shape_promises():
    content = pickle.dumps(np.arange(4), 2).replace(b"K\x04\x85", b"K\x7f\x85")
    with pytest.raises(FileError, match="disagree"):
        load_plain(content, "scores.pkl")
