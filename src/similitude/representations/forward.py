"""Running a network as it is meant to be looked at: evaluation mode, no gradients, everything put back afterwards."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from similitude.errors import InputError, require

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

    from similitude.representations.inputs import Batch

__all__ = ["evaluating", "find_tensor", "run_batch"]

_PREFERRED = ("last_hidden_state", "logits")


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Evaluation mode and no gradients within a block; each submodule's own mode comes back, whatever happens."""
    torch = require("torch", "models")
    if not isinstance(model, torch.nn.Module):
        raise InputError(f"A model must be a torch.nn.Module; this is a {type(model).__name__}.")
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def run_batch(model: Module, batch: Batch, forward: Callable[..., Any] | None = None) -> Any:
    """Run a batch through the model, on the model's device and in its precision.

    Arguments that the model does not take (labels, ids) are left out.
    """
    run = forward or model
    parameter = next((p for p in model.parameters() if p.is_floating_point()), None)

    def placed(value: Any) -> Any:
        if parameter is None or not hasattr(value, "to"):
            return value
        return value.to(parameter.device, parameter.dtype) if value.is_floating_point() else value.to(parameter.device)

    parameters = inspect.signature(forward or model.forward).parameters
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    arguments = {
        key: placed(value)
        for key, value in batch.arguments.items()
        if key not in ("labels", "label") and (takes_any or key in parameters)
    }
    if batch.mask is not None and "attention_mask" in parameters:
        arguments.setdefault("attention_mask", placed(batch.mask))
    return run(*(placed(value) for value in batch.inputs), **arguments)


def find_tensor(output: Any) -> Tensor | None:
    """The tensor in a layer's output: itself, the first of a tuple, dict or dataclass that has a row an input."""
    torch = require("torch", "models")
    if isinstance(output, torch.Tensor):
        return output
    if isinstance(output, Mapping):
        entries = [*(output[key] for key in _PREFERRED if key in output), *output.values()]
    elif dataclasses.is_dataclass(output):
        entries = [getattr(output, field.name) for field in dataclasses.fields(output)]
    elif isinstance(output, tuple | list):
        entries = list(output)
    else:
        return None
    found = (find_tensor(entry) for entry in entries)
    return next((tensor for tensor in found if tensor is not None and tensor.ndim >= 2), None)
