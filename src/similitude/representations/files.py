"""Arrays and representations of files: NumPy, safetensors, PyTorch, HDF5, Parquet, and folders of them.

Nothing is unpickled: a file that needs it is refused. In a file of several arrays, each with two axes or more is a
layer; a one-dimensional array called ``ids`` names the rows of all, and other one-dimensional arrays are passed over.
In a Parquet file a column of lists is a layer, and all numeric columns together are one; a column ``ids`` names the
rows. In a folder of files each file is a layer, or several.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from similitude.errors import FileError, InputError, MissingDependency, require
from similitude.representations.folder import load_array, open_population
from similitude.representations.representation import Representation

__all__ = ["SUFFIXES", "NamedArray", "load_arrays", "load_representations"]

_IDS = ("ids", "id")


@dataclass(frozen=True)
class NamedArray:
    """An array as it lies in a file, not looked at yet.

    Parameters
    ----------
    model, layer
        Where it comes from: the names of the file and of the array, or those of a population.
    values
        The array.
    ids
        Names of its rows, if the file has them.
    file
        The file.
    reduction
        Its name, if the file has it.
    """

    model: str
    layer: str
    values: np.ndarray
    ids: tuple[str, ...] | None
    file: Path
    reduction: str = ""

    @property
    def key(self) -> str:
        """``model/layer``."""
        return "/".join(part for part in (self.model, self.layer) if part)

    def representation(self) -> Representation:
        """The representation; errors name the file.

        Raises
        ------
        InputError
            See `similitude.representations.validate`.
        """
        try:
            return Representation(
                self.values, model=self.model, layer=self.layer, ids=self.ids, reduction=self.reduction
            )
        except InputError as error:
            raise InputError(f"{self.file}: {error}") from None


def load_representations(path: str | Path, *, name: str = "") -> dict[str, Representation]:
    """Representations of a file or folder.

    Parameters
    ----------
    path
        A file with one of the endings of `SUFFIXES`, a population folder, or a folder of files.
    name
        The model's name in tables; by default the file's, without its ending.

    Returns
    -------
    dict
        ``model/layer`` to Representation, in the order of the file; of a folder, in the order of names, numbers in them
        as numbers.

    Raises
    ------
    FileError
        Missing, damaged, of another kind, or it would have to be unpickled. The message names the file.
    InputError
        An array that cannot be compared.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/net.npz", first=np.eye(5, 3), second=np.eye(5, 2))
    ...     list(load_representations(f"{folder}/net.npz"))
    ['net/first', 'net/second']
    """
    return {array.key: array.representation() for array in load_arrays(path, name=name)}


def load_arrays(path: str | Path, *, name: str = "") -> list[NamedArray]:
    """Arrays of a file or folder, as they are; see `load_representations`."""
    path = Path(path)
    if not path.exists():
        raise FileError(f"{path} does not exist.")
    if path.is_dir():
        return _population(path) if (path / "manifest.json").is_file() else _folder(path, name)
    if path.suffix.lower() not in _READERS:
        cure = f"Save arrays in one of these kinds of file: {', '.join(SUFFIXES)}."
        if path.suffix.lower() in (".pkl", ".pickle", ".joblib"):
            raise FileError(f"{path} is a pickle, which could run any code when loaded. {cure}")
        raise FileError(f"{path} has the ending {path.suffix!r}, which is not known. {cure}")
    with _errors(path):
        content = _READERS[path.suffix.lower()](path)
    ids = next((_names(path, content.pop(key)) for key in _IDS if key in content and content[key].ndim == 1), None)
    layers = {layer: values for layer, values in content.items() if values.ndim > 1 or len(content) == 1}
    if not layers:
        found = ", ".join(f"{key} {values.shape}" for key, values in content.items()) or "nothing"
        raise FileError(f"{path} holds no array with two axes (inputs x features); it holds {found}.")
    return [NamedArray(name or path.stem, layer, values, ids, path) for layer, values in layers.items()]


def _population(path: Path) -> list[NamedArray]:
    population = open_population(path)
    found = []
    for model in population.models:
        for layer in population.layers:
            r = population.representation(model, layer)
            found.append(NamedArray(model, layer, r.values, r.ids, path, r.reduction))
    if not found:
        raise FileError(f"{path} is a population without a whole model.")
    return found


def _folder(path: Path, name: str) -> list[NamedArray]:
    files = sorted((file for file in path.iterdir() if file.suffix.lower() in _READERS), key=_natural)
    if not files:
        raise FileError(f"{path} holds no population (no manifest.json) and no file ending in {', '.join(SUFFIXES)}.")
    found = []
    for file in files:
        for array in load_arrays(file):
            layer = "/".join(part for part in (file.stem, array.layer) if part)
            found.append(NamedArray(name or path.resolve().name, layer, array.values, array.ids, file))
    return found


def _natural(file: Path) -> list[tuple[int, int | str]]:
    """Order in which layer10 comes after layer2."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", file.name)]


def _names(path: Path, values: np.ndarray) -> tuple[str, ...]:
    if values.dtype.kind == "S" or (values.dtype.kind == "O" and all(isinstance(v, bytes) for v in values)):
        return tuple(v.decode() for v in values)
    if len(set(values.tolist())) != len(values):
        raise FileError(f"{path}: input ids are not unique.")
    return tuple(str(v) for v in values.tolist())


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """Whatever a reader stumbles over becomes an error that names the file."""
    try:
        yield
    except (FileError, MissingDependency):
        raise
    except PermissionError:
        raise FileError(f"{path} may not be read: permission denied.") from None
    except MemoryError:
        raise FileError(f"{path} does not fit in memory. A .npy file is read piece by piece.") from None
    except Exception as error:
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        if "weights_only" in reason:  # torch advises to load it unsafely
            reason = "not a file of torch.save"
        if any(word in str(error).lower() for word in ("unsupported global", "unsupported class", "object arrays")):
            raise FileError(
                f"{path} holds Python objects, which could run any code when loaded. Save tensors or arrays alone."
            ) from None
        raise FileError(f"{path} cannot be read as {path.suffix}; it may be damaged or cut short ({reason}).") from None


def _read_npy(path: Path) -> dict[str, np.ndarray]:
    return {"": load_array(path, mmap=True)}


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    if not zipfile.is_zipfile(path):
        raise FileError(f"{path} is not a .npz file, or is cut short. Save arrays with numpy.savez.")
    with np.load(path, allow_pickle=False) as content:
        return {key: content[key] for key in content.files}


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    safetensors = require("safetensors", "models")
    try:
        with safetensors.safe_open(path, framework="numpy") as content:
            return {key: content.get_tensor(key) for key in content.keys()}  # noqa: SIM118  # not a dict
    except TypeError:  # NumPy has no bfloat16
        require("torch", "models")
        with safetensors.safe_open(path, framework="pt") as content:
            return {key: _from_torch(content.get_tensor(key)) for key in content.keys()}  # noqa: SIM118


def _read_torch(path: Path) -> dict[str, np.ndarray]:
    torch = require("torch", "models")
    return dict(_tensors(path, torch.load(path, map_location="cpu", weights_only=True), ""))


def _tensors(path: Path, content: Any, prefix: str) -> Iterator[tuple[str, np.ndarray]]:
    if hasattr(content, "detach"):
        yield prefix, _from_torch(content)
    elif isinstance(content, dict):
        for key, value in content.items():
            if not prefix and key in _IDS and isinstance(value, list | tuple):
                yield str(key), np.array([str(v) for v in value])
            else:
                yield from _tensors(path, value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(content, list | tuple):
        for i, value in enumerate(content):
            yield from _tensors(path, value, f"{prefix}.{i}" if prefix else str(i))


def _from_torch(tensor: Any) -> np.ndarray:
    import torch

    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()


def _read_hdf5(path: Path) -> dict[str, np.ndarray]:
    h5py = require("h5py", "hdf5")
    found: dict[str, np.ndarray] = {}
    with h5py.File(path, "r") as content:

        def take(key: str, entry: Any) -> None:
            if isinstance(entry, h5py.Dataset) and entry.ndim:
                found[key] = entry[()]

        content.visititems(take)
    return found


def _read_parquet(path: Path) -> dict[str, np.ndarray]:
    require("pyarrow", "parquet")
    import pandas as pd

    frame = pd.read_parquet(path)
    found: dict[str, np.ndarray] = {}
    numeric = []
    for column in frame.columns:
        if column in _IDS:
            found[str(column)] = np.array([str(v) for v in frame[column]])
        elif pd.api.types.is_numeric_dtype(frame[column]):
            numeric.append(column)
        elif len(frame) and isinstance(frame[column].iloc[0], np.ndarray | list):
            widths = {len(row) for row in frame[column]}
            if len(widths) != 1:
                raise FileError(
                    f"{path}: the lists in column {column!r} differ in length ({min(widths)} to {max(widths)})."
                )
            found[str(column)] = np.stack([np.asarray(row) for row in frame[column]])
    if numeric:
        found["" if not set(found) - set(_IDS) else "columns"] = frame[numeric].to_numpy()
    return found


_READERS: dict[str, Callable[[Path], dict[str, np.ndarray]]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".safetensors": _read_safetensors,
    ".pt": _read_torch,
    ".pth": _read_torch,
    ".h5": _read_hdf5,
    ".hdf5": _read_hdf5,
    ".parquet": _read_parquet,
}

SUFFIXES = tuple(_READERS)
"""Endings of the files that are read."""
