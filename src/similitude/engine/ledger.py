"""The ledger of finished values: what has been computed is never computed again, and never lost.

A SQLite database in WAL mode. A value is keyed by the content hashes of the two sides in order, the measure's id and
its version, so that it can be reused wherever the same data meet the same measure, and is never reused for others.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from similitude.errors import FileError

__all__ = ["Entry", "Key", "Ledger"]

_APPLICATION_ID = 0x73696D69  # "simi"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS finished (
    x TEXT NOT NULL, y TEXT NOT NULL, measure TEXT NOT NULL, version TEXT NOT NULL,
    value REAL, seconds REAL NOT NULL, failure TEXT,
    PRIMARY KEY (x, y, measure, version)
) WITHOUT ROWID
"""
_WANTED = "CREATE TEMP TABLE IF NOT EXISTS wanted (x TEXT, y TEXT, measure TEXT, version TEXT)"


class Key(NamedTuple):
    """What a value is of: content hashes of both sides, measure id, measure version."""

    x: str
    y: str
    measure: str
    version: str


class Entry(NamedTuple):
    """A finished value, or the reason why there is none."""

    value: float | None
    seconds: float
    failure: str | None = None
    lasting: bool = True
    """False for a failure of this machine, such as a lack of memory, which a ledger does not keep."""


class Ledger:
    """Opens or creates the database at `path`; several threads and processes may read and write at once.

    Parameters
    ----------
    path
        The file; SQLite keeps two more beside it (``-wal``, ``-shm``) while it is open.

    Raises
    ------
    FileError
        The file is damaged or not a ledger (it is left as it is), or the disk is full.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = threading.RLock()
        with self._errors():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(self.path, timeout=60, isolation_level=None, check_same_thread=False)
            try:
                self._open()
            except BaseException:
                self._database.close()
                raise

    def _open(self) -> None:
        owner = self._database.execute("PRAGMA application_id").fetchone()[0]
        empty = not self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if owner != _APPLICATION_ID and not (owner == 0 and empty):
            raise FileError(f"{self.path} is a database of another program; choose another file.")
        self._database.execute("PRAGMA temp_store = MEMORY")
        self._database.execute(_WANTED)
        if not self._is_ready():
            # One process creates it; the others wait here until it has.
            self._database.execute("PRAGMA journal_mode = WAL")
            with self._transaction():
                self._database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                self._database.execute(_SCHEMA)
        self._database.execute("PRAGMA synchronous = NORMAL")

    def _is_ready(self) -> bool:
        return bool(self._database.execute("SELECT 1 FROM sqlite_master WHERE name = 'finished'").fetchone())

    def find(self, keys: Iterable[Key]) -> dict[Key, Entry]:
        """The entries that exist for these keys."""
        with self._lock, self._errors():
            self._database.execute("BEGIN")
            try:
                self._database.executemany("INSERT INTO wanted VALUES (?, ?, ?, ?)", set(keys))
                found = self._database.execute("SELECT * FROM wanted JOIN finished USING (x, y, measure, version)")
                return {Key(*row[:4]): Entry(*row[4:]) for row in found}
            finally:
                self._database.execute("ROLLBACK")  # leaves `wanted` empty

    def add(self, entries: Iterable[tuple[Key, Entry]]) -> None:
        """Write lasting entries in one transaction; it is whole on disk, or not there."""
        rows = [(*key, entry.value, entry.seconds, entry.failure) for key, entry in entries if entry.lasting]
        with self._lock, self._errors(), self._transaction():
            self._database.executemany("INSERT OR REPLACE INTO finished VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def __len__(self) -> int:
        with self._lock, self._errors():
            return self._database.execute("SELECT count(*) FROM finished").fetchone()[0]

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            reason = str(error)
            if "full" in reason:
                message = f"The disk is full: {self.path} keeps what was written before. Free space and run again."
            elif "locked" in reason:
                message = f"{self.path} is held by another process for more than a minute. Wait for it, or stop it."
            else:
                message = f"{self.path} cannot be used as a ledger ({reason}). Move it away to start a new one."
            raise FileError(message) from error
        except OSError as error:
            raise FileError(f"{self.path}: {error.strerror or error}") from error
