"""The distance files of the archive: dissimilarities of pairs of representations, by column and direction."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd

from similitude.errors import FileError
from similitude.measures import get_measure
from similitude.representations.tables import check_table, write_csv
from similitude.suites.published.archive import Archive
from similitude.suites.published.layout import KEYS, Model, PublishedSubtask
from similitude.suites.published.lookup import KeyIndex

__all__ = [
    "COLUMN_OF",
    "JOINED_NAMES",
    "MEASURE_OF",
    "Distances",
    "all_pairs",
    "as_dissimilarity",
    "exchanged",
    "is_symmetric",
    "read_distances",
    "read_table",
    "write_distances",
]

MEASURE_OF = {
    "Procrustes": "procrustes",
    "CKA": "cka",
    "PWCCA": "pwcca",
    "mean_cca_corr": "mean_cca",
    "mean_sq_cca_corr": "mean_squared_cca",
}
"""Columns that hold a measure we know, and its id. A column not listed keeps its name."""

COLUMN_OF = {measure: column for column, measure in MEASURE_OF.items()}

_SIMILARITIES = ("mean_cca_corr", "mean_sq_cca_corr")
"""Columns that hold similarities; all others hold dissimilarities."""

JOINED_NAMES = {"seed1": "pre_seed1", "step1": "fine_seed1", "seed2": "pre_seed2", "step2": "fine_seed2"}
"""What the joined table of `pretrain_finetune` calls its models."""

_LARGEST = 10**9
"""All numbers that name a pair are smaller."""

MOST_MODELS = 2000
"""Most models of a subtask; the archive has 100."""

_LABELS = ("dataset1", "architecture1", "dataset2", "architecture2", "dims_kept")


def as_dissimilarity(column: str, values: np.ndarray) -> np.ndarray:
    """Values of a column, larger meaning less alike; turning them twice gives them back."""
    return get_measure(MEASURE_OF[column]).dissimilarity(values) if column in _SIMILARITIES else values


def is_symmetric(measure: str) -> bool:
    """Whether a measure of the distance files gives the same with its sides exchanged; an unknown one is taken to."""
    return get_measure(measure).properties().symmetric if measure in COLUMN_OF else True


def exchanged(keys: np.ndarray) -> np.ndarray:
    """Pairs with their sides exchanged."""
    return keys[:, [3, 4, 5, 0, 1, 2, 6]]


@dataclass(frozen=True)
class Distances:
    """Dissimilarities of ordered pairs.

    Parameters
    ----------
    keys
        Array (pairs, 7) of the numbers `KEYS`.
    values
        One column per measure id, larger meaning less alike, one row per pair; NaN where a measure failed.
    faults
        What is wrong with them.
    """

    keys: np.ndarray
    values: pd.DataFrame
    faults: tuple[str, ...] = ()

    @property
    def measures(self) -> list[str]:
        """Ids of the measures."""
        return list(self.values.columns)

    @property
    def layers(self) -> list[int]:
        """Layers that occur."""
        return sorted(set(self.keys[:, [2, 5]].ravel().tolist()))

    @property
    def models(self) -> list[Model]:
        """Models that occur."""
        return _models(self.keys)

    def rows(self, pairs: np.ndarray) -> np.ndarray:
        """Row of each pair, -1 where it is not there."""
        return self._index.rows(pairs)

    def rows_either_way(self, pairs: np.ndarray) -> np.ndarray:
        """Row of each pair, or else of the pair with its sides exchanged."""
        rows = self._index.rows(pairs)
        return np.where(rows >= 0, rows, self._index.rows(exchanged(pairs)))

    @functools.cached_property
    def _index(self) -> KeyIndex:
        return KeyIndex(self.keys)


def _models(keys: np.ndarray) -> list[Model]:
    return sorted({Model(*side) for columns in ([0, 1], [3, 4]) for side in keys[:, columns].tolist()})


def read_distances(archive: Archive, subtask: PublishedSubtask) -> Distances:
    """Distances of a subtask, from the first of its files that is there.

    Raises
    ------
    FileError
        None is there, or it is unreadable, or its columns do not name pairs and measures.
    """
    name = next((name for name in subtask.distance_files if name in archive), None)
    if name is None:
        raise FileError(
            f"{subtask.distance_files[0]} is missing from {archive.path}. With --recompute it is not needed."
        )
    frame, faults = read_table(archive, subtask, name)
    if name != subtask.distance_files[0]:
        faults.append(f"{subtask.distance_files[0]} is missing; distances are taken from {name}")
    faults += _count_faults(subtask, frame[list(KEYS)].to_numpy(), name)
    repeated = frame.duplicated(list(KEYS))
    if repeated.any():
        faults.append(f"{name}: {int(repeated.sum())} pair(s) occur twice; the first counts")
        frame = frame[~repeated]
    values = {}
    for column in measure_columns(frame):
        stored = frame[column].to_numpy(dtype=np.float64)
        values[MEASURE_OF.get(column, column)] = as_dissimilarity(column, stored)
        if undefined := int(np.isnan(stored).sum()):
            faults.append(f"{name}: {undefined} value(s) of {column} are missing or not numbers")
    if not values:
        raise FileError(f"{name} holds no measure: its columns are {', '.join(map(str, frame.columns))}.")
    return Distances(frame[list(KEYS)].to_numpy(), pd.DataFrame(values), tuple(faults))


def read_table(archive: Archive, subtask: PublishedSubtask, name: str) -> tuple[pd.DataFrame, list[str]]:
    """Rows of a distance file with whole `KEYS` and numeric measures, and what was wrong with others."""
    content = archive.read(name)
    check_table(content, name)
    try:
        frame = pd.read_csv(BytesIO(content), low_memory=False)
    except (ValueError, OverflowError):  # pandas' parser errors, and bytes that are not text
        raise FileError(f"{name} is not a table of comma-separated values; it may be damaged.") from None
    frame = frame.rename(columns={joined: name for name, joined in JOINED_NAMES.items()})
    if not subtask.truncated:
        frame["dims_deleted"] = 0
    if subtask.step is not None:
        frame["step1"] = frame["step2"] = subtask.step
    if absent := [key for key in KEYS if key not in frame.columns]:
        raise FileError(f"{name} lacks the column(s) {', '.join(absent)}.")
    numbers = [*KEYS, *measure_columns(frame)]
    frame[numbers] = frame[numbers].apply(pd.to_numeric, errors="coerce")
    keys = frame[list(KEYS)]
    whole = ((keys >= 0) & (keys < _LARGEST) & (keys % 1 == 0)).all(axis=1)
    faults = [] if whole.all() else [f"{name}: {int((~whole).sum())} row(s) are cut or name no pair"]
    frame = frame[whole].reset_index(drop=True)
    return frame.astype(dict.fromkeys(KEYS, np.int64)), faults


def measure_columns(frame: pd.DataFrame) -> list[str]:
    """Columns that hold a measure: all but names of pairs, differences in functionality, and row numbers."""
    return [
        column
        for column in map(str, frame.columns)
        if column not in (*KEYS, *_LABELS) and not column.endswith("_diff") and not column.startswith("Unnamed")
    ]


def all_pairs(subtask: PublishedSubtask, models: list[Model], layers: list[int], levels: list[int]) -> np.ndarray:
    """All pairs that a distance file of the released archive holds, in its order: array (pairs, 7)."""
    pairs = [
        (*first, layer1, *second, layer2, deleted)
        for i, first in enumerate(models)
        for j, second in enumerate(models)
        if subtask.truncated or i <= j
        for layer1 in layers
        for layer2 in (layers if subtask.name == "layer_exp" else [layer1])
        if i != j or layer1 <= layer2
        for deleted in (levels if subtask.truncated else [0])
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, len(KEYS))


def _count_pairs(subtask: PublishedSubtask, models: int, layers: int, levels: int) -> int:
    """Number of pairs that `all_pairs` lists."""
    others = models * (models - 1) // (1 if subtask.truncated else 2)
    if subtask.name == "layer_exp":
        return others * layers**2 + models * layers * (layers + 1) // 2
    return (others + models) * layers * (levels if subtask.truncated else 1)


def _count_faults(subtask: PublishedSubtask, keys: np.ndarray, name: str) -> list[str]:
    """Whether the rows are all pairs of the models, layers and levels that occur, in the order of the archive."""
    if not len(keys):
        return [f"{name} has no rows"]
    models = _models(keys)
    if len(models) > MOST_MODELS:
        raise FileError(f"{name} is refused: it names {len(models):,} models, more than {MOST_MODELS:,}.")
    layers, levels = sorted(set(keys[:, [2, 5]].ravel().tolist())), sorted(set(keys[:, 6].tolist()))
    expected = _count_pairs(subtask, len(models), len(layers), len(levels))
    if expected != len(keys):
        return [f"{name} has {len(keys):,} rows where its models, layers and deletion levels make {expected:,} pairs"]
    if subtask.name == "pretrain_finetune" and not np.array_equal(all_pairs(subtask, models, layers, levels), keys):
        return [
            f"{name}: the rows are not in the order by which the published code attaches differences to them; "
            "here they are joined by seeds"
        ]
    return []


def write_distances(
    file: Path, subtask: PublishedSubtask, dataset: str, widths: np.ndarray, distances: Distances
) -> None:
    """Write a distance file in the layout of the archive.

    Parameters
    ----------
    file
        Its folder is created.
    dataset
        Name of the inputs, the folder below ``embeddings``.
    widths
        Width of the second side of each pair, before deletion.
    distances
        What to write.
    """
    keys = pd.DataFrame(distances.keys, columns=list(KEYS))
    frame = pd.DataFrame(index=keys.index)
    for i in (1, 2):
        frame[f"dataset{i}"], frame[f"architecture{i}"] = dataset, subtask.architecture
        for name in ("seed", "step", "layer"):
            frame[f"{name}{i}"] = keys[f"{name}{i}"]
    if subtask.truncated:
        frame["dims_deleted"], frame["dims_kept"] = keys["dims_deleted"], widths - keys["dims_deleted"]
    for measure in distances.measures:
        column = COLUMN_OF.get(measure, measure)
        frame[column] = as_dissimilarity(column, distances.values[measure].to_numpy())
    file.parent.mkdir(parents=True, exist_ok=True)
    write_csv(frame, file)
