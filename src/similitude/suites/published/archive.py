"""Opening the archive without trusting it: a folder, a tar that is read in place, or a compressed tar.

Nothing is ever extracted by the names in a tar. An uncompressed tar is read in place; from a compressed one the files
that belong to the layout are copied into a temporary folder under names of our own. A tar with members that are links
or devices, or that lie outside it, is refused, and so is one that unpacks to far more than measurements do.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO, RawIOBase
from pathlib import Path, PurePosixPath
from typing import IO, cast

import numpy as np

from similitude.errors import FileError
from similitude.representations.allowance import Allowance, check_regular
from similitude.representations.npy_files import read_header
from similitude.suites.published.layout import PART, TOP_FOLDERS

__all__ = ["Archive", "Span", "open_archive"]

GIB = 1 << 30
TABLE_LIMIT = GIB // 4
"""Largest score or distance file, bytes."""
ARRAY_LIMIT = 16 * GIB
"""Largest embedding, bytes."""
MEMBER_LIMIT = 100_000
"""Most members of a tar."""
HEADER_LIMIT = 1 << 20
"""Largest single read that the headers of a tar may ask for, bytes."""
ARRAY_HEADER = 1 << 14
"""Bytes in which the header of an array must end; NumPy refuses longer ones."""
EXPANSION_LIMIT = 100
"""A compressed tar may unpack to this many times its size, and to `GIB` in any case."""


@dataclass(frozen=True)
class Span:
    """Where one file of the archive lies: a stretch of bytes of a real file."""

    file: Path
    offset: int
    size: int


class Archive:
    """Files of the archive by their path below its top folder.

    Parameters
    ----------
    path
        What was opened, for messages.
    parts
        Path such as ``scores/feather/scores.csv`` to where it lies.
    faults
        What is wrong with the archive as a whole, e.g. that it is truncated.
    """

    def __init__(self, path: Path, parts: dict[str, Span], faults: tuple[str, ...] = ()) -> None:
        self.path = path
        self.parts = parts
        self.faults = faults

    def __contains__(self, name: object) -> bool:
        return name in self.parts

    def read(self, name: str) -> bytes:
        """Content of a file.

        Raises
        ------
        FileError
            It is not there, larger than any table is, or truncated.
        """
        part = self._part(name)
        if part.size > TABLE_LIMIT:
            raise FileError(f"{name} is larger than {TABLE_LIMIT >> 20} MiB, which no table of this archive is.")
        return self._bytes(name, part.offset, part.size)

    def array(self, name: str) -> np.ndarray:
        """Array of a ``.npy`` file, memory-mapped and never unpickled.

        Raises
        ------
        FileError
            Missing, truncated, empty, not an array file, or an array of Python objects.
        """
        part = self._part(name)
        head = BytesIO(self._bytes(name, part.offset, min(part.size, ARRAY_HEADER)))
        try:
            header = read_header(head, part.size)
        except ValueError as error:
            raise FileError(f"{name} {error}.") from None
        if not header.nbytes:
            raise FileError(f"{name} has shape {header.shape} and holds no values.")
        Allowance().charge(part.file, header.nbytes, mapped=True)
        order, start = "F" if header.fortran else "C", part.offset + header.start
        return np.memmap(part.file, dtype=header.dtype, mode="r", offset=start, shape=header.shape, order=order)

    def digest(self, names: list[str]) -> str:
        """BLAKE2 digest of the content of some files."""
        digest = hashlib.blake2b(digest_size=16)
        for name in names:
            digest.update(self.read(name))
        return digest.hexdigest()

    def _part(self, name: str) -> Span:
        if name not in self.parts:
            raise FileError(f"{name} is missing from {self.path}.")
        return self.parts[name]

    def _bytes(self, name: str, offset: int, size: int) -> bytes:
        try:
            with open(self.parts[name].file, "rb") as handle:
                handle.seek(offset)
                content = handle.read(size)
        except OSError as error:
            raise FileError(f"{name} cannot be read: {error.strerror or error}.") from None
        if len(content) < size:
            raise FileError(f"{name} is truncated.")
        return content


@contextmanager
def open_archive(path: str | Path, wanted: Callable[[str], bool] = lambda part: True) -> Iterator[Archive]:
    """Open a folder, a ``.tar``, or a ``.tar.gz``.

    Parameters
    ----------
    path
        The archive.
    wanted
        Which parts are needed; only those are unpacked from a compressed tar, for as long as the archive is open.

    Raises
    ------
    FileError
        Not an archive of this layout; members that are links, devices or outside of it; more than the limits allow.
    """
    path = Path(path)
    if path.is_dir():
        yield _checked(Archive(path, _folder_parts(path)))
        return
    check_regular(path)
    if _starts_with(path, b"\x1f\x8b"):
        with tempfile.TemporaryDirectory(prefix="similitude-") as folder:
            yield _checked(_unpack(path, Path(folder), wanted))
    else:
        yield _checked(_index(path))


def _starts_with(path: Path, magic: bytes) -> bool:
    try:
        with open(path, "rb") as handle:
            return handle.read(len(magic)) == magic
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}.") from None


def _checked(archive: Archive) -> Archive:
    if not archive.parts:
        damage = f" ({archive.faults[0]})" if archive.faults else ""
        raise FileError(
            f"{archive.path} holds nothing of the published archive{damage}: there are no {', '.join(TOP_FOLDERS)}. "
            "`similitude reproduce --layout` shows what is expected."
        )
    return archive


def _folder_parts(root: Path) -> dict[str, Span]:
    """Parts of a folder that is the archive, or that holds it as one of its folders."""
    if not any((root / top).is_dir() for top in TOP_FOLDERS):
        inner = [f for f in sorted(root.iterdir()) if f.is_dir() and any((f / top).is_dir() for top in TOP_FOLDERS)]
        if len(inner) > 1:
            raise FileError(f"{root} holds several archives: {', '.join(f.name for f in inner)}. Name one of them.")
        root = inner[0] if inner else root
    patterns = ("embeddings/*/*/*/*/*/rep.npy", "dists/*/*.csv", "scores/*/*", "full_dfs/*/*.csv")
    files = (file for pattern in patterns for file in sorted(root.glob(pattern)) if file.is_file())
    named = ((file.relative_to(root).as_posix(), file) for file in files)
    return {name: Span(file, 0, file.stat().st_size) for name, file in named if PART.fullmatch(name)}


def _index(path: Path) -> Archive:
    """Archive of an uncompressed tar, read in place."""
    parts: dict[str, Span] = {}
    faults: list[str] = []
    with open(path, "rb") as handle:
        for member, part in _members(path, handle, faults):
            if member.offset_data + member.size > path.stat().st_size:
                faults.append(f"{path.name} is truncated within {part}")
            else:
                _add(parts, part, Span(path, member.offset_data, member.size))
    return Archive(path, parts, tuple(dict.fromkeys(faults)))


def _unpack(path: Path, folder: Path, wanted: Callable[[str], bool]) -> Archive:
    """Archive of a compressed tar whose wanted parts are copied into `folder`."""
    parts: dict[str, Span] = {}
    faults: list[str] = []
    limit = max(GIB, EXPANSION_LIMIT * path.stat().st_size)
    with gzip.open(path) as unzipped:
        stream = cast(IO[bytes], unzipped)
        for member, part in _members(path, stream, faults, limit):
            if not wanted(part):
                continue
            if member.size > shutil.disk_usage(folder).free:
                raise FileError(
                    f"No space to unpack {path.name} in {folder.parent}: unpack it yourself, and name the folder."
                )
            target = folder / f"{len(parts)}{PurePosixPath(part).suffix}"
            try:
                with open(target, "wb") as out:
                    stream.seek(member.offset_data)
                    copied = _copy(stream, out, member.size)
            except (EOFError, OSError, zlib.error):
                copied = -1
            if copied < member.size:
                faults.append(f"{path.name} is truncated within {part}")
                break
            _add(parts, part, Span(target, 0, member.size))
    return Archive(path, parts, tuple(dict.fromkeys(faults)))


def _copy(source: IO[bytes], target: IO[bytes], size: int) -> int:
    copied = 0
    while copied < size and (chunk := source.read(min(size - copied, HEADER_LIMIT))):
        target.write(chunk)
        copied += len(chunk)
    return copied


def _members(
    path: Path, stream: IO[bytes], faults: list[str], limit: int | None = None
) -> Iterator[tuple[tarfile.TarInfo, str]]:
    """Members that belong to the layout, with their part names; damage ends them and is added to `faults`."""
    try:
        with tarfile.open(fileobj=cast(IO[bytes], _Guarded(stream, path, limit)), mode="r:") as tar:
            for count, member in enumerate(tar):
                _refuse_unsafe(path, member, count)
                match = PART.fullmatch(member.name.removeprefix("./"))
                if match and member.isreg():
                    _refuse_large(path, member)
                    yield member, match["part"]
    except FileError:
        raise
    except RecursionError:
        raise FileError(f"{path} is refused: its headers are nested too deep.") from None
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError, OverflowError):
        faults.append(f"{path.name} is truncated or damaged")


def _refuse_unsafe(path: Path, member: tarfile.TarInfo, count: int) -> None:
    name = PurePosixPath(member.name)
    if member.size < 0:
        raise FileError(f"{path} is refused: its member {member.name!r} has a negative size.")
    if name.is_absolute() or ".." in name.parts or "\\" in member.name:
        raise FileError(f"{path} is refused: its member {member.name!r} lies outside the archive.")
    if not (member.isreg() or member.isdir()) or member.issparse():
        kind = "a link" if member.issym() or member.islnk() else "neither a file nor a folder"
        raise FileError(f"{path} is refused: its member {member.name!r} is {kind}.")
    if count >= MEMBER_LIMIT:
        raise FileError(f"{path} is refused: it has more than {MEMBER_LIMIT:,} members.")


def _refuse_large(path: Path, member: tarfile.TarInfo) -> None:
    limit = ARRAY_LIMIT if member.name.endswith(".npy") else TABLE_LIMIT
    if member.size > limit:
        raise FileError(
            f"{path} is refused: its member {member.name!r} has {member.size:,} bytes, more than {limit >> 20:,} MiB."
        )


def _add(parts: dict[str, Span], name: str, part: Span) -> None:
    if name in parts:
        raise FileError(f"The archive holds {name} twice; which one counts?")
    parts[name] = part


class _Guarded(RawIOBase):
    """The stream that tar headers are read from: no huge reads, and no position beyond the limit."""

    def __init__(self, stream: IO[bytes], path: Path, limit: int | None) -> None:
        self._stream = stream
        self._path = path
        self._limit = limit

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > HEADER_LIMIT:
            raise FileError(f"{self._path} is refused: a header of {size:,} bytes.")
        return self._stream.read(size)

    def seek(self, position: int, whence: int = 0) -> int:
        if self._limit is not None and position > self._limit:
            raise FileError(
                f"{self._path} is refused: it unpacks to more than {EXPANSION_LIMIT} times its size. "
                "If you trust it, unpack it yourself and name the folder."
            )
        return self._stream.seek(position, whence)

    def tell(self) -> int:
        return self._stream.tell()
