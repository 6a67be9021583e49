"""Smaller subtasks: fewer networks, and so fewer pairs of representations, and fewer inputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from similitude.benchmark.grading import LEAST_IN_GROUP
from similitude.benchmark.questions import Monotonicity, Separation
from similitude.benchmark.subtask import Grouping, Subtask
from similitude.representations import Population
from similitude.runs.grade import Choice

__all__ = ["LEAST_NETWORKS", "count_pairs", "limited"]

LEAST_NETWORKS = 8
"""Networks kept however many pairs they make, enough for each half of them to have intervals."""


def limited(choices: Sequence[Choice], pairs: int | None = None, inputs: int | None = None) -> list[Choice]:
    """Return choices whose subtasks compare fewer pairs, as far as their networks are built, on fewer inputs.

    Parameters
    ----------
    choices
        What to grade on.
    pairs
        Largest number of pairs of representations per subtask and measure; see `count_pairs`. The first networks of a
        population are used, or the first ones of each group: at least `LEAST_NETWORKS`, or enough per group for each
        half of it to be graded.
    inputs
        Largest number of inputs per subtask: a random sample, the same for all networks.
    """
    found = []
    for choice in choices:
        populations = choice.suite.populations(choice.site)
        subtasks = [replace(s, inputs=inputs) for s in choice.subtasks]
        if pairs is not None:
            subtasks = [
                replace(s, models=_first_networks(s, populations[s.population], pairs))
                if s.population in populations
                else s
                for s in subtasks
            ]
        found.append(replace(choice, subtasks=tuple(subtasks)))
    return found


def count_pairs(subtask: Subtask, population: Population) -> int:
    """Return the number of pairs of representations per measure, if the subtask uses all networks of a population.

    Pairs of networks, times reference layers, times the variants that each of these is compared with. Rows of a subtask
    share their pairs, which count once.
    """
    layers = subtask.pairing.reference_layers(population)
    sizes = Counter(_groups(subtask, population)).values() if _within(subtask) else [len(population.models)]
    alike = sum(size * (size - 1) // 2 for size in sizes)
    if isinstance(subtask.question, Monotonicity):
        return len(population.models) * (len(layers) * (len(layers) - 1) // 2)
    if subtask.pairing.against == "models":
        return len(layers) * alike
    of_layer = [subtask.pairing.variants(population, f, layers[0]) for f in subtask.functionalities]
    if subtask.pairing.against == "layers":
        return sum(size**2 for size in sizes) * len(layers) * len(of_layer[0]) // 2
    deleted = max(sum(variant.deleted > 0 for variant in variants) for variants in of_layer)
    return len(layers) * (alike + deleted * sum(size**2 for size in sizes))


def _first_networks(subtask: Subtask, population: Population, pairs: int) -> tuple[str, ...]:
    selected = subtask.select(population)
    labels = _groups(subtask, selected)
    least = 2 * LEAST_IN_GROUP if isinstance(subtask.question, Separation) else LEAST_IN_GROUP
    if len(set(labels)) == 1:
        least = LEAST_NETWORKS
    for each in range(max(Counter(labels).values()), least, -1):
        kept = _first_of_each(selected.models, labels, each)
        if count_pairs(subtask, selected.subset(kept)) <= pairs:
            return kept
    return _first_of_each(selected.models, labels, least)


def _first_of_each(models: Sequence[str], labels: Sequence[str], each: int) -> tuple[str, ...]:
    counted: Counter[str] = Counter()
    kept = []
    for model, label in zip(models, labels, strict=True):
        counted[label] += 1
        kept += [model] * (counted[label] <= each)
    return tuple(kept)


def _within(subtask: Subtask) -> bool:
    return subtask.grouping is not None and subtask.grouping.pairs == "within"


def _groups(subtask: Subtask, population: Population) -> tuple[str, ...]:
    """Group of each network; one group if each was sampled by itself."""
    if isinstance(subtask.question, Separation):
        return Grouping(subtask.question.by, "across").labels(population)
    if subtask.grouping is None:
        return ("",) * len(population.models)
    return subtask.grouping.labels(population)
