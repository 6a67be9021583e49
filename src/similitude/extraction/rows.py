"""Where rows go as batches come in: memory, or files that can be continued and are read memory-mapped."""

from __future__ import annotations

import os
import shutil
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from similitude.errors import FileError, InputError
from similitude.representations.folder import read_json, write_json

__all__ = ["FolderRows", "MemoryRows", "Part", "Rows"]

_FORMAT = "similitude-extraction"
_SYNC_SECONDS = 5.0


@dataclass(frozen=True)
class Part:
    """What one layer gave for one batch.

    Parameters
    ----------
    values
        Array of shape (rows, d).
    per_input
        Rows that each input has become.
    reduction
        Its name.
    precision
        Machine epsilon of the type in which the network computed.
    axes
        How the layer's output was read, and by what evidence.
    """

    values: np.ndarray
    per_input: list[int]
    reduction: str
    precision: float
    axes: str = ""


class Rows(ABC):
    """Collects the rows of several layers, batch by batch.

    Attributes
    ----------
    batches
        Number of batches that are there.
    ids
        Names of the inputs so far; empty if they have none.
    per_input, reductions, precisions, axes
        By layer; see `Part`.
    readings
        How the layers' outputs are read, to be kept with the rows.
    left_out
        Layers whose rows of some batches do not fit those of others, with the reason.
    """

    def __init__(self) -> None:
        self.batches = 0
        self.ids: list[str] = []
        self.per_input: dict[str, list[int]] = {}
        self.reductions: dict[str, str] = {}
        self.precisions: dict[str, float] = {}
        self.axes: dict[str, str] = {}
        self.readings: dict[str, Any] = {}
        self.left_out: dict[str, str] = {}
        self._widths: dict[str, int] = {}

    def add(self, parts: dict[str, Part], ids: tuple[str, ...] | None) -> None:
        """Append a batch; a layer that does not fit its rows of earlier batches is left out."""
        for layer in {**self._widths, **parts}:
            if reason := self._misfit(layer, parts.get(layer)):
                self.left_out.setdefault(layer, reason)
                self._drop(layer)
                continue
            part = parts[layer]
            self._widths[layer] = part.values.shape[1]
            self._append(layer, part.values)
            self.per_input.setdefault(layer, []).extend(part.per_input)
            self.reductions[layer] = part.reduction
            self.precisions[layer] = part.precision
            self.axes[layer] = part.axes
        self.ids.extend(ids or ())
        self.batches += 1

    def _misfit(self, layer: str, part: Part | None) -> str:
        """Why a layer's rows of a batch do not go with those so far; empty if they do."""
        if layer in self.left_out:
            return self.left_out[layer]
        if part is None or (self.batches and layer not in self._widths):
            return "it did not run the same number of times, or gave nothing, for some of the batches."
        width = part.values.shape[1]
        if self._widths.get(layer, width) != width:
            return (
                f"it has {width} features for one batch and {self._widths[layer]} for an earlier one, because inputs "
                "differ in size or length. Use a reduction such as 'mean_pool', or equal inputs."
            )
        return ""

    def _drop(self, layer: str) -> None:
        """Forget a layer."""
        for kept in (self._widths, self.per_input, self.reductions, self.precisions, self.axes):
            kept.pop(layer, None)

    @abstractmethod
    def finish(self) -> dict[str, np.ndarray]:
        """Layer to array of all rows."""

    @abstractmethod
    def _append(self, layer: str, values: np.ndarray) -> None: ...


class MemoryRows(Rows):
    """Rows in memory."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: dict[str, list[np.ndarray]] = {}
        self._sizes: dict[str, int] = {}

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(self._sizes.values())

    def finish(self) -> dict[str, np.ndarray]:
        """Layer to array; the parts are let go one layer at a time."""
        return {layer: np.concatenate(self._parts.pop(layer)) for layer in list(self._parts)}

    def _append(self, layer: str, values: np.ndarray) -> None:
        self._parts.setdefault(layer, []).append(values)
        self._sizes[layer] = self._sizes.get(layer, 0) + values.nbytes

    def _drop(self, layer: str) -> None:
        super()._drop(layer)
        self._parts.pop(layer, None)
        self._sizes.pop(layer, None)


class FolderRows(Rows):
    """Rows in a folder: one file per layer, appended to, and a record of how far they are whole.

    Parameters
    ----------
    folder
        Created if absent. A finished or interrupted extraction of the same settings is continued.
    settings
        Whatever determines the content: model weights, first inputs, layers, reduction.

    Raises
    ------
    InputError
        The folder holds an extraction of other settings.
    FileError
        Its files are damaged, or the disk is full.
    """

    def __init__(self, folder: str | Path, settings: dict[str, Any]) -> None:
        super().__init__()
        self.folder = Path(folder)
        self._record = self.folder / "extraction.json"
        self._settings = settings
        self._types: dict[str, str] = {}
        self._synced = time.monotonic()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"{self.folder} cannot be created: {error.strerror}. Name another folder.") from None
        if self._record.exists():
            self._continue()
        else:
            for leftover in self.folder.glob("*.rows"):
                leftover.unlink()

    def add(self, parts: dict[str, Part], ids: tuple[str, ...] | None) -> None:
        """Append a batch; every few seconds what there is becomes a point to continue from."""
        if shutil.disk_usage(self.folder).free < sum(part.values.nbytes for part in parts.values()):
            raise FileError(
                f"The disk of {self.folder} is full. Free space and run again; it goes on where it stopped."
            )
        super().add(parts, ids)
        if time.monotonic() - self._synced > _SYNC_SECONDS:
            self._sync()

    def finish(self) -> dict[str, np.ndarray]:
        """Layer to a memory-mapped array; only now files of layers that were left out go, which no record names."""
        self._sync()
        for layer in self.left_out:
            self._file(layer).unlink(missing_ok=True)
        return {
            layer: np.memmap(
                self._file(layer), dtype=self._types[layer], mode="r", shape=(sum(self.per_input[layer]), width)
            )
            for layer, width in self._widths.items()
        }

    def _append(self, layer: str, values: np.ndarray) -> None:
        self._types[layer] = values.dtype.str
        try:
            with open(self._file(layer), "ab") as handle:
                handle.write(np.ascontiguousarray(values).data)
        except OSError as error:
            raise FileError(f"{self._file(layer)} cannot be written: {error.strerror}.") from None

    def _continue(self) -> None:
        record = read_json(self._record)
        if not isinstance(record, dict) or record.get("format") != _FORMAT:
            raise FileError(f"{self._record} is not the record of an extraction. Choose another folder.")
        if record["settings"] != self._settings:
            changed = [key for key, value in self._settings.items() if record["settings"].get(key) != value]
            raise InputError(
                f"{self.folder} holds an extraction with other {' and '.join(changed) or 'settings'}. Choose another "
                "folder, or delete it."
            )
        self.batches, self.ids = record["batches"], record["ids"]
        self.per_input, self.reductions, self.precisions = (
            record["per_input"],
            record["reductions"],
            record["precisions"],
        )
        self._widths, self._types = record["widths"], record["types"]
        self.axes, self.readings = record.get("axes", {}), record.get("readings", {})
        self.left_out = record.get("left_out", {})
        for layer, width in self._widths.items():
            whole = sum(self.per_input[layer]) * width * np.dtype(self._types[layer]).itemsize
            file = self._file(layer)
            if not file.is_file() or file.stat().st_size < whole:
                raise FileError(
                    f"{file} is shorter than its record says. Delete the folder {self.folder} and extract again."
                )
            os.truncate(file, whole)  # rows written after the last record

    def _sync(self) -> None:
        for layer in self._widths:
            with open(self._file(layer), "rb") as handle:
                os.fsync(handle.fileno())
        state = {
            "batches": self.batches,
            "ids": self.ids,
            "per_input": self.per_input,
            "reductions": self.reductions,
            "precisions": self.precisions,
            "widths": self._widths,
            "types": self._types,
            "axes": self.axes,
            "readings": self.readings,
            "left_out": self.left_out,
        }
        write_json(self._record, {"format": _FORMAT, "settings": self._settings, **state})
        self._synced = time.monotonic()

    def _file(self, layer: str) -> Path:
        return self.folder / f"{quote(layer, safe=' +=,@:[]')}.rows"
