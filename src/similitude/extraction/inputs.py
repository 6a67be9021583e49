"""What a network is shown, cut into batches: tensors, texts, frames, dictionaries, data sets and loaders alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from similitude.errors import InputError, NetworkError, SimilitudeError, require, told
from similitude.extraction.batch import Batch
from similitude.extraction.collate import IMAGES, Source, as_tensor, find_source
from similitude.extraction.texts import TEXT_KEYS, Texts
from similitude.representations.names import first_repeated

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["Batches", "make_batches"]

_ID_KEYS = ("ids", "id", "index", "idx")

_SHUFFLED = (
    "The loader gives its inputs in another order or in another form each time, so that rows of two networks would not "
    "be the same inputs. Use shuffle=False and no random augmentation, or let each batch be a dict with the key 'ids'."
)


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

    def in_memory(self) -> Batches:
        """Return the same batches, read once."""
        batches = list(self)
        return Batches(lambda: iter(batches), len(batches), self.shuffled)


def make_batches(
    inputs: Any,
    *,
    tokenizer: Any = None,
    mask: Any = None,
    ids: Sequence[str] | None = None,
    batch_size: int = 32,
    model: Module | None = None,
) -> Batches:
    """Cut inputs into batches.

    Parameters
    ----------
    inputs
        A tensor or array (n, ...); a list of images; a dict of them, which names the model's arguments; texts (a list,
        array or Series), with a tokenizer; a DataFrame; a torch Dataset; or a DataLoader or other iterable of batches,
        each a tensor, a tuple whose first entry is the input, or a dict. `Batches` are returned as they are.
    tokenizer
        Of Hugging Face, for texts.
    mask
        (n, t), non-zero where a token is not padding, where the inputs do not bring an ``attention_mask``; ``"all"`` if
        there is no padding.
    ids
        n names of the inputs; by default the index of a Series or DataFrame, where it is not just a count.
    batch_size
        For inputs that are not batches yet.
    model
        The network, which tells single inputs from batches and how many tokens it takes.

    Raises
    ------
    InputError
        Inputs of no such kind, or a loader that shuffles without giving ids.
    NetworkError
        The user's data set, loader or tokenizer raised an exception.
    """
    if isinstance(inputs, Batches):
        return inputs
    torch = require("torch", "models")
    if not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise InputError(f"The batch size must be a whole number of 1 or more, not {batch_size!r}.")
    every_token = isinstance(mask, str) and mask == "all"
    if isinstance(mask, str) and not every_token:
        raise InputError(f"A mask is an array (n, t) or 'all', not {mask!r}.")
    whole_mask = None if mask is None or every_token else torch.as_tensor(mask)
    texts = Texts(tokenizer, model)
    source = find_source(inputs, texts, batch_size, model)
    names = source.ids if ids is None else tuple(str(i) for i in ids)
    if names is not None and (twice := first_repeated(names)):
        raise InputError(f"Ids name the inputs, and {twice[0]!r} occurs twice.")

    def start() -> Iterator[Batch]:
        begin = 0
        for entry in _read(source):
            batch = _as_batch(entry, every_token, texts)
            end = begin + batch.size
            if whole_mask is not None:
                batch.mask, batch.mask_missing = whole_mask[begin:end], False
                if len(whole_mask) < end:
                    raise InputError(f"The mask has {len(whole_mask)} rows, and there are more inputs.")
            if names is not None:
                batch.ids = names[begin:end]
            yield batch
            begin = end
        if names is not None and begin != len(names):
            raise InputError(f"{len(names)} ids for {begin} inputs.")

    batches = Batches(start, source.count, _goes_random(inputs), not isinstance(inputs, Iterator))
    _check_order(batches, own_ids=names is not None)
    _check_workers(inputs, batches)
    return batches


def _read(source: Source) -> Iterator[Any]:
    """Raw batches; an exception of the user's data set or loader is reported as such."""
    entries = None
    while True:
        try:
            entries = source.start() if entries is None else entries
            entry = next(entries)
        except StopIteration:
            return
        except SimilitudeError:
            raise
        except Exception as error:  # whatever a foreign data set raises
            hint = f". {IMAGES}" if "PIL." in str(error) else ""
            raise NetworkError(f"Reading the inputs failed: {told(error)}{hint}") from error
        yield entry


def _as_batch(entry: Any, every_token: bool, texts: Texts) -> Batch:
    torch = require("torch", "models")
    if isinstance(entry, Mapping):
        arguments = dict(entry)
        ids = next((_names(arguments.pop(key)) for key in _ID_KEYS if key in arguments), None)
        read = next((key for key in TEXT_KEYS if key in arguments and "input_ids" not in arguments), None)
        if read is not None and texts.readable:
            arguments = {**arguments, **texts.tokens(arguments.pop(read))}
        arguments = {
            key: as_tensor(value) if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" else value
            for key, value in arguments.items()
        }
        batch = Batch((), arguments, 0, ids=ids)
        if not batch.tensors:
            raise InputError(f"A batch is a dict without tensors; its keys are {', '.join(map(str, entry))}.")
        batch.size = len(next(iter(batch.tensors.values())))
        batch.mask = batch.tensors.get("attention_mask")
        tokens = arguments.get("input_ids", next(iter(batch.tensors.values())) if len(batch.tensors) == 1 else None)
        batch.mask_missing = _are_tokens(tokens) and batch.mask is None and not every_token
        if every_token and "decoder_input_ids" in arguments:
            arguments.setdefault("decoder_attention_mask", torch.ones_like(arguments["decoder_input_ids"]))
        return batch
    value: Any = entry[0] if isinstance(entry, tuple | list) and len(entry) else entry
    if isinstance(value, str):  # a batch of texts, not of which the first is taken
        value = entry
    if isinstance(value, Mapping):
        return _as_batch(value, every_token, texts)
    if isinstance(value, tuple | list) and texts.are(value):
        return _as_batch(texts.tokens(value), every_token, texts)
    array: Any = as_tensor(value) if isinstance(value, np.ndarray) else value
    if not isinstance(array, torch.Tensor) or array.ndim < 1:
        raise InputError(
            f"A batch of type {type(value).__name__}: give tensors, tuples that begin with one, or dicts of tensors."
        )
    return Batch((array,), {}, len(array), None, _are_tokens(array) and not every_token)


def _are_tokens(value: Any) -> bool:
    """Whether a value holds token ids: whole numbers, one row per input."""
    return value is not None and value.ndim == 2 and not (value.is_floating_point() or value.is_complex())


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


def _check_workers(inputs: Any, batches: Batches) -> None:
    """Refuse a loader whose workers each give the whole of an iterable data set."""
    from torch.utils.data import DataLoader, IterableDataset

    if isinstance(inputs, DataLoader) and isinstance(inputs.dataset, IterableDataset) and inputs.num_workers > 1:
        first = [batch.digest() for batch, _ in zip(batches, range(2), strict=False)]
        if len(set(first)) < len(first):
            raise InputError(
                f"Each of the loader's {inputs.num_workers} workers gives all inputs, so that they come several times. "
                "Use num_workers=0, or let the data set share them out by torch.utils.data.get_worker_info()."
            )
