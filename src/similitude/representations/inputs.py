"""What a network is shown, cut into batches: tensors, texts, dictionaries, data sets and loaders alike."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from similitude.errors import InputError, require

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Batch", "Batches", "make_batches"]

_ID_KEYS = ("ids", "id", "index", "idx")

_SHUFFLED = (
    "The loader gives its inputs in another order or in another form each time, so that rows of two networks would not "
    "be the same inputs. Use shuffle=False and no random augmentation, or let each batch be a dict with the key 'ids'."
)


@dataclass
class Batch:
    """One batch: positional and named arguments of the model, and what is known of its rows.

    Parameters
    ----------
    inputs, arguments
        What the model is called with.
    size
        Number of inputs.
    mask
        (size, t), non-zero where a token is not padding; None if every token is real, or there are no tokens.
    mask_missing
        True if the inputs are token ids and nothing tells which are padding.
    ids
        Names of the inputs, if they have any.
    """

    inputs: tuple[Any, ...]
    arguments: dict[str, Any]
    size: int
    mask: Tensor | None = None
    mask_missing: bool = False
    ids: tuple[str, ...] | None = None

    def digest(self) -> str:
        """Hash of the content."""
        digest = hashlib.blake2b(digest_size=16)
        for value in (*self.inputs, *self.arguments.values()):
            if hasattr(value, "numpy"):
                digest.update(np.ascontiguousarray(value.detach().cpu().reshape(-1).double().numpy()).data)
            else:
                digest.update(repr(value).encode())
        return digest.hexdigest()


@dataclass
class Batches:
    """An iterable of batches.

    Parameters
    ----------
    source
        Function that starts a pass.
    count
        Number of batches, if it is known.
    shuffled
        True if a pass goes in random order (and batches carry ids, so that this does no harm).
    repeatable
        Whether a second pass can be made.
    """

    source: Callable[[], Iterator[Batch]]
    count: int | None = None
    shuffled: bool = False
    repeatable: bool = True

    def __iter__(self) -> Iterator[Batch]:
        return self.source()


def make_batches(
    inputs: Any,
    *,
    tokenizer: Any = None,
    mask: Any = None,
    ids: Sequence[str] | None = None,
    batch_size: int = 32,
) -> Batches:
    """Cut inputs into batches.

    Parameters
    ----------
    inputs
        A tensor or array (n, ...); a dict of them, which names the model's arguments; texts, with a tokenizer; a torch
        Dataset; or a DataLoader or other iterable of batches, each a tensor, a tuple whose first entry is the input, or
        a dict.
    tokenizer
        Of Hugging Face, for texts.
    mask
        (n, t), non-zero where a token is not padding, where the inputs do not bring an ``attention_mask``; ``"all"`` if
        there is no padding.
    ids
        n names of the inputs.
    batch_size
        For inputs that are not batches yet.

    Raises
    ------
    InputError
        Inputs of no such kind, or a loader that shuffles without giving ids.
    """
    torch = require("torch", "models")
    if batch_size < 1:
        raise InputError(f"The batch size must be 1 or more, not {batch_size}.")
    every_token = isinstance(mask, str) and mask == "all"
    whole_mask = None if mask is None or every_token else torch.as_tensor(mask)
    names = None if ids is None else tuple(str(i) for i in ids)

    if isinstance(inputs, str):
        raise InputError("Give a list of texts, not one text.")
    if isinstance(inputs, torch.utils.data.Dataset) and not isinstance(inputs, torch.utils.data.IterableDataset):
        inputs = torch.utils.data.DataLoader(inputs, batch_size=batch_size)
    raw, count = _raw_batches(inputs, tokenizer, batch_size)

    def start() -> Iterator[Batch]:
        begin = 0
        for entry in raw():
            batch = _as_batch(entry, every_token)
            end = begin + batch.size
            if whole_mask is not None:
                batch.mask, batch.mask_missing = whole_mask[begin:end], False
            if names is not None:
                batch.ids = names[begin:end]
            yield batch
            begin = end
        if names is not None and begin != len(names):
            raise InputError(f"{len(names)} ids for {begin} inputs.")

    repeatable = not isinstance(inputs, Iterator)
    batches = Batches(start, count, _goes_random(inputs), repeatable)
    _check_order(batches, own_ids=names is not None)
    return batches


def _raw_batches(inputs: Any, tokenizer: Any, batch_size: int) -> tuple[Callable[[], Iterator[Any]], int | None]:
    """A function that starts a pass over raw batches, and their number."""
    torch = require("torch", "models")
    given: Any = inputs

    def slices(n: int, cut: Callable[[int, int], Any]) -> tuple[Callable[[], Iterator[Any]], int]:
        if n == 0:
            raise InputError("There are no inputs.")
        return lambda: (cut(i, min(i + batch_size, n)) for i in range(0, n, batch_size)), -(-n // batch_size)

    if isinstance(inputs, Sequence) and len(inputs) and all(isinstance(text, str) for text in inputs):
        if tokenizer is None:
            raise InputError("Texts need a tokenizer: extract(model, texts, tokenizer=tokenizer).")
        if getattr(tokenizer, "pad_token", True) is None:
            raise InputError("The tokenizer has no padding token. Set tokenizer.pad_token = tokenizer.eos_token first.")
        return slices(
            len(inputs),
            lambda i, j: dict(tokenizer(list(inputs[i:j]), padding=True, truncation=True, return_tensors="pt")),
        )
    if isinstance(inputs, torch.Tensor | np.ndarray):
        if given.ndim < 2:
            raise InputError(
                f"Inputs of shape {tuple(given.shape)}: the first axis must be the inputs, with one more at least."
            )
        return slices(len(inputs), lambda i, j: _piece(inputs, i, j))
    if isinstance(inputs, Mapping):
        lengths = {key: len(value) for key, value in inputs.items()}
        if len(set(lengths.values())) != 1:
            raise InputError(f"The entries of the inputs differ in length: {lengths}.")
        return slices(
            next(iter(lengths.values())), lambda i, j: {key: _piece(value, i, j) for key, value in inputs.items()}
        )
    if isinstance(inputs, Iterable):
        try:
            count = len(inputs)  # type: ignore[arg-type]  # iterables without a length are caught
        except TypeError:
            count = None
        return lambda: iter(inputs), count
    raise InputError(
        f"Inputs of type {type(inputs).__name__}: give a tensor, a dict of tensors, texts, or a loader of batches."
    )


def _piece(values: Any, begin: int, end: int) -> Tensor:
    """Rows of a tensor, array or list; those of an array are copied, since it may be read-only or on disk."""
    torch = require("torch", "models")
    piece = values[begin:end]
    return piece if isinstance(piece, torch.Tensor) else torch.as_tensor(np.array(piece))


def _as_batch(entry: Any, every_token: bool) -> Batch:
    torch = require("torch", "models")
    if isinstance(entry, Mapping):
        arguments = dict(entry)
        ids = next((_names(arguments.pop(key)) for key in _ID_KEYS if key in arguments), None)
        tensors = {key: value for key, value in arguments.items() if isinstance(value, torch.Tensor)}
        if not tensors:
            raise InputError(f"A batch is a dict without tensors; its keys are {', '.join(map(str, entry))}.")
        first = next(iter(tensors.values()))
        mask = tensors.get("attention_mask")
        missing = "input_ids" in tensors and mask is None and not every_token
        return Batch((), arguments, len(first), mask, missing, ids)
    value: Any = entry[0] if isinstance(entry, tuple | list) and len(entry) else entry
    if isinstance(value, Mapping):
        return _as_batch(value, every_token)
    if isinstance(value, np.ndarray):
        value = torch.as_tensor(value)
    if not isinstance(value, torch.Tensor) or value.ndim < 1:
        raise InputError(
            f"A batch of type {type(value).__name__}: give tensors, tuples that begin with one, or dicts of tensors."
        )
    is_tokens = value.ndim == 2 and not value.is_floating_point()
    return Batch((value,), {}, len(value), None, is_tokens and not every_token)


def _names(values: Any) -> tuple[str, ...]:
    return tuple(str(v) for v in (values.tolist() if hasattr(values, "tolist") else values))


def _goes_random(inputs: Any) -> bool:
    """Whether a DataLoader says that it shuffles."""
    from torch.utils.data import RandomSampler, SubsetRandomSampler, WeightedRandomSampler

    batch_sampler = getattr(inputs, "batch_sampler", None)
    samplers = (getattr(inputs, "sampler", None), getattr(batch_sampler, "sampler", None))
    return any(
        isinstance(s, RandomSampler | SubsetRandomSampler | WeightedRandomSampler)
        or getattr(s, "shuffle", False) is True
        for s in samplers
    )


def _check_order(batches: Batches, own_ids: bool) -> None:
    """Refuse a source whose rows cannot be told apart in a second pass: by what it says, and by looking twice."""
    if not batches.repeatable:
        return
    first = next(iter(batches), None)
    if first is None:
        raise InputError("There are no inputs.")
    has_ids = first.ids is not None and not own_ids
    if not batches.shuffled:
        again = next(iter(batches), None)
        if again is not None and first.digest() == again.digest():
            return
        batches.shuffled = True
        has_ids = has_ids and again is not None and first.ids != again.ids
    if not has_ids:
        raise InputError(_SHUFFLED)
