"""Arrays and representations of files: NumPy, safetensors, PyTorch, HDF5, Parquet, and folders of them.

Nothing is unpickled: a file that needs it is refused. In a file of several arrays, each with two axes or more is a
layer; an array called ``ids`` of one row or column names the rows of all, and other one-dimensional arrays are passed
over.
In a Parquet file a column of lists is a layer, and all numeric columns together are one; a column ``ids`` names the
rows. In a folder of files each file is a layer, or several.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from similitude.errors import FileError, InputError
from similitude.representations.allowance import MEMORY, Allowance, check_regular
from similitude.representations.folder import is_population, open_population
from similitude.representations.names import first_repeated, natural, readable
from similitude.representations.rdm import RDM
from similitude.representations.readers import SUFFIXES, read_file
from similitude.representations.representation import Representation

__all__ = ["RDM_PREFIX", "SUFFIXES", "NamedArray", "load_arrays", "load_representations", "named_sources"]

RDM_PREFIX = "rdm:"
"""What precedes the name of a file whose arrays are dissimilarity matrices."""

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
        with self._named():
            return Representation(
                self.values, model=self.model, layer=self.layer, ids=self.ids, reduction=self.reduction
            )

    def rdm(self) -> RDM:
        """The array as an RDM; errors name the file.

        Raises
        ------
        InputError
            See `similitude.RDM`.
        """
        with self._named():
            return RDM(self.values, model=self.model, layer=self.layer, ids=self.ids)

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except InputError as error:
            raise InputError(f"{self.file}: {error}") from None


def load_representations(path: str | Path, *, name: str = "", memory: int = MEMORY) -> dict[str, Representation]:
    """Representations of a file or folder.

    Parameters
    ----------
    path
        A file with one of the endings of `SUFFIXES`, a population folder, or a folder of files.
    name
        The model's name in tables; by default the file's, without its ending.
    memory
        Bytes that the arrays of files that expand (compressed ones, say) may take. A ``.npy`` file stays on disk.

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
    arrays = load_arrays(path, name=name, allowance=Allowance(memory))
    return {array.key: array.representation() for array in arrays}


def load_arrays(
    path: str | Path, *, name: str = "", allowance: Allowance | None = None, left_out: dict[str, str] | None = None
) -> list[NamedArray]:
    """Arrays of a file or folder, as they are; see `load_representations`.

    Parameters
    ----------
    path, name
        See `load_representations`.
    allowance
        Memory that the arrays may take.
    left_out
        Where files of a folder that cannot be read are noted, with the reason; without it, the first is an error.
    """
    path = Path(path)
    allowance = allowance or Allowance()
    if path.is_dir():
        found = _population(path, left_out) if is_population(path) else _folder(path, name, allowance, left_out)
    else:
        found = _file(path, name, allowance)
    if twice := first_repeated(array.key for array in found):
        raise FileError(f"{path} holds two arrays that would both be called {twice[0]!r}. Rename one.")
    return found


def named_sources(path: Path) -> dict[str, Path]:
    """Files with arrays, and folders, of a folder by name: without the ending, unless that makes two the same.

    In natural order, without hidden files and folders and those that programs leave behind.
    """
    found = [file for file in path.iterdir() if not file.name.startswith((".", "__"))]
    found = [file for file in found if file.is_dir() or file.suffix.lower() in SUFFIXES]
    found.sort(key=lambda file: natural(file.name))
    short = {file: readable(file.name if file.is_dir() else file.stem) for file in found}
    often = Counter(short.values())
    return {readable(file.name) if often[name] > 1 else name: file for file, name in short.items()}


def _file(path: Path, name: str, allowance: Allowance) -> list[NamedArray]:
    check_regular(path)
    if path.suffix.lower() not in SUFFIXES:
        cure = f"Save arrays in one of these kinds of file: {', '.join(SUFFIXES)}."
        if path.suffix.lower() in (".pkl", ".pickle", ".joblib"):
            raise FileError(f"{path} is a pickle, which could run any code when loaded. {cure}")
        raise FileError(f"{path}: unsupported file type {path.suffix!r}. {cure}")
    content = read_file(path, allowance)
    ids = next((_names(path, content.pop(key)) for key in _IDS if key in content and _is_row(content[key])), None)
    layers = {readable(layer): values for layer, values in content.items() if values.ndim > 1 or len(content) == 1}
    if not layers:
        found = ", ".join(f"{key} {values.shape}" for key, values in content.items()) or "nothing"
        raise FileError(f"{path} holds no array with two axes (inputs x features); it holds {found}.")
    return [NamedArray(name or readable(path.stem), layer, values, ids, path) for layer, values in layers.items()]


def _population(path: Path, left_out: dict[str, str] | None) -> list[NamedArray]:
    population = open_population(path)
    found = []
    for model in population.models:
        for layer in population.layers:
            with _noting(f"{model}/{layer}", left_out):
                r = population.representation(model, layer)
                found.append(NamedArray(model, layer, r.values, r.ids, path, r.reduction))
    if not population.models:
        raise FileError(f"{path} contains no complete model.")
    _check_any(found, left_out)
    return found


def _folder(path: Path, name: str, allowance: Allowance, left_out: dict[str, str] | None) -> list[NamedArray]:
    files = {layer: file for layer, file in named_sources(path).items() if file.is_file()}
    if not files:
        raise FileError(f"{path} holds no population (no manifest.json) and no file ending in {', '.join(SUFFIXES)}.")
    found = []
    model = name or readable(path.resolve().name)
    for stem, file in files.items():
        with _noting(f"{model}/{stem}", left_out):
            for array in _file(file, "", allowance):
                layer = "/".join(part for part in (stem, array.layer) if part)
                found.append(NamedArray(model, layer, array.values, array.ids, file))
    _check_any(found, left_out)
    return found


@contextmanager
def _noting(key: str, left_out: dict[str, str] | None) -> Iterator[None]:
    """Note an error of one file, if there is a place to note it."""
    try:
        yield
    except (FileError, InputError) as error:
        if left_out is None:
            raise
        left_out[key] = str(error)


def _check_any(found: list[NamedArray], left_out: dict[str, str] | None) -> None:
    if not found and left_out:
        raise FileError(next(iter(left_out.values())))


def _is_row(values: np.ndarray) -> bool:
    """Whether an array is one row or one column."""
    return values.ndim == 1 or (values.ndim == 2 and values.shape[1] == 1)


def _names(path: Path, values: np.ndarray) -> tuple[str, ...]:
    names = []
    for value in values.ravel().tolist():
        if not isinstance(value, str | bytes | int | float):
            raise FileError(f"{path}: an input id is a {type(value).__name__}, not a text or a number.")
        try:
            names.append(value.decode() if isinstance(value, bytes) else str(value))
        except UnicodeDecodeError:
            raise FileError(f"{path}: the input id {value!r} is not text in UTF-8.") from None
    if twice := first_repeated(names):
        raise FileError(f"{path}: input ids are not unique; {twice[0]!r} occurs twice.")
    return tuple(names)
