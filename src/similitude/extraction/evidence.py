"""Evidence for the axes of layers' outputs, from watching a network run on two of its inputs, then on three."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from similitude.extraction.axes import Axes

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from similitude.extraction.forward import Call

__all__ = ["NoInputAxis", "Witness", "input_axis", "is_scripted"]

_SPATIAL = re.compile(r"(Lazy)?(Conv|ConvTranspose|BatchNorm|InstanceNorm|\w*Pool)[123]d|SyncBatchNorm|GroupNorm")
_LAST = re.compile(r"(Lazy|NonDynamicallyQuantizable)?Linear|LayerNorm|RMSNorm|Embedding|Conv1D|RNN|LSTM|GRU")
_ELEMENTWISE = ("torch.nn.modules.activation", "torch.nn.modules.dropout", "transformers.activations")
_NOT_SOURCES = ("mask", "position", "token_type", "cache")


class NoInputAxis(ValueError):
    """An output does not have one axis of inputs; the message says what it has instead."""


def input_axis(two: Sequence[int], three: Sequence[int]) -> int:
    """Axis of the inputs, from the shapes of an output for two inputs and for three.

    Examples
    --------
    >>> input_axis((7, 2, 5), (7, 3, 5))
    1
    """
    if len(two) != len(three):
        raise NoInputAxis(f"its output has {len(two)} axes for two inputs and {len(three)} for three")
    changed = [axis for axis in range(len(two)) if two[axis] != three[axis]]
    if not changed:
        raise NoInputAxis(f"its output has the shape {tuple(two)} however many inputs there are: no row per input")
    if len(changed) > 1:
        raise NoInputAxis(f"its output, of shape {tuple(two)} for two inputs, has the inputs on several axes")
    axis = changed[0]
    if (two[axis], three[axis]) != (2, 3):
        raise NoInputAxis(
            f"its output has {two[axis]} rows for 2 inputs and {three[axis]} for 3 (windows or heads beside the "
            "inputs); listen to a layer further out"
        )
    return axis


@dataclass(frozen=True)
class _Event:
    """One call of a module without submodules."""

    name: str
    kind: str
    shape: tuple[int, ...]
    channels: int | None
    evidence: str
    widths: frozenset[int]


class Witness:
    """Watches a pass: which axis of a tensor torch's own modules take for channels, and where the inputs enter.

    Parameters
    ----------
    model
        The network.
    call
        The batch that is run.
    """

    def __init__(self, model: Module, call: Call) -> None:
        from torch.utils.weak import WeakIdKeyDictionary

        self._names = {module: name for name, module in reversed(list(model.named_modules()))}
        self._format = _letters(model)
        self._inputs = {str(i): value for i, value in enumerate(call.inputs)} | call.arguments
        self._facts: Any = WeakIdKeyDictionary()
        self._events: list[_Event] = []
        self._entered: dict[str, set[str]] = {}
        self._given: dict[str, Tensor] = {}

    @contextmanager
    def hooks(self) -> Iterator[None]:
        """Watch all modules within a block."""
        handles = []
        try:
            for module in self._names:
                if is_scripted(module):
                    continue
                handles.append(module.register_forward_pre_hook(self._before, with_kwargs=True))
                if next(module.children(), None) is None or _layout(module) is not None:
                    handles.append(module.register_forward_hook(self._after))
            yield
        finally:
            for handle in handles:
                handle.remove()

    def axes(self, path: str, module: Module, output: Tensor, inputs: int, length: int | None = None) -> Axes:
        """Axes of an output that was seen.

        Parameters
        ----------
        path, module
            The layer.
        output
            The tensor itself, as it passed.
        inputs
            Axis of the inputs.
        length
            Number of tokens, if the inputs are tokens.
        """
        if output.ndim == 2:
            return Axes.of(2, inputs, 1 - inputs, "two axes")
        for channels, evidence in self._candidates(path, module, output, inputs, length):
            if channels is not None and channels != inputs:
                return Axes.of(output.ndim, inputs, channels, evidence)
        return Axes.of(output.ndim, inputs, None, "nothing tells the channels from the positions")

    def source(self, path: str) -> str | None:
        """Name of the input that a layer's tokens come from; empty if the network makes them, None if not known."""
        while True:
            entered = self._entered.get(path)
            if entered:
                return next(iter(entered)) if len(entered) == 1 else None
            if not path:
                return None
            path = path.rpartition(".")[0]

    def _candidates(
        self, path: str, module: Module, output: Tensor, inputs: int, length: int | None
    ) -> Iterator[tuple[int | None, str]]:
        shape = tuple(output.shape)
        others = [axis for axis in range(output.ndim) if axis != inputs]
        stated = _letters(module)
        yield (stated.index("C") if stated and len(stated) == output.ndim else None), "its output_fmt"
        yield self._facts.get(output, (None, ""))
        inside = [event for event in self._events if event.name == path or event.name.startswith(f"{path}.")]
        alike = [event for event in inside if event.shape == shape and event.channels is not None]
        if len({event.channels for event in alike}) == 1:
            yield alike[-1].channels, f"{alike[-1].evidence} in it"
        tokens = [axis for axis in others if shape[axis] == length]
        if len(tokens) == 1 and len(others) == 2:
            yield next(axis for axis in others if axis != tokens[0]), "the other axis has one entry per token"
        for event in reversed(inside):
            fitting = [axis for axis in others if shape[axis] in event.widths]
            if len(fitting) == 1:
                yield fitting[0], f"the width of {event.kind} in it"
                break
        given = self._given.get(path)
        if given is not None and tuple(given.shape) == shape:
            yield self._facts.get(given, (None, ""))[0], "its input, which has the same shape"
        if self._format and len(self._format) == output.ndim:
            yield self._format.index("C"), "the network's output_fmt"

    def _before(self, module: Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        import torch

        name = self._names[module]
        tensors = [value for value in (*arguments, *named.values()) if isinstance(value, torch.Tensor)]
        layout = _layout(module)
        if layout is not None and tensors and tensors[0].ndim > 2 and "Embedding" not in type(module).__name__:
            self._note(tensors[0], layout, type(module).__name__)
        if next(module.children(), None) is None:
            return
        if tensors:
            self._given[name] = tensors[0]
        for key, own in self._inputs.items():
            if not any(word in key for word in _NOT_SOURCES) and any(_is_same(value, own) for value in tensors):
                self._entered.setdefault(name, set()).add(key)
        if isinstance(named.get("input_ids"), torch.Tensor) and not self._entered.get(name):
            self._entered[name] = {""}

    def _after(self, module: Module, arguments: tuple[Any, ...], output: Any) -> None:
        import torch

        tensor = output[0] if isinstance(output, tuple) and output else output
        if not isinstance(tensor, torch.Tensor) or tensor.is_nested:
            return
        kind = type(module).__name__
        layout = _layout(module)
        if layout is not None and tensor.ndim > 2:
            self._note(tensor, layout, kind)
        elif _is_elementwise(module) and arguments and isinstance(arguments[0], torch.Tensor):
            known = self._facts.get(arguments[0])
            if known is not None and arguments[0].shape == tensor.shape:
                self._facts.setdefault(tensor, known)
        channels, evidence = self._facts.get(tensor, (None, kind))
        widths = _width(module) or frozenset(size for p in module.parameters(recurse=False) for size in p.shape)
        self._events.append(_Event(self._names[module], kind, tuple(tensor.shape), channels, evidence, widths))

    def _note(self, tensor: Tensor, layout: int, kind: str) -> None:
        self._facts.setdefault(tensor, (layout % tensor.ndim, kind))


def _layout(module: Module) -> int | None:
    """Axis on which a module of torch has its channels: 1, -1, or None if it has none or is another's module."""
    import torch

    kind = type(module)
    own = kind.__module__.startswith(("torch.", "transformers.pytorch_utils"))
    spatial = (torch.nn.modules.conv._ConvNd, torch.nn.modules.batchnorm._BatchNorm, torch.nn.GroupNorm)
    if isinstance(module, spatial) or (own and _SPATIAL.fullmatch(kind.__name__)):
        return 1
    if own and _LAST.fullmatch(kind.__name__):
        shape = getattr(module, "normalized_shape", (0,))
        return -1 if len(shape) == 1 else None
    return -1 if kind.forward is torch.nn.Linear.forward else None


def _width(module: Module) -> frozenset[int]:
    """Number of channels that a module gives, where it says so."""
    for name in ("out_features", "out_channels", "num_features", "num_channels", "embedding_dim", "normalized_shape"):
        value = getattr(module, name, None)
        if isinstance(value, int):
            return frozenset([value])
        if isinstance(value, tuple) and len(value) == 1:
            return frozenset(value)
    return frozenset()


def _is_elementwise(module: Module) -> bool:
    kind = type(module)
    return kind.__module__.startswith(_ELEMENTWISE) or kind.__name__ in ("Identity", "DropPath", "StochasticDepth")


def _is_same(value: Tensor, own: Any) -> bool:
    """Whether a tensor is one of the batch, perhaps reshaped or copied."""
    import torch

    if not isinstance(own, torch.Tensor) or value.numel() != own.numel() or value.is_nested:
        return False
    if value.untyped_storage().data_ptr() == own.untyped_storage().data_ptr():
        return True
    return not value.is_floating_point() and value.shape == own.shape and torch.equal(value, own)


def is_scripted(module: Module) -> bool:
    """Whether a module runs outside Python, where no hook is called."""
    import torch

    return isinstance(module, torch.jit.ScriptModule)


def _letters(module: Module) -> str:
    """``output_fmt`` of modules of timm: NCHW, NHWC, NLC or NCL."""
    stated = getattr(module, "output_fmt", "")
    text = str(getattr(stated, "value", stated)).upper()
    return text if "C" in text and "N" in text else ""
