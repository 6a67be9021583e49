"""What results were made with."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version

__all__ = ["command_line", "software"]


def command_line() -> str:
    """Return the command that this process was started by."""
    return " ".join(["similitude", *sys.argv[1:]])


def software() -> dict[str, str]:
    """Return the versions that values may depend on."""
    packages = {name: version(name) for name in ("numpy", "scipy")}
    return {"similitude": version("similitude"), "python": platform.python_version(), **packages}
