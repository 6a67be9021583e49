"""From a network and inputs to representations: any torch module, Hugging Face models with their tokenizers.

>>> import torch
>>> net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
>>> list(extract(net, torch.randn(10, 4), layers="*"))
['0', '1', '2']
"""

from __future__ import annotations

import dataclasses
import hashlib
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from similitude.errors import InputError, SimilitudeWarning, require
from similitude.extraction.axes import AxesLike, StatedAxes
from similitude.extraction.capture import Capture, Reading
from similitude.extraction.forward import check_network, evaluating, unwrapped
from similitude.extraction.inputs import make_batches
from similitude.extraction.progress import showing
from similitude.extraction.reduce import get_reduction
from similitude.extraction.rows import FolderRows, MemoryRows, Rows
from similitude.extraction.selftest import self_test
from similitude.extraction.state import state_entries
from similitude.extraction.taps import LayersLike, select_layers
from similitude.representations.representation import Representation

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["DoesNotFit", "Extracted", "Extractor", "as_representations", "extract"]


class DoesNotFit(InputError):
    """Representations would take more memory than they may."""


class Extracted(dict[str, Representation]):
    """Layer name to Representation, in the order in which the layers ran.

    Attributes
    ----------
    left_out
        Layers that give no representation, with the reason.
    """

    def __init__(self, layers: dict[str, Representation], left_out: dict[str, str]) -> None:
        super().__init__(layers)
        self.left_out = left_out


class Extractor:
    """A network with inputs and layers, from which representations are extracted as often as asked.

    How outputs are read is decided, and tested, in the first pass; later passes only run the network.

    Parameters
    ----------
    model, inputs, layers, reduce, name, tokenizer, mask, ids, batch_size, axes, channels, check, forward
        See `extract`.

    Attributes
    ----------
    batches
        The inputs.
    label
        Name of the network in tables.
    """

    def __init__(
        self,
        model: Module,
        inputs: Any,
        layers: LayersLike = "blocks",
        reduce: str | Callable[[Any], Any] = "auto",
        *,
        name: str = "",
        tokenizer: Any = None,
        mask: Any = None,
        ids: Sequence[str] | None = None,
        batch_size: int = 32,
        axes: AxesLike = None,
        channels: Literal["auto", "first", "last"] = "auto",
        check: bool = True,
        forward: Callable[..., Any] | None = None,
    ) -> None:
        require("torch", "models")
        check_network(model)
        taps = select_layers(model, layers)
        chosen = get_reduction(reduce)
        self.batches = make_batches(
            inputs, tokenizer=tokenizer, mask=mask, ids=ids, batch_size=batch_size, model=None if forward else model
        )
        self.label = name or type(unwrapped(model)).__name__
        stated = StatedAxes(axes if channels == "auto" else [*StatedAxes.entries(axes), f"channels_{channels}"])
        self._model = model
        self._check = check
        self._settings = {"layers": [tap.name for tap in taps], "reduction": str(chosen), "axes": str(stated)}
        self._capture = Capture(model, forward, taps, chosen, stated)

    def __call__(
        self,
        rows: Rows | None = None,
        *,
        memory: int = 4 << 30,
        progress: bool | Callable[[int, int | None], None] = False,
    ) -> Extracted:
        """Run the network on all batches that `rows` do not hold yet.

        Parameters
        ----------
        rows
            Where rows are collected; by default in memory.
        memory, progress
            See `extract`.
        """
        rows = MemoryRows() if rows is None else rows
        capture, batches = self._capture, self.batches
        if rows.readings:
            capture.readings = {place: Reading(**reading) for place, reading in rows.readings.items()}
        with ExitStack() as stack:
            stack.enter_context(evaluating(self._model))
            stack.enter_context(capture.hooks())
            advance = stack.enter_context(showing(progress, batches.count, self.label))
            for i, batch in enumerate(batches):
                if i >= rows.batches:
                    looks = capture.study(batch) if not capture.readings else None
                    parts = capture.run(batch)
                    if looks and self._check:
                        self_test(self._model, capture, batch, parts, looks)
                    if looks is not None:
                        rows.readings = {
                            place: dataclasses.asdict(reading) for place, reading in capture.readings.items()
                        }
                    rows.left_out |= capture.left_out
                    rows.add(parts, batch.ids)
                    if isinstance(rows, MemoryRows):
                        _check_memory(rows, batches.count, memory)
                advance(i + 1)
        if rows.batches == 0:
            raise InputError("There are no inputs. An iterator that was read before is empty; give a list or a loader.")
        left_out = rows.left_out
        return Extracted(as_representations(rows, self.label, batches.shuffled, left_out), left_out)

    def identity(self) -> dict[str, Any]:
        """Return what tells one extraction from another, so that files are only continued by the same."""
        if not self.batches.repeatable or self.batches.shuffled:
            raise InputError(
                "Writing to a folder needs inputs that come in the same order each time, so that it can be continued."
            )
        first = next(iter(self.batches)).digest()
        return {"model": _weights(self._model), "inputs": first, "batches": self.batches.count} | self._settings


def extract(
    model: Module,
    inputs: Any,
    layers: LayersLike = "blocks",
    reduce: str | Callable[[Any], Any] = "auto",
    *,
    name: str = "",
    tokenizer: Any = None,
    mask: Any = None,
    ids: Sequence[str] | None = None,
    batch_size: int = 32,
    axes: AxesLike = None,
    channels: Literal["auto", "first", "last"] = "auto",
    check: bool = True,
    forward: Callable[..., Any] | None = None,
    folder: str | Path | None = None,
    memory: int = 4 << 30,
    progress: bool | Callable[[int, int | None], None] = False,
) -> Extracted:
    """Representations of layers of a network for the same inputs.

    The network runs in evaluation mode without gradients, batch by batch; each module's mode is restored and all hooks
    are removed afterwards, also after an error. Outputs are reduced and copied where they arise, before anything
    in-place can change them, and kept in single precision at least.

    Parameters
    ----------
    model
        The network; it stays on its device.
    inputs
        A tensor or array (n, ...); a list of images; a dict of them, which names the model's arguments; texts (a list,
        array or Series), with a `tokenizer`; a DataFrame of numbers; a torch Dataset; or a DataLoader or other iterable
        of batches, each a tensor, a tuple that begins with one, or a dict.
    layers
        Names, globs and presets: ``"blocks"``, ``"residual_stream"``, ``"all"``; blocks by index: ``-1`` or
        ``"blocks[-1]"``; ``"name:input"`` for what enters a layer. See `list_layers`.
    reduce
        How an output becomes n x d: a name of `similitude.extraction.reduce`, or a function from a tensor (n, ...)
        to a tensor (n, d).
    name
        The model's name in tables; by default its class.
    tokenizer
        Of Hugging Face, for texts.
    mask
        (n, t), non-zero where a token is not padding, for token inputs without an ``attention_mask``; ``"all"`` if
        there is no padding. It is passed to networks that take one, and used for pooling in any case.
    ids
        n names of the inputs. Without them, rows of two networks are matched by position.
    batch_size
        For inputs that are not batches yet.
    axes
        What the axes of outputs are, where that should not be decided from evidence: one letter per axis, ``n`` inputs,
        ``c`` or ``d`` channels, ``t`` tokens, others positions, such as ``"nhwc"`` or ``"tnd"``, for all outputs with
        as many axes; or a dict of layer globs to letters.
    channels
        ``"first"`` or ``"last"`` states where maps (n, c, h, w) or (n, h, w, c) have their channels.
    check
        Test on the first batch that rows are a function of their input: the same alone, in other company, and again.
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
    Extracted
        A dict of layer name to Representation, in the order in which they ran, with the layers that were left out. A
        module that runs several times in a pass gives ``name[0]``, ``name[1]``, ... How the axes of an output were read
        is the representation's ``axes``.

    Raises
    ------
    InputError
        Inputs that shuffle, token inputs without a mask, inputs that the network does not take, outputs without one row
        per input or with axes that nothing tells apart, an unfit reduction, no inputs; a scripted network.
    UnstableRows
        An InputError: rows depend on chance, on the rest of the batch, or on padding.
    DoesNotFit
        An InputError: more than `memory`, told after the first batch if the number of batches is known.
    NetworkError
        The network, tokenizer, data set or reduction raised an exception.
    UnknownName
        No such layer.
    MissingDependency
        torch is not installed.

    Warns
    -----
    SimilitudeWarning
        Layers left out: those that give no representation, and constant ones. Texts that are cut. Self-tests
        that cannot be made.
    """
    extractor = Extractor(
        *(model, inputs, layers, reduce),
        name=name,
        tokenizer=tokenizer,
        mask=mask,
        ids=ids,
        batch_size=batch_size,
        axes=axes,
        channels=channels,
        check=check,
        forward=forward,
    )
    rows: Rows = MemoryRows() if folder is None else FolderRows(folder, extractor.identity())
    found = extractor(rows, memory=memory, progress=progress)
    left_out = found.left_out
    if left_out:
        layer, reason = next(iter(left_out.items()))
        if not found:
            raise InputError(f"No layer gives a representation; {layer}: {reason}")
        text = f"{len(left_out)} layer(s) left out, the first: {layer}: {reason}"
        warnings.warn(text, SimilitudeWarning, stacklevel=2)
    return found


def as_representations(rows: Rows, model: str, sort_by_id: bool, left_out: dict[str, str]) -> dict[str, Representation]:
    """Representations of all layers; those that cannot be compared are added to `left_out`."""
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
        about = {"reduction": rows.reductions[layer], "axes": rows.axes.get(layer, "")}
        try:
            found[layer] = Representation(values, model=model, layer=layer, ids=names or None, **about)
        except InputError as error:  # constant, or with values that are not finite
            left_out[layer] = str(error).removeprefix(f"{model}/{layer}: ")
            continue
        found[layer].precision = max(found[layer].precision, rows.precisions[layer])
    return found


def _weights(model: Module) -> str:
    """Hash of everything in the state of a network."""
    import torch

    digest = hashlib.blake2b(digest_size=16)
    for key, values in state_entries(model):
        digest.update(key.encode())
        for value in values:
            if not isinstance(value, torch.Tensor):
                digest.update(repr(value).encode())
                continue
            if value.is_meta:
                raise InputError(
                    "Weights that are not loaded (device 'meta') cannot be told apart, so that nothing can be "
                    "continued from a folder. Load the network whole, or leave the folder out."
                )
            plain = torch.view_as_real(value.resolve_conj()) if value.is_complex() else value
            digest.update(np.ascontiguousarray(plain.detach().cpu().reshape(-1).double().numpy()).data)
    return digest.hexdigest()


def _check_memory(rows: MemoryRows, count: int | None, memory: int) -> None:
    """From the first batch on, as if all were like those so far."""
    expected = rows.nbytes * max(1.0, (count or 0) / rows.batches)
    if expected > memory:
        raise DoesNotFit(
            f"These layers would take about {expected / 1e9:.2g} GB, more than memory={memory / 1e9:.2g} GB. "
            "Give folder=... to keep them on disk, fewer layers, or a reduction that keeps less, such as 'mean_pool'."
        )
