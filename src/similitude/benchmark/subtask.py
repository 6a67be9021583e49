"""A subtask: a population, what its networks can do, and which representations are compared with which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np

from similitude.benchmark.questions import TESTS, Monotonicity, Question, RankCorrelation, Separation
from similitude.errors import InputError, UnknownName, suggestion
from similitude.representations import Population

__all__ = ["Functionality", "Grouping", "Pairing", "Pairwise", "Subtask", "Variant"]


@dataclass(frozen=True)
class Pairwise:
    """A difference of two models that is no difference of two scores: how often they disagree, say.

    Parameters
    ----------
    items
        What is kept of each model among its results per test item, e.g. ``"predictions/noise"``.
    difference
        Function of the arrays of a reference and of another model, test items first; 0 for a model with itself.
    quality
        The score that chooses the reference, the model that has most of it, e.g. ``"accuracy/noise"``; a difference
        alone makes neither of two models the better one.
    symmetric
        Whether either of two models may stand as the reference. It may not where a model brings its own test items.
    """

    items: str
    difference: Callable[[np.ndarray, np.ndarray], float]
    quality: str
    symmetric: bool = True

    def between(self, items: np.ndarray) -> np.ndarray:
        """Differences of all models, shape (M, M), a row per reference, from arrays of shape (M, test items, ...)."""
        found = np.zeros((len(items), len(items)))
        for first, second in combinations(range(len(items)), 2):
            found[first, second] = found[second, first] = self.difference(items[first], items[second])
            if not self.symmetric:
                found[second, first] = self.difference(items[second], items[first])
        return found

    def differences(self, items: np.ndarray) -> np.ndarray:
        """Differences of all pairs of models, as one row; each pair once, or both ways round if not symmetric."""
        models = np.arange(len(items))
        above = models[:, None] < models if self.symmetric else models[:, None] != models
        return self.between(items)[above]


@dataclass(frozen=True)
class Functionality:
    """Something networks do, and differ in; read from the scores of a population.

    Parameters
    ----------
    name
        As in the population's scores, e.g. ``"accuracy/noise"``; of a pairwise functionality a name of its own.
    label
        As in tables and on axes, e.g. ``"accuracy, noise"``; by default the name.
    per
        ``"model"`` if a model has one score for all its layers, ``"layer"`` if each layer (or truncated layer) has its
        own.
    pairwise
        How two models differ, where it is not by the difference of their scores.
    lower_is_better
        Whether the model with the lowest score is the best, as of an error.
    """

    name: str
    label: str = ""
    per: Literal["model", "layer"] = "model"
    pairwise: Pairwise | None = None
    lower_is_better: bool = False

    def __post_init__(self) -> None:
        if self.pairwise is not None and self.per != "model":
            raise InputError(f"{self.name!r} is a difference of whole models; it cannot be per {self.per}.")

    def __str__(self) -> str:
        return self.label or self.name

    @property
    def difference(self) -> str:
        """Label of differences on an axis: ``"difference in accuracy (blur)"``, or ``"disagreement (corrupted)"``.

        The kind of score is the first part of the name, where the label leaves it out.
        """
        label = str(self)
        kind, slash, _ = self.name.partition("/")
        kind = kind.replace("_", " ")
        head, comma, rest = label.partition(", ")
        if comma:
            quantity = f"{head} ({rest})"
        elif slash and kind.lower() not in label.replace("_", " ").lower():
            quantity = f"{kind} ({label})"
        else:
            quantity = label
        return quantity if self.pairwise else f"difference in {quantity}"


class Variant(NamedTuple):
    """What is compared with a reference: a layer of each model, with so many components deleted."""

    layer: str
    deleted: int = 0


@dataclass(frozen=True)
class Pairing:
    """Which representations stand as reference, and what they are compared with.

    For each reference layer, the reference is one model's representation of that layer, in full. It is compared with

    - ``"models"``: the same layer of every model;
    - ``"layers"``: every layer of every model;
    - ``"deletions"``: the same layer of every model with more and more principal components deleted, at the levels for
      which the population has scores.

    Parameters
    ----------
    against
        One of the three.
    layers
        Reference layers; by default all of the population's. ``("last",)`` is the last one.
    """

    against: Literal["models", "layers", "deletions"]
    layers: tuple[str, ...] = ()

    def reference_layers(self, population: Population) -> tuple[str, ...]:
        """Names of the reference layers."""
        named = (population.layers[-1] if layer == "last" else layer for layer in self.layers)
        return tuple(named) or population.layers

    def variants(
        self, population: Population, functionality: Functionality, reference_layer: str
    ) -> tuple[Variant, ...]:
        """What of each model is compared with a reference in this layer."""
        if self.against == "models":
            return (Variant(reference_layer),)
        if self.against == "layers":
            return tuple(Variant(layer) for layer in population.layers)
        scores = population.scores
        of_layer = scores[(scores["functionality"] == functionality.name) & (scores["layer"] == reference_layer)]
        return tuple(Variant(reference_layer, int(deleted)) for deleted in sorted(of_layer["deleted"].unique()))


@dataclass(frozen=True)
class Grouping:
    """Models that come in groups, such as the fine-tunings of one checkpoint: the group was sampled, then its models.

    Parameters
    ----------
    attribute
        Attribute of the population's models whose value names the group, e.g. ``"pretraining_seed"``.
    pairs
        ``"within"`` if models are compared with models of their own group only, and estimates are averaged over groups;
        ``"across"`` if all pairs count.
    """

    attribute: str
    pairs: Literal["within", "across"]

    def labels(self, population: Population) -> tuple[str, ...]:
        """Group of every model.

        Raises
        ------
        InputError
            The population's models lack the attribute.
        """
        attributes = population.attributes
        if self.attribute not in attributes or attributes[self.attribute].isna().any():
            raise InputError(
                f"Population {population.name!r}: models are grouped by {self.attribute!r}, which some or all of them "
                f"lack. {suggestion(self.attribute, list(attributes.columns))}"
            )
        return tuple(str(value) for value in attributes[self.attribute])


@dataclass(frozen=True)
class Subtask:
    """One question put to every measure: does its dissimilarity track this difference in what networks can do?

    Parameters
    ----------
    id
        ``suite/name``.
    population
        Name of the population, among those of the suite.
    varies
        In what way the networks differ, as the table says it: ``"seed, layer"``.
    functionalities
        What they can do; one row of the table each. None where the question is not about a functionality.
    pairing
        Which representations are compared: of `Separation` the same layer of all models (``Pairing("models",
        ("last",))`` is ReSi's), of `Monotonicity` all layers of each model.
    modality
        ``"vision"``, ``"language"``, ...
    description
        A sentence or two for people.
    models
        Models used: so many, the first of the population, or those of some names; None for all.
    inputs
        Most inputs on which they are compared: a random sample, the same for all; None for all.
    grouping
        How models are grouped; None if each was sampled by itself.
    described_only
        Functionalities whose spread is shown and that are not graded, such as accuracies in distribution: that they
        hardly vary, or by chance, is the point.
    question
        What is asked, and so which statistic answers: `RankCorrelation`, `Separation` or `Monotonicity`.
    test
        Which of `similitude.benchmark.questions.TESTS` it belongs to; empty for none.
    """

    id: str
    population: str
    varies: str
    functionalities: tuple[Functionality, ...]
    pairing: Pairing
    modality: str = ""
    description: str = ""
    models: int | tuple[str, ...] | None = None
    inputs: int | None = None
    grouping: Grouping | None = None
    described_only: tuple[Functionality, ...] = ()
    question: Question = field(default_factory=RankCorrelation)
    test: str = ""

    def __post_init__(self) -> None:
        if self.test and self.test not in TESTS:
            raise UnknownName(f"{self.id}: there is no test {self.test!r}. {suggestion(self.test, TESTS)}".rstrip())
        against = {Separation: "models", Monotonicity: "layers"}.get(type(self.question))
        if against is None:
            return
        if self.functionalities or self.pairing.against != against:
            raise InputError(
                f"{self.id}: a subtask that asks for {self.question.statistic} has no functionalities and the pairing "
                f"{against!r}."
            )

    @property
    def rows(self) -> tuple[str, ...]:
        """Names of the subtask's rows in a table of results."""
        if isinstance(self.question, Separation):
            return (self.question.by,)
        return ("layers",) if isinstance(self.question, Monotonicity) else tuple(f.name for f in self.functionalities)

    @property
    def suite(self) -> str:
        """Name of the suite."""
        return self.id.partition("/")[0]

    def select(self, population: Population) -> Population:
        """The models of a population that the subtask uses, on the inputs that it uses."""
        population = population.sampled(self.inputs)
        if self.models is None:
            return population
        return population.subset(population.models[: self.models] if isinstance(self.models, int) else self.models)
