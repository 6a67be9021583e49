"""Networks named on a command line: files, folders and model references, as groups of representations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from similitude.cli.console import progress_bars
from similitude.errors import InputError, UnknownName, suggestion
from similitude.representations import Representation
from similitude.representations.extract import extract
from similitude.representations.files import load_arrays
from similitude.representations.layers import matches
from similitude.representations.references import is_model_reference, load_inputs, load_model

__all__ = ["Network", "load_networks"]


class Network:
    """One network's layers.

    Parameters
    ----------
    name
        As in tables.
    layers
        Layer name to representation, from input to output.
    """

    def __init__(self, name: str, layers: dict[str, Representation]) -> None:
        self.name = name
        self.layers = layers


def load_networks(
    references: Sequence[str], *, layers: Sequence[str], reduce: str, inputs: Path | None, batch_size: int
) -> list[Network]:
    """Networks of files, folders (a population gives all of its models) and model references.

    Raises
    ------
    InputError
        A model reference without inputs.
    UnknownName
        No layer matches.
    """
    found: list[Network] = []
    for reference in references:
        if is_model_reference(reference):
            found.append(_from_model(reference, layers, reduce, inputs, batch_size))
        else:
            found += _from_files(Path(reference), layers)
    names = Counter(network.name for network in found)
    if len(names) < len(found):  # files of the same name in several folders, or one file twice
        found = [Network(f"{i + 1}:{network.name}", network.layers) for i, network in enumerate(found)]
    for network in found:
        for representation in network.layers.values():
            representation.model = network.name
    return found


def _from_model(reference: str, layers: Sequence[str], reduce: str, inputs: Path | None, batch_size: int) -> Network:
    if inputs is None:
        raise InputError(
            f"{reference} is a model, so there must be something to show it: --inputs FILE, an array file or a .txt "
            "file with a text a line."
        )
    loaded = load_model(reference)
    with progress_bars() as bars:
        advance = bars(f"extract {loaded.name}")
        representations = extract(
            loaded.model,
            load_inputs(inputs),
            list(layers) or "blocks",
            reduce,
            name=loaded.name,
            tokenizer=loaded.tokenizer,
            batch_size=batch_size,
            progress=lambda done, total: advance(done, total or done),
        )
    return Network(loaded.name, representations)


def _from_files(path: Path, layers: Sequence[str]) -> list[Network]:
    arrays = load_arrays(path)
    chosen = [array for array in arrays if not layers or any(matches(array.layer, glob) for glob in layers)]
    if not chosen:
        known = {array.layer for array in arrays}
        raise UnknownName(
            f"{path} has no layer {' or '.join(map(repr, layers))}. {suggestion(layers[0], known)}".rstrip()
        )
    networks: dict[str, Network] = {}
    for array in chosen:
        networks.setdefault(array.model, Network(array.model, {})).layers[array.layer] = array.representation()
    return list(networks.values())
