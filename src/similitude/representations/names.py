"""Names as they come in files: their natural order, and their form in which a terminal can show them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["first_repeated", "natural", "printable", "readable"]

_CONTROL = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def natural(name: str) -> list[tuple[int, str]]:
    """Key of an order in which layer10 comes after layer2."""
    parts = re.split(r"(\d+)", name)
    return [(len(part.lstrip("0")), part.lstrip("0")) if i % 2 else (-1, part) for i, part in enumerate(parts)]


def readable(name: str) -> str:
    r"""Return a name as text that can be written anywhere: bytes of a file name that are not UTF-8 become ``\xff``.

    Examples
    --------
    >>> print(readable("net\udcff"))
    net\xff
    """
    return re.sub("[\ud800-\udfff]", _escaped, name)


def _escaped(surrogate: re.Match[str]) -> str:
    code = ord(surrogate[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def printable(text: str, keep: str = "") -> str:
    r"""Text in which characters that steer a terminal, or that it cannot show, are written as ``\x1b``.

    Parameters
    ----------
    text
        Any text, as it lies in a file.
    keep
        Characters that are left as they are, such as a line break.
    """
    if text.isprintable():
        return text
    return "".join(c if c in keep or unicodedata.category(c) not in _CONTROL else ascii(c)[1:-1] for c in text)


def first_repeated(names: Iterable[str]) -> tuple[str, ...]:
    """The first name that occurs twice, if any does: none or one."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return (name,)
        seen.add(name)
    return ()
