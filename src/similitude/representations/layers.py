"""Layers of a network by name, glob or preset, and a list of them with their shapes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from similitude.errors import InputError, UnknownName, suggestion
from similitude.representations.forward import evaluating, find_tensor, run_batch
from similitude.representations.inputs import make_batches
from similitude.representations.reduce import kind_of

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["PRESETS", "Tap", "list_layers", "matches", "select_layers"]

PRESETS = ("blocks", "residual_stream", "all")
"""``blocks``: the repeated units (residual blocks, transformer layers). ``residual_stream``: what enters the first of
them, and what leaves each. ``all``: every module that gives a tensor with a row an input."""

_INPUT = ":input"


@dataclass(frozen=True)
class Tap:
    """A place at which a network is listened to.

    Parameters
    ----------
    name
        The layer's name, with ``:input`` for what enters it.
    module
        Where the hook goes.
    exact
        Whether it was named as it is, not by a glob or preset, so that failing to give a representation is an error.
    """

    name: str
    module: Module
    exact: bool

    @property
    def at_input(self) -> bool:
        """Whether it listens to what enters the layer, not to what leaves it."""
        return self.name.endswith(_INPUT)


def select_layers(model: Module, layers: str | Iterable[str]) -> list[Tap]:
    """Layers in the order in which the model names them.

    Parameters
    ----------
    model
        The network.
    layers
        Names, globs (in ``"encoder.layer.*.output"`` the star is one part of a name; ``**`` is any number of them), and
        presets of `PRESETS`; ``"name:input"`` is what enters a layer.

    Raises
    ------
    UnknownName
        Nothing has this name or matches this glob; the nearest names are given.
    """
    modules = dict(model.named_modules(remove_duplicate=False))
    modules.pop("")
    taps: dict[str, Tap] = {}
    for pattern in [layers] if isinstance(layers, str) else layers:
        if pattern in PRESETS and pattern not in modules:
            chosen, exact = _preset(model, pattern), False
        else:
            stem = pattern.removesuffix(_INPUT)
            exact = stem in modules
            names = [stem] if exact else [name for name in modules if matches(name, stem)]
            chosen = [name + pattern[len(stem) :] for name in names]
        if not chosen:
            raise UnknownName(
                f"{type(model).__name__} has no layer {pattern!r}. {suggestion(pattern, modules)} "
                "list_layers(model, example) shows them."
            )
        for name in chosen:
            if name not in taps or exact:
                taps[name] = Tap(name, modules[name.removesuffix(_INPUT)], exact)
    order = {name: i for i, name in enumerate(modules)}
    seen: dict[tuple[int, bool], Tap] = {}
    for tap in sorted(taps.values(), key=lambda tap: (order[tap.name.removesuffix(_INPUT)], not tap.at_input)):
        seen.setdefault((id(tap.module), tap.at_input), tap)  # a module with two names is one layer
    return list(seen.values())


def list_layers(
    model: Module, example: Any, *, tokenizer: Any = None, forward: Callable[..., Any] | None = None
) -> pd.DataFrame:
    """Layers of a network with the shapes of what they give for an example, in the order in which they run.

    Parameters
    ----------
    model
        The network.
    example
        A few inputs, in any form that `extract` takes; the first batch of them is run.
    tokenizer, forward
        See `extract`.

    Returns
    -------
    pandas.DataFrame
        Columns layer, type, kind (vector, map, tokens), shape (of the output; the first axis is the inputs), calls (in
        one pass), parameters, and block (whether the preset ``blocks`` has it). Modules that give no tensor with a row
        an input are left out.
    """
    batch = next(iter(make_batches(example, tokenizer=tokenizer, batch_size=4)))
    names = {module: name for name, module in reversed(list(model.named_modules())) if name}
    shapes: dict[str, tuple[int, ...]] = {}
    calls: Counter[str] = Counter()

    def record(module: Module, _: Any, output: Any) -> None:
        tensor = find_tensor(output)
        if tensor is not None and tensor.ndim >= 2:
            shapes.setdefault(names[module], tuple(tensor.shape))
            calls[names[module]] += 1

    hooks = [module.register_forward_hook(record) for module in names]
    try:
        with evaluating(model):
            run_batch(model, batch, forward)
    finally:
        for hook in hooks:
            hook.remove()
    blocks = set(_blocks(model))
    modules = dict(model.named_modules())
    return pd.DataFrame(
        [
            {
                "layer": name,
                "type": type(modules[name]).__name__,
                "kind": _kind(shape, modules[name]),
                "shape": shape,
                "calls": calls[name],
                "parameters": sum(p.numel() for p in modules[name].parameters()),
                "block": name in blocks,
            }
            for name, shape in shapes.items()
        ],
        columns=["layer", "type", "kind", "shape", "calls", "parameters", "block"],
    )


def matches(name: str, glob: str) -> bool:
    """Whether a layer's name fits a glob, in which a star is one part of a name and two stars any number of them."""
    pattern = re.escape(glob).replace(r"\*\*", ".*").replace(r"\*", "[^.]*").replace(r"\?", "[^.]")
    return re.fullmatch(pattern, name) is not None


def _kind(shape: tuple[int, ...], module: Module) -> str:
    import torch

    return kind_of(torch.empty(shape, device="meta"), type(module).__name__)


def _preset(model: Module, preset: str) -> list[str]:
    if preset == "all":
        return [name for name, _ in model.named_modules() if name]
    blocks = _blocks(model)
    if not blocks:
        raise InputError(
            f"{type(model).__name__} has no submodules; wrap it, or hook its input with a model of your own."
        )
    return [blocks[0] + _INPUT, *blocks] if preset == "residual_stream" else blocks


def _blocks(model: Module) -> list[str]:
    """Names of the repeated units: entries of module lists that are themselves made of modules.

    Lists of stages are looked into. Where nothing is repeated, the model's direct children.
    """
    from torch.nn import ModuleList, Sequential

    def look(module: Module, prefix: str) -> list[str]:
        found = []
        for name, child in module.named_children():
            path = f"{prefix}{name}"
            listed = isinstance(module, ModuleList | Sequential)
            composite = next(child.children(), None) is not None
            inside = look(child, f"{path}.") if composite else []
            is_stage = isinstance(child, ModuleList | Sequential) or "Stage" in type(child).__name__
            if listed and composite and not (is_stage and inside):
                found.append(path)
            else:
                found.extend(inside)
        return found

    found = look(model, "")
    return found or [name for name, _ in model.named_children()]
