"""Reading score files that are pickles, without running what a pickle can run.

Only plain containers, numbers, strings and NumPy arrays come out. Every global that a pickle names is looked up in a
table of stand-ins written here: nothing is imported, and NumPy's own reconstruction, which trusts its input, is not
called. Anything else is an error that names the class.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from typing import Any

import numpy as np

from similitude.errors import FileError

__all__ = ["load_plain"]

_PLAIN_KINDS = "biufcSUO"


def load_plain(content: bytes, name: str) -> Any:
    """Object of a pickle that holds only plain containers, numbers, strings and NumPy arrays.

    Parameters
    ----------
    content
        The pickle, any protocol.
    name
        The file, for messages.

    Raises
    ------
    FileError
        It names any other class or function, or is truncated or damaged.
    """
    try:
        _check_memo(content)
        return _PlainUnpickler(io.BytesIO(content), encoding="latin1").load()  # byte strings of Python 2, byte by byte
    except _Forbidden as error:
        raise FileError(
            f"{name} is refused: it holds {error}. Only plain containers, numbers, strings and NumPy arrays are read."
        ) from None
    except Exception as error:  # a damaged pickle can fail in any way; it has run nothing but the stand-ins
        raise FileError(
            f"{name} is not a readable pickle; it may be truncated ({type(error).__name__}: {error})."
        ) from None


class _Forbidden(Exception):
    """A class or function that is not in the table."""


def _check_memo(content: bytes) -> None:
    """Refuse memo numbers beyond the length of the file, for which the unpickler would reserve memory.

    The scan also finds lengths that exceed the file before anything is allocated for them.
    """
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and isinstance(argument, int) and argument > len(content):
            raise ValueError("impossible memo number")


class _Array(np.ndarray):
    """An array whose pickled state is checked before it is taken on."""

    def __setstate__(self, state: Any) -> None:
        _, shape, stand_in, fortran, data = state
        dtype = _dtype_of(stand_in)
        if type(data) is str:  # written by Python 2
            data = data.encode("latin1")
        if type(data) is not (list if dtype.kind == "O" else bytes):
            raise ValueError("an array without its data")
        if len(data) != math.prod(shape) * (1 if dtype.kind == "O" else dtype.itemsize):
            raise ValueError("an array whose shape and data disagree")
        super().__setstate__((1, tuple(shape), dtype, bool(fortran), data))  # type: ignore[arg-type]


class _Dtype:
    """Stands in for a NumPy type: a plain one, and a byte order."""

    def __init__(self, text: Any, align: Any = False, copy: Any = False) -> None:
        self.dtype = np.dtype(str(text))
        if self.dtype.kind not in _PLAIN_KINDS:
            raise _Forbidden(f"a NumPy array of type {self.dtype}")

    def __setstate__(self, state: Any) -> None:
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


def _dtype_of(stand_in: Any) -> np.dtype:
    if not isinstance(stand_in, _Dtype):
        raise ValueError("an array of no known type")
    return stand_in.dtype


def _reconstruct(kind: Any, shape: Any, code: Any) -> np.ndarray:
    return np.empty(0).view(_Array)


def _scalar(dtype: Any, data: Any) -> Any:
    return np.frombuffer(data, _dtype_of(dtype))[0]


def _frombuffer(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    return np.frombuffer(data, _dtype_of(dtype)).reshape(tuple(shape), order="F" if order == "F" else "C")


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """How older pickles write bytes."""
    return text.encode("latin1")


def _empty_bytes() -> bytes:
    return b""


def _dictionary(*arguments: Any) -> dict[Any, Any]:
    """An ordered dictionary, or one with defaults, as a plain one; the unpickler fills it."""
    return dict(arguments[0]) if arguments and isinstance(arguments[0], list | dict) else {}


_STAND_INS: dict[tuple[str, str], Any] = {
    **{(module, name): kind for module in ("builtins", "__builtin__") for name, kind in {
        "dict": dict, "list": list, "tuple": tuple, "set": set, "frozenset": frozenset,
        "int": int, "long": int, "float": float, "complex": complex, "bool": bool, "str": str, "bytes": _empty_bytes,
    }.items()},
    ("_codecs", "encode"): _encode,
    ("collections", "OrderedDict"): _dictionary,
    ("collections", "defaultdict"): _dictionary,
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): _Dtype,
    **{(f"numpy.{core}.multiarray", name): function for core in ("core", "_core") for name, function in {
        "_reconstruct": _reconstruct, "scalar": _scalar,
    }.items()},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _frombuffer for core in ("core", "_core")},
}  # fmt: skip


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        try:
            return _STAND_INS[module_name, global_name]
        except KeyError:
            raise _Forbidden(f"{module_name}.{global_name}") from None
