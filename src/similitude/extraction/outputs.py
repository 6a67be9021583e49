"""Show batches to a network, and read the whole outputs of its layers beside their rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from similitude.extraction.axes import AxesLike, StatedAxes
from similitude.extraction.batch import Batch
from similitude.extraction.capture import Capture
from similitude.extraction.reduce import get_reduction
from similitude.extraction.rows import Part
from similitude.extraction.taps import LayersLike, select_layers, stages_of

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

__all__ = ["Observer", "Output", "pieces"]


@dataclass(frozen=True)
class Output:
    """What one layer gave for one batch.

    Parameters
    ----------
    values
        Array of shape (n, d), (n, t, d) or (n, c, positions); halves are widened.
    real
        Where values are no padding, of a shape that broadcasts to that of `values`; None if all are real.
    part
        The rows made of it.
    """

    values: np.ndarray
    real: np.ndarray | None
    part: Part


class Observer:
    """A network with places at which it is listened to while it is shown batches.

    Parameters
    ----------
    model
        The network, in the modes in which it is to run.
    layers
        See `similitude.extract`; by default all that cover the network without looking into its repeated units.
    axes
        Axes that the user states.
    every
        Whether to listen to all modules besides, and to make no rows of their outputs.
    """

    def __init__(
        self, model: Module, layers: LayersLike | None = None, axes: AxesLike = None, *, every: bool = False
    ) -> None:
        taps = select_layers(model, stages_of(model) if layers is None else layers)
        if layers is None:  # a module that does not run is no error where nobody named it
            taps = [dataclasses.replace(tap, exact=False) for tap in taps]
        if every and next(model.children(), None) is not None:
            own = {tap.name for tap in taps}
            taps += [tap for tap in select_layers(model, "all") if tap.name not in own]
        reduction = get_reduction(_first_feature if every else "auto")
        self._capture = Capture(model, None, taps, reduction, StatedAxes(axes))
        self._capture.listener = self._hear
        self._heard: dict[str, tuple[np.ndarray, np.ndarray | None]] = {}
        self._options = (layers, axes, every)
        self.divisible = True
        """Whether the network can be run on part of a batch."""

    def of(self, model: Module) -> Observer:
        """Return what listens to a copy of the network at the same places, and reads outputs in the same way."""
        layers, axes, every = self._options
        other = Observer(model, layers, axes, every=every)
        other._capture.readings = self._capture.readings
        return other

    @property
    def left_out(self) -> dict[str, str]:
        """Layers that cannot be read, with the reason."""
        return self._capture.left_out

    def look(self, batch: Batch) -> dict[str, Output]:
        """Run the network on a batch, and return what its layers gave, in the order in which they ran.

        Raises
        ------
        NetworkError
            The network raised an exception.
        """
        with self._capture.hooks():
            if not self._capture.readings:
                self.divisible = bool(self._capture.study(batch))
            self._heard.clear()
            parts = self._capture.run(batch)
        found = {}
        for name, part in parts.items():
            values, real = self._heard.get(name) or self._heard[f"{name}[0]"]
            found[name] = Output(values, real, part)
        self._heard.clear()
        return found

    def _hear(self, place: str, output: Tensor, mask: Tensor | None) -> None:
        real = None
        if mask is not None and not bool(mask.all()):
            kind = self._capture.readings[place].axes.kind
            real = mask.bool().cpu().numpy()[(..., None) if kind == "tokens" else (slice(None), None, slice(None))]
        self._heard[place] = _as_array(output), real


def pieces(batch: Batch, size: int) -> Iterator[tuple[slice, Batch]]:
    """Cut a batch into parts of at most so many inputs, each with their positions in the batch."""
    if batch.size <= size:
        yield slice(0, batch.size), batch
        return
    for start in range(0, batch.size, size):
        rows = range(start, min(start + size, batch.size))
        yield slice(rows.start, rows.stop), batch.cut(rows)


def _first_feature(output: Tensor) -> Tensor:
    """Rows of no interest, of which few are kept."""
    return output.flatten(1)[:, :1]


def _as_array(output: Tensor) -> np.ndarray:
    """Copy of an output, which later layers may change in place."""
    import torch

    plain = torch.view_as_real(output) if output.is_complex() else output
    wide = plain.float() if plain.is_floating_point() and plain.element_size() < 4 else plain
    return np.array(wide.cpu().numpy())
