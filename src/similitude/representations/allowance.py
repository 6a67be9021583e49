"""How much memory files may take: looked up in their headers, and refused before anything is read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from similitude.errors import FileError

__all__ = ["MEMORY", "Allowance", "Malformed", "check_regular", "size_on_disk"]

MEMORY = 2 << 30
"""Bytes that the arrays of files may take, unless told otherwise."""

_SMALL = 256 << 20
"""What any file may expand to, bytes."""
_USUAL = 4
"""A file that expands no more than this is limited by the machine alone."""
_EXPANSION = 100
"""No file of measurements expands more than this."""


class Malformed(ValueError):
    """Content that the format of a file does not allow; the text, in our words, can be shown to users."""


def check_regular(path: Path) -> None:
    """Refuse a path that is not a regular file: reading a pipe or device could wait forever.

    Raises
    ------
    FileError
        Missing, a folder, a pipe, a socket or a device.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise FileError(f"{path} does not exist.") from None
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}.") from None
    if stat.S_ISDIR(mode):
        raise FileError(f"{path} is a folder, not a file.")
    if not stat.S_ISREG(mode):
        raise FileError(f"{path} is a pipe, a socket or a device, not a file.")


def size_on_disk(path: Path) -> int:
    """Bytes that a file takes on disk; those of a sparse file are fewer than its length."""
    found = path.stat()
    return min(found.st_size, 512 * found.st_blocks) if hasattr(found, "st_blocks") else found.st_size


class Allowance:
    """Memory for the arrays of one or several files.

    A file whose arrays take little more than the file itself is limited by the memory of the machine alone; one that
    expands is limited by `memory`, and one that expands a hundredfold by 256 MiB.

    Parameters
    ----------
    memory
        Bytes.
    """

    def __init__(self, memory: int = MEMORY) -> None:
        self.memory = memory
        self._declared = 0
        self._on_disk = 0

    def charge(self, path: Path, nbytes: int, *, mapped: bool = False) -> None:
        """Take off what a file declares to hold, before it is read.

        Parameters
        ----------
        path
            The file.
        nbytes
            Bytes that its arrays take in memory.
        mapped
            Whether they stay on disk and are read piece by piece.

        Raises
        ------
        FileError
            It is too much.
        """
        disk = size_on_disk(path)
        if mapped:
            if nbytes > max(_SMALL, _USUAL * disk):
                raise FileError(
                    f"{path} declares {_size(nbytes)} and takes {_size(disk)} on disk: almost all of it is a hole in a "
                    "sparse file. Save the array again."
                )
            return
        self._declared += nbytes
        self._on_disk += disk
        usual = min(_USUAL * self._on_disk, _machine())
        allowed = max(min(self.memory, max(_EXPANSION * self._on_disk, _SMALL)), usual)
        if self._declared <= allowed:
            return
        if self._declared <= self.memory:
            cure = "No measurements shrink that much; if these do, save them as .npy, which is not compressed."
        else:
            cure = "Allow more (--memory, or memory=), or save it as .npy, which is read piece by piece."
        raise FileError(
            f"{path} takes {_size(disk)} on disk and would take {_size(nbytes)} in memory; {_size(allowed)} are "
            f"allowed here. {cure}"
        )


def _machine() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return MEMORY


def _size(nbytes: int) -> str:
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if nbytes >= unit:
            return f"{nbytes / unit:,.3g} {name}"
    return f"{nbytes} bytes"
