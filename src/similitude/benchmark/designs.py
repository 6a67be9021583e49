"""Grading data of each row of a subtask, whatever it asks of: functionalities, groups of models, layers of a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from similitude.benchmark.grading import GradingData
from similitude.benchmark.questions import Monotonicity, Separation
from similitude.benchmark.statistics.separation import check_groups
from similitude.benchmark.subtask import Grouping, Subtask, Variant
from similitude.errors import InputError
from similitude.representations import Population

__all__ = ["GradingRow", "grading_of_groups", "grading_of_layers", "grading_rows"]

_LEAST_LAYERS = 3


class GradingRow(NamedTuple):
    """One row of a table of results before measures are graded.

    Parameters
    ----------
    name, label, difference
        Name of the functionality, or of what stands in its place; as tables say it; and as an axis does.
    data
        Scores, no dissimilarities yet.
    """

    name: str
    label: str
    difference: str
    data: GradingData


def grading_rows(subtask: Subtask, population: Population) -> Iterator[GradingRow]:
    """Yield the rows of a subtask on a population."""
    question, name = subtask.question, subtask.rows[0]
    if isinstance(question, Separation):
        yield GradingRow(name, str(question), "in another group", grading_of_groups(population, subtask))
    elif isinstance(question, Monotonicity):
        yield GradingRow(name, str(question), "distance of layers", grading_of_layers(population, subtask))
    for functionality in subtask.functionalities:
        data = GradingData.of(population, functionality, subtask.pairing, subtask.grouping)
        yield GradingRow(functionality.name, str(functionality), functionality.difference, data)


def grading_of_groups(population: Population, subtask: Subtask) -> GradingData:
    """Arrange models for `Separation`: each layer against the same of all models; models differ by 1 across groups.

    Raises
    ------
    InputError
        Models lack the attribute, there is one group only, or a group has one model.
    """
    assert isinstance(subtask.question, Separation)
    labels = Grouping(subtask.question.by, "across").labels(population)
    check_groups(labels)
    layers = subtask.pairing.reference_layers(population)
    number = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    group = np.tile([float(number[label]) for label in labels], (len(layers), 1))
    return GradingData(
        models=population.models,
        layers=layers,
        variants=tuple((Variant(layer),) for layer in layers),
        reference_score=group,
        score=group[:, :, None],
        same=np.ones((len(layers), 1), dtype=bool),
        pairwise=(group[0][:, None] != group[0]).astype(float),
        quality=subtask.question.by,
        groups=labels,
    )


def grading_of_layers(population: Population, subtask: Subtask) -> GradingData:
    """Arrange models for `Monotonicity`: all layers of each model against each other; layers differ by their distance.

    Raises
    ------
    InputError
        Fewer than three layers, of which one could not be nearer than another.
    """
    assert isinstance(subtask.question, Monotonicity)
    layers, models = subtask.pairing.reference_layers(population), population.models
    if len(layers) < _LEAST_LAYERS:
        raise InputError(
            f"{subtask.id}: population {population.name!r} has {len(layers)} layer(s). Whether dissimilarity grows "
            f"with the distance of layers takes at least {_LEAST_LAYERS}."
        )
    depth = np.arange(len(layers), dtype=float)
    return GradingData(
        models=models,
        layers=layers,
        variants=(tuple(Variant(layer) for layer in layers),) * len(layers),
        reference_score=np.tile(depth[:, None], (1, len(models))),
        score=np.tile(depth, (len(layers), len(models), 1)),
        same=np.eye(len(layers), dtype=bool),
        groups=models,
        within=True,
    )
