"""What decides the outputs of a network: the entries of its state, for hashes of its weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from similitude.errors import foreign

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["state_entries"]


def state_entries(model: Module) -> Iterator[tuple[str, list[Any]]]:
    """Return names of parameters and buffers, each with its tensors and other values.

    A name has several where weights are packed with what they are quantised by. Quantised tensors are given as they
    compute.
    """
    import torch

    def flat(value: Any) -> Iterator[Any]:
        if isinstance(value, tuple | list):
            for entry in value:
                yield from flat(entry)
        elif isinstance(value, torch.Tensor) and value.is_quantized:
            yield value.dequantize()
        else:
            yield value

    with foreign(f"Reading the weights of {type(model).__name__}"):
        state = model.state_dict()
    for key, value in state.items():
        yield key, list(flat(value))
