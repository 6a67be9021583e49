"""The population folder: networks on disk, each written whole or not at all.

::

    manifest.json                 format, name, layers, input ids, description
    models/<model>/model.json     attributes, scores, checksums of the arrays beside it
    models/<model>/<layer>.npy    representation, n x d
    models/<model>/items/*.npy    results per test item

A model is written into a temporary folder and renamed when it is complete, so that a killed process leaves nothing
that could be taken for a model, and several processes may write into one population. The next writer removes what it
leaves.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np

from similitude.errors import FileError, InputError
from similitude.representations.allowance import Allowance, Malformed, check_regular
from similitude.representations.npy_files import ObjectArray, read_header
from similitude.representations.population import (
    ModelRecord,
    Population,
    Score,
    attributes_frame,
    check_features,
    scores_frame,
)
from similitude.representations.representation import Representation, array_digest
from similitude.representations.unfinished import remove_abandoned, unfinished

__all__ = ["PopulationWriter", "is_population", "load_array", "open_population", "read_json", "write_json"]

_FORMAT = "similitude-population"
_VERSION = 1
_JSON_LIMIT = 256 << 20
"""Largest JSON file, bytes."""


class PopulationWriter:
    """Writes a population model by model.

    Parameters
    ----------
    path
        The folder; created if absent. An existing population is continued.
    name, layers, ids, description
        See `Population`; `ids` name the inputs, n of them.
    reduction
        How layer outputs became n x d; recorded with each representation.
    settings
        Whatever determines the content (recipe, scale, version). Continuing a folder made with other settings is an
        error, so that two recipes never mix.

    Raises
    ------
    InputError
        The folder holds another population.
    """

    def __init__(
        self,
        path: str | Path,
        name: str,
        layers: Sequence[str],
        ids: Sequence[str],
        *,
        description: str = "",
        reduction: str = "",
        settings: dict[str, Any] | None = None,
    ) -> None:
        self.path = Path(path)
        manifest = {
            "format": _FORMAT,
            "version": _VERSION,
            "name": name,
            "description": description,
            "layers": list(layers),
            "reduction": reduction,
            "ids": [str(i) for i in ids],
            "settings": settings or {},
        }
        self.layers = tuple(layers)
        self._n = len(manifest["ids"])
        (self.path / "models").mkdir(parents=True, exist_ok=True)
        for folder in (self.path, self.path / "models"):
            remove_abandoned(folder)
        existing = self.path / "manifest.json"
        if existing.exists():
            if _read_manifest(self.path) != json.loads(json.dumps(manifest)):
                raise InputError(
                    f"{self.path} holds a population of other inputs, layers or settings. "
                    "Choose another folder, or delete it."
                )
        else:
            write_json(existing, manifest)

    @property
    def done(self) -> set[str]:
        """Names of the models that are already whole."""
        return set(_whole_models(self.path))

    def write(self, record: ModelRecord) -> None:
        """Add a model; one that is already there is left as it is.

        Raises
        ------
        InputError
            A layer is missing, is an RDM, or has another number of inputs.
        """
        missing = [layer for layer in self.layers if layer not in record.representations]
        if missing:
            raise InputError(f"Model {record.model!r} has no representation of layer {missing[0]!r}.")
        check_features(record)
        target = self.path / "models" / _file(record.model)
        work = unfinished(target)
        (work / "items").mkdir(parents=True)
        try:
            arrays = {f"{_file(layer)}.npy": record.representations[layer] for layer in self.layers}
            for layer in self.layers:
                if len(record.representations[layer]) != self._n:
                    raise InputError(
                        f"Model {record.model!r}, layer {layer!r}: {len(record.representations[layer])} rows "
                        f"for {self._n} inputs."
                    )
            arrays |= {f"items/{_file(functionality)}.npy": values for functionality, values in record.items.items()}
            checksums = {name: _save_array(work / name, np.asarray(values)) for name, values in arrays.items()}
            write_json(
                work / "model.json",
                {
                    "model": record.model,
                    "attributes": dict(record.attributes),
                    "scores": [vars(score) for score in record.scores],
                    "checksums": checksums,
                },
            )
            try:
                os.rename(work, target)
                _sync_folder(target.parent)
            except OSError:
                if not (target / "model.json").exists():
                    raise
        finally:
            shutil.rmtree(work, ignore_errors=True)


def is_population(path: Path) -> bool:
    """Whether a folder holds a population, whole or in the making."""
    return (path / "manifest.json").is_file()


def open_population(path: str | Path) -> Population:
    """Population of a folder; representations are memory-mapped when asked for.

    Raises
    ------
    FileError
        No population there, or one that is damaged; the file is named.
    """
    path = Path(path)
    manifest = _read_manifest(path)
    records = {name: _read_model(path / "models" / _file(name)) for name in _whole_models(path)}
    ids = tuple(manifest["ids"])

    @functools.cache
    def verified(model: str, name: str) -> np.ndarray:
        file = path / "models" / _file(model) / name
        array = load_array(file, mmap=True)
        if array_digest(array).hexdigest() != records[model]["checksums"].get(name):
            raise FileError(
                f"{file} is damaged: its checksum is not the recorded one. "
                f"Delete the folder {file.parent} and build again."
            )
        return array

    def load(model: str, layer: str) -> Representation:
        values = verified(model, f"{_file(layer)}.npy")
        return Representation(values, model=model, layer=layer, ids=ids, reduction=manifest["reduction"])

    def load_items(model: str, functionality: str) -> np.ndarray:
        return verified(model, f"items/{_file(functionality)}.npy")

    return Population(
        manifest["name"],
        manifest["layers"],
        attributes_frame({name: record["attributes"] for name, record in records.items()}),
        scores_frame({name: [Score(**score) for score in record["scores"]] for name, record in records.items()}),
        load,
        load_items,
        manifest["description"],
    )


def load_array(file: str | Path, *, mmap: bool = False, allowance: Allowance | None = None) -> np.ndarray:
    """Array of a ``.npy`` file, never unpickled.

    Parameters
    ----------
    file
        The file.
    mmap
        Whether the values stay on disk.
    allowance
        Memory for them if they do not; the usual one if it is None.

    Raises
    ------
    FileError
        Missing, truncated, or not an array file; object arrays are refused, and arrays that are almost all a hole.
    """
    file = Path(file)
    check_regular(file)
    try:
        with open(file, "rb") as handle:
            header = read_header(handle, file.stat().st_size)
        (allowance or Allowance()).charge(file, header.nbytes, mapped=mmap)
        return np.load(file, mmap_mode="r" if mmap and header.nbytes else None, allow_pickle=False)
    except ObjectArray:
        raise FileError(f"{file} holds Python objects, which are not loaded. Save it as a numeric array.") from None
    except Malformed as error:
        raise FileError(f"{file} {error}. Save arrays with numpy.save.") from None
    except ValueError:
        raise FileError(f"{file} is damaged or truncated. Save arrays with numpy.save.") from None
    except OSError as error:
        raise FileError(f"{file} cannot be read: {error.strerror or error}.") from None


def write_json(file: Path, content: Any) -> None:
    """Write a JSON file so that it is either the old one or the new one, whatever happens."""
    temporary = unfinished(file)
    with open(temporary, "w", encoding="utf-8", errors="backslashreplace") as handle:
        json.dump(content, handle, indent=1, ensure_ascii=False, default=lambda number: number.item())
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(temporary, file)


def read_json(file: Path) -> Any:
    """Content of a JSON file, or a FileError that names it."""
    check_regular(file)
    if file.stat().st_size > _JSON_LIMIT:
        raise FileError(f"{file} is refused: it is larger than {_JSON_LIMIT >> 20} MiB.")
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except RecursionError:
        raise FileError(f"{file} is refused: its values are nested too deep.") from None
    except OSError as error:
        raise FileError(f"{file} cannot be read: {error.strerror or error}.") from None
    except ValueError as error:
        where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise FileError(f"{file} is not JSON; it may be damaged or cut short{where}.") from None


def _read_manifest(path: Path) -> dict[str, Any]:
    if not is_population(path):
        raise FileError(f"{path} is not a population folder: it has no manifest.json.")
    manifest = read_json(path / "manifest.json")
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        raise FileError(f"{path / 'manifest.json'} is not the manifest of a population.")
    if manifest.get("version") != _VERSION:
        raise FileError(
            f"{path} was written in format version {manifest.get('version')}; this release reads version {_VERSION}."
        )
    texts = [*manifest["layers"], *manifest["ids"]] if _are_lists(manifest, "layers", "ids") else [None]
    if not all(isinstance(text, str) for text in (*texts, *map(manifest.get, ("name", "description", "reduction")))):
        raise FileError(f"{path / 'manifest.json'} is not the manifest of a population.")
    return manifest


def _are_lists(content: dict[str, Any], *keys: str) -> bool:
    return all(isinstance(content.get(key), list) for key in keys)


def _whole_models(path: Path) -> list[str]:
    folders: Iterable[Path] = (path / "models").iterdir() if (path / "models").is_dir() else ()
    return sorted(unquote(f.name) for f in folders if not f.name.startswith(".") and (f / "model.json").is_file())


def _read_model(folder: Path) -> dict[str, Any]:
    record = read_json(folder / "model.json")
    try:
        if not isinstance(record["attributes"], dict) or not isinstance(record["checksums"], dict):
            raise TypeError
        for score in record["scores"]:
            _check_score(Score(**score))
    except (KeyError, TypeError):
        raise FileError(f"{folder / 'model.json'} is not the record of a model.") from None
    return record


def _check_score(score: Score) -> None:
    kinds = (
        (score.functionality, str),
        (score.value, int | float),
        (score.layer, str | None),
        (score.deleted, int),
        (score.items, int | None),
    )
    if not all(isinstance(value, kind) for value, kind in kinds):
        raise TypeError("a score of another kind")


def _save_array(file: Path, array: np.ndarray) -> str:
    with open(file, "wb") as handle:
        np.save(handle, np.ascontiguousarray(array), allow_pickle=False)
        handle.flush()
        os.fsync(handle.fileno())
    return array_digest(array).hexdigest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _file(name: str) -> str:
    """File name of a model, layer or functionality: any text, kept apart from paths and hidden files."""
    return quote(name, safe=" +=,@").replace(".", "%2E") if name.startswith(".") else quote(name, safe=" +=,@")
