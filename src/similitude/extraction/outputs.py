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
from similitude.extraction.taps import LayersLike, blocks_of, select_layers

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
    precision
        Machine epsilon of the type in which the network computed.
    part
        The rows made of it; None if all inputs share the output, whose `values` are then of any shape.
    """

    values: np.ndarray
    real: np.ndarray | None
    precision: float
    part: Part | None

    @property
    def is_shared(self) -> bool:
        """Whether all inputs share it."""
        return self.part is None


class Observer:
    """A network with places at which it is listened to while it is shown batches.

    Parameters
    ----------
    model
        The network, in the modes in which it is to run.
    layers
        See `similitude.extract`.
    axes
        Axes that the user states.
    every
        Whether to listen to all modules besides and to what enters blocks, and to make no rows of their outputs; also
        to modules whose output all inputs share.
    required
        Whether it is an error if a layer that is named does not run.
    """

    def __init__(
        self, model: Module, layers: LayersLike, axes: AxesLike = None, *, every: bool = False, required: bool = True
    ) -> None:
        taps = select_layers(model, layers)
        if not required:
            taps = [dataclasses.replace(tap, exact=False) for tap in taps]
        if every and next(model.children(), None) is not None:
            own = {tap.name for tap in taps}
            entries = [f"{block}:input" for block in blocks_of(model)]  # what is added between blocks is in no module
            taps += [
                dataclasses.replace(tap, exact=False)
                for tap in select_layers(model, ["all", *entries])
                if tap.name not in own
            ]
        reduction = get_reduction(_first_feature if every else "auto")
        self._capture = Capture(model, None, taps, reduction, StatedAxes(axes))
        self._capture.listener = self._hear
        self._heard: dict[str, tuple[np.ndarray, np.ndarray | None, float]] = {}
        self._every = every
        self._options = (layers, axes, every, required)
        self.steady = False
        """Whether two inputs gave the same beside a third; if not, the network may be random, or mix inputs."""

    def of(self, model: Module) -> Observer:
        """Return what listens to a copy of the network at the same places, and reads outputs in the same way."""
        layers, axes, every, required = self._options
        other = Observer(model, layers, axes, every=every, required=required)
        other._capture.readings = self._capture.readings
        return other

    @property
    def left_out(self) -> dict[str, str]:
        """Layers that cannot be read, with the reason."""
        return self._capture.left_out

    def glance(self, batch: Batch) -> dict[str, Output]:
        """Decide how outputs are read, and return those of a few inputs; of all if the network runs on nothing less.

        Raises
        ------
        NetworkError
            The network raised an exception.
        """
        with self._capture.hooks():
            self._heard.clear()
            found = self._capture.study(batch)
            self.steady = bool(found) and all(
                _is_close(found[0][name], found[1][name]) for name in found[0] if name in found[1]
            )
            return self._outputs(found[1] if found else self._capture.run(batch))

    def look(self, batch: Batch) -> dict[str, Output]:
        """Run the network on a batch, and return what its layers gave, in the order in which they ran.

        Raises
        ------
        NetworkError
            The network raised an exception.
        """
        with self._capture.hooks():
            if not self._capture.readings:
                self._capture.study(batch)
            self._heard.clear()
            return self._outputs(self._capture.run(batch))

    def _outputs(self, parts: dict[str, Part]) -> dict[str, Output]:
        parts_by_place = {(name if name in self._heard else f"{name}[0]"): (name, part) for name, part in parts.items()}
        found = {}
        for place, (values, real, precision) in self._heard.items():
            if place in parts_by_place:
                name, part = parts_by_place[place]
                found[name] = Output(values, real, part.precision, part)
            elif self._every and self._capture.readings[place].shared:
                found[place.removesuffix("[0]")] = Output(values, real, precision, None)
        self._heard.clear()
        return found

    def _hear(self, place: str, output: Tensor, mask: Tensor | None) -> None:
        import torch

        real, precision = None, torch.finfo(output.dtype if output.is_floating_point() else torch.float64).eps
        if mask is not None and not bool(mask.all()):
            kind = self._capture.readings[place].axes.kind
            real = mask.bool().cpu().numpy()[(..., None) if kind == "tokens" else (slice(None), None, slice(None))]
        self._heard[place] = _as_array(output), real, precision


def pieces(batch: Batch, size: int) -> Iterator[tuple[slice, Batch]]:
    """Cut a batch into parts of at most so many inputs, each with their positions in the batch."""
    if batch.size <= size:
        yield slice(0, batch.size), batch
        return
    for start in range(0, batch.size, size):
        rows = range(start, min(start + size, batch.size))
        yield slice(rows.start, rows.stop), batch.cut(rows)


def _is_close(two: Part, three: Part) -> bool:
    """Whether rows of the first inputs agree up to rounding."""
    x, y = two.values, three.values[: len(two.values)]
    return x.shape == y.shape and bool(np.linalg.norm(x - y) <= two.precision**0.5 * np.linalg.norm(x))


def _first_feature(output: Tensor) -> Tensor:
    """Rows of no interest, of which few are kept."""
    return output.flatten(1)[:, :1]


def _as_array(output: Tensor) -> np.ndarray:
    """Copy of an output, which later layers may change in place."""
    import torch

    plain = torch.view_as_real(output) if output.is_complex() else output
    wide = plain.float() if plain.is_floating_point() and plain.element_size() < 4 else plain
    return np.array(wide.cpu().numpy())
