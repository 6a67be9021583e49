"""From anything that holds inputs to a pass over raw batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from similitude.errors import InputError, foreign
from similitude.extraction.texts import Texts, pad_tokens
from similitude.representations.arrays import as_array, check_dense_tensor

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["IMAGES", "Source", "as_tensor", "find_source"]

IMAGES = (
    "Images have to be tensors, of one size and scaled as in training. Pass them through the network's image processor "
    "or transform, or name their folder on the command line: similitude compare ... --inputs FOLDER."
)


@dataclass(frozen=True)
class Source:
    """Raw batches.

    Parameters
    ----------
    start
        Function that starts a pass over them.
    count
        Their number, if it is known.
    ids
        Names of the inputs, if they bring any.
    """

    start: Callable[[], Iterator[Any]]
    count: int | None = None
    ids: tuple[str, ...] | None = None


def find_source(inputs: Any, texts: Texts, batch_size: int, model: Module | None) -> Source:
    """Raw batches of inputs of any kind; see `similitude.extraction.inputs.make_batches`.

    Raises
    ------
    InputError
        Inputs of no known kind, or none at all.
    """
    import torch
    from torch.utils.data import DataLoader, Dataset, IterableDataset

    def cut(values: Any, piece: Callable[[int, int], Any], ids: tuple[str, ...] | None = None) -> Source:
        with foreign("Counting the inputs"):
            n = len(values)
        if n == 0:
            raise InputError("There are no inputs.")
        return Source(
            lambda: (piece(i, min(i + batch_size, n)) for i in range(0, n, batch_size)), -(-n // batch_size), ids
        )

    if isinstance(inputs, str):
        raise InputError("Give a list of texts, not one text.")
    if isinstance(inputs, Set):
        raise InputError("A set has no order, by which rows could be matched. Give a list.")
    if isinstance(inputs, pd.Series | pd.Index | pd.DataFrame):
        values, ids = _of_frame(inputs)
        return Source(*_pass(find_source(values, texts, batch_size, model)), ids)
    if isinstance(inputs, np.ndarray) and inputs.dtype.kind in "OUT":
        inputs = inputs.tolist()
    if _are_labelled(inputs):
        inputs = inputs[0]
    if isinstance(inputs, Sequence) and texts.are(inputs):
        texts.check()
        return cut(inputs, lambda i, j: texts.tokens(inputs[i:j]))
    if sparse.issparse(inputs):
        inputs = as_array(inputs, "inputs").array  # an error that says how to make it dense
    if isinstance(inputs, torch.Tensor | np.ndarray):
        _check_array(inputs, model)
        return cut(inputs, lambda i, j: as_tensor(inputs[i:j]))
    if isinstance(inputs, Mapping):
        lengths = {key: len(value) for key, value in inputs.items() if _is_piece(value)}
        if len(set(lengths.values())) > 1:
            raise InputError(f"The entries of the inputs differ in length: {lengths}.")
        if not lengths:
            raise InputError("There are no inputs.")
        whole = {key: value for key, value in inputs.items() if key not in lengths}  # flags, and what is None
        first = inputs[next(iter(lengths))]
        return cut(first, lambda i, j: _pieces({key: inputs[key][i:j] for key in lengths}) | whole)
    if isinstance(inputs, Sequence) and len(inputs) and _are_single(inputs, model):
        return cut(inputs, lambda i, j: _joined(inputs[i:j]))
    if isinstance(inputs, IterableDataset):
        inputs = DataLoader(inputs, batch_size=batch_size)
    elif isinstance(inputs, Dataset) or (hasattr(inputs, "__getitem__") and not isinstance(inputs, Sequence)):
        if not hasattr(inputs, "__len__"):
            raise InputError(f"The data set {type(inputs).__name__} does not say how many inputs it has (__len__).")
        return cut(inputs, lambda i, j: _joined([inputs[k] for k in range(i, j)]))
    if isinstance(inputs, Iterable):
        with foreign("Counting the batches"):
            try:
                count = len(inputs)  # type: ignore[arg-type]  # iterables without a length are caught
            except TypeError:
                count = None
        return Source(lambda: iter(inputs), count)
    raise InputError(
        f"Inputs of type {type(inputs).__name__}: expected a tensor or array (n, ...), a dict of them, texts, a list "
        "of inputs, a data set, or a loader of batches. Read files with similitude.extraction.input_files first."
    )


def _pass(source: Source) -> tuple[Callable[[], Iterator[Any]], int | None]:
    return source.start, source.count


def _of_frame(frame: Any) -> tuple[Any, tuple[str, ...] | None]:
    """Texts or numbers of a pandas object, and its index where that is more than a count and tells inputs apart."""
    index = None if isinstance(frame, pd.Index) else frame.index
    names = () if index is None or index.equals(pd.RangeIndex(len(frame))) else tuple(map(str, index))
    ids = names if names and len(set(names)) == len(names) else None
    if isinstance(frame, pd.DataFrame):
        columns = {name: kind for name, kind in frame.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)}
        if columns:
            raise InputError(f"The column {next(iter(columns))!r} is not numeric. For texts give that column alone.")
        return as_array(frame, "inputs").array, ids
    values = frame.tolist()
    kinds = (str,) if values and isinstance(values[0], str) else (np.ndarray, list, tuple)
    odd = next((i for i, value in enumerate(values) if not isinstance(value, kinds)), None)
    if odd is not None:
        raise InputError(
            f"Entry {odd} of the {type(frame).__name__} is not a text, or not an array as the others: {values[odd]!r}. "
            "For a column of numbers give a DataFrame: frame[[column]]."
        )
    return values, ids


def _expected_axes(model: Module | None) -> int | None:
    """Axes of a batch, if the network begins with a convolution."""
    import torch

    first = (
        next((m for m in model.modules() if next(m.parameters(recurse=False), None) is not None), None)
        if model
        else None
    )
    kinds = {torch.nn.Conv1d: 3, torch.nn.Conv2d: 4, torch.nn.Conv3d: 5}
    return next((axes for kind, axes in kinds.items() if isinstance(first, kind)), None)


def _are_labelled(inputs: Any) -> bool:
    """Whether inputs are a pair of all inputs and all labels, (x, y), not two batches."""
    if not isinstance(inputs, tuple | list) or len(inputs) != 2:
        return False
    axes = [getattr(entry, "ndim", None) for entry in inputs]
    return axes[1] == 1 and (axes[0] or 0) > 1 and len(inputs[0]) == len(inputs[1])


def _is_piece(value: Any) -> bool:
    """Whether an entry of a dict has one part per input."""
    return hasattr(value, "__len__") and not isinstance(value, str) and getattr(value, "ndim", 1) > 0


def _check_array(values: Any, model: Module | None) -> None:
    """Refuse arrays that hold no inputs, or something other than numbers."""
    import torch

    if isinstance(values, torch.Tensor):
        if values.is_nested:
            raise InputError("Nested inputs have to be padded: x.to_padded_tensor(0.0), with mask=... of shape (n, t).")
        check_dense_tensor(values, "inputs")
    elif isinstance(values, np.ma.MaskedArray):
        as_array(values, "inputs")
    expected = _expected_axes(model)
    if values.ndim < 2:
        raise InputError(
            f"Inputs of shape {tuple(values.shape)}: the first axis must be the inputs, with at least one more."
        )
    if expected is not None and values.ndim == expected - 1:
        raise InputError(
            f"Inputs of shape {tuple(values.shape)}: the network begins with a convolution that reads {expected} axes, "
            "of which the first is the inputs. Write x[None] for a single input, x[:, None] where channels are missing."
        )


def _are_single(entries: Sequence[Any], model: Module | None) -> bool:
    """Whether a list holds single inputs and not batches."""
    first = entries[0]
    if isinstance(first, tuple) and len(first) == 2 and (np.ndim(first[1]) == 0 or isinstance(first[1], str)):
        return True  # an input with its label
    if isinstance(first, Mapping):
        pieces = [value for value in first.values() if not isinstance(value, bool) and value is not None]
        if any(isinstance(value, str) or np.ndim(value) == 0 for value in pieces):
            return True  # among them a label or a name
        return all(_is_flat(value) for value in pieces) or any(_is_single(value, model) for value in pieces)
    return _is_single(first, model)


def _is_single(value: Any, model: Module | None) -> bool:
    if _is_flat(value) or _is_image(value):
        return True
    axes = getattr(value, "ndim", None)
    return axes is not None and (axes == 1 or axes + 1 == _expected_axes(model))


def _is_image(value: Any) -> bool:
    """Whether a value is an image of Pillow."""
    return hasattr(value, "getbands")


def _is_flat(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(isinstance(entry, int | float) for entry in value)


def _joined(entries: Sequence[Any]) -> Any:
    """Batch of single inputs."""
    import torch

    first = entries[0]
    if isinstance(first, Mapping):
        if odd := next((i for i, entry in enumerate(entries) if entry.keys() != first.keys()), None):
            raise InputError(f"Input {odd} has the keys {', '.join(entries[odd])}, the first {', '.join(first)}.")
        return _pieces({key: [entry[key] for entry in entries] for key in first})
    if isinstance(first, tuple) or (isinstance(first, list) and first and not _is_flat(first)):
        return _joined([entry[0] for entry in entries])  # without its label
    if isinstance(first, str):
        return list(entries)
    if _is_flat(first):
        return _pieces({"input_ids": list(entries)}) if isinstance(first[0], int) else as_tensor(np.array(entries))
    if _is_image(first):
        raise InputError(IMAGES)
    tensors = [as_tensor(entry) for entry in entries]
    shapes = sorted({tuple(tensor.shape) for tensor in tensors})
    if len(shapes) > 1:
        raise InputError(f"The inputs differ in shape, such as {shapes[0]} and {shapes[-1]}. Resize or pad them first.")
    return torch.stack(tensors)


def _pieces(entries: dict[str, Any]) -> dict[str, Any]:
    """Entries of a batch as tensors; lists of token ids are padded, and get a mask if they have none."""
    found = {}
    for key, value in entries.items():
        parts: list[Any] = list(value) if isinstance(value, list | tuple) else []
        first = parts[0] if parts else None
        ragged = len({len(part) for part in parts if _is_flat(part)}) > 1
        if ragged or (key == "input_ids" and _is_flat(first)):
            found[key], mask = pad_tokens(parts)
            if key == "input_ids" and "attention_mask" not in entries:
                found["attention_mask"] = mask
        elif any(part is None or isinstance(part, str | bool) for part in parts):
            found[key] = first if all(part is None for part in parts) else parts
        elif _is_image(first) or hasattr(first, "shape"):
            found[key] = _joined(parts)
        else:
            found[key] = as_tensor(value)
    return found


def as_tensor(values: Any) -> Any:
    """Tensor of a piece; an array is copied, since it may be read-only, on disk, or of a type that torch lacks."""
    import torch

    if isinstance(values, torch.Tensor):
        return values
    array = np.array(values)
    if array.dtype.kind not in "biufc":
        raise InputError(f"Inputs of type {array.dtype} are not numbers. Give numbers, or texts with a tokenizer.")
    kind = np.dtype(np.float64) if array.dtype.char == "g" else array.dtype.newbyteorder("=")
    return torch.as_tensor(array.astype(kind, copy=False))
