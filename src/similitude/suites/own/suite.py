"""Anyone's networks as a suite: a folder of representations and a table of what the networks can do.

The folder is a population folder, or holds a file per model (``<model>.npz``, arrays are layers) or a folder per model
(``<model>/<layer>.npy``); see `similitude.representations.files` for the kinds of file. For the table see
`similitude.suites.own.scores`; functionalities of predictions need none, see `similitude.suites.own.predictions`.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from similitude.benchmark.functionalities.predictions import prediction_differences
from similitude.benchmark.questions import Separation
from similitude.benchmark.subtask import Functionality, Pairing, Subtask
from similitude.engine.same_inputs import find_other_inputs
from similitude.errors import DegeneratePopulation, FileError, InputError, SimilitudeWarning
from similitude.representations import Population, Representation, is_population, open_population
from similitude.representations.allowance import MEMORY, Allowance
from similitude.representations.files import SUFFIXES, load_arrays, named_sources
from similitude.representations.names import readable
from similitude.representations.population import attributes_frame, scores_frame
from similitude.suites.base import Site, Suite
from similitude.suites.own.groups import ATTRIBUTE, with_groups
from similitude.suites.own.predictions import LEAST_MODELS, Predictions, read_predictions
from similitude.suites.own.scores import read_scores

__all__ = ["OwnSuite", "load_population"]


class OwnSuite(Suite):
    """Grades measures on networks that somebody else made.

    Subtasks are ``<name>/models`` for functionalities of whole models (the same layer of every model is compared with
    that of the best one), ``<name>/layers`` for functionalities of layers (every layer of every model),
    ``<name>/deletions`` where layers have scores with principal components deleted, and ``<name>/groups`` for groups
    of models (the last layer of all models). Functionalities of predictions are
    among the first, or in ``<name>/predictions`` where some of the models of a table have no usable predictions.

    Parameters
    ----------
    path
        The folder.
    scores
        CSV file of functionalities; None to use those that a population folder keeps.
    predictions
        Folder of predictions on test sets; None if there are none.
    memory
        Bytes that the arrays of files may take, see `similitude.representations.files.load_representations`.
    groups
        CSV file with the columns ``network`` and ``group``, or network to group; None if models are in no groups.

    Raises
    ------
    FileError
        Nothing that can be read there.
    InputError
        The table and the networks do not fit together.
    DegeneratePopulation
        A functionality is the same for all.

    Attributes
    ----------
    left_out
        Models, layers as ``*/layer`` and predictions as ``predictions/model`` that cannot be graded, with the reason.
    """

    description = "Your own networks."
    by_default = False

    def __init__(
        self,
        path: str | Path,
        scores: str | Path | None = None,
        predictions: str | Path | None = None,
        memory: int = MEMORY,
        groups: str | Path | Mapping[str, str] | None = None,
    ) -> None:
        self.name = readable(Path(path).resolve().name)  # type: ignore[misc]  # one per folder, not one per class
        left_out: dict[str, str] = {}
        self.left_out = left_out  # type: ignore[misc]
        population = load_population(path, memory, left_out)
        others = {*left_out, *_names(Path(path))} - set(population.models)
        self._lower_is_better: frozenset[str] = frozenset()
        if scores is not None:
            table, self._lower_is_better = read_scores(scores, population, others)
            population = _with(population, table)
        if population.scores.empty and predictions is None and groups is None:
            raise InputError(
                f"{path} does not say what its networks can do. Give a table, --scores scores.csv, what they predict, "
                "--predictions FOLDER, or which groups they are in, --groups groups.csv."
            )
        if len(population.models) < LEAST_MODELS:
            reason = next((f" Left out: {model}: {reason}" for model, reason in left_out.items()), "")
            raise InputError(f"{path} holds {len(population.models)} models; grading needs three or more.{reason}")
        self._grouped = None if groups is None else with_groups(population, groups, others)
        self._tests: tuple[str, ...] = ()
        self._populations = {self.name: population}
        if predictions is not None:
            held = read_predictions(predictions, population.models, others, left_out)
            self._add(held, predictions)
            self._tests = tuple(held.labels)
            self._lower_is_better |= {f"calibration_error/{test}" for test in self._tests}
        for graded in self._populations.values():
            _check_spread(graded)

    def _add(self, held: Predictions, folder: str | Path) -> None:
        """Add scores of predictions; where some networks of a table have none, the others get a population for them."""
        population = self._populations[self.name]
        scores = _joined(population.scores, held.scores(), folder)
        if held.models == population.models:
            self._populations = {self.name: _with(population, scores, held.items)}
            return
        predicted = _with(population.subset(held.models), held.scores(), held.items)
        if population.scores.empty:
            self._populations = {self.name: predicted}
        else:
            self._populations[f"{self.name}/predictions"] = predicted

    def subtasks(self) -> tuple[Subtask, ...]:
        """Return one subtask per kind of functionality, and one of groups."""
        found = tuple(subtask for name in self._populations for subtask in self._subtasks_on(name))
        if self._grouped is None:
            return found
        of_groups = Subtask(
            id=f"{self.name}/groups",
            population=f"{self.name}/groups",
            varies=ATTRIBUTE,
            functionalities=(),
            pairing=Pairing("models", ("last",)),
            description=f"Groups of networks in {self.name}, by their last layer.",
            question=Separation(ATTRIBUTE, "own groups"),
            test="groups",
        )
        return (*found, of_groups)

    def _subtasks_on(self, name: str) -> Iterator[Subtask]:
        scores = self._populations[name].scores
        of_model = scores["layer"].isna()
        truncated = scores["functionality"].isin(scores.loc[scores["deleted"] > 0, "functionality"])
        kinds = (
            ("models", of_model, "model"),
            ("layers", ~of_model & ~truncated, "model, layer"),
            ("deletions", ~of_model & truncated, "deleted components"),
        )
        tests = [test for test in self._tests if f"accuracy/{test}" in set(scores["functionality"])]
        of_pairs = [functionality for test in tests for functionality in prediction_differences(test)]
        for against, rows, varies in kinds:
            if rows.any():
                yield Subtask(
                    id=name if name != self.name else f"{name}/{against}",
                    population=name,
                    varies=varies,
                    functionalities=(
                        *(
                            Functionality(
                                functionality,
                                per="model" if against == "models" else "layer",
                                lower_is_better=functionality in self._lower_is_better,
                            )
                            for functionality in scores.loc[rows, "functionality"].unique()
                        ),
                        *(of_pairs if against == "models" else ()),
                    ),
                    pairing=Pairing(against),  # type: ignore[arg-type]
                    description=f"Networks in {self.name}.",
                )

    def is_built(self, site: Site, populations: Collection[str] | None = None) -> bool:
        """Return True: nothing is to be built."""
        return True

    def build(self, site: Site, populations: Collection[str] | None = None, **options: Any) -> None:
        """Do nothing: the networks are there."""

    def populations(self, site: Site) -> dict[str, Population]:
        """Return the networks of the folder; apart, those with predictions where some have none, and those grouped."""
        grouped = {} if self._grouped is None else {f"{self.name}/groups": self._grouped}
        return self._populations | grouped


def load_population(path: str | Path, memory: int = MEMORY, left_out: dict[str, str] | None = None) -> Population:
    """Load the networks of a population folder, or of a folder with one file or one folder per model.

    A layer is kept if more than half of the models have it, and a model if it has all of these, for the same inputs.

    Parameters
    ----------
    path
        The folder.
    memory
        Bytes that the arrays of files may take.
    left_out
        Where models and layers that are not kept are noted, with the reason.

    Raises
    ------
    FileError
        No networks there.
    InputError
        Networks without a common layer.
    """
    path = Path(path)
    left_out = {} if left_out is None else left_out
    if not path.is_dir():
        raise FileError(f"{path} is not a folder of networks.")
    population = open_population(path) if is_population(path) else None
    faults: dict[tuple[str, str], str] = {}
    if population is not None:
        held = _read_population(population, faults)
    else:
        held = _read_folder(path, Allowance(memory), left_out, faults)
    if not held:
        raise FileError(next(iter(left_out.values()), f"{path} holds no networks. {_WHAT_TO_PUT}"))
    layers = _usual_layers(path, held, faults, left_out)
    for model, of_model in held.items():
        if missing := next((layer for layer in layers if layer not in of_model), None):
            left_out[model] = faults.get((model, missing), f"It has no layer {missing!r}, and most models have.")
    kept = [model for model in held if model not in left_out]
    places = [(model, layer) for model in kept for layer in layers]
    for position, error in find_other_inputs([held[model][layer] for model, layer in places]).items():
        left_out.setdefault(places[position][0], str(error))
    kept = [model for model in kept if model not in left_out]
    if population is not None:
        return population.subset(kept, layers)
    return Population(
        readable(path.resolve().name),
        layers,
        attributes_frame({model: {} for model in kept}),
        scores_frame({}),
        lambda model, layer: held[model][layer],
    )


_WHAT_TO_PUT = f"Put there one file per model ({', '.join(SUFFIXES)}) or one folder of such files per model."


def _read_population(
    population: Population, faults: dict[tuple[str, str], str]
) -> dict[str, dict[str, Representation]]:
    """Model to its layers that can be compared; those that cannot are noted in `faults`."""
    held: dict[str, dict[str, Representation]] = {}
    for model in population.models:
        held[model] = {}
        for layer in population.layers:
            try:
                held[model][layer] = population.representation(model, layer)
            except (FileError, InputError) as error:
                faults[model, layer] = str(error)
    return held


def _read_folder(
    path: Path, allowance: Allowance, left_out: dict[str, str], faults: dict[tuple[str, str], str]
) -> dict[str, dict[str, Representation]]:
    """Model to its layers that can be compared, of the files and folders in a folder."""
    sources = named_sources(path)
    if empty := [model for model, source in sources.items() if source.is_dir() and not _holds_arrays(source)]:
        warnings.warn(
            f"{path}: {', '.join(map(repr, empty))} without representations left out.", SimilitudeWarning, stacklevel=4
        )
    held: dict[str, dict[str, Representation]] = {}
    for model in [model for model in sources if model not in empty]:
        unread: dict[str, str] = {}
        try:
            arrays = load_arrays(sources[model], allowance=allowance, left_out=unread)
        except (FileError, InputError) as error:
            left_out[model] = str(error)
            continue
        faults |= {(model, key.partition("/")[2]): reason for key, reason in unread.items()}
        held[model] = {}
        for array in arrays:
            layer = array.layer or "output"
            try:
                representation = array.representation()
            except InputError as error:
                faults[model, layer] = str(error)
                continue
            representation.model, representation.layer = model, layer
            held[model][layer] = representation
    return held


def _usual_layers(
    path: Path,
    held: dict[str, dict[str, Representation]],
    faults: dict[tuple[str, str], str],
    left_out: dict[str, str],
) -> tuple[str, ...]:
    """Layers that can be compared in more than half of the models; the others are noted in `left_out`."""
    often = Counter(layer for of_model in held.values() for layer in of_model)
    every = dict.fromkeys([*often, *(layer for _, layer in faults)])
    layers = tuple(layer for layer in often if 2 * often[layer] > len(held))
    if not layers:
        one, *_, other = [*held, *held]
        odd = sorted(set(held[one]) ^ set(held[other]))
        reason = next(iter(faults.values()), f"{one!r} and {other!r} do not have the same layers: {', '.join(odd)}.")
        raise InputError(f"{path}: most models have no layer in common. {reason}")
    for layer in every:
        if layer not in layers:
            reason = next((reason for (_, at), reason in faults.items() if at == layer), "Most models do not have it.")
            left_out[f"*/{layer}"] = reason
    return layers


def _names(path: Path) -> tuple[str, ...]:
    """Names of all networks of a folder, whether they can be graded or not."""
    return open_population(path).models if is_population(path) else tuple(named_sources(path))


def _holds_arrays(folder: Path) -> bool:
    return is_population(folder) or any(source.is_file() for source in named_sources(folder).values())


def _with(
    population: Population, scores: pd.DataFrame, items: Callable[[str, str], np.ndarray] | None = None
) -> Population:
    """The same networks with other scores."""
    return Population(
        population.name,
        population.layers,
        population.attributes,
        scores,
        population.representation,
        items,
        population.description,
    )


def _joined(scores: pd.DataFrame, predicted: pd.DataFrame, predictions: str | Path) -> pd.DataFrame:
    both = set(scores["functionality"]) & set(predicted["functionality"])
    if both:
        raise InputError(f"{sorted(both)[0]!r} is scored already, and would be from {predictions} too. Leave one out.")
    return predicted if scores.empty else pd.concat([scores, predicted], ignore_index=True)


def _check_spread(population: Population) -> None:
    for name, scores in population.scores.groupby("functionality"):
        if scores["value"].nunique() < 2:
            raise DegeneratePopulation(
                f"{name!r} is {scores['value'].iloc[0]:g} for all of {population.name}; it cannot grade measures."
            )
