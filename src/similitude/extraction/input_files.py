"""Inputs to show to networks, from files: texts, columns of tables, arrays, folders of images."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from similitude.errors import FileError, InputError, SimilitudeWarning, UnknownName, require, suggestion
from similitude.extraction.images import ImageFiles, Preparation, find_images
from similitude.extraction.texts import TEXT_KEYS
from similitude.representations.allowance import check_regular
from similitude.representations.files import SUFFIXES, load_arrays

__all__ = ["FileInputs", "load_inputs"]

_TABLES = (".csv", ".jsonl", ".parquet")
_IDS = ("ids", "id")
_LABELS = ("label", "labels", "class", "target")


@dataclass(frozen=True)
class FileInputs:
    """Inputs of a file or folder.

    Parameters
    ----------
    values
        Texts, an array, a dict of arrays by name, or batches of images, as `similitude.extract` takes them.
    ids, labels
        Names and classes of the inputs, if the file has them.
    """

    values: Any
    ids: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None


def load_inputs(
    path: str | Path, column: str | None = None, preparation: Preparation | None = None, batch_size: int = 32
) -> FileInputs:
    """Read inputs from a file or folder.

    Parameters
    ----------
    path
        A ``.txt`` file with one text per line, also empty ones; a ``.csv``, ``.jsonl`` or ``.parquet`` table with a
        column of texts; a file of arrays; or a folder of images, whose subfolders are their labels.
    column
        The column of texts, where there are several.
    preparation
        How images are prepared.
    batch_size
        Images per batch.

    Raises
    ------
    FileError
        The file is missing, damaged, or of no such kind.
    InputError
        Several columns of texts and none is named; images, and nothing says how large they should be.
    UnknownName
        There is no such column.
    """
    path = Path(path)
    if path.is_dir():
        return _of_folder(path, preparation, batch_size)
    check_regular(path)
    if path.suffix.lower() == ".txt":
        return FileInputs(_lines(path))
    if path.suffix.lower() in _TABLES:
        frame = _table(path)
        texts = [name for name in frame.columns if _is_text(frame[name]) and name not in (*_IDS, *_LABELS)]
        if column is not None or texts:
            return _of_column(path, frame, texts, column)
        if path.suffix.lower() != ".parquet":
            numbers = frame.drop(columns=[name for name in (*_IDS, *_LABELS) if name in frame.columns])
            if numbers.empty:
                raise FileError(f"{path} has no column of texts or numbers.")
            return FileInputs(numbers.to_numpy(float), _strings(frame, _IDS), _strings(frame, _LABELS))
    if path.suffix.lower() not in SUFFIXES:
        raise FileError(
            f"{path}: inputs are a .txt file with one text per line, a table of texts ({', '.join(_TABLES)}), arrays "
            f"in {', '.join(SUFFIXES)}, or a folder of images."
        )
    arrays = load_arrays(path)
    ids = arrays[0].ids if arrays else None
    named = {array.layer: array.values for array in arrays}
    if len(named) == 1 and next(iter(named)) in ("", "arr_0"):
        return FileInputs(next(iter(named.values())), ids)
    return FileInputs(named, ids)


def _of_folder(path: Path, preparation: Preparation | None, batch_size: int) -> FileInputs:
    files = find_images(path)
    if preparation is None:
        raise InputError(
            "Nothing says how the network wants its images. State it: --image-size 224, and --image-mean and "
            "--image-std as in training."
        )
    inside = [file.relative_to(path) for file in files]
    labels = tuple(file.parts[0] for file in inside) if all(len(file.parts) > 1 for file in inside) else None
    return FileInputs(ImageFiles(files, preparation, batch_size), tuple(file.as_posix() for file in inside), labels)


def _lines(path: Path) -> list[str]:
    """Texts of a file; only line feeds end one, and an empty line is an empty text."""
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{path} cannot be read as text in UTF-8: {error}") from None
    lines = content.replace("\r\n", "\n").removesuffix("\n").split("\n") if content else []
    empty = [number for number, line in enumerate(lines, 1) if not line.strip()]
    if len(empty) == len(lines):
        raise FileError(f"{path} has no texts.")
    if empty:
        told = ", ".join(map(str, empty[:5])) + (", ..." if len(empty) > 5 else "")
        warnings.warn(
            f"{path}: {len(empty)} empty line(s) count as empty texts: {told}.", SimilitudeWarning, stacklevel=3
        )
    return lines


def _table(path: Path) -> pd.DataFrame:
    try:
        if path.suffix.lower() == ".csv":
            return pd.read_csv(path, encoding="utf-8-sig", keep_default_na=False, na_values=[""])
        if path.suffix.lower() == ".jsonl":
            return pd.read_json(path, lines=True, dtype=False)
        require("pyarrow", "parquet")
        return pd.read_parquet(path)
    except (OSError, ValueError, UnicodeError, pd.errors.ParserError) as error:
        first = str(error).strip().splitlines()[0]
        raise FileError(f"{path} cannot be read as a table: {first}") from None


def _of_column(path: Path, frame: pd.DataFrame, texts: list[str], column: str | None) -> FileInputs:
    if column is None:
        column = next((name for name in TEXT_KEYS if name in texts), texts[0] if len(texts) == 1 else None)
    if column is None:
        raise InputError(f"{path} has several columns of texts: {', '.join(texts)}. Name one with --column.")
    if column not in frame.columns:
        raise UnknownName(f"{path} has no column {column!r}. {suggestion(column, map(str, frame.columns))}")
    missing = frame[column].isna().to_numpy().nonzero()[0]
    if len(missing):
        raise InputError(
            f"{path}: {len(missing)} row(s) have no text in {column!r}, the first is row {missing[0] + 1}. Remove them."
        )
    values = [str(text) for text in frame[column]]
    return FileInputs(values, _strings(frame, _IDS), _strings(frame, _LABELS))


def _is_text(values: pd.Series) -> bool:
    known = values.dropna()
    return len(known) > 0 and all(isinstance(value, str) for value in known)


def _strings(frame: pd.DataFrame, names: tuple[str, ...]) -> tuple[str, ...] | None:
    found = next((name for name in names if name in frame.columns), None)
    return None if found is None else tuple(map(str, frame[found]))
