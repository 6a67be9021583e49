"""Anyone's networks as a suite: a folder of representations and a table of what the networks can do.

The folder is a population folder, or holds a file a model (``<model>.npz``, arrays are layers) or a folder a model
(``<model>/<layer>.npy``); see `similitude.representations.files` for the kinds of file. For the table see
`similitude.suites.own.scores`; functionalities of predictions need none, see `similitude.suites.own.predictions`.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from similitude.benchmark.functionalities.predictions import prediction_differences
from similitude.benchmark.subtask import Functionality, Pairing, Subtask
from similitude.errors import DegeneratePopulation, FileError, InputError, SimilitudeWarning
from similitude.representations import Population, Representation, is_population, open_population
from similitude.representations.allowance import MEMORY, Allowance
from similitude.representations.files import SUFFIXES, load_arrays, named_sources
from similitude.representations.population import attributes_frame, scores_frame
from similitude.suites.base import Site, Suite
from similitude.suites.own.predictions import read_predictions
from similitude.suites.own.scores import read_scores

__all__ = ["OwnSuite", "load_population"]


class OwnSuite(Suite):
    """Grades measures on networks that somebody else made.

    Subtasks are ``<name>/models`` for functionalities of whole models (the same layer of every model is compared with
    that of the best one), ``<name>/layers`` for functionalities of layers (every layer of every model), and
    ``<name>/deletions`` where layers have scores with principal components deleted.

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

    Raises
    ------
    FileError
        Nothing that can be read there.
    InputError
        The table and the networks do not fit together.
    DegeneratePopulation
        A functionality is the same for all.
    """

    description = "Your own networks."
    by_default = False

    def __init__(
        self,
        path: str | Path,
        scores: str | Path | None = None,
        predictions: str | Path | None = None,
        memory: int = MEMORY,
    ) -> None:
        self.name = Path(path).resolve().name  # type: ignore[misc]  # one a folder, not one a class
        population = load_population(path, memory)
        self._lower_is_better: frozenset[str] = frozenset()
        if scores is not None:
            table, self._lower_is_better = read_scores(scores, population)
            population = _with(population, table)
        self._tests: tuple[str, ...] = ()
        if predictions is not None:
            held = read_predictions(predictions, population.models)
            population = _with(population, _joined(population.scores, held.scores(), predictions), held.items)
            self._tests = tuple(held.labels)
            self._lower_is_better |= {f"calibration_error/{test}" for test in self._tests}
        if population.scores.empty:
            raise InputError(
                f"{path} says nothing of what its networks can do. Give a table, --scores scores.csv, or what they "
                "predict, --predictions FOLDER."
            )
        if len(population.models) < 3:
            raise InputError(f"{path} holds {len(population.models)} models; grading needs three or more.")
        _check_spread(population)
        self._population = population

    def subtasks(self) -> tuple[Subtask, ...]:
        """One for each kind of functionality that there is."""
        scores = self._population.scores
        of_model = scores["layer"].isna()
        cut = scores["functionality"].isin(scores.loc[scores["deleted"] > 0, "functionality"])
        kinds = (
            ("models", of_model, "model"),
            ("layers", ~of_model & ~cut, "model, layer"),
            ("deletions", ~of_model & cut, "deleted components"),
        )
        of_pairs = [functionality for test in self._tests for functionality in prediction_differences(test)]
        return tuple(
            Subtask(
                id=f"{self.name}/{against}",
                population=self.name,
                varies=varies,
                functionalities=(
                    *(
                        Functionality(
                            name,
                            per="model" if against == "models" else "layer",
                            lower_is_better=name in self._lower_is_better,
                        )
                        for name in scores.loc[rows, "functionality"].unique()
                    ),
                    *(of_pairs if against == "models" else ()),
                ),
                pairing=Pairing(against),  # type: ignore[arg-type]
                description=f"Networks in {self.name}.",
            )
            for against, rows, varies in kinds
            if rows.any()
        )

    def is_built(self, site: Site, populations: Collection[str] | None = None) -> bool:
        """Return True: nothing is to be built."""
        return True

    def build(self, site: Site, populations: Collection[str] | None = None, **options: Any) -> None:
        """Do nothing: the networks are there."""

    def populations(self, site: Site) -> dict[str, Population]:
        """Return the networks of the folder."""
        return {self.name: self._population}


def load_population(path: str | Path, memory: int = MEMORY) -> Population:
    """Networks of a population folder, or of a folder with a file or a folder a model.

    Raises
    ------
    FileError
        No networks there.
    InputError
        Networks with different layers or inputs.
    """
    path = Path(path)
    if not path.is_dir():
        raise FileError(f"{path} is not a folder of networks.")
    if is_population(path):
        return open_population(path)
    sources = named_sources(path)
    if empty := [model for model, source in sources.items() if source.is_dir() and not _holds_arrays(source)]:
        warnings.warn(
            f"{path}: {', '.join(map(repr, empty))} without representations left out.", SimilitudeWarning, stacklevel=2
        )
    allowance = Allowance(memory)
    held = {
        model: {array.layer or "output": array for array in load_arrays(source, allowance=allowance)}
        for model, source in sources.items()
        if model not in empty
    }
    if not held:
        raise FileError(
            f"{path} holds no networks. Put there a file a model ({', '.join(SUFFIXES)}) or a folder of such files a "
            "model."
        )
    first, layers = next(iter(held)), tuple(next(iter(held.values())))
    for model, arrays in held.items():
        odd = sorted(set(layers) ^ set(arrays))
        if odd:
            raise InputError(f"{path}: models {first!r} and {model!r} do not have the same layers: {', '.join(odd)}.")

    @functools.cache
    def load(model: str, layer: str) -> Representation:
        representation = held[model][layer].representation()
        representation.model, representation.layer = model, layer
        return representation

    return Population(
        path.resolve().name, layers, attributes_frame({model: {} for model in held}), scores_frame({}), load
    )


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
