"""From a network and inputs to representations: any torch module, Hugging Face models with their tokenizers.

>>> import torch
>>> net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
>>> list(extract(net, torch.randn(10, 4), layers="*"))
['0', '1', '2']
"""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from similitude.errors import InputError, SimilitudeWarning, require
from similitude.representations.forward import evaluating, find_tensor, run_batch
from similitude.representations.inputs import Batch, Batches, make_batches
from similitude.representations.layers import Tap, select_layers
from similitude.representations.reduce import Reduction, get_reduction, kind_of
from similitude.representations.representation import Representation
from similitude.representations.rows import FolderRows, MemoryRows, Part, Rows

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

__all__ = ["DoesNotFit", "extract"]


class DoesNotFit(InputError):
    """Representations would take more memory than they may."""


def extract(
    model: Module,
    inputs: Any,
    layers: str | Iterable[str] = "blocks",
    reduce: str | Callable[[Any], Any] = "auto",
    *,
    name: str = "",
    tokenizer: Any = None,
    mask: Any = None,
    ids: Sequence[str] | None = None,
    batch_size: int = 32,
    channels: Literal["first", "last"] = "first",
    forward: Callable[..., Any] | None = None,
    folder: str | Path | None = None,
    memory: int = 4 << 30,
    progress: bool | Callable[[int, int | None], None] = False,
) -> dict[str, Representation]:
    """Representations of layers of a network for the same inputs.

    The network runs in evaluation mode without gradients, batch by batch; each module's mode is restored and all hooks
    are removed afterwards, also after an error. Outputs are reduced and copied where they arise, before anything
    in-place can change them, and kept in single precision at least.

    Parameters
    ----------
    model
        The network; it stays on its device.
    inputs
        A tensor or array (n, ...); a dict of them, which names the model's arguments; texts, with a `tokenizer`; a
        torch Dataset; or a DataLoader or other iterable of batches, each a tensor, a tuple that begins with one, or a
        dict.
    layers
        Names, globs and presets: ``"blocks"``, ``"residual_stream"``, ``"all"``; ``"name:input"`` for what enters a
        layer. See `list_layers`.
    reduce
        How an output becomes n x d: a name of `similitude.representations.reduce`, or a function from a tensor (n, ...)
        to a tensor (n, d).
    name
        The model's name in tables; by default its class.
    tokenizer
        Of Hugging Face, for texts.
    mask
        (n, t), non-zero where a token is not padding, for token inputs without an ``attention_mask``; ``"all"`` if
        there is no padding.
    ids
        n names of the inputs. Without them, rows of two networks are matched by position.
    batch_size
        For inputs that are not batches yet.
    channels
        Where maps have their channels: (n, c, h, w) or (n, h, w, c).
    forward
        Called in the model's place with a batch, e.g. ``model.encode_image``.
    folder
        Write rows to files there, and give memory-mapped arrays; called again after an interruption, with the same
        settings, it goes on with the first batch that is missing.
    memory
        Bytes that representations may take without a `folder`.
    progress
        True for a bar with the time left, or a function of (batches done, batches in all or None).

    Returns
    -------
    dict
        Layer name to Representation, in the order in which they ran. A module that runs several times in a
        pass gives ``name[0]``, ``name[1]``, ...

    Raises
    ------
    InputError
        Inputs that shuffle, token inputs without a mask, outputs without a row an input, an unfit reduction, no inputs.
    DoesNotFit
        An InputError: more than `memory`, told after the first batch if the number of batches is known.
    UnknownName
        No such layer.
    MissingDependency
        torch is not installed.

    Warns
    -----
    SimilitudeWarning
        Layers found by a glob or preset that give no representation; they are left out.
    """
    torch = require("torch", "models")
    taps = select_layers(model, layers) if isinstance(model, torch.nn.Module) else []
    chosen = get_reduction(reduce)
    batches = make_batches(inputs, tokenizer=tokenizer, mask=mask, ids=ids, batch_size=batch_size)
    label = name or type(model).__name__
    rows = MemoryRows() if folder is None else FolderRows(folder, _settings(model, batches, taps, chosen, channels))
    capture = _Capture(taps, chosen, channels == "last")
    with ExitStack() as stack:
        stack.enter_context(evaluating(model))
        stack.enter_context(capture.hooks())
        advance = stack.enter_context(_progress(progress, batches.count, label))
        for i, batch in enumerate(batches):
            if i >= rows.batches:
                rows.add(capture.run(model, batch, forward), batch.ids)
                if isinstance(rows, MemoryRows):
                    _check_memory(rows, batches.count, memory)
            advance(i + 1)
    if rows.batches == 0:
        raise InputError("There are no inputs. An iterator that was read before is empty; give a list or a loader.")
    capture.report()
    return _representations(rows, label, batches.shuffled)


class _MaskMissing(InputError):
    """Concerns the inputs, not one layer, so that no layer is left out for it."""


class _Capture:
    """Hooks that reduce and copy what passes, for one batch at a time."""

    def __init__(self, taps: Sequence[Tap], reduction: Reduction, channels_last: bool) -> None:
        self._taps = taps
        self._reduction = reduction
        self._channels_last = channels_last
        self._left_out: dict[str, str] = {}
        self._batch: Batch | None = None
        self._seen: list[tuple[str, Part]] = []

    @contextmanager
    def hooks(self) -> Iterator[None]:
        """Listen at all taps within a block."""
        handles = []
        try:
            for tap in self._taps:
                if tap.at_input:
                    handles.append(tap.module.register_forward_pre_hook(self._before(tap), with_kwargs=True))
                else:
                    handles.append(tap.module.register_forward_hook(self._after(tap)))
            yield
        finally:
            for handle in handles:
                handle.remove()

    def run(self, model: Module, batch: Batch, forward: Callable[..., Any] | None) -> dict[str, Part]:
        """What every layer gave for a batch, in the order in which they ran."""
        self._batch, self._seen = batch, []
        run_batch(model, batch, forward)
        passed = [(layer, part) for layer, part in self._seen if layer not in self._left_out]
        calls = Counter(layer for layer, _ in passed)
        silent = next((tap.name for tap in self._taps if tap.exact and not calls[tap.name]), None)
        if silent is not None:
            raise InputError(f"Layer {silent!r} did not run in the forward pass. See list_layers(model, example).")
        if not passed:
            reasons = [f"{layer}: {reason}" for layer, reason in self._left_out.items()]
            raise InputError(f"None of the layers gave a representation. {'; '.join(reasons[:3])}")
        parts: dict[str, Part] = {}
        earlier: Counter[str] = Counter()
        for layer, part in passed:
            parts[layer if calls[layer] == 1 else f"{layer}[{earlier[layer]}]"] = part
            earlier[layer] += 1
        return parts

    def report(self) -> None:
        """Warn of layers that a glob or preset named and that gave nothing."""
        if self._left_out:
            layer, reason = next(iter(self._left_out.items()))
            text = f"{len(self._left_out)} layer(s) left out, the first: {layer}: {reason}"
            warnings.warn(text, SimilitudeWarning, stacklevel=3)

    def _after(self, tap: Tap) -> Callable[..., None]:
        return lambda module, arguments, output: self._take(tap, output)

    def _before(self, tap: Tap) -> Callable[..., None]:
        return lambda module, arguments, named: self._take(tap, (*arguments, *named.values()))

    def _take(self, tap: Tap, output: Any) -> None:
        if tap.name in self._left_out:
            return
        tensor = find_tensor(output)
        if tensor is None and not tap.exact:
            return
        try:
            if tensor is None:
                raise InputError(f"it gives no tensor but {type(output).__name__}.")
            self._seen.append((tap.name, self._part(tap, tensor)))
        except _MaskMissing:
            raise
        except InputError as error:
            if tap.exact:
                raise InputError(f"Layer {tap.name!r}: {error}") from None
            self._left_out[tap.name] = str(error)

    def _part(self, tap: Tap, output: Tensor) -> Part:
        import torch

        assert self._batch is not None
        batch = self._batch
        output = output.detach()
        if output.ndim == 3 and _sequence_first(tap.module):
            output = output.transpose(0, 1)
        if len(output) != batch.size:
            raise InputError(
                f"its output of shape {tuple(output.shape)} has {len(output)} rows for {batch.size} inputs. If the "
                "first axis is not the inputs (sequences first, windows of an image), listen to a layer further out."
            )
        kind = kind_of(output, type(tap.module).__name__)
        if batch.mask_missing and self._reduction.needs_mask(kind):
            raise _MaskMissing(
                "Token inputs need an attention mask, so that padding is left out: give a dict with 'attention_mask', "
                "or mask=..., or mask='all' if no input is padded."
            )
        mask = batch.mask.to(output.device) if batch.mask is not None and kind == "tokens" else None
        rows, per_input = self._reduction(output, kind, mask=mask, channels_last=self._channels_last)
        if not rows.is_floating_point():
            rows = rows.double()
        precision = torch.finfo(output.dtype if output.is_floating_point() else rows.dtype).eps
        kept = rows.float() if rows.element_size() < 4 else rows
        if kept.device.type == "cpu" and kept.untyped_storage().data_ptr() == output.untyped_storage().data_ptr():
            kept = kept.clone(memory_format=torch.contiguous_format)
        counts = [per_input] * batch.size if isinstance(per_input, int) else per_input.tolist()
        return Part(kept.cpu().numpy(), counts, str(self._reduction.of(kind)), float(precision))


def _representations(rows: Rows, model: str, sort_by_id: bool) -> dict[str, Representation]:
    ids = rows.ids
    order = np.argsort(ids, kind="stable") if sort_by_id else None
    found = {}
    for layer, values in rows.finish().items():
        counts = np.array(rows.per_input[layer])
        names = ids
        if ids and (counts != 1).any():
            names = [f"{name}@{i}" for name, count in zip(ids, counts, strict=True) for i in range(count)]
        if order is not None:
            places = np.empty_like(order)
            places[order] = np.arange(len(order))
            picked = np.argsort(np.repeat(places, counts), kind="stable")
            values, names = values[picked], [names[i] for i in picked]
        found[layer] = Representation(
            values, model=model, layer=layer, ids=names or None, reduction=rows.reductions[layer]
        )
        found[layer].precision = max(found[layer].precision, rows.precisions[layer])
    return found


def _sequence_first(module: Module) -> bool:
    """Whether a recurrent or attention module of torch has (t, n, d) instead of (n, t, d)."""
    return getattr(module, "batch_first", getattr(getattr(module, "self_attn", None), "batch_first", True)) is False


def _settings(
    model: Module, batches: Batches, taps: Sequence[Tap], reduction: Reduction, channels: str
) -> dict[str, Any]:
    """What tells one extraction from another, so that files are only continued by the same."""
    if not batches.repeatable or batches.shuffled:
        raise InputError(
            "Writing to a folder needs inputs that come in the same order each time, so that it can be continued."
        )
    weights = hashlib.blake2b(digest_size=16)
    for key, value in model.state_dict().items():
        weights.update(key.encode())
        weights.update(np.ascontiguousarray(value.detach().cpu().reshape(-1).double().numpy()).data)
    return {
        "model": weights.hexdigest(),
        "inputs": next(iter(batches)).digest(),
        "batches": batches.count,
        "layers": [tap.name for tap in taps],
        "reduction": str(reduction),
        "channels": channels,
    }


def _check_memory(rows: MemoryRows, count: int | None, memory: int) -> None:
    """From the first batch on, as if all were like those so far."""
    expected = rows.nbytes * max(1.0, (count or 0) / rows.batches)
    if expected > memory:
        raise DoesNotFit(
            f"These layers would take about {expected / 1e9:.2g} GB, more than memory={memory / 1e9:.2g} GB. "
            "Give folder=... to keep them on disk, fewer layers, or a reduction that keeps less, such as 'mean_pool'."
        )


@contextmanager
def _progress(
    progress: bool | Callable[[int, int | None], None], count: int | None, label: str
) -> Iterator[Callable[[int], None]]:
    if callable(progress):
        yield lambda done: progress(done, count)
    elif not progress:
        yield lambda done: None
    else:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        with Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        ) as bar:
            task = bar.add_task(label, total=count)
            yield lambda done: bar.update(task, completed=done)
