"""Names as they come in files: their natural order, and their form in which a terminal can show them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

__all__ = ["first_repeated", "natural", "printable"]

_CONTROL = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def natural(name: str) -> list[tuple[int, str]]:
    """Key of an order in which layer10 comes after layer2."""
    parts = re.split(r"(\d+)", name)
    return [(len(part.lstrip("0")), part.lstrip("0")) if i % 2 else (-1, part) for i, part in enumerate(parts)]


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
