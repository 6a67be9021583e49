"""Look at the layers of a network on the same inputs, time after time."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from similitude.errors import InputError, SimilitudeWarning
from similitude.extraction.extract import Extracted, Extractor
from similitude.extraction.taps import LayersLike
from similitude.training.untouched import untouched

if TYPE_CHECKING:
    import torch
    from torch.nn import Module

__all__ = ["FEWEST", "Probe"]

FEWEST = 4
"""Inputs that a probe needs at least: with fewer, most measures are not defined or always the same."""


class Probe:
    """Inputs on which a network in training is looked at, and how.

    Parameters
    ----------
    model
        The network, without wrappers.
    inputs, layers, options
        See `similitude.extract`.
    autocast
        Precision in which networks run; None for that of their weights.

    Raises
    ------
    InputError
        Fewer inputs than `FEWEST`, or weights that are spread over processes.
    """

    def __init__(
        self, model: Module, inputs: Any, layers: LayersLike, autocast: torch.dtype | None, options: dict[str, Any]
    ) -> None:
        if _is_sharded(model):
            raise InputError(
                f"The weights of {type(model).__name__} are spread over processes, so that one alone cannot run it. "
                "Save checkpoints, and compare them afterwards: similitude.compare_checkpoints."
            )
        self.model = model
        self._layers = layers
        self._autocast = autocast
        self._options = options
        self._warned: set[str] = set()
        with untouched(model):
            self._extractor = Extractor(model, inputs, layers, **options)
            self.batches = self._extractor.batches = self._extractor.batches.in_memory()
        n = sum(batch.size for batch in self.batches)
        if n < FEWEST:
            raise InputError(f"A probe needs at least {FEWEST} inputs; there are {n}.")

    def look(self) -> Extracted:
        """Return the layers of the network as it is now; warn once of each layer that gives no representation."""
        with untouched(self.model, self._autocast):
            found = self._extractor()
        new = {layer: reason for layer, reason in found.left_out.items() if layer not in self._warned}
        self._warned |= new.keys()
        for layer, reason in new.items():
            warnings.warn(f"Layer {layer!r} has no value: {reason}", SimilitudeWarning, stacklevel=4)
        return found

    def look_at(self, network: Module, name: str) -> Extracted:
        """Return the same layers of another network, on the same inputs."""
        if self._options.get("forward") is not None:
            raise InputError(
                f"The reference {name!r} cannot be run, since forward= calls the network in training. Give its "
                "representations, as similitude.extract returns them."
            )
        options = {key: value for key, value in self._options.items() if key not in ("mask", "ids", "tokenizer")}
        with untouched(network, self._autocast):
            return Extractor(network, self.batches, self._layers, name=name, **options)()


def _is_sharded(model: Module) -> bool:
    """Whether weights are spread over processes: by FSDP, as distributed tensors, or by DeepSpeed."""
    spread = any(hasattr(p, "device_mesh") or hasattr(p, "ds_id") for p in model.parameters())
    return spread or any(type(module).__name__ == "FullyShardedDataParallel" for module in model.modules())
