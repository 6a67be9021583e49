"""Numeric columns and columns of lists of Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from similitude.errors import FileError, InputError, require
from similitude.representations.allowance import Allowance
from similitude.representations.names import first_repeated

__all__ = ["read_parquet"]

_MOST_COLUMNS = 100_000
_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 8}
_OTHER = 16
"""Bytes per entry of other types: decimals, and indices and lengths of texts."""


def read_parquet(path: Path, allowance: Allowance) -> dict[str, np.ndarray]:
    """Each column of lists, and all numeric columns together; names of inputs from ``ids`` or ``id``.

    Raises
    ------
    FileError
        More than the allowance; lists that differ in length.
    InputError
        A row without a list.
    """
    require("pyarrow", "parquet")
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        if len(schema) > _MOST_COLUMNS:
            raise FileError(f"{path} is refused: it has more than {_MOST_COLUMNS:,} columns.")
        index = _index_columns(schema)
        names = {i: field.name for i, field in enumerate(schema) if field.name in ("ids", "id")}
        lists = {i: field.name for i, field in enumerate(schema) if _is_list(pa, field.type)}
        numeric = {i: f.name for i, f in enumerate(schema) if _is_number(pa, f.type) and i not in names}
        numeric = {i: name for i, name in numeric.items() if name not in index}
        wanted = [name for _, name in sorted((names | lists | numeric).items())]
        if twice := first_repeated(wanted):
            raise FileError(f"{path} holds two columns that are called {twice[0]!r}.")
        allowance.charge(path, _declared(file.metadata, set(wanted)))
        texts = [name for i, name in names.items() if not _is_number(pa, schema.field(i).type)]
    table = pq.ParquetFile(path, read_dictionary=texts).read(columns=wanted)
    found: dict[str, np.ndarray] = {}
    for name in names.values():
        found[name] = _names(pa, path, table.column(name))
    for name in lists.values():
        found[name] = _matrix(path, name, table.column(name).combine_chunks())
    if numeric:
        columns = [_numbers(pa, path, name, table.column(name)) for name in numeric.values()]
        found["columns" if lists else ""] = np.column_stack(columns)
    return found


def _index_columns(schema: Any) -> set[Any]:
    """Columns that pandas wrote for the index of a frame."""
    metadata = schema.pandas_metadata or {}
    return {name for name in metadata.get("index_columns", ()) if isinstance(name, str)}


def _is_number(pa: Any, kind: Any) -> bool:
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind))


def _is_list(pa: Any, kind: Any) -> bool:
    types = pa.types
    nested = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return bool(nested and _is_number(pa, kind.value_type))


def _declared(metadata: Any, wanted: set[str]) -> int:
    """Bytes of the wanted columns: encodings shrink equal values to nothing, so entries are counted."""
    total = 0
    for group in range(metadata.num_row_groups):
        for position in range(metadata.num_columns):
            column = metadata.row_group(group).column(position)
            name = column.path_in_schema
            if name in wanted or name.rsplit(".", 2)[0] in wanted:  # a list's numbers are at NAME.list.element
                nbytes = column.num_values * _WIDTHS.get(column.physical_type, _OTHER)
                total += max(nbytes, column.total_uncompressed_size)
    return total


def _names(pa: Any, path: Path, column: Any) -> np.ndarray:
    if column.null_count:
        raise InputError(f"{path}: row {_first_null(column)} has no name in the column of ids.")
    if not pa.types.is_dictionary(column.type):
        return np.array([str(value) for value in column.to_pylist()])
    found: list[str] = []
    total = 0
    for chunk in column.chunks:
        words = [str(word) for word in chunk.dictionary.to_pylist()]
        for position in chunk.indices.to_pylist():
            total += len(words[position])
            if total > 256 << 20:
                raise FileError(f"{path} is refused: its ids take more than 256 MiB.")
            found.append(words[position])
    return np.array(found, object)


def _numbers(pa: Any, path: Path, name: str, column: Any) -> np.ndarray:
    if column.null_count:
        raise InputError(f"{path}: row {_first_null(column)} has no value in column {name!r}. Remove or fill it.")
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    return np.asarray(column)


def _matrix(path: Path, name: str, column: Any) -> np.ndarray:
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.null_count:
        raise InputError(f"{path}: row {_first_null(column)} has no list in column {name!r}. Remove or fill it.")
    if not len(column):
        raise FileError(f"{path}: column {name!r} has no rows.")
    widths = pc.list_value_length(column)  # type: ignore[attr-defined]
    low, high = (int(value.as_py()) for value in pc.min_max(widths).values())  # type: ignore[attr-defined]
    if low != high:
        raise FileError(f"{path}: the lists in column {name!r} differ in length ({low} to {high}).")
    values = pc.list_flatten(column)  # type: ignore[attr-defined]
    return _numbers(pa, path, name, values).reshape(len(column), high)


def _first_null(column: Any) -> int:
    return int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
