"""The machine that a pickle is a program for, reduced to data: classes, functions and calls become inert records.

Opcodes are read by `pickletools`. Nothing is imported or called, no method of an object that a pickle made is run but
`extend` of a list, and the number of opcodes, containers and remembered values is bounded.
"""

from __future__ import annotations

import codecs
import io
import pickletools
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from similitude.representations.allowance import Malformed
from similitude.representations.names import printable

__all__ = ["LIMIT", "Call", "Dictionary", "Global", "Outside", "Refused", "Set", "UnknownClass", "interpret"]

LIMIT = 20_000_000
"""Most opcodes of a pickle."""
_RECORDS = 2_000_000
"""Most containers and texts, and most remembered values."""
_INTEGER = 128
"""Longest whole number, bytes."""


class Refused(Exception):
    """Something in a pickle that is not plain data; the text completes "it holds"."""


class UnknownClass(Refused):
    """A class or function that is not known to stand for plain data."""


class Global(NamedTuple):
    """A class or function that a pickle names."""

    module: str
    name: str

    def __str__(self) -> str:
        return printable(f"{self.module}.{self.name}"[:200])


@dataclass(slots=True, eq=False)
class Call:
    """A call of a class or function that a pickle asks for, and what it fills the result with."""

    function: Global
    arguments: Any
    state: Any = None
    items: list[Any] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Dictionary:
    """Keys and values in turn; they are not hashed before they are known to be plain."""

    items: list[Any] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Set:
    """Elements, not hashed either."""

    items: list[Any] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Outside:
    """An object that lies outside of the pickle."""

    key: Any


def interpret(stream: io.BytesIO, known: Container[Global], *, outside: bool = False) -> Any:
    """Graph of plain values and records of the pickle at the position of a stream.

    Parameters
    ----------
    stream
        Where the pickle lies, held in memory.
    known
        Classes and functions that it may name.
    outside
        Whether it may refer to objects outside of it.

    Raises
    ------
    Refused
        It holds something else, or too much.
    Malformed
        It is damaged.
    """
    return _Machine(stream, known, outside).run()


class _Machine:
    """Stack, marks and memo; one method per opcode."""

    def __init__(self, stream: io.BytesIO, known: Container[Global], outside: bool) -> None:
        self._stream = stream
        self._known = known
        self._outside = outside
        self._stack: list[Any] = []
        self._marked: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._records = 0

    def run(self) -> Any:
        """Graph of plain values and records."""
        table = [(reader, getattr(self, f"_do_{name}", None), name) for reader, name in _READERS]
        read = self._stream.read
        for _ in range(LIMIT):
            code = read(1)
            if not code:
                raise Malformed("it ends in the middle")
            reader, action, name = table[code[0]]
            if name == "STOP":
                return self._pop()
            if action is None:
                raise Malformed(f"there is no opcode {code!r}") if not name else Refused(f"the opcode {name}")
            if reader is None:
                action()
            else:
                try:
                    argument = reader(self._stream)
                except UnicodeDecodeError:
                    raise Malformed("text that is not UTF-8") from None
                except (ValueError, OverflowError):
                    raise Malformed("a value that is cut short or malformed") from None
                action(argument)
        raise Refused(f"more than {LIMIT:,} values")

    # The stack. Every opcode that makes something that can hold others passes through `_new`.

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _new(self, value: Any) -> None:
        self._records += 1
        if self._records > _RECORDS:
            raise Refused(f"more than {_RECORDS:,} containers and texts")
        self._stack.append(value)

    def _pop(self) -> Any:
        if not self._stack:
            raise Malformed("a value is missing")
        return self._stack.pop()

    def _top(self) -> Any:
        if not self._stack:
            raise Malformed("a value is missing")
        return self._stack[-1]

    def _since_mark(self) -> list[Any]:
        if not self._marked:
            raise Malformed("a mark is missing")
        values, self._stack = self._stack, self._marked.pop()
        return values

    def _do_MARK(self) -> None:
        self._marked.append(self._stack)
        if len(self._marked) > _RECORDS:
            raise Refused(f"more than {_RECORDS:,} containers and texts")
        self._stack = []

    def _do_POP(self) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._since_mark()

    def _do_POP_MARK(self) -> None:
        self._since_mark()

    def _do_DUP(self) -> None:
        self._push(self._top())

    def _do_PROTO(self, version: int) -> None:
        if version > 5:
            raise Malformed(f"protocol {version}")

    def _do_FRAME(self, size: int) -> None:
        """Frames only help those who read from a disk."""

    # Values.

    def _do_NONE(self) -> None:
        self._push(None)

    def _do_NEWTRUE(self) -> None:
        self._push(True)

    def _do_NEWFALSE(self) -> None:
        self._push(False)

    def _do_LONG(self, value: int) -> None:
        if value.bit_length() > 8 * _INTEGER:
            raise Refused(f"a whole number of more than {_INTEGER} bytes")
        self._push(value)

    _do_INT = _do_LONG1 = _do_LONG4 = _do_LONG
    _do_BININT = _do_BININT1 = _do_BININT2 = _do_FLOAT = _do_BINFLOAT = _push
    _do_STRING = _do_BINSTRING = _do_SHORT_BINSTRING = _new
    _do_UNICODE = _do_SHORT_BINUNICODE = _do_BINUNICODE = _do_BINUNICODE8 = _new
    _do_BINBYTES = _do_SHORT_BINBYTES = _do_BINBYTES8 = _new

    def _do_BYTEARRAY8(self, value: bytearray) -> None:
        self._new(bytes(value))

    # Containers.

    def _do_EMPTY_LIST(self) -> None:
        self._new([])

    def _do_EMPTY_TUPLE(self) -> None:
        self._push(())

    def _do_EMPTY_DICT(self) -> None:
        self._new(Dictionary())

    def _do_EMPTY_SET(self) -> None:
        self._new(Set())

    def _do_LIST(self) -> None:
        self._new(self._since_mark())

    def _do_TUPLE(self) -> None:
        self._new(tuple(self._since_mark()))

    def _do_TUPLE1(self) -> None:
        self._new((self._pop(),))

    def _do_TUPLE2(self) -> None:
        second = self._pop()
        self._new((self._pop(), second))

    def _do_TUPLE3(self) -> None:
        third, second = self._pop(), self._pop()
        self._new((self._pop(), second, third))

    def _do_DICT(self) -> None:
        self._new(Dictionary(self._since_mark()))

    def _do_FROZENSET(self) -> None:
        self._new(Set(self._since_mark()))

    def _do_APPEND(self) -> None:
        value = self._pop()
        self._extend((value,), (list,))

    def _do_APPENDS(self) -> None:
        self._extend(self._since_mark(), (list,))

    def _do_ADDITEMS(self) -> None:
        self._extend(self._since_mark(), (Set,))

    def _do_SETITEM(self) -> None:
        value, key = self._pop(), self._pop()
        self._extend((key, value), (Dictionary, Call))

    def _do_SETITEMS(self) -> None:
        self._extend(self._since_mark(), (Dictionary, Call))

    def _extend(self, values: Iterable[Any], kinds: tuple[type, ...]) -> None:
        target = self._top()
        if type(target) not in kinds:
            raise Malformed("values for something that is no container")
        (target if type(target) is list else target.items).extend(values)

    # The memo.

    def _do_PUT(self, key: int) -> None:
        if not 0 <= key <= LIMIT or len(self._memo) > _RECORDS:
            raise Malformed("impossible memo number")
        self._memo[key] = self._top()

    _do_BINPUT = _do_LONG_BINPUT = _do_PUT

    def _do_MEMOIZE(self) -> None:
        self._do_PUT(len(self._memo))

    def _do_GET(self, key: int) -> None:
        if key not in self._memo:
            raise Malformed("a value that was never kept")
        self._push(self._memo[key])

    _do_BINGET = _do_LONG_BINGET = _do_GET

    # Classes, functions, and calls.

    def _do_GLOBAL(self, text: str) -> None:
        module, _, name = text.partition(" ")
        self._name(module, name)

    def _do_STACK_GLOBAL(self) -> None:
        name, module = self._pop(), self._pop()
        if type(name) is not str or type(module) is not str:
            raise Malformed("a class without a name")
        self._name(module, name)

    def _name(self, module: str, name: str) -> None:
        named = Global(module, name)
        if named not in self._known:
            raise UnknownClass(str(named)[:200])
        self._new(named)

    def _do_REDUCE(self) -> None:
        arguments = self._pop()
        self._call(self._pop(), arguments)

    _do_NEWOBJ = _do_REDUCE

    def _do_OBJ(self) -> None:
        function, *arguments = self._since_mark() or [None]
        self._call(function, tuple(arguments))

    def _do_INST(self, text: str) -> None:
        arguments = self._since_mark()
        self._do_GLOBAL(text)
        self._call(self._pop(), tuple(arguments))

    def _call(self, function: Any, arguments: Any) -> None:
        if type(function) is not Global or type(arguments) is not tuple:
            raise Malformed("a call of something that is no function")
        self._new(Call(function, arguments))

    def _do_BUILD(self) -> None:
        state, target = self._pop(), self._top()
        if type(target) is not Call or target.state is not None:
            raise Malformed("a state for something that has none")
        target.state = state

    def _do_BINPERSID(self) -> None:
        if not self._outside:
            raise Refused("objects that lie outside of it")
        self._new(Outside(self._pop()))


def _python2_string(stream: io.BytesIO) -> str:
    """Quoted text of a pickle of Python 2, byte by byte."""
    line = stream.readline()
    if len(line) < 3 or line[:1] not in (b"'", b'"') or line[-2:] != line[:1] + b"\n":
        raise Malformed("text without its quotes")
    return codecs.escape_decode(line[1:-2])[0].decode("latin1")  # type: ignore[attr-defined]


def _readers() -> list[tuple[Callable[[Any], Any] | None, str]]:
    """Reader of the argument, and name, of the opcode of each byte."""
    found: list[tuple[Callable[[Any], Any] | None, str]] = [(None, "")] * 256
    for opcode in pickletools.opcodes:
        reader = None if opcode.arg is None else opcode.arg.reader
        found[ord(opcode.code)] = (_python2_string if opcode.name == "STRING" else reader, opcode.name)
    return found


_READERS = _readers()
