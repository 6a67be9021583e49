"""From anything that holds inputs to a pass over raw batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from similitude.errors import InputError
from similitude.representations.texts import Texts, pad_tokens

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["Source", "as_tensor", "find_source"]


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
    """Raw batches of inputs of any kind; see `similitude.representations.inputs.make_batches`.

    Raises
    ------
    InputError
        Inputs of no known kind, or none at all.
    """
    import torch
    from torch.utils.data import DataLoader, Dataset

    def cut(values: Any, piece: Callable[[int, int], Any], ids: tuple[str, ...] | None = None) -> Source:
        n = len(values)
        if n == 0:
            raise InputError("There are no inputs.")
        return Source(
            lambda: (piece(i, min(i + batch_size, n)) for i in range(0, n, batch_size)), -(-n // batch_size), ids
        )

    if isinstance(inputs, str):
        raise InputError("Give a list of texts, not one text.")
    if isinstance(inputs, pd.Series | pd.Index | pd.DataFrame):
        values, ids = _of_frame(inputs)
        return Source(*_pass(find_source(values, texts, batch_size, model)), ids)
    if isinstance(inputs, np.ndarray) and inputs.dtype.kind in "OUT":
        inputs = inputs.tolist()
    if isinstance(inputs, Sequence) and texts.are(inputs):
        texts.check()
        return cut(inputs, lambda i, j: texts.tokens(inputs[i:j]))
    if isinstance(inputs, torch.Tensor | np.ndarray):
        _check_shape(inputs, model)
        return cut(inputs, lambda i, j: as_tensor(inputs[i:j]))
    if isinstance(inputs, Mapping):
        lengths = {key: len(value) for key, value in inputs.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"The entries of the inputs differ in length: {lengths}.")
        if not lengths:
            raise InputError("There are no inputs.")
        first = next(iter(inputs.values()))
        return cut(first, lambda i, j: _pieces({key: value[i:j] for key, value in inputs.items()}))
    if isinstance(inputs, Sequence) and len(inputs) and _are_single(inputs, model):
        return cut(inputs, lambda i, j: _joined(inputs[i:j]))
    if isinstance(inputs, Dataset):
        inputs = DataLoader(inputs, batch_size=batch_size)
    if isinstance(inputs, Iterable):
        try:
            count = len(inputs)  # type: ignore[arg-type]  # iterables without a length are caught
        except TypeError:
            count = None
        return Source(lambda: iter(inputs), count)
    raise InputError(
        f"Inputs of type {type(inputs).__name__}: give a tensor, a dict of tensors, texts, or a loader of batches."
    )


def _pass(source: Source) -> tuple[Callable[[], Iterator[Any]], int | None]:
    return source.start, source.count


def _of_frame(frame: Any) -> tuple[Any, tuple[str, ...] | None]:
    """Texts or numbers of a pandas object, and its index where that is more than a count."""
    index = None if isinstance(frame, pd.Index) else frame.index
    ids = None if index is None or index.equals(pd.RangeIndex(len(frame))) else tuple(map(str, index))
    if isinstance(frame, pd.DataFrame):
        columns = {name: kind for name, kind in frame.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)}
        if columns:
            raise InputError(f"The column {next(iter(columns))!r} is not numeric. For texts give that column alone.")
        return frame.to_numpy(dtype=np.float64 if (frame.dtypes != frame.dtypes.iloc[0]).any() else None), ids
    values = frame.tolist()
    if not all(isinstance(value, str) for value in values):
        missing = next((i for i, value in enumerate(values) if not isinstance(value, str)), 0)
        raise InputError(f"Entry {missing} of the {type(frame).__name__} is not a text but {values[missing]!r}.")
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


def _check_shape(values: Any, model: Module | None) -> None:
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
        return all(_is_flat(value) or np.ndim(value) == 0 for value in first.values())
    if _is_flat(first) or hasattr(first, "getbands"):
        return True
    axes = getattr(first, "ndim", None)
    return axes is not None and (axes == 1 or axes + 1 == _expected_axes(model))


def _is_flat(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(isinstance(entry, int | float) for entry in value)


def _joined(entries: Sequence[Any]) -> Any:
    """Batch of single inputs."""
    import torch

    first = entries[0]
    if isinstance(first, Mapping):
        return _pieces({key: [entry[key] for entry in entries] for key in first})
    if isinstance(first, tuple):
        return _joined([entry[0] for entry in entries])
    if isinstance(first, str):
        return list(entries)
    if _is_flat(first):
        return _pieces({"input_ids": list(entries)}) if isinstance(first[0], int) else as_tensor(np.array(entries))
    if hasattr(first, "getbands"):
        raise InputError(
            "Images have to be tensors, of one size and scaled as in training. Pass them through the network's image "
            "processor, or name their folder on the command line: similitude compare ... --inputs FOLDER."
        )
    tensors = [as_tensor(entry) for entry in entries]
    shapes = sorted({tuple(tensor.shape) for tensor in tensors})
    if len(shapes) > 1:
        raise InputError(f"The inputs differ in shape, such as {shapes[0]} and {shapes[-1]}. Resize or pad them first.")
    return torch.stack(tensors)


def _pieces(entries: dict[str, Any]) -> dict[str, Any]:
    """Entries of a batch as tensors; lists of token ids are padded, and get a mask if they have none."""
    found = {}
    for key, value in entries.items():
        ragged = isinstance(value, list) and len({len(entry) for entry in value if _is_flat(entry)}) > 1
        if ragged or (key == "input_ids" and isinstance(value, list) and _is_flat(value[0])):
            found[key], mask = pad_tokens(value)
            if key == "input_ids" and "attention_mask" not in entries:
                found["attention_mask"] = mask
        elif isinstance(value, list | tuple) and any(isinstance(entry, str) for entry in value):
            found[key] = list(value)
        else:
            found[key] = as_tensor(value)
    return found


def as_tensor(values: Any) -> Any:
    """Tensor of a piece; an array is copied, since it may be read-only, on disk, or of a type that torch lacks."""
    import torch

    if isinstance(values, torch.Tensor):
        return values
    array = np.array(values)
    kind = np.dtype(np.float64) if array.dtype.char == "g" else array.dtype.newbyteorder("=")
    return torch.as_tensor(array.astype(kind, copy=False))
