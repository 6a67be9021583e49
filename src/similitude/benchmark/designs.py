"""Grading data of questions that are not about a functionality: groups of models, and layers of one model."""

from __future__ import annotations

import numpy as np

from similitude.benchmark.grading import GradingData
from similitude.benchmark.questions import Monotonicity, Separation
from similitude.benchmark.statistics.separation import check_groups
from similitude.benchmark.subtask import Grouping, Subtask, Variant
from similitude.errors import InputError
from similitude.representations import Population

__all__ = ["grading_of_groups", "grading_of_layers"]

_LEAST_LAYERS = 3


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
