"""Pickles as data: plain values, and arrays that are built once from checked bytes; nothing that they name is called.

`similitude.representations.pickle_machine` turns a pickle into a graph of plain values and inert records. Here a table
says what the record of a call stands for. Depth, sharing and sizes are bounded.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from similitude.errors import FileError
from similitude.representations.allowance import Malformed
from similitude.representations.pickle_machine import LIMIT, Call, Dictionary, Global, Outside, Refused, Set, interpret

__all__ = ["Builder", "Global", "PickleReader", "Refused", "load_plain", "read_array"]

_DEPTH = 100
"""Deepest nesting."""
_TUPLE_KEYS = 1000
"""Most keys of a dictionary that are tuples: their hashes can be made to collide."""
_MAX_AXES = 32

_PLAIN_DTYPE = re.compile(r"[<>=|]?(?:[biufc](?:1|2|4|8|16)|b|\?|[SU]\d{1,6}|O8?|[SU])")


class _Built(NamedTuple):
    value: Any
    size: int
    height: int
    named: Global | None
    """A class or function that is still among the values: it may be an argument, and nothing else."""


Builder = Callable[..., Any]
"""Makes a value of a call from its plain arguments, state and items."""


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
        It names any other class or function, is nested or shared beyond all data, or is truncated or damaged.
    """
    try:
        return PickleReader(len(content)).load(io.BytesIO(content))
    except Refused as refused:
        raise FileError(
            f"{name} is refused: it holds {refused}. Only plain containers, numbers, strings and NumPy arrays are read."
        ) from None
    except (ValueError, OverflowError) as damage:
        reason = f" ({damage})" if isinstance(damage, Malformed) else ""
        raise FileError(f"{name} is not a readable pickle; it may be truncated{reason}.") from None


class PickleReader:
    """Reads pickles into plain values.

    Parameters
    ----------
    nbytes
        Most bytes that all arrays together may take.
    builders
        Meaning of calls of classes and functions, besides those of `NUMPY`.
    outside
        Makes a value of the key of an object that lies outside of the pickle.
    """

    def __init__(
        self,
        nbytes: int,
        builders: Mapping[Global, Builder | None] | None = None,
        outside: Callable[[Any], Any] | None = None,
    ) -> None:
        self._left = nbytes
        self._builders = NUMPY | dict(builders or {})
        self._outside = outside
        self._built: dict[int, _Built | None] = {}

    def load(self, stream: io.BytesIO, *, names: bool = False) -> Any:
        """Value of the pickle at the position of a stream; with `names`, classes may be in it, as a `Global` each.

        Raises
        ------
        Refused
            Something is not plain data, or there is too much of it.
        Malformed
            The pickle is damaged.
        """
        graph = interpret(stream, self._builders, outside=self._outside is not None)
        self._built.clear()
        built = self._build([graph])
        if built.named is not None and not names:
            raise Refused(str(built.named))
        return built.value[0]

    # From the graph to values: each node once, however often it is met.

    def _build(self, node: Any, depth: int = 0) -> _Built:
        known = self._built.get(id(node), _UNSEEN)
        if known is None:
            raise Refused("a value that holds itself")
        if known is not _UNSEEN:
            return known
        if depth > _DEPTH:
            raise Refused(f"values nested more than {_DEPTH} deep")
        self._built[id(node)] = None
        values, count, height, named = [], 1, 0, None
        for part in _parts(node):
            if type(part) in _RECORDS:
                built = self._build(part, depth + 1)
                values.append(built.value)
                count, height, named = count + built.size, max(height, built.height + 1), named or built.named
            else:
                values.append(part)
                count += 1
        if count > LIMIT:
            raise Refused(f"more than {LIMIT:,} values by holding the same ones again and again")
        if height > _DEPTH:
            raise Refused(f"values nested more than {_DEPTH} deep")
        kind = type(node)
        if kind is Global:
            value, named = node, node
        elif kind is Call:
            value, named = self._result(node, values), None
        elif kind is Outside:
            assert self._outside is not None
            value, named = self._outside(values[0]), None
        else:
            value = _MAKERS[kind](values)
        self._built[id(node)] = built = _Built(value, count, height, named)
        return built

    def _result(self, call: Call, values: list[Any]) -> Any:
        arguments, state, items = values[0], values[1], values[2:]
        builder = self._builders[call.function]
        if builder is None:
            raise Refused(f"a call of {call.function}")
        try:
            value = builder(arguments, state, items)
        except (TypeError, IndexError):
            raise Malformed(f"a malformed {call.function.name}") from None
        if isinstance(value, np.ndarray):
            self._left -= value.nbytes
            if self._left < 0:
                raise Refused("more arrays than the file has bytes for")
        return value


_UNSEEN = _Built(None, 0, 0, None)


def _parts(node: Any) -> Iterable[Any]:
    if type(node) is Call:
        return (node.arguments, node.state, *node.items)
    if type(node) is Outside:
        return (node.key,)
    if type(node) is Global:
        return ()
    return node if type(node) in (list, tuple) else node.items


def _dictionary(items: list[Any]) -> dict[Any, Any]:
    if len(items) % 2:
        raise Malformed("a key without a value")
    keys = [_key(key) for key in items[::2]]
    if sum(type(key) is tuple for key in keys) > _TUPLE_KEYS:
        raise Refused(f"a dictionary with more than {_TUPLE_KEYS} tuples as keys")
    return dict(zip(keys, items[1::2], strict=True))


def _set(items: list[Any]) -> set[Any]:
    return set(_dictionary([entry for item in items for entry in (item, None)]))


def _key(value: Any) -> Any:
    """A key of a dictionary: text, or a number whose hash cannot be made to collide with many others."""
    if isinstance(value, np.generic):
        value = value.item()
    if type(value) is tuple and len(value) <= 8:
        return tuple(map(_key, value))
    if type(value) is int and value.bit_length() > 60:
        raise Refused("a key of a dictionary that is a number beyond 60 bits")
    if value is not None and type(value) not in (str, bytes, bool, int, float):
        raise Refused(f"a key of a dictionary that is a {type(value).__name__}")
    return value


_MAKERS: dict[type, Callable[[list[Any]], Any]] = {list: list, tuple: tuple, Dictionary: _dictionary, Set: _set}
_RECORDS = frozenset((*_MAKERS, Call, Global, Outside))


# NumPy's arrays, types and scalars, and what protocols without a word of their own for something call.


def read_array(data: Any, dtype: Any, shape: Any, fortran: bool) -> np.ndarray:
    """Array of checked bytes (a list for a dtype of objects): as many as its type and shape ask for.

    Raises
    ------
    Malformed
        Type, shape and data disagree.
    """
    if not isinstance(dtype, np.dtype):
        raise Malformed("an array of no known type")
    if type(shape) is not tuple or len(shape) > _MAX_AXES or not all(type(n) is int and n >= 0 for n in shape):
        raise Malformed("an array of no possible shape")
    size, order = math.prod(shape), "F" if fortran else "C"
    if not size and max(shape, default=0) > np.iinfo(np.int32).max:
        raise Malformed("an array of no possible shape")
    if type(data) is str:  # written by Python 2
        data = data.encode("latin1")
    if dtype.hasobject:
        return _object_array(data, shape, order)
    if type(data) is not bytes:
        raise Malformed("an array without its data")
    if len(data) != size * dtype.itemsize:
        raise Malformed("an array whose shape and data disagree")
    if not dtype.itemsize:
        array = np.zeros(size, dtype)
    else:
        array = np.frombuffer(data, dtype).copy()
        if dtype.kind == "b":
            array = array.view(np.uint8) != 0
        if dtype.kind == "U" and array.size and array.view(dtype.str[0] + "u4").max() > 0x10FFFF:
            raise Malformed("an array of impossible characters")
    return array.reshape(shape, order=order)


def _object_array(data: Any, shape: tuple[int, ...], order: Literal["C", "F"]) -> np.ndarray:
    if type(data) is not list or len(data) != math.prod(shape):
        raise Malformed("an array whose shape and data disagree")
    array = np.empty(len(data), object)
    for position, value in enumerate(data):  # one by one: NumPy would look into the values
        array[position] = value
    return array.reshape(shape, order=order)


def _reconstruct(arguments: Any, state: Any, items: list[Any]) -> np.ndarray:
    if arguments[0] != Global("numpy", "ndarray") or type(state) is not tuple or len(state) not in (4, 5):
        raise Malformed("an array without its data")
    shape, dtype, fortran, data = state[-4:]
    return read_array(data, dtype, shape, bool(fortran))


def _frombuffer(arguments: Any, state: Any, items: list[Any]) -> np.ndarray:
    data, dtype, shape, order = arguments
    return read_array(data, dtype, shape, order == "F")


def _scalar(arguments: Any, state: Any, items: list[Any]) -> Any:
    dtype, data = arguments
    if isinstance(dtype, np.dtype) and dtype.hasobject:
        raise Refused("a NumPy scalar of type object")
    return read_array(data, dtype, (), False)[()]


def _dtype(arguments: Any, state: Any, items: list[Any]) -> np.dtype:
    text = arguments[0]
    if type(text) is not str or not _PLAIN_DTYPE.fullmatch(text):
        kind = {"M": "datetime64", "m": "timedelta64"}.get(str(text)[:1], str(text)[:40])
        raise Refused(f"a NumPy array of type {kind}")
    try:
        dtype = np.dtype(text)
    except TypeError:
        raise Refused(f"a NumPy array of type {text}") from None
    order = state[1] if type(state) is tuple and len(state) > 1 else "="
    return dtype.newbyteorder(order) if order in ("<", ">") else dtype


def _encode(arguments: Any, state: Any, items: list[Any]) -> bytes:
    """How older protocols write bytes."""
    if type(arguments[0]) is not str:
        raise Malformed("malformed bytes")
    return arguments[0].encode("latin1")


def _bytes(arguments: Any, state: Any, items: list[Any]) -> bytes:
    if not arguments:
        return b""
    return _encode(arguments, state, items) if type(arguments[0]) is str else _only(bytes, arguments)


def _only(kind: type, arguments: Any) -> Any:
    if len(arguments) != 1 or type(arguments[0]) is not kind:
        raise Malformed(f"malformed {kind.__name__}")
    return arguments[0]


def _complex(arguments: Any, state: Any, items: list[Any]) -> complex:
    real, imaginary = arguments
    if type(real) is not float or type(imaginary) is not float:
        raise Malformed("a malformed complex number")
    return complex(real, imaginary)


def _as_set(arguments: Any, state: Any, items: list[Any]) -> set[Any]:
    return _set(_only(list, arguments)) if arguments else set()


def _mapping(arguments: Any, state: Any, items: list[Any]) -> dict[Any, Any]:
    """An ordered dictionary, or one with defaults, as a plain one."""
    given = arguments[0] if arguments else None
    if type(given) is list:  # pairs, as Python 2 writes them
        items = [entry for pair in given for entry in (pair[0], pair[1])] + items
    return _dictionary(items)


def _both(modules: Iterable[str], names: Mapping[str, Builder | None]) -> dict[Global, Builder | None]:
    return {Global(module, name): builder for module in modules for name, builder in names.items()}


NUMPY: dict[Global, Builder | None] = {
    **_both(
        ("builtins", "__builtin__"),
        {
            "set": _as_set, "frozenset": _as_set, "complex": _complex, "bytes": _bytes, "bytearray": _bytes,
            **dict.fromkeys(("dict", "list", "tuple", "int", "long", "float", "bool", "str")),  # of defaults
        },
    ),
    **_both(("_codecs",), {"encode": _encode}),
    **_both(("collections",), {"OrderedDict": _mapping, "defaultdict": _mapping}),
    **_both(("numpy",), {"ndarray": None, "dtype": _dtype}),
    **_both(("numpy.core.multiarray", "numpy._core.multiarray"), {"_reconstruct": _reconstruct, "scalar": _scalar}),
    **_both(("numpy.core.numeric", "numpy._core.numeric"), {"_frombuffer": _frombuffer}),
}  # fmt: skip
"""Classes and functions that may be named; None for those that may be arguments only."""
