"""Networks named on a command line: files, folders and model references, as groups of representations."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from similitude.cli.console import progress_bars
from similitude.engine.models import extract_or_spill
from similitude.engine.same_inputs import find_other_inputs
from similitude.errors import InputError, SimilitudeError, UnknownName, suggestion
from similitude.extraction.images import Preparation
from similitude.extraction.input_files import load_inputs
from similitude.extraction.references import (
    LoadedModel,
    hash_weights,
    is_model_reference,
    load_model,
    load_weights,
)
from similitude.extraction.taps import matches
from similitude.representations import Representation
from similitude.representations.allowance import Allowance
from similitude.representations.files import RDM_PREFIX, load_arrays

__all__ = ["Extraction", "Network", "load_confounder", "load_networks", "preparation_of"]

"""Before the name of a file or folder whose arrays are dissimilarities."""


class Network:
    """One network's layers.

    Parameters
    ----------
    name
        As in tables.
    layers
        Layer name to representation, from input to output.
    left_out
        Layers that cannot be compared, with the reason.
    labels
        Classes of the inputs; empty if they have none.
    source
        File, folder or reference that it comes from.
    weights
        Hash of its weights; empty if it was not run, or no hash was asked for.
    """

    def __init__(
        self,
        name: str,
        layers: dict[str, Representation],
        left_out: dict[str, str] | None = None,
        labels: Sequence[str] = (),
        source: str = "",
        weights: str = "",
    ) -> None:
        self.name = name
        self.source = source
        self.layers = layers
        self.left_out = left_out or {}
        self.labels = labels
        self.weights = weights

    def rename(self, name: str) -> None:
        """Give the network another name, by which its representations are labelled too."""
        self.name = name
        for representation in self.layers.values():
            representation.model = name


@dataclass(frozen=True)
class Extraction:
    """How models are looked at.

    Parameters
    ----------
    inputs
        File of what they are shown.
    reduce
        See `similitude.extract`.
    batch_size
        Inputs at a time.
    memory
        Bytes for the representations of all models.
    spool
        Where those go that take more.
    folder
        Where all go, to be continued, if the user names one.
    axes, check
        See `similitude.extract`.
    column
        Column of texts in a table of inputs.
    image_size, image_mean, image_std
        How images are prepared, in place of the model's own configuration.
    architecture
        Reference of a model that files of weights are loaded into.
    hashed
        Whether weights are hashed, as recipes need.
    """

    inputs: Path | None
    reduce: str
    batch_size: int
    memory: int
    spool: Path
    folder: Path | None = None
    axes: Sequence[str] = ()
    check: bool = True
    column: str | None = None
    image_size: int | None = None
    image_mean: Sequence[float] | None = None
    image_std: Sequence[float] | None = None
    architecture: str | None = None
    hashed: bool = False

    def runs(self, reference: str) -> bool:
        """Whether a reference stands for a model, which runs on inputs."""
        return self.architecture is not None or is_model_reference(reference)


def load_networks(
    references: Sequence[str],
    layers: Sequence[str],
    extraction: Extraction,
    other_layers: Sequence[str] | None = None,
) -> tuple[list[Network], dict[str, str]]:
    """Load the networks of files, folders (a population gives all of its models) and model references.

    Arrays of ``rdm:FILE`` are dissimilarities rather than features.

    Parameters
    ----------
    references
        Paths and model references.
    layers
        Names, globs or presets; empty for the default.
    extraction
        How models are run.
    other_layers
        Layers of all networks but those of the first reference, if they are called otherwise.

    Returns
    -------
    networks
        Those with a layer that can be compared.
    left_out
        ``network/layer``, or a whole network, with the reason for which it is left out.

    Raises
    ------
    SimilitudeError
        Fewer than two of several networks, or not the only one, can be compared; the reason is that of the first that
        cannot. Options that do not go with the references.
    """
    models = [reference for reference in references if extraction.runs(reference)]
    _check_options(len(references), models, extraction, other_layers)
    found: list[Network] = []
    left_out: dict[str, str] = {}
    failures: list[SimilitudeError] = []
    allowance = Allowance(extraction.memory)
    for i, reference in enumerate(references):
        chosen = layers if i == 0 or other_layers is None else other_layers
        try:
            if extraction.runs(reference):
                place = re.sub(r"[^\w.-]+", "-", reference)
                if earlier := references[:i].count(reference):  # a factory may give another network each time
                    place += f"-{earlier + 1}"
                found.append(_from_model(reference, place, chosen, extraction, len(models)))
            else:
                found += _from_files(reference, chosen, allowance, left_out)
        except SimilitudeError as error:  # this network's own
            failures.append(error)
            left_out[reference] = str(error)
    names = Counter(network.name for network in found)
    is_ambiguous = len(names) < len(found)  # files of the same name in several folders, or one file twice
    for i, network in enumerate(found):
        network.rename(f"{i + 1}:{network.name}" if is_ambiguous else network.name)
        left_out |= {f"{network.name}/{layer}": reason for layer, reason in network.left_out.items()}
    found = _on_the_same_inputs(found, left_out, failures)
    if failures and len(found) < min(len(references), 2):
        raise failures[0]
    return found, left_out


def _check_options(
    count: int, models: Sequence[str], extraction: Extraction, other_layers: Sequence[str] | None
) -> None:
    """Refuse options that have nothing to act on, and models without inputs."""
    if extraction.architecture is not None and (named := [name for name in models if is_model_reference(name)]):
        raise InputError(f"--model is for files of weights, and {named[0]} is a model. Leave one of them out.")
    if models and extraction.inputs is None:
        raise InputError(
            f"{models[0]} is a model, so there must be something to show it: --inputs with an array file, a .txt file "
            "of one text per line, a table with a column of texts, or a folder of images."
        )
    if other_layers is not None and count < 2:
        raise InputError("--other-layers is for networks after the first, and there is one network only.")
    options = {
        "--inputs": extraction.inputs is not None,
        "--folder": extraction.folder is not None,
        "--reduce": extraction.reduce != "auto",
        "--axes": bool(extraction.axes),
        "--column": extraction.column is not None,
        "--no-self-test": not extraction.check,
        "--image-size": extraction.image_size is not None,
        "--image-mean": extraction.image_mean is not None,
        "--image-std": extraction.image_std is not None,
    }
    for option, given in options.items():
        if given and not models:
            raise InputError(f"{option} is for models, and all networks here are files. Leave it out.")


def _on_the_same_inputs(
    networks: Sequence[Network], left_out: dict[str, str], failures: list[SimilitudeError]
) -> list[Network]:
    """Leave out representations of other inputs than most, and return the networks with a layer that remains."""
    every = [(network, layer) for network in networks for layer in network.layers]
    odd = find_other_inputs([network.layers[layer] for network, layer in every])
    for position, error in odd.items():
        network, layer = every[position]
        left_out[network.layers.pop(layer).key] = str(error)
        failures.append(error)
    return [network for network in networks if network.layers]


def _from_model(reference: str, place: str, layers: Sequence[str], extraction: Extraction, models: int) -> Network:
    assert extraction.inputs is not None
    loaded = load_model(extraction.architecture or reference)
    if extraction.architecture is not None:
        loaded = load_weights(loaded, Path(reference))
    shown = load_inputs(extraction.inputs, extraction.column, preparation_of(loaded, extraction), extraction.batch_size)
    with progress_bars() as bars:
        advance = bars(f"extract {loaded.name}")
        representations = extract_or_spill(
            loaded.model,
            shown.values,
            list(layers) or "blocks",
            reduce=extraction.reduce,
            name=loaded.name,
            tokenizer=loaded.tokenizer,
            ids=shown.ids,
            axes=extraction.axes,
            check=extraction.check,
            batch_size=extraction.batch_size,
            memory=extraction.memory // models,
            spool=extraction.spool / place,
            folder=None if extraction.folder is None else extraction.folder / place,
            progress=lambda done, total: advance(done, total or done),
        )
    weights = hash_weights(loaded.model) if extraction.hashed else ""
    labels = shown.labels or ()
    return Network(loaded.name, dict(representations), representations.left_out, labels, reference, weights)


def preparation_of(loaded: LoadedModel, extraction: Extraction) -> Preparation | None:
    """How images are prepared: as the model's configuration says, with what the user states in its place."""
    own, size = loaded.preparation, extraction.image_size
    if own is None and size is None:
        return None
    if own is None and size is not None:
        own = Preparation((size, size), size)
    assert own is not None
    return own.changed(size, extraction.image_mean, extraction.image_std)


def _from_files(reference: str, layers: Sequence[str], allowance: Allowance, left_out: dict[str, str]) -> list[Network]:
    path, are_rdms = Path(reference.removeprefix(RDM_PREFIX)), reference.startswith(RDM_PREFIX)
    arrays = load_arrays(path, allowance=allowance, left_out=left_out)
    chosen = [array for array in arrays if not layers or any(matches(array.layer, glob) for glob in layers)]
    if not chosen:
        known = {array.layer for array in arrays} - {""}
        hint = suggestion(layers[0], known) if known else "It holds one array without a name; name no layer of it."
        raise UnknownName(f"{path} has no layer {' or '.join(map(repr, layers))}. {hint}".rstrip())
    networks: dict[str, Network] = {}
    for array in chosen:
        network = networks.setdefault(array.model, Network(array.model, {}, source=reference))
        try:
            network.layers[array.layer] = array.rdm() if are_rdms else array.representation()
        except InputError as error:
            if len(chosen) == 1:
                raise
            network.left_out[array.layer] = str(error)
    if not any(network.layers for network in networks.values()):
        layer, reason = next(iter(next(iter(networks.values())).left_out.items()))
        raise InputError(f"{path} has no layer that can be compared; {layer}: {reason}")
    return list(networks.values())


def load_confounder(reference: str, memory: int) -> Representation:
    """Load a file of one array that represents the inputs; arrays of more than two axes are one row per input.

    Parameters
    ----------
    reference
        Path, after ``rdm:`` if the array is a dissimilarity matrix.
    memory
        Bytes that it may take.

    Raises
    ------
    InputError
        The file holds several arrays, or one that cannot be compared.
    """
    path = Path(reference.removeprefix(RDM_PREFIX))
    array, *others = load_arrays(path, allowance=Allowance(memory))
    if others:
        raise InputError(f"{path} holds {len(others) + 1} arrays. Give a confounder as a file of one array.")
    if reference.startswith(RDM_PREFIX):
        return array.rdm()
    return replace(array, values=array.values.reshape(len(array.values), -1)).representation()
