"""Compare layers of a network with references while it is trained."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from similitude.doctor.chance import warn_of_chance
from similitude.errors import InputError, NetworkError, SimilitudeWarning, require
from similitude.extraction.forward import unwrapped
from similitude.extraction.taps import LayersLike
from similitude.factors.pair import Pair, Side
from similitude.measures import Measure, get_measures
from similitude.measures.evaluation import evaluate, reason
from similitude.representations.representation import Representation
from similitude.training.clock import TimeShare
from similitude.training.log import Row, ValueLog
from similitude.training.probe import Probe
from similitude.training.references import INITIAL, PREVIOUS, load_layers, named_references, open_reference, save_layers
from similitude.training.trajectory import Trajectory

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure
    from torch.nn import Module

__all__ = ["SimilarityMonitor"]


class SimilarityMonitor:
    """Compare layers of a network with references every so many steps of its training, at bounded cost.

    The network runs on the same inputs each time, in evaluation mode and without gradients. Training goes on as if it
    had not: modes, buffers, gradients, random states and hooks are as before. Representations of references, and what
    is computed of them, are computed once.

    Parameters
    ----------
    model
        The network in training. Wrappers (DataParallel, DistributedDataParallel, ``torch.compile``) are looked through;
        in distributed training, the first process compares and the others do nothing.
    probe
        Inputs to run, in any form that `extract` takes; 4 at least, 200 or more for values that mean something. They
        are kept in memory.
    layers
        Names, globs, presets and indices of blocks; see `extract`.
    measures
        Ids. The first side of each pair is the network, the second the reference.
    references
        ``"initial"`` (the network as it is now), ``"previous"`` (as it was at the comparison before), a list of both,
        or a dict of names to these words, networks, files of weights for a copy of `model`, dicts of layer to
        representation, or one representation with which all layers are compared.
    every
        Number of training steps between comparisons.
    budget
        Largest share of the training time that comparisons may take: those that would exceed it are left out, so that
        the interval becomes longer. The first step that is compared is not limited, nor is the preparation before
        training. None for no limit, which makes the compared steps the same in each run.
    csv
        File to append to, with the columns ``step``, ``layer``, ``reference``, ``measure`` and ``value``; a value that
        failed is empty. Each step is on the disk before training goes on.
    start
        Number of steps that the network has been trained for.
    resume
        Whether to continue an existing file: rows up to `start` are kept, later ones are replaced.
    reduce
        How outputs become inputs x features; see `extract`.
    autocast
        Precision in which the network runs on the probe, such as ``torch.bfloat16``; by default that of its weights.
        Whether `step` is called within ``torch.autocast`` makes no difference.
    **options
        Of `extract`: ``tokenizer``, ``mask``, ``ids``, ``batch_size``, ``axes``, ``channels``, ``check``, ``forward``.

    Raises
    ------
    InputError
        Fewer than 4 inputs; a reference without one of the layers, or of other inputs; a network whose weights are
        sharded (FSDP).
    UnknownName
        No such layer.
    NetworkError
        The network does not run on the probe.
    FileError
        The file holds values already and `resume` is not set, or it cannot be written.

    Warns
    -----
    SimilitudeWarning
        A layer has no value, such as one that is constant; once per layer. During training, also that the network
        failed on the probe (out of memory, say) or that the file cannot be written: training goes on.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    >>> optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    >>> probe = torch.randn(50, 4)
    >>> with SimilarityMonitor(net, probe, ["0", "1"], every=5, budget=None) as monitor:
    ...     for _ in range(10):
    ...         optimiser.zero_grad()
    ...         net(torch.randn(16, 4)).square().mean().backward()
    ...         optimiser.step()
    ...         compared = monitor.step()
    >>> monitor.table("cka").shape  # steps 0, 5 and 10, two layers
    (3, 2)
    """

    def __init__(
        self,
        model: Module,
        probe: Any,
        layers: LayersLike = "blocks",
        measures: str | Measure | Iterable[str | Measure] = "cka",
        *,
        references: str | Sequence[str] | Mapping[str, Any] = INITIAL,
        every: int = 100,
        budget: float | None = 0.05,
        csv: str | Path | None = None,
        start: int = 0,
        resume: bool = False,
        reduce: str | Callable[[Any], Any] = "auto",
        autocast: torch.dtype | None = None,
        **options: Any,
    ) -> None:
        require("torch", "models")
        if every < 1 or start < 0:
            raise InputError(f"every must be 1 or more, and start 0 or more; not {every} and {start}.")
        self.measures = tuple(get_measures(measures))
        self.every = every
        self.step_count = start
        self.layers: tuple[str, ...] = ()
        self.n = 0
        self.failures: dict[tuple[str, str, str], str] = {}
        self._budget = budget
        self._watch = TimeShare(budget)
        self._compared_at: int | None = None
        self._closed = False
        self._log = ValueLog(None)
        self._active = _is_first_process()
        if not self._active:
            return
        given = named_references(references)
        self._probe = Probe(unwrapped(model), probe, layers, autocast, {"reduce": reduce, **options})
        found = self._probe.look()
        if not found:
            layer, text = next(iter(found.left_out.items()))
            raise InputError(f"No layer gives a representation; {layer}: {text}")
        self.layers, self.n = tuple(found), next(iter(found.values())).n
        self._left_out = found.left_out
        self._previous = self._now = _sides(found)
        self._log = ValueLog(csv, resume=resume)
        self._references = {name: self._open(name, entry, found) for name, entry in given.items()}
        self._check_log()
        for reference in self._references.values():
            sides = [side.representation for side in (reference or {}).values() if side.representation is not None]
            warn_of_chance(list(found.values()), sides, self.measures)

    def begin(self, step: int) -> None:
        """Compare the network as it is now, before training goes on from a step; callbacks of trainers call it.

        In a loop of one's own it need not be called: the first `step` records the network as it was when the monitor
        was made.
        """
        if self._active and self._compared_at is None:
            self._look()
            self._previous = self._now
            self._begin(step)

    def step(self, step: int | None = None) -> bool:
        """Count a training step, and compare if it is due and the budget allows it.

        Call it after the optimiser's step.

        Parameters
        ----------
        step
            Number of steps so far; by default one more than before.

        Returns
        -------
        bool
            Whether the network was compared.
        """
        if self._closed:
            raise InputError("The monitor is closed. Make another one with start= and resume=True.")
        if not self._active:
            return False
        self._begin(self.step_count)
        before, now = self.step_count, self.step_count + 1 if step is None else step
        if now <= before:  # a trainer that accumulates gradients reports a step several times
            return False
        self.step_count = now
        if now // self.every == before // self.every or not self._watch.allows():
            return False
        self.compare()
        return True

    def compare(self) -> None:
        """Compare now, whether or not it is due and the budget allows it; values of the same step are replaced."""
        if not self._active:
            return
        self._begin(self.step_count)
        _wait_for(self._probe.model)
        with self._watch.spending():
            self._previous = self._now
            self._look()
            self._record()

    def close(self) -> None:
        """Compare the network at the last step, unless that was done, and end."""
        if not self._closed and self._compared_at not in (None, self.step_count):
            self.compare()
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if kind is None:
            self.close()
        self._closed = True

    @property
    def overhead(self) -> float:
        """Seconds that comparisons have taken so far, without the preparation before training."""
        return self._watch.spent

    @property
    def trajectory(self) -> Trajectory:
        """Everything that was compared so far."""
        return Trajectory(self._log.to_frame(), tuple(self.measures), self.n, failures=dict(self.failures))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per value: ``step``, ``layer``, ``reference``, ``measure``, ``value``."""
        return self.trajectory.to_frame()

    def table(self, measure: str | Measure | None = None, reference: str | None = None) -> pd.DataFrame:
        """Return the values of one measure, training steps as rows and layers as columns; see `Trajectory.table`."""
        return self.trajectory.table(measure, reference)

    def plot(self) -> Figure:
        """Draw similarity over training steps: one panel per measure and reference, one line per layer."""
        return self.trajectory.plot()

    def hf_callback(self) -> Any:
        """Return a ``transformers.TrainerCallback`` that calls this monitor."""
        from similitude.training.callbacks import hugging_face_callback

        return hugging_face_callback(self)

    def lightning_callback(self) -> Any:
        """Return a callback of Lightning that calls this monitor."""
        from similitude.training.callbacks import lightning_callback

        return lightning_callback(self)

    def _look(self) -> None:
        """Take the layers of the network as it is now; without them if it fails, so that training goes on."""
        try:
            found = self._probe.look()
        except NetworkError as error:
            if self._now:
                warnings.warn(f"Step {self.step_count} has no values: {error}", SimilitudeWarning, stacklevel=4)
            self._now, self._left_out = {}, dict.fromkeys(self.layers, str(error))
        else:
            self._now, self._left_out = _sides(found), found.left_out

    def _begin(self, step: int) -> None:
        """Start the clock, and compare the network before the first step, once."""
        if self._compared_at is not None:
            return
        self.step_count = step
        self._log.keep_until(step)
        if not any(row.step == step for row in self._log.rows):
            self._record()
        self._compared_at = step
        self._watch = TimeShare(self._budget)

    def _record(self) -> None:
        """Compare all layers with all references, and write the values."""
        rows = []
        for name, reference in self._references.items():
            if reference is None and self._previous is self._now:
                continue  # nothing was compared before
            sides = self._previous if reference is None else reference
            for layer in self.layers:
                for measure, value in zip(self.measures, self._values(layer, sides), strict=True):
                    row = Row(self.step_count, layer, name, str(measure), _number(value))
                    rows.append(row)
                    if isinstance(value, Exception):
                        self.failures[row.curve] = reason(value)
        self._log.keep_until(self.step_count - 1)
        self._log.add(rows)
        self._compared_at = self.step_count

    def _values(self, layer: str, reference: Mapping[str, Side]) -> list[Any]:
        """Value of each measure for a layer, or the error that says why there is none."""
        if layer not in self._now:
            return [InputError(self._left_out[layer])] * len(self.measures)
        if layer not in reference:
            return [InputError("It gave no representation at the comparison before.")] * len(self.measures)
        return evaluate(Pair(self._now[layer], reference[layer]), self.measures)

    def _open(self, name: str, given: Any, now: Mapping[str, Representation]) -> dict[str, Side] | None:
        """Layers of a reference; None for the network at the comparison before."""
        if isinstance(given, str) and given == PREVIOUS:
            return None
        if isinstance(given, str) and given == INITIAL:
            return _sides(self._initial(now))
        return open_reference(name, given, self._probe, now)

    def _initial(self, now: Mapping[str, Representation]) -> Mapping[str, Representation]:
        """Layers before training: of now, or as the run that is continued has kept them beside its values."""
        if self._log.path is None:
            return now
        kept = self._log.path.with_suffix(".initial.npz")
        if self._log.rows:
            return load_layers(kept, type(self._probe.model).__name__)
        save_layers(kept, now)
        return now

    def _check_log(self) -> None:
        """Refuse to continue the values of other layers, references or measures."""
        curves = set(product(self.layers, self._references, map(str, self.measures)))
        other = next((row for row in self._log.rows if row.curve not in curves), None)
        if other is not None:
            raise InputError(
                f"{self._log.path} holds values of the layer {other.layer!r}, compared with {other.reference!r} by "
                f"{other.measure}, which this monitor does not compare. Name another file."
            )


def _sides(layers: Mapping[str, Representation]) -> dict[str, Side]:
    return {layer: Side.of(entry) for layer, entry in layers.items()}


def _number(value: Any) -> float:
    return math.nan if isinstance(value, Exception) else float(value)


def _is_first_process() -> bool:
    import torch.distributed as distributed

    return not (distributed.is_available() and distributed.is_initialized() and distributed.get_rank() > 0)


def _wait_for(model: Module) -> None:
    """Let a GPU finish what training has asked of it, so that its time is not counted as that of a comparison."""
    import torch

    for device in {p.device for p in model.parameters() if p.device.type == "cuda"}:
        torch.cuda.synchronize(device)
