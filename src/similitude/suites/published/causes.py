"""Failures of many things that share one cause, told once."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["by_cause", "causes"]


def causes(failed: Iterable[tuple[str, str]]) -> list[tuple[list[str], str]]:
    """Group failures by cause: two have the same if their messages differ only in numbers, paths and names.

    Parameters
    ----------
    failed
        Name of what failed, and the message.

    Returns
    -------
    list
        Names and the first message per cause.
    """
    found: dict[str, tuple[list[str], str]] = {}
    for name, message in failed:
        cause = re.sub(rf"\S*/\S*|\d+|{re.escape(name)}", "*", message)
        found.setdefault(cause, ([], message))[0].append(name)
    return list(found.values())


def by_cause(failed: Iterable[tuple[str, str]], became: str, named: int = 4) -> list[str]:
    """Return one line per cause.

    Parameters
    ----------
    failed
        Name of what failed, and the message.
    became
        What has become of it, such as ``"cannot be graded"``.
    named
        Number of names that a line may have; where there are more, all but the first are counted.

    Examples
    --------
    >>> by_cause([("a", "a/0.npy is torn."), ("b", "b/1.npy is torn.")], "cannot be read")
    ['a, b cannot be read: a/0.npy is torn. The others likewise.']
    """
    lines = []
    for names, message in causes(failed):
        shown = ", ".join(names) if len(names) <= named else f"{names[0]} (and {len(names) - 1} more)"
        lines.append(f"{shown} {became}: {message}" + (" The others likewise." if len(names) > 1 else ""))
    return lines
