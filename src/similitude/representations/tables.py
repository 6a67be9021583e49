"""CSV tables: read as text cells within bounds, and written so that no cell is taken for a formula."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from similitude.errors import FileError
from similitude.representations.allowance import check_regular
from similitude.representations.names import first_repeated, printable

__all__ = ["check_table", "plain", "plain_records", "read_cells", "read_written", "write_csv"]

_LONGEST = 256 << 20
"""Largest table, bytes."""
_MOST_COLUMNS = 10_000
_MOST_CELLS = 20_000_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def check_table(content: bytes, name: str) -> str:
    """Refuse what is no table of text, or larger than any; return what its cells are separated by.

    Raises
    ------
    FileError
        Not text in UTF-8, empty, or too many bytes, columns or cells.
    """
    if len(content) > _LONGEST:
        raise FileError(f"{name} is refused: it is larger than {_LONGEST >> 20} MiB, which no table of scores is.")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise FileError(f"{name} is text in UTF-16. Save it as CSV in UTF-8.")
    if b"\0" in content:
        raise FileError(f"{name} is not a table: it holds bytes that are no text.")
    if not content.strip():
        raise FileError(f"{name} is empty. It should be a CSV table whose first row names its columns.")
    header = content.partition(b"\n")[0]
    separator = max((b",", b";", b"\t"), key=header.count)
    if header.count(separator) >= _MOST_COLUMNS:
        raise FileError(f"{name} is refused: it has more than {_MOST_COLUMNS:,} columns.")
    if content.count(separator) + content.count(b"\n") > _MOST_CELLS:
        raise FileError(f"{name} is refused: it has more than {_MOST_CELLS:,} cells.")
    return separator.decode()


def read_cells(file: str | Path) -> tuple[pd.DataFrame, str]:
    """Cells of a CSV file as text, without the space around them, and what separates them: ``,``, ``;`` or a tab.

    Raises
    ------
    FileError
        Missing, not a table, rows longer than the first, or two columns of the same name. The message names the file.
    """
    file = Path(file)
    check_regular(file)
    if file.stat().st_size > _LONGEST:
        check_table(bytes(_LONGEST + 1), str(file))
    try:
        content = file.read_bytes()
    except OSError as error:
        raise FileError(f"{file} cannot be read: {error.strerror or error}.") from None
    separator = check_table(content, str(file))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise FileError(f"{file}, line {line}, is not text in UTF-8. Save it as CSV in UTF-8.") from None
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append([cell.strip() for cell in row])
            if len(row) > len(rows[0] if rows else row):
                raise FileError(f"{file}, line {reader.line_num}, has {len(row):,} cells for {len(rows[0]):,} columns.")
    except csv.Error:
        raise FileError(
            f"{file}, line {reader.line_num}, is not CSV: a quote is not closed, or a cell is too long."
        ) from None
    if not rows:
        raise FileError(f"{file} is empty. It should be a CSV table whose first row names its columns.")
    names, *body = rows
    if twice := first_repeated(name for name in names if name):
        raise FileError(f"{file} has two columns that are called {twice[0]!r}.")
    return pd.DataFrame([row + [""] * (len(names) - len(row)) for row in body], columns=names, dtype=str), separator


def write_csv(frame: pd.DataFrame, file: str | Path, **options: Any) -> None:
    """Write a frame without its index; a text that a spreadsheet would take for a formula gets a ``'`` before it."""
    safe = frame.rename(columns=lambda name: _cell(str(name)))
    for position, kind in enumerate(safe.dtypes):
        if pd.api.types.is_object_dtype(kind) or isinstance(kind, pd.StringDtype):
            safe.isetitem(position, safe.iloc[:, position].map(_cell).to_numpy())
    safe.to_csv(file, index=False, errors="backslashreplace", **options)


def read_written(file: Path, **options: Any) -> pd.DataFrame:
    """Frame of a file of `write_csv`, texts as they were; empty if there is none.

    Raises
    ------
    FileError
        The file is not a table.
    """
    if not file.exists():
        return pd.DataFrame()
    check_regular(file)
    content = file.read_bytes()
    if not content.strip():
        return pd.DataFrame()
    check_table(content, str(file))
    try:
        frame = pd.read_csv(io.BytesIO(content), **options)
    except (ValueError, OverflowError):
        raise FileError(f"{file} is not a table of a run; it may be damaged or cut short.") from None
    for position, kind in enumerate(frame.dtypes):
        if pd.api.types.is_object_dtype(kind) or isinstance(kind, pd.StringDtype):
            frame.isetitem(position, frame.iloc[:, position].map(_as_it_was).to_numpy())
    return frame.rename(columns=_as_it_was)


def _cell(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    return printable(f"'{cell}" if cell.startswith(_FORMULA) else cell, keep="\n")


def plain(value: Any, digits: int | None = None) -> Any:
    """Value, or array, as JSON has it: Python's own types, None for what is missing, undefined or infinite.

    Parameters
    ----------
    value
        Number, text, or array of numbers.
    digits
        Number of decimals of floats; None for all of them.
    """
    if isinstance(value, np.ndarray):
        return [plain(entry, digits) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    if value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return round(value, digits) if isinstance(value, float) and digits is not None else value


def _as_it_was(cell: object) -> object:
    return cell[1:] if isinstance(cell, str) and cell.startswith(tuple(f"'{sign}" for sign in _FORMULA)) else cell


def plain_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a data frame as dictionaries that JSON can hold, see `plain`."""
    return [{str(k): plain(v) for k, v in row.items()} for row in frame.to_dict("records")]
