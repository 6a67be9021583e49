"""Values over training, in a file that is appended to and that a killed run can go on with."""

from __future__ import annotations

import csv
import io
import math
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from similitude.errors import FileError, SimilitudeWarning

__all__ = ["Row", "ValueLog"]


class Row(NamedTuple):
    """One value: of a layer at a training step, compared with a reference by a measure; NaN where it failed."""

    step: int
    layer: str
    reference: str
    measure: str
    value: float

    @property
    def curve(self) -> tuple[str, str, str]:
        """The curve that it belongs to: layer, reference and measure."""
        return self[1:4]


class ValueLog:
    """Rows in memory and, if there is a file, in a CSV file with a header.

    The rows of a step are written at once and brought to the disk. A line that a kill has cut short is dropped when the
    file is opened again.

    Parameters
    ----------
    path
        The file; None to keep rows in memory only.
    resume
        Whether rows of an existing file are kept; without it, they are an error.

    Raises
    ------
    FileError
        The file holds values already and `resume` is not set, is no such table, or cannot be written.
    """

    def __init__(self, path: str | Path | None, *, resume: bool = False) -> None:
        self.path = None if path is None else Path(path)
        self.rows: list[Row] = []
        self._behind = False
        if self.path is None:
            return
        if self.path.exists():
            self.rows = self._read(self.path)
            if self.rows and not resume:
                raise FileError(
                    f"{self.path} holds values already. Continue it with resume=True and start=STEP, or name another "
                    "file."
                )
        else:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise FileError(f"{self.path} cannot be written: {error.strerror}. Name another file.") from None
        self._rewrite()

    def keep_until(self, step: int) -> None:
        """Drop the rows of later steps, which training does again."""
        kept = [row for row in self.rows if row.step <= step]
        if len(kept) < len(self.rows):
            self.rows = kept
            self._rewrite()

    def add(self, rows: Iterable[Row]) -> None:
        """Append the rows of a step; where the file cannot be written, warn, and try again with the next."""
        new = list(rows)
        self.rows += new
        if self.path is None:
            return
        try:
            if self._behind:
                self._rewrite()
            else:
                self._write(self.path, "a", _text(new))
            self._behind = False
        except FileError as error:  # training is worth more than its log
            if not self._behind:
                text = f"{error} Until then values are kept in memory only."
                warnings.warn(text, SimilitudeWarning, stacklevel=5)
            self._behind = True

    def to_frame(self) -> pd.DataFrame:
        """Return one row per value, with the columns of the file."""
        return pd.DataFrame(self.rows, columns=list(Row._fields)).astype({"step": int, "value": float})

    def _rewrite(self) -> None:
        """Write all rows to another file that then takes the place of this one."""
        if self.path is not None:
            beside = self.path.with_name(f"{self.path.name}.tmp")
            self._write(beside, "w", _text([Row._fields, *self.rows]))
            os.replace(beside, self.path)

    def _write(self, path: Path, mode: str, text: str) -> None:
        try:
            with path.open(mode, encoding="utf-8", newline="") as handle:
                handle.write(text)
                handle.flush()
                os.fsync(handle.fileno())
        except OSError as error:
            raise FileError(f"{self.path} cannot be written: {error.strerror}. Make room, or name another.") from None

    def _read(self, path: Path) -> list[Row]:
        try:
            text = path.read_bytes().decode("utf-8")
        except OSError as error:
            raise FileError(f"{path} cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError:
            text = "no text"
        whole, _, _ = text.rpartition("\n")  # what follows the last line break was cut short
        header, *entries = csv.reader(io.StringIO(whole)) if text else [list(Row._fields)]
        if tuple(header) != Row._fields:
            raise FileError(
                f"{path} is no log of a SimilarityMonitor, whose columns are {', '.join(Row._fields)}. Name another "
                "file."
            )
        try:
            return [
                Row(int(step), layer, reference, measure, float(value or "nan"))
                for step, layer, reference, measure, value in entries
            ]
        except ValueError:
            raise FileError(f"{path} is damaged: a row is no step, three names and a value.") from None


def _text(rows: Iterable[tuple]) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    for row in rows:
        writer.writerow(["" if isinstance(cell, float) and math.isnan(cell) else cell for cell in row])
    return written.getvalue()
