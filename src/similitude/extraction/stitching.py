"""Stitch networks: run the rest of one network on what a layer of another gives, through a linear map.

>>> import torch
>>> from torch.nn import Linear, ReLU, Sequential
>>> nets = [Sequential(Linear(6, 20), ReLU(), Linear(20, 3)) for _ in range(2)]
>>> inputs = torch.randn(400, 6)
>>> stitch(*nets, inputs, inputs[:, :3].argmax(1), "1")[["donor", "receiver"]].to_numpy().tolist()
[['first', 'second'], ['second', 'first']]
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from similitude.errors import InputError, require
from similitude.extraction.axes import AxesLike
from similitude.extraction.batch import Batch
from similitude.extraction.forward import check_network, evaluating, find_tensor, prepare
from similitude.extraction.inputs import make_batches
from similitude.extraction.layers import list_layers
from similitude.extraction.taps import select_layers

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

__all__ = ["stitch"]

_RIDGE = 1e-6
"""Penalty of the first map, relative to the mean square of what it maps."""


def stitch(
    first: Module,
    second: Module,
    inputs: Any,
    targets: Any,
    layer: str,
    other_layer: str | None = None,
    *,
    untrained: tuple[Module, Module] | None = None,
    names: tuple[str, str] = ("first", "second"),
    held_out: float = 0.5,
    steps: int = 100,
    rate: float = 1e-3,
    tokenizer: Any = None,
    mask: Any = None,
    axes: AxesLike = None,
    batch_size: int = 32,
    seed: int = 0,
) -> pd.DataFrame:
    """Return how well each network goes on from a layer of the other, and from the same layer of an untrained network.

    The output of the receiver's layer is replaced by a linear map of the donor's, one map for all positions or tokens.
    The map is fitted to the receiver's own output by least squares, then trained on the receiver's loss, both on one
    part of the inputs; accuracies are of the rest. A stitched network can do well because the map and the rest of the
    receiver learn the task from whatever they are given: an untrained donor says how well.

    Parameters
    ----------
    first, second
        Classifiers whose output, or first output, is one row of logits per input. They are not changed.
    inputs
        See `extract`.
    targets
        Class of each input; n.
    layer
        Layer of both networks, by name; see `list_layers`.
    other_layer
        Layer of the second network, where it has another name.
    untrained
        Donors that stand for an untrained first and second network. By default copies whose weights are drawn anew by
        the modules' own ``reset_parameters``.
    names
        Names of the networks in the table.
    held_out
        Share of the inputs on which accuracies are measured.
    steps
        Number of batches by which the map is trained on the loss (Adam); 0 leaves it at least squares.
    rate
        Learning rate of these steps.
    tokenizer, mask, axes, batch_size
        See `extract`.
    seed
        Seed of the choice of held-out inputs and of untrained weights.

    Returns
    -------
    pandas.DataFrame
        One row per direction: ``donor``, ``receiver``, ``layer`` (of the donor), ``receiver_layer``; on held-out inputs
        ``accuracy`` of the stitched network, ``untrained`` (the same from the untrained donor) and ``own`` of the
        receiver; ``r2``, the share of variance of the receiver's output that the map by least squares explains, and
        ``untrained_r2``.

    Raises
    ------
    InputError
        Layers whose outputs differ in more than their channels, or are not tensors with one row per input; weights that
        cannot be drawn anew; outputs that are no logits.

    References
    ----------
    Bansal et al. 2021, arXiv:2106.07682; Hernandez et al. 2023, arXiv:2303.11277; the map by least squares after
    Csiszarik et al. 2021, arXiv:2110.14633.
    """
    require("torch", "models")
    for model in (first, second):
        check_network(model)
    if not 0.0 < held_out < 1.0:
        raise InputError(f"held_out must be a share between 0 and 1, not {held_out}.")
    labels = _classes(targets)
    donors = untrained or (_drawn_anew(first, seed), _drawn_anew(second, seed + 1))
    layers = layer, layer if other_layer is None else other_layer
    places = []
    for model, name in zip((first, second), layers, strict=True):
        listed = list_layers(model, inputs, tokenizer=tokenizer, mask=mask, axes=axes).set_index("layer")
        places.append(_channels(listed, select_layers(model, name)[0].name))
    ends = [_End(model, *place) for model, place in zip((first, second), places, strict=True)]
    controls = [_End(model, *place) for model, place in zip(donors, places, strict=True)]
    options = {"tokenizer": tokenizer, "mask": mask, "batch_size": batch_size}
    fitting, testing = _split(lambda model: make_batches(inputs, model=model, **options), first, labels, held_out, seed)
    rows = []
    for donor, receiver in ((0, 1), (1, 0)):
        with ExitStack() as stack:
            for model in {id(m): m for m in (first, second, *donors)}.values():
                stack.enter_context(evaluating(model))
            found = [
                _Stitched(end, ends[receiver]).fit(fitting).train(fitting, steps, rate).test(testing)
                for end in (ends[donor], controls[donor])
            ]
            own = _accuracy((_logits(ends[receiver].model, batch), target) for batch, target in testing)
        rows.append(
            {
                "donor": names[donor],
                "receiver": names[receiver],
                "layer": layers[donor],
                "receiver_layer": layers[receiver],
                "accuracy": found[0][0],
                "untrained": found[1][0],
                "own": own,
                "r2": found[0][1],
                "untrained_r2": found[1][1],
            }
        )
    return pd.DataFrame(rows)


def _classes(targets: Any) -> Tensor:
    import torch

    found = targets.cpu() if isinstance(targets, torch.Tensor) else np.asarray(targets)
    if not isinstance(found, torch.Tensor) and found.dtype.kind not in "iub":
        raise InputError(f"targets are of type {found.dtype}; give the number of each input's class, from 0 on.")
    return torch.as_tensor(found).long()


Part = tuple[Batch, Any]
"""Some inputs, and their classes."""


@dataclass(frozen=True)
class _End:
    """One end of a stitch: a layer of a network, and the axis of its output that holds the channels."""

    model: Module
    layer: str
    axis: int

    @property
    def module(self) -> Module:
        return self.model.get_submodule(self.layer)

    def rows(self, output: Any) -> Tensor:
        """Output with the channels on the last axis."""
        tensor = find_tensor(output)
        if tensor is None:
            raise InputError(f"Layer {self.layer!r} gives no tensor.")
        return tensor.movedim(self.axis, -1)

    def given(self, batch: Batch) -> Tensor:
        """What the layer gives for a batch."""
        found: list[Tensor] = []
        handle = self.module.register_forward_hook(lambda module, args, output: found.append(self.rows(output).clone()))
        try:
            prepare(self.model, batch)()
        finally:
            handle.remove()
        if len(found) != 1:
            raise InputError(f"Layer {self.layer!r} runs {len(found)} times in a pass; stitch at one that runs once.")
        return found[0]

    @contextmanager
    def replaced(self, rows: Tensor) -> Iterator[None]:
        """Let the layer give these rows instead."""
        put = rows.movedim(-1, self.axis)

        def instead(module: Module, args: Any, output: Any) -> Any:
            if not isinstance(output, tuple | list):
                return put
            place = next(i for i, entry in enumerate(output) if find_tensor(entry) is not None)
            return type(output)([*output[:place], put, *output[place + 1 :]])

        handle = self.module.register_forward_hook(instead)
        try:
            yield
        finally:
            handle.remove()


class _Stitched:
    """A receiver that goes on from the donor's layer, through a linear map."""

    def __init__(self, donor: _End, receiver: _End) -> None:
        self._donor = donor
        self._receiver = receiver

    def fit(self, parts: Sequence[Part]) -> _Stitched:
        """Fit the map to the receiver's own output."""
        import torch

        squares, products = 0.0, 0.0
        for batch, _ in parts:
            rows, wanted = self._pair(batch)
            squares, products = squares + rows.T @ rows, products + rows.T @ wanted
        assert isinstance(squares, torch.Tensor)
        penalty = (
            _RIDGE * squares.diagonal().mean() * torch.eye(len(squares), dtype=squares.dtype, device=squares.device)
        )
        self._map = torch.linalg.solve(squares + penalty, products)
        self._least_squares = self._map
        return self

    def train(self, parts: Sequence[Part], steps: int, rate: float) -> _Stitched:
        """Train the map on the loss of the receiver, whose weights stay as they are."""
        import torch

        weights = self._map.float().requires_grad_()
        optimiser = torch.optim.Adam([weights], lr=rate)
        for step in range(steps):
            batch, target = parts[step % len(parts)]
            with torch.enable_grad():
                logits = self._run(batch, weights)
                if not 0 <= int(target.min()) <= int(target.max()) < logits.shape[1]:
                    raise InputError(f"targets go beyond the {logits.shape[1]} classes that logits are of, from 0 on.")
                loss = torch.nn.functional.cross_entropy(logits.float(), target.to(logits.device))
                (weights.grad,) = torch.autograd.grad(loss, [weights])
            optimiser.step()
        self._map = weights.detach()
        return self

    def test(self, parts: Sequence[Part]) -> tuple[float, float]:
        """Accuracy, and the share of variance that the map by least squares explains."""
        errors, total, mean, count = 0.0, 0.0, 0.0, 0
        for batch, _ in parts:
            rows, wanted = self._pair(batch)
            errors += float(((rows @ self._least_squares - wanted) ** 2).sum())
            total, mean, count = total + float((wanted**2).sum()), mean + wanted.sum(dim=0), count + len(wanted)
        variance = total - float((mean**2).sum()) / count  # type: ignore[attr-defined]  # a tensor by now
        accuracy = _accuracy((self._run(batch, self._map), target) for batch, target in parts)
        return accuracy, 1.0 - errors / variance if variance > 0 else float("nan")

    def _pair(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """What the donor gives, with a column of ones, and the receiver: one row per input and position, no padding."""
        given, wanted = self._donor.given(batch), self._receiver.given(batch)
        if given.shape[:-1] != wanted.shape[:-1]:
            raise InputError(
                f"Layers {self._donor.layer!r} and {self._receiver.layer!r} have {list(given.shape[1:-1])} and "
                f"{list(wanted.shape[1:-1])} positions per input. Stitch layers that differ in their channels only."
            )
        rows, wanted = _with_ones(given).double(), wanted.double()
        if batch.mask is not None and batch.mask.shape == rows.shape[:-1]:
            real = batch.mask.bool().to(rows.device)
            return rows[real], wanted[real]
        return rows.flatten(0, -2), wanted.flatten(0, -2)

    def _run(self, batch: Batch, weights: Tensor) -> Tensor:
        given = self._donor.given(batch).detach()
        rows = _with_ones(given).to(weights.dtype) @ weights
        with self._receiver.replaced(rows.to(given.dtype)):
            return _logits(self._receiver.model, batch)


def _with_ones(rows: Tensor) -> Tensor:
    import torch

    return torch.cat([rows, rows.new_ones(*rows.shape[:-1], 1)], dim=-1)


def _logits(model: Module, batch: Batch) -> Tensor:
    logits = find_tensor(prepare(model, batch)())
    if logits is None or tuple(logits.shape[:1]) != (batch.size,) or logits.ndim != 2:
        shape = None if logits is None else list(logits.shape)
        raise InputError(
            f"{type(model).__name__} gives {shape} for {batch.size} inputs; stitch needs a row of logits each."
        )
    return logits


def _accuracy(answers: Iterator[tuple[Tensor, Any]]) -> float:
    right = [(logits.argmax(dim=1).cpu() == target).numpy() for logits, target in answers]
    return float(np.concatenate(right).mean())


def _channels(listed: pd.DataFrame, layer: str) -> tuple[str, int]:
    """Layer and the axis of its channels, as `list_layers` reads it."""
    if layer not in listed.index or not set(letters := str(listed.loc[layer, "axes"])) & {"c", "d"}:
        reason = listed.loc[layer, "evidence"] if layer in listed.index else "it gives no tensor"
        raise InputError(f"Layer {layer!r} cannot be stitched: {reason}. See list_layers, or state its axes.")
    return layer, next(i for i, letter in enumerate(letters) if letter in "cd")


def _split(
    batches: Callable[[Module], Any], model: Module, labels: Tensor, held_out: float, seed: int
) -> tuple[list[Part], list[Part]]:
    """Inputs to fit maps on and held-out ones, in batches."""
    every = list(batches(model))
    n = sum(batch.size for batch in every)
    if labels.shape != (n,):
        raise InputError(f"There are {n} inputs, and targets of shape {tuple(labels.shape)}; give one class per input.")
    out = np.random.default_rng(seed).permutation(n) < round(held_out * n)
    parts: tuple[list[Part], list[Part]] = ([], [])
    start = 0
    for batch in every:
        for kept, which in zip(parts, (~out, out), strict=True):
            rows = np.flatnonzero(which[start : start + batch.size])
            if rows.size:
                kept.append((batch.cut(rows.tolist()), labels[start + rows]))
        start += batch.size
    if not all(parts):
        raise InputError(f"{n} inputs leave none to fit the map on, or none held out. Give more inputs.")
    return parts


def _drawn_anew(model: Module, seed: int) -> Module:
    """Copy of a network with weights as before training."""
    import torch

    fresh = copy.deepcopy(model)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for name, module in fresh.named_modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
            elif own := next((key for key, _ in module.named_parameters(recurse=False)), None):
                raise InputError(
                    f"{name or type(model).__name__} has weights of its own ({own}) that cannot be drawn anew. Give "
                    "untrained networks: untrained=(first, second)."
                )
    return fresh
