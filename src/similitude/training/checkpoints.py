"""Compare checkpoints of one training run afterwards, in the order of their steps."""

from __future__ import annotations

import copy
import tempfile
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from similitude.doctor.chance import warn_of_chance
from similitude.engine.budget import Budget
from similitude.engine.compute import Progress, score_pairs
from similitude.engine.intervals import find_spread
from similitude.engine.models import extract_or_spill
from similitude.errors import InputError, SimilitudeWarning, foreign, suggestion
from similitude.extraction.references import LoadedModel, load_weights
from similitude.extraction.taps import LayersLike, matches
from similitude.factors.inputs import check_same_inputs
from similitude.factors.memory import MEMORY
from similitude.factors.pair import Side
from similitude.measures import Measure, get_measures
from similitude.representations.files import load_representations
from similitude.representations.representation import Representation
from similitude.training.steps import Order, positions, short_names
from similitude.training.trajectory import Trajectory

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["REFERENCES", "check_reference", "compare_checkpoints", "over_training"]

Checkpoint = Literal["first", "last", "previous"]
REFERENCES: tuple[Checkpoint, ...] = ("first", "last", "previous")
"""Checkpoints with which each is compared."""


def compare_checkpoints(
    checkpoints: Sequence[str | Path] | Mapping[str, Mapping[str, Any]],
    measures: str | Measure | Iterable[str | Measure] = "cka",
    *,
    order: Order = "step",
    reference: Checkpoint = "last",
    model: Module | None = None,
    inputs: Any = None,
    layers: LayersLike | None = None,
    intervals: bool = False,
    progress: Progress | None = None,
    memory: int = MEMORY,
    **options: Any,
) -> Trajectory:
    """Compare each checkpoint of a training run with the last, the first or the one before, layer by layer.

    Parameters
    ----------
    checkpoints
        Files of weights, which `model` takes; files of representations, if there is no model; or a dict of names to
        layers, such as `extract` returns.
    measures
        Ids. The first side of each pair is the checkpoint, the second the reference.
    order
        ``"step"``: by the training step in their names, such as ``step-1000.pt``; ``"name"``: by name, numbers in it as
        numbers; ``"given"``.
    reference
        ``"last"``, ``"first"`` or ``"previous"``.
    model
        The network whose weights the files hold; a copy of it is run.
    inputs
        Inputs to run, with a model; see `extract`.
    layers
        Layers to compare: names, globs, and with a model presets and indices; by default all of a file, or the blocks
        of a model.
    intervals
        Whether to add 95 % intervals over inputs; see `similitude.interval`.
    progress
        Called with finished and total pairs.
    memory
        Bytes, about, as for `similitude.compare_models`.
    **options
        Of `extract`, with a model: ``reduce``, ``tokenizer``, ``batch_size``, ...

    Returns
    -------
    Trajectory
        One row per checkpoint, layer and measure; ``.plot()`` draws curves. A layer that some checkpoint lacks is in
        ``.left_out``.

    Raises
    ------
    InputError
        Fewer than two checkpoints, names without a step, no layer in common, or inputs without a model.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> start, end = rng.normal(size=(2, 100, 5))
    >>> run = {f"step-{100 * i}": {"layer": (1 - i / 4) * start + i / 4 * end} for i in range(5)}
    >>> compare_checkpoints(run).table().round(2)["layer"].tolist()
    [0.05, 0.12, 0.48, 0.89, 1.0]
    """
    if model is None and (inputs is not None or options):
        given = ", ".join(["inputs"] * (inputs is not None) + list(options))
        raise InputError(f"{given}: for networks that run, and no model is given. Give model=..., or leave them out.")
    if model is not None and (inputs is None or isinstance(checkpoints, Mapping)):
        raise InputError("A model runs on inputs, with the weights of files: give inputs=... and a list of files.")
    with tempfile.TemporaryDirectory(prefix="similitude-") as spool:
        if isinstance(checkpoints, Mapping):
            found = {str(name): _labelled(str(name), entry) for name, entry in checkpoints.items()}
        else:
            names = dict(zip(short_names(checkpoints), checkpoints, strict=True))
            if model is None:
                found = {name: load_representations(path, name=name) for name, path in names.items()}
                found = {name: {r.layer: r for r in of_file.values()} for name, of_file in found.items()}
            else:
                room = int(Budget(memory).for_representations.bytes // max(1, len(names)))
                options = {"layers": "blocks" if layers is None else layers, "memory": room, **options}
                found = dict(_run(names, model, inputs, Path(spool), options))
        if model is None and layers is not None:
            found = {name: _chosen(name, of_checkpoint, layers) for name, of_checkpoint in found.items()}
        how: dict[str, Any] = {"progress": progress, "memory": int(Budget(memory).for_factors.bytes)}
        return over_training(found, measures, order=order, reference=reference, intervals=intervals, **how)


def check_reference(reference: str) -> None:
    """Raise InputError for an unknown reference."""
    if reference not in REFERENCES:
        raise InputError(f"Checkpoints are compared with the {', '.join(REFERENCES)}, not {reference!r}.")


def over_training(
    networks: Mapping[str, Mapping[str, Representation]],
    measures: str | Measure | Iterable[str | Measure],
    *,
    order: Order,
    reference: Checkpoint,
    intervals: bool = False,
    progress: Progress | None = None,
    memory: int = MEMORY,
) -> Trajectory:
    """Compare checkpoints, given their layers; see `compare_checkpoints`.

    Parameters
    ----------
    networks
        Name of each checkpoint to layer to representation.
    measures, order, reference, intervals, progress, memory
        See `compare_checkpoints`.
    """
    check_reference(reference)
    if len(networks) < 2:
        raise InputError(f"Curves over training need two checkpoints or more; there are {len(networks)}.")
    names = list(networks)
    ordered = [(step, names[i]) for step, i in positions(names, order)]
    layers, left_out = _shared(networks, ordered[-1][1])
    rows, pairs = [], []
    for place, (step, name) in enumerate(ordered):
        other = {"first": 0, "last": len(ordered) - 1, "previous": place - 1}[reference]
        for layer in layers if other >= 0 else ():
            label = reference if reference == "previous" else ordered[other][1]
            rows.append({"step": step, "layer": layer, "reference": label, "checkpoint": name})
            pairs.append((networks[name][layer], networks[ordered[other][1]][layer]))
            check_same_inputs(*map(Side.of, pairs[-1]))
    chosen = get_measures(measures)
    ends = [[networks[name][layer] for layer in layers] for name in (ordered[0][1], ordered[-1][1])]
    warn_of_chance(ends[0], ends[1], chosen)
    scored = score_pairs(pairs, chosen, progress=progress, memory=memory)
    columns = {"value": scored.values}
    if intervals:
        found = find_spread(pairs, chosen, values=scored.values, memory=memory)
        columns["low"], columns["high"] = found.ends(0.95)
    frame = pd.DataFrame(
        [
            row | {"measure": str(measure)} | {name: values[i, j] for name, values in columns.items()}
            for i, row in enumerate(rows)
            for j, measure in enumerate(chosen)
        ]
    )[["step", "checkpoint", "layer", "reference", "measure", *columns]]
    failures = {(rows[i]["layer"], rows[i]["checkpoint"], name): text for i, name, text in scored.failures}
    if failures:
        text = f"{len(failures)} value(s) failed, the first: {next(iter(failures.values()))}"
        warnings.warn(text, SimilitudeWarning, stacklevel=3)
    counted = "training step" if order == "step" else "checkpoint"
    return Trajectory(frame, tuple(chosen), pairs[0][0].n, counted, left_out, failures)


def _shared(networks: Mapping[str, Mapping[str, Representation]], last: str) -> tuple[list[str], dict[str, str]]:
    """Layers that all checkpoints have, and those that some lack, with the reason."""
    every = dict.fromkeys(layer for network in [networks[last], *networks.values()] for layer in network)
    lacking = {layer: next((n for n, found in networks.items() if layer not in found), None) for layer in every}
    layers = [layer for layer, name in lacking.items() if name is None]
    if not layers:
        raise InputError(f"The checkpoints have no layer in common: {', '.join(list(every)[:10])}.")
    why = "{} has no such layer, or it gives no representation."
    return layers, {layer: why.format(name) for layer, name in lacking.items() if name is not None}


def _run(
    files: Mapping[str, str | Path], model: Module, inputs: Any, spool: Path, options: dict[str, Any]
) -> Iterable[tuple[str, dict[str, Representation]]]:
    """Layers of a copy of a model with the weights of each file."""
    with foreign(f"Copying {type(model).__name__}"):
        network = LoadedModel(type(model).__name__, copy.deepcopy(model))
    for place, (name, path) in enumerate(files.items()):
        load_weights(network, Path(path))
        yield name, extract_or_spill(network.model, inputs, name=name, spool=spool / str(place), **options)


def _chosen(name: str, layers: Mapping[str, Representation], wanted: Any) -> dict[str, Representation]:
    """Layers by name or glob."""
    globs = [wanted] if isinstance(wanted, str) else list(wanted)
    found = {layer: entry for layer, entry in layers.items() if any(matches(layer, str(glob)) for glob in globs)}
    if not found:
        raise InputError(f"{name} has no layer {' or '.join(map(repr, globs))}. {suggestion(str(globs[0]), layers)}")
    return found


def _labelled(name: str, layers: Mapping[str, Any]) -> dict[str, Representation]:
    return {
        str(layer): entry if isinstance(entry, Representation) else Representation(entry, model=name, layer=str(layer))
        for layer, entry in layers.items()
    }
