"""Networks and representations that a network in training is compared with."""

from __future__ import annotations

import copy
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from similitude.errors import FileError, InputError, UnknownName, foreign, require, suggestion
from similitude.extraction.forward import unwrapped
from similitude.extraction.references import LoadedModel, load_weights
from similitude.factors.inputs import check_same_inputs
from similitude.factors.pair import Side
from similitude.representations.representation import Representation
from similitude.training.probe import Probe

__all__ = ["INITIAL", "PREVIOUS", "load_layers", "named_references", "open_reference", "save_layers"]

INITIAL, PREVIOUS = "initial", "previous"
"""The network when it was first looked at, and at the comparison before."""


def named_references(references: Any) -> dict[str, Any]:
    """Return references by name; ``"initial"`` and ``"previous"`` are their own names.

    Raises
    ------
    InputError
        Another word, or no reference.
    """
    if isinstance(references, Mapping) and references:
        return {str(name): given for name, given in references.items()}
    words = [references] if isinstance(references, str) else references
    if not isinstance(words, Sequence) or not words or any(word not in (INITIAL, PREVIOUS) for word in words):
        raise InputError(
            f"references are {INITIAL!r}, {PREVIOUS!r}, a list of these, or a dict of names to networks, files of "
            f"weights or representations; not {references!r:.60}."
        )
    return {word: word for word in words}


def open_reference(name: str, given: Any, probe: Probe, now: Mapping[str, Representation]) -> dict[str, Side]:
    """Return the layers of a reference, to compare each layer of a network with.

    Parameters
    ----------
    name
        The reference's name, for tables.
    given
        A network, a file of weights for a copy of the network in training, a dict of layer to representation, or one
        representation with which all layers are compared.
    probe
        What the network in training is looked at on.
    now
        Its layers.

    Raises
    ------
    InputError
        It lacks a layer, or is of other inputs.
    FileError
        The file does not hold the network's weights.
    """
    if isinstance(given, str | Path):
        with foreign(f"Copying {type(probe.model).__name__}"):
            loaded = LoadedModel(type(probe.model).__name__, copy.deepcopy(probe.model))
        given = load_weights(loaded, Path(given)).model
    if isinstance(given, require("torch", "models").nn.Module):
        try:
            given = probe.look_at(unwrapped(given), name)
        except UnknownName as error:
            raise UnknownName(f"The reference {name!r}: {error}") from None
    if isinstance(given, Mapping):
        layers = {str(layer): _labelled(value, name, str(layer)) for layer, value in given.items()}
    else:
        layers = dict.fromkeys(now, _labelled(given, name, ""))
    missing = next((layer for layer in now if layer not in layers), None)
    if missing is not None:
        raise InputError(
            f"The reference {name!r} has no layer {missing!r}. {suggestion(missing, layers)} Choose layers that both "
            "have with layers=..., or give one representation with which all layers are compared."
        )
    sides = {id(entry): Side.of(entry) for entry in layers.values()}
    found = {layer: sides[id(layers[layer])] for layer in now}
    for layer, side in found.items():
        check_same_inputs(Side.of(now[layer]), side)
    return found


def _labelled(given: Any, model: str, layer: str) -> Representation:
    return given if isinstance(given, Representation) else Representation(given, model=model, layer=layer)


def save_layers(path: Path, layers: Mapping[str, Representation]) -> None:
    """Write representations of layers to a ``.npz`` file, whole or not at all."""
    arrays = {f"values of {layer}": entry.values for layer, entry in layers.items()}
    arrays |= {f"precision of {layer}": np.array(entry.precision) for layer, entry in layers.items()}
    beside = path.with_name(f"{path.name}.tmp")
    try:
        with beside.open("wb") as handle:
            np.savez(handle, allow_pickle=False, **arrays)
        os.replace(beside, path)
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}. Name another csv file.") from None


def load_layers(path: Path, model: str) -> dict[str, Representation]:
    """Read representations that `save_layers` wrote.

    Raises
    ------
    FileError
        The file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            arrays = dict(content)
    except (OSError, ValueError, zipfile.BadZipFile):
        raise FileError(
            f"{path}, which holds the layers of the network before training, is missing or damaged. Without it the "
            "comparison with 'initial' cannot be continued: name another csv file."
        ) from None
    layers = {}
    for name, values in arrays.items():
        kind, _, layer = name.partition(" of ")
        if kind == "values":
            layers[layer] = Representation(values, model=model, layer=layer)
            layers[layer].precision = float(arrays[f"precision of {layer}"])
    return layers
