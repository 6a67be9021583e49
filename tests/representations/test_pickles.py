"""Score pickles: what plain data they may hold, and what they may not do."""

import collections
import datetime
import os
import pickle

import numpy as np
import pytest

from similitude.errors import FileError
from similitude.representations.pickles import load_plain

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


def opcodes(*parts):
    return b"\x80\x04" + b"".join(parts) + b"."


LAUGHS = b"]\x94" + b"".join(b"]\x94(h" + bytes([i]) + b"h" + bytes([i]) + b"e" for i in range(60))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (opcodes(LAUGHS), "again and again"),
        (opcodes(b"]" * 100_000, b"a" * 99_999), "nested more than 100 deep"),
        (opcodes(b"N", b"\x85" * 100_000), "nested more than 100 deep"),
        (opcodes(b"]\x94h\x00a"), "a value that holds itself"),
        (opcodes(b"(" * 3_000_000), "more than 2,000,000"),
        (opcodes(b"]\x94" * 2_500_000), "more than 2,000,000"),
        (opcodes(b"N" * 21_000_000), "more than 20,000,000 values"),
        (opcodes(b"\x8b\x00\x00\x01\x00" + b"\x7f" * 65536), "whole number of more than"),
        (pickle.dumps({k * (2**61 - 1): 0 for k in range(50)}), "beyond 60 bits"),
        (pickle.dumps({(k, k): 0 for k in range(5000)}), "tuples as keys"),
        (pickle.dumps({1j: 0}), "key of a dictionary that is a complex"),
        (pickle.dumps(int), "builtins.int"),
        (opcodes(b"cnumpy\ndtype\n\x8c\xff", b"f" * 255, b"\x85R"), "a NumPy array of type ffff"),
        (opcodes(b"cnumpy\ndtype\nX\x00\x00\x01\x00" + b"(" * 65536 + b"\x85R"), "a NumPy array of type"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_too_much_is_refused_in_time(content, said):
    with pytest.raises(FileError, match=said):
        load_plain(content, "scores.pkl")


def test_an_array_is_built_once_and_a_live_one_is_never_changed():
    """A second state for an array, or one for a container, is the attack by which freed memory is read."""
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
    dtype = b"cnumpy\ndtype\n\x8c\x02u1\x89\x88\x87R"
    state = b"(K\x01K\x04\x85" + dtype + b"\x89C\x04abcdt"
    (whole,) = load_plain(opcodes(array, state, b"b\x85"), "scores.pkl")
    assert whole.tobytes() == b"abcd"
    assert whole.flags.owndata or whole.base.flags.owndata
    for attack in (
        opcodes(array, state, b"b", state, b"b"),
        opcodes(b"]", state, b"b"),
        opcodes(b"}", b"}\x8c\x01aK\x01sb"),
        opcodes(array, b"(K\x01K\x05\x85" + dtype + b"\x89C\x04abcdt", b"b"),
        opcodes(array, b"(K\x01J\xff\xff\xff\xff\x85" + dtype + b"\x89C\x04abcdt", b"b"),
        opcodes(array, b"(K\x01K\x04\x85" + array + b"\x89C\x04abcdt", b"b"),
        opcodes(b"cnumpy.core.numeric\n_frombuffer\n(", array, dtype, b"K\x04\x85\x8c\x01CtR"),
    ):
        with pytest.raises(FileError, match="not a readable pickle"):
            load_plain(attack, "scores.pkl")


def test_a_boolean_array_holds_nothing_but_truth():
    content = pickle.dumps(np.array([True, False, True]), 4).replace(b"\x01\x00\x01", b"\x07\x00\xff")
    np.testing.assert_array_equal(load_plain(content, "scores.pkl").view(np.uint8), [1, 0, 1])


def test_names_of_old_and_new_numpy():
    for old, new in ((b"numpy._core", b"numpy.core"), (b"numpy.core", b"numpy._core")):
        content = pickle.dumps([np.float64(2), np.arange(3)], 0).replace(old, new)
        scalar, array = load_plain(content, "scores.pkl")
        assert (scalar, array.tolist()) == (2, [0, 1, 2])


def test_text_and_arrays_of_python_2():
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    dtype = b"cnumpy\ndtype\n(S'u1'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntb"
    content = b"(dp0\nS'data'\np1\n" + array + b"(I1\n(I2\nt" + dtype + b"I00\nS'\\xff\\x01'\ntbsS'\\xe9'\nL5L\ns."
    assert load_plain(content, "batch")["data"].tolist() == [255, 1]
    assert load_plain(content, "batch")["é"] == 5
