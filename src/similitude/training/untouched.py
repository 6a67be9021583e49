"""Run a network in the middle of its training so that training goes on as if nothing had happened."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch.nn import Module

__all__ = ["untouched"]


@contextmanager
def untouched(model: Module, autocast: torch.dtype | None = None) -> Iterator[None]:
    """Leave random states, buffers and the ambient autocast as they are, whatever runs within a block.

    Parameters
    ----------
    model
        The network that runs.
    autocast
        Precision in which it runs; None for that of its weights, whatever autocast surrounds the block.
    """
    import torch

    devices = {p.device for p in (*model.parameters(), *model.buffers())}
    drawn = random.getstate(), np.random.get_state()  # noqa: NPY002 - the state that others draw from
    buffers = [
        (module, name, buffer, buffer.detach().clone())
        for module in model.modules()
        for name, buffer in module.named_buffers(recurse=False)
        if not buffer.is_meta
    ]
    with ExitStack() as stack:
        of_cuda = [device.index or 0 for device in devices if device.type == "cuda"]
        stack.enter_context(torch.random.fork_rng(devices=of_cuda))
        for kind in {"cpu", *(device.type for device in devices)} - {"meta"}:
            # Weights that autocast casts without gradients must not reach its cache, which training reads.
            options: dict[str, Any] = {"enabled": autocast is not None, "dtype": autocast, "cache_enabled": False}
            stack.enter_context(torch.autocast(kind, **options))
        try:
            yield
        finally:
            random.setstate(drawn[0])
            np.random.set_state(drawn[1])  # noqa: NPY002
            with torch.no_grad():
                for module, name, buffer, content in buffers:
                    module._buffers[name] = buffer
                    if not torch.equal(buffer, content):
                        buffer.copy_(content)
