"""Anyone's networks as a suite: a folder of representations and a table of what the networks can do.

The folder is a population folder, or holds a file a model (``<model>.npz``, arrays are layers) or a folder a model
(``<model>/<layer>.npy``); see `similitude.representations.files` for the kinds of file. The table is a CSV file with a
column ``model`` and

- a column a functionality, one row a model; or, with a column ``layer`` too, one row a model and layer;
- or columns ``functionality`` and ``value``, one row a score.

Functionalities of predictions need no table, see `similitude.suites.own_predictions`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from similitude.benchmark.predictions import prediction_differences
from similitude.benchmark.subtask import Functionality, Pairing, Subtask
from similitude.errors import DegeneratePopulation, FileError, InputError, UnknownName, suggestion
from similitude.representations import Population, Representation, Score, is_population, open_population
from similitude.representations.files import SUFFIXES, load_arrays
from similitude.representations.population import attributes_frame, scores_frame
from similitude.suites.base import BuildProgress, Scale, Suite
from similitude.suites.own_predictions import read_predictions

__all__ = ["OwnSuite", "load_population", "read_scores"]

_KEYS = ("model", "layer", "deleted", "functionality", "value", "items")


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
    minutes = 0
    by_default = False

    def __init__(
        self, path: str | Path, scores: str | Path | None = None, predictions: str | Path | None = None
    ) -> None:
        self.name = Path(path).resolve().name  # type: ignore[misc]  # one a folder, not one a class
        population = load_population(path)
        if scores is not None:
            population = _with(population, read_scores(scores, population))
        self._tests: tuple[str, ...] = ()
        if predictions is not None:
            held = read_predictions(predictions, population.models)
            population = _with(population, _joined(population.scores, held.scores(), predictions), held.items)
            self._tests = tuple(held.labels)
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
        errors = {f"calibration_error/{test}" for test in self._tests}
        return tuple(
            Subtask(
                id=f"{self.name}/{against}",
                population=self.name,
                varies=varies,
                functionalities=(
                    *(
                        Functionality(
                            name, per="model" if against == "models" else "layer", lower_is_better=name in errors
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

    def is_built(self, home: Path, scale: Scale = "embedded") -> bool:
        """Nothing is to be built."""
        return True

    def build(
        self,
        home: Path,
        scale: Scale = "embedded",
        *,
        progress: BuildProgress | None = None,
        workers: int = 2,
        **options: Any,
    ) -> None:
        """Nothing is to be built."""

    def populations(self, home: Path, scale: Scale = "embedded") -> dict[str, Population]:
        """The networks of the folder."""
        return {self.name: self._population}


def load_population(path: str | Path) -> Population:
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
    sources = sorted(p for p in path.iterdir() if p.is_dir() or p.suffix.lower() in SUFFIXES)
    held = {source.stem: {a.layer or "output": a for a in load_arrays(source)} for source in sources}
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


def read_scores(file: str | Path, population: Population) -> pd.DataFrame:
    """Scores of a CSV file, one row a score, held against the networks that there are.

    Raises
    ------
    FileError
        The file cannot be read as a table.
    UnknownName
        A model or layer that the population does not have.
    InputError
        Missing columns, missing models, values that are no numbers, or the same score twice.
    """
    table = _read_table(Path(file))
    named = table["model"].tolist()
    for kind, known in (("model", population.models), ("layer", population.layers)):
        unknown = [] if kind not in table else [n for n in table[kind].dropna() if n not in known]
        if unknown:
            hint = suggestion(unknown[0], known)
            raise UnknownName(f"{file}: there is no {kind} {unknown[0]!r} among the networks. {hint}")
    missing = [model for model in population.models if model not in named]
    if missing:
        raise InputError(f"{file} has no row for {len(missing)} of the models, the first {missing[0]!r}.")
    scores: dict[str, list[Score]] = {model: [] for model in population.models}
    seen = set()
    for row in _tidy(table, file).to_dict("records"):
        layer = row["layer"] if isinstance(row["layer"], str) else None
        score = Score(row["functionality"], float(row["value"]), layer, int(row["deleted"]), row["items"])
        if (key := (row["model"], layer, score.deleted, score.functionality)) in seen:
            where = f", layer {layer!r}" if layer else ""
            raise InputError(f"{file} has {score.functionality!r} of model {row['model']!r}{where} twice.")
        seen.add(key)
        scores[row["model"]].append(score)
    return scores_frame(scores)


def _read_table(file: Path) -> pd.DataFrame:
    if not file.is_file():
        raise FileError(f"{file} does not exist.")
    try:
        table = pd.read_csv(file, dtype={"model": str, "layer": str, "functionality": str})
    except (ValueError, UnicodeDecodeError, OSError) as error:
        raise FileError(f"{file} cannot be read as CSV: {error}") from None
    if "model" not in table:
        raise InputError(f"{file} has no column 'model'; its columns are {', '.join(map(str, table.columns))}.")
    return table


def _tidy(table: pd.DataFrame, file: str | Path) -> pd.DataFrame:
    if "functionality" not in table:
        names = [column for column in table.columns if column not in _KEYS]
        if not names:
            raise InputError(f"{file} has no column of a functionality beside {', '.join(map(str, table.columns))}.")
        keys = [key for key in ("model", "layer", "deleted", "items") if key in table]
        table = table.melt(keys, names, "functionality", "value").dropna(subset=["value"])
    elif "value" not in table:
        raise InputError(f"{file} has a column 'functionality' and none called 'value'.")
    values = pd.to_numeric(table["value"], errors="coerce")
    if values.isna().any():
        bad = table.loc[values.isna()].iloc[0]
        what = f"{bad['functionality']!r} of model {bad['model']!r}"
        raise InputError(f"{file}: {what} is {bad['value']!r}, not a number.")
    defaults: dict[str, Any] = {"layer": None, "deleted": 0, "items": None}
    return table.assign(value=values, **{key: value for key, value in defaults.items() if key not in table})


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
