"""Files and folders under a hidden name while they are written, and what a killed writer leaves of them."""

from __future__ import annotations

import os
import shutil
import socket
import time
import uuid
from pathlib import Path

__all__ = ["remove_abandoned", "unfinished"]

_OLD = 24 * 60 * 60
"""Seconds after which nobody is thought to write what cannot be traced to a process of this machine."""


def unfinished(target: Path) -> Path:
    """A name beside a target, to be renamed to it when it is whole; it says who writes."""
    return target.with_name(f".{target.name}.{_machine()}.{os.getpid()}.{uuid.uuid4().hex}.partial")


def remove_abandoned(folder: Path) -> None:
    """Remove from a folder what is unfinished and has no living writer.

    A writer on this machine lives as long as its process; what another machine wrote is left for a day.
    """
    for path in folder.glob(".*.partial"):
        if _is_abandoned(path):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _is_abandoned(path: Path) -> bool:
    *_, machine, process, _, _ = ("", "", *path.name.split("."))  # empty for names of another making
    if machine == _machine() and process.isdecimal():
        return not _lives(int(process))
    try:
        return time.time() - path.stat().st_mtime > _OLD
    except FileNotFoundError:  # finished in the meantime
        return False


def _lives(process: int) -> bool:
    if os.name == "nt":  # where asking is interrupting
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        pass
    return True


def _machine() -> str:
    return socket.gethostname().replace(".", "-")
