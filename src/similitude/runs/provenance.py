"""What results were made with."""

from __future__ import annotations

import contextlib
import platform
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

__all__ = ["command_line", "software"]


def command_line() -> str:
    """Return the command that this process was started by."""
    return " ".join(["similitude", *sys.argv[1:]])


def software(also: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions that values may depend on.

    Parameters
    ----------
    also
        Further packages, such as those that run networks; those that are not installed are left out.
    """
    packages = {name: version(name) for name in ("numpy", "scipy")}
    for name in also:
        if name not in ("similitude", "python"):
            with contextlib.suppress(PackageNotFoundError):
                packages[name] = version(name)
    return {"similitude": version("similitude"), "python": platform.python_version(), **packages}
