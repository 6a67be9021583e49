"""Places at which a network is listened to: layers by name, glob, preset or index."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from similitude.errors import InputError, UnknownName, foreign, suggestion
from similitude.extraction.forward import WRAPPERS, unwrapped

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["PRESETS", "WHOLE", "LayersLike", "Tap", "blocks_of", "matches", "select_layers", "stages_of"]

LayersLike = str | int | slice | Iterable[str | int | slice]

PRESETS = ("blocks", "residual_stream", "all")
"""``blocks``: the repeated units (residual blocks, transformer layers). ``residual_stream``: what enters the first of
them, and what leaves each. ``all``: every module that gives a tensor with one row per input. These words are presets
also where a module has the same name; its output is ``"blocks:output"``."""

WHOLE = "(output)"
"""Name of what the network itself returns."""

_INPUT = ":input"
_OUTPUT = ":output"


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
        Whether it was named as it is, not by a glob or preset, so that it is an error if it does not run.
    """

    name: str
    module: Module
    exact: bool

    @property
    def at_input(self) -> bool:
        """Whether it listens to what enters the layer, not to what leaves it."""
        return self.name.endswith(_INPUT)

    @property
    def path(self) -> str:
        """Name of the module in the network; empty for the network itself."""
        return "" if self.name == WHOLE else self.name.removesuffix(_INPUT)


def select_layers(model: Module, layers: LayersLike) -> list[Tap]:
    """Layers in the order in which the model names them.

    Parameters
    ----------
    model
        The network.
    layers
        Names, globs (in ``"encoder.layer.*.output"`` the star is one part of a name; ``**`` is any number of them),
        presets of `PRESETS`, and blocks by index: ``"blocks[-1]"``, ``"blocks[::2]"``, an int or a slice.
        ``"name:input"`` is what enters a layer, ``"(output)"`` what the network returns. What a wrapper puts before all
        names (``module.``, ``_orig_mod.``) may be left out.

    Raises
    ------
    UnknownName
        Nothing has this name or matches this glob; the nearest names are given.
    InputError
        No block has this index.
    """
    with foreign(f"Listing the modules of {type(model).__name__}"):
        modules = dict(model.named_modules(remove_duplicate=False))
    root = unwrapped(modules.pop(""))
    taps: dict[str, Tap] = {}
    for pattern in [layers] if isinstance(layers, str) or not isinstance(layers, Iterable) else layers:
        chosen, exact = _find(model, modules, _written(pattern))
        for name in chosen:
            if name not in taps or exact:
                module = root if name == WHOLE else modules[name.removesuffix(_INPUT)]
                taps[name] = Tap(name, module, exact)
    if not taps:
        raise InputError("No layers are named. Give names, globs or a preset, such as layers='blocks'.")
    order = {name: i for i, name in enumerate([*modules, ""])}
    seen: dict[tuple[int, bool], Tap] = {}
    for tap in sorted(taps.values(), key=lambda tap: (order[tap.path], not tap.at_input)):
        seen.setdefault((id(tap.module), tap.at_input), tap)  # a module with two names is one layer
    return list(seen.values())


def _written(pattern: str | int | slice) -> str:
    """An index or a slice of blocks as text; text as it is."""
    if isinstance(pattern, str):
        return pattern
    if isinstance(pattern, slice):
        ends = (pattern.start, pattern.stop, pattern.step)
        return f"blocks[{':'.join('' if end is None else str(end) for end in ends)}]"
    try:
        return f"blocks[{operator.index(pattern)}]"
    except TypeError:
        raise InputError(
            f"A layer is chosen by its name, a glob, a preset, or the index of a block, not by {pattern!r:.80}. "
            "list_layers(model, example) shows the names."
        ) from None


def _find(model: Module, modules: dict[str, Module], pattern: str) -> tuple[list[str], bool]:
    """Names that a pattern stands for, and whether it names one layer exactly."""
    indexed = re.fullmatch(r"blocks\[([-\d:]+)\]", pattern)
    if indexed:
        return _indexed(model, indexed[1])
    if pattern in PRESETS:
        return _preset(model, pattern), False
    if pattern == WHOLE:
        return [WHOLE], True
    stem = pattern.removesuffix(_INPUT).removesuffix(_OUTPUT)
    tail = _INPUT if pattern.endswith(_INPUT) else ""
    for prefix in ("", _wrapping(model)):
        if prefix + stem in modules:
            return [prefix + stem + tail], True
        names = [name for name in modules if matches(name, prefix + stem)]
        if names:
            return [name + tail for name in names], False
    raise UnknownName(
        f"{type(model).__name__} has no layer {pattern!r}. {suggestion(pattern, modules)} "
        "list_layers(model, example) shows them."
    )


def _wrapping(model: Module) -> str:
    """What wrappers put before the names of all layers."""
    prefix = ""
    while (held := WRAPPERS.get(type(model).__name__)) and held in dict(model.named_children()):
        prefix, model = f"{prefix}{held}.", getattr(model, held)
    return prefix


def _indexed(model: Module, text: str) -> tuple[list[str], bool]:
    blocks = _preset(model, "blocks")
    try:
        parts = [int(part) if part else None for part in text.split(":")]
        if len(parts) == 1 and parts[0] is not None:
            return [blocks[parts[0]]], True
        chosen = blocks[slice(*parts)]
    except (IndexError, TypeError, ValueError):
        chosen = []
    if not chosen:
        raise InputError(
            f"blocks[{text}]: {type(model).__name__} has {len(blocks)} blocks, from 0 to {len(blocks) - 1}."
        )
    return chosen, False


def matches(name: str, glob: str) -> bool:
    """Whether a layer's name fits a glob, in which a star is one part of a name and two stars any number of them."""
    pattern = re.escape(glob).replace(r"\*\*", ".*").replace(r"\*", "[^.]*").replace(r"\?", "[^.]")
    return re.fullmatch(pattern, name) is not None


def _preset(model: Module, preset: str) -> list[str]:
    if preset == "all":
        return [name for name, _ in model.named_modules() if name]
    blocks = blocks_of(model)
    if not blocks:
        raise InputError(
            f"{type(model).__name__} has no submodules; wrap it, or hook its input with a model of your own."
        )
    return [blocks[0] + _INPUT, *blocks] if preset == "residual_stream" else blocks


def blocks_of(model: Module) -> list[str]:
    """Return the names of the repeated units: entries of module lists that are themselves made of modules.

    Lists of stages are looked into. Where nothing is repeated, the model's direct children, or those of the module that
    it wraps.
    """
    from torch.nn import ModuleDict, ModuleList, Sequential

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

    def children(module: Module, prefix: str) -> list[str]:
        named = list(module.named_children())
        if len(named) == 1 and next(named[0][1].children(), None) is not None:
            return children(named[0][1], f"{prefix}{named[0][0]}.")
        return [
            path
            for name, child in named
            for path in (
                children(child, f"{prefix}{name}.")
                if isinstance(child, ModuleList | ModuleDict)
                else [f"{prefix}{name}"]
            )
        ]

    return look(model, "") or children(model, "")


def stages_of(model: Module) -> list[str]:
    """Return the layers that cover a network from input to output without looking into its repeated units.

    These are what enters the first unit, what leaves each, every module outside of them (embeddings, the last norm, the
    head), and what the network returns.
    """
    blocks = blocks_of(model)
    outside = [
        name
        for name, _ in model.named_modules()
        if name and not any(f"{name}.".startswith(f"{b}.") or f"{b}.".startswith(f"{name}.") for b in blocks)
    ]
    return [*([f"{blocks[0]}{_INPUT}"] if blocks else []), *blocks, *outside, WHOLE]
