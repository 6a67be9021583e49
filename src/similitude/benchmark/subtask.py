"""A subtask: a population, what its networks can do, and which representations are compared with which."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np

from similitude.errors import InputError, suggestion
from similitude.representations import Population, Representation

__all__ = ["Functionality", "GradingData", "Grouping", "Pairing", "Pairwise", "Subtask", "Variant"]

LEAST_IN_GROUP = 3
"""Number of models that a group needs whose models are compared with each other only."""


@dataclass(frozen=True)
class Pairwise:
    """A difference of two models that is no difference of two scores: how often they disagree, say.

    Parameters
    ----------
    items
        What is kept of each model among its results per test item, e.g. ``"predictions/noise"``.
    difference
        Function of two models' arrays, test items first; symmetric, and 0 for a model with itself.
    quality
        The score that chooses the reference, the model that has most of it, e.g. ``"accuracy/noise"``; a difference
        alone makes neither of two models the better one.
    """

    items: str
    difference: Callable[[np.ndarray, np.ndarray], float]
    quality: str

    def between(self, items: np.ndarray) -> np.ndarray:
        """Differences of all models, shape (M, M), from their arrays, shape (M, test items, ...)."""
        found = np.zeros((len(items), len(items)))
        for first, second in combinations(range(len(items)), 2):
            found[first, second] = found[second, first] = self.difference(items[first], items[second])
        return found


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
        What they can do; a row of the table each.
    pairing
        Which representations are compared.
    modality
        ``"vision"``, ``"language"``, ...
    description
        A sentence or two for people.
    models
        Number of models used, the first of the population; None for all.
    grouping
        How models are grouped; None if each was sampled by itself.
    """

    id: str
    population: str
    varies: str
    functionalities: tuple[Functionality, ...]
    pairing: Pairing
    modality: str = ""
    description: str = ""
    models: int | None = None
    grouping: Grouping | None = None

    @property
    def suite(self) -> str:
        """Name of the suite."""
        return self.id.partition("/")[0]

    def select(self, population: Population) -> Population:
        """The models of a population that the subtask uses."""
        return population if self.models is None else population.subset(population.models[: self.models])


@dataclass(frozen=True)
class GradingData:
    """All that a grade is computed from: G reference layers, M models, V variants of each model.

    What dissimilarities are held against is `difference`, whatever kind of functionality it comes from.

    Parameters
    ----------
    models
        Names of the M models.
    layers
        Names of the G reference layers.
    variants
        V variants for each of the G reference layers.
    reference_score
        Array (G, M): functionality of each model as a reference; of a pairwise functionality, the quality that it
        names.
    score
        Array (G, M, V): the same of each variant of each model.
    same
        Array (G, V): True where the variant of a reference model is the reference itself.
    dissimilarity
        Measure id to array (G, M, M, V): ``[g, r, m, v]`` is the dissimilarity of model r's representation at
        reference layer g and variant v of model m; NaN where it failed or was not computed.
    pairwise
        Array (M, M): functional differences of models, if they are not those of scores.
    quality
        Name of the quality, of a pairwise functionality.
    lower_is_better
        Whether the lowest `reference_score` is the best.
    groups
        Group of each of the M models; empty if models were sampled independently.
    within
        Whether models are compared with models of their own group only.
    """

    models: tuple[str, ...]
    layers: tuple[str, ...]
    variants: tuple[tuple[Variant, ...], ...]
    reference_score: np.ndarray
    score: np.ndarray
    same: np.ndarray
    dissimilarity: Mapping[str, np.ndarray] = field(default_factory=dict)
    pairwise: np.ndarray | None = None
    quality: str = ""
    lower_is_better: bool = False
    groups: tuple[str, ...] = ()
    within: bool = False

    @property
    def merit(self) -> np.ndarray:
        """Array (G, M): what is largest for the best model, which is the reference."""
        return -self.reference_score if self.lower_is_better else self.reference_score

    @cached_property
    def difference(self) -> np.ndarray:
        """Array (G, M, M, V): ``[g, r, m, v]`` is how much variant v of model m differs in functionality from r."""
        if self.pairwise is None:
            return np.abs(self.reference_score[:, :, None, None] - self.score[:, None])
        groups, models, variants = self.score.shape
        return np.broadcast_to(self.pairwise[None, :, :, None], (groups, models, models, variants))

    @cached_property
    def members(self) -> dict[str, np.ndarray]:
        """Indices of the models of each group, in order of appearance; empty if models were sampled independently."""
        labels = np.array(self.groups)
        return {label: np.flatnonzero(labels == label) for label in dict.fromkeys(self.groups)}

    @cached_property
    def blocks(self) -> dict[str, np.ndarray]:
        """Indices of the models that are compared with each other, by group; all of them as ``""`` unless `within`.

        A group in which the functionality does not vary says nothing of any measure and is left out, unless it varies
        in no group.
        """
        if not self.within:
            return {"": np.arange(len(self.models))}
        return {g: models for g, models in self.members.items() if self._varies(models)} or self.members

    def _varies(self, models: np.ndarray) -> bool:
        """Whether the models differ in functionality, as seen from each of them as a reference."""
        between = np.round(self.difference[:, models][:, :, models], 12)
        own = np.eye(len(models), dtype=bool)[None, :, :, None] & self.same[:, None, None]
        spread = np.where(own, -np.inf, between).max(axis=(2, 3)) - np.where(own, np.inf, between).min(axis=(2, 3))
        return bool((spread > 0).all())

    @classmethod
    def of(
        cls, population: Population, functionality: Functionality, pairing: Pairing, grouping: Grouping | None = None
    ) -> GradingData:
        """Scores arranged for a functionality and a pairing, no dissimilarities yet.

        Raises
        ------
        InputError
            A model has no score for something that is to be compared, or a group has too few models.
        FileError
            A model's predictions, or whatever a pairwise functionality takes, were not kept.
        """
        groups = grouping.labels(population) if grouping else ()
        within = grouping is not None and grouping.pairs == "within"
        small = [g for g in dict.fromkeys(groups) if groups.count(g) < LEAST_IN_GROUP] if within else []
        if grouping and small:
            raise InputError(
                f"Population {population.name!r}: the group with {grouping.attribute} {small[0]} has "
                f"{groups.count(small[0])} model(s). Comparing models within groups takes at least {LEAST_IN_GROUP} "
                "per group; add models to it or leave it out."
            )
        pairwise = functionality.pairwise
        name = functionality.name if pairwise is None else pairwise.quality
        layers = pairing.reference_layers(population)
        variants = tuple(pairing.variants(population, functionality, layer) for layer in layers)
        if not all(variants) or len({len(v) for v in variants}) != 1:
            raise InputError(
                f"Population {population.name!r}: {name!r} has no scores, or different "
                f"numbers of deletion levels, for the reference layers {', '.join(layers)}."
            )
        scores = population.scores[population.scores["functionality"] == name]
        columns = (scores[column].tolist() for column in ("model", "layer", "deleted", "value"))
        table = {
            (model, layer if isinstance(layer, str) else None, deleted): value
            for model, layer, deleted, value in zip(*columns, strict=True)
        }

        def score(model: str, variant: Variant) -> float:
            key = (
                model,
                variant.layer if functionality.per == "layer" else None,
                variant.deleted if functionality.per == "layer" else 0,
            )
            if key not in table:
                where = (
                    f"layer {variant.layer!r} with {variant.deleted} deleted"
                    if functionality.per == "layer"
                    else "the model"
                )
                raise InputError(f"Population {population.name!r}: model {model!r} has no score {name!r} for {where}.")
            return table[key]

        return cls(
            models=population.models,
            layers=layers,
            variants=variants,
            reference_score=np.array([[score(m, Variant(layer)) for m in population.models] for layer in layers]),
            score=np.array([[[score(m, v) for v in of_layer] for m in population.models] for of_layer in variants]),
            same=np.array(
                [[v == Variant(layer) for v in of_layer] for layer, of_layer in zip(layers, variants, strict=True)]
            ),
            pairwise=None if pairwise is None else pairwise.between(population.items(pairwise.items)),
            quality="" if pairwise is None else pairwise.quality,
            lower_is_better=functionality.lower_is_better,
            groups=groups,
            within=within,
        )

    def pairs(
        self, population: Population, references: np.ndarray | None = None
    ) -> tuple[list[tuple[int, int, int, int]], list[tuple[Representation, Representation]]]:
        """Indices (g, r, m, v) and the representations to compare, for all references or those in a (G, M) mask.

        With comparisons within groups, none across.
        """
        held: dict[tuple[str, str], Representation] = {}

        def representation(model: str, variant: Variant) -> Representation:
            full = held.get((model, variant.layer))
            if full is None:
                full = held[(model, variant.layer)] = population.representation(model, variant.layer)
            return full.truncate(full.d - variant.deleted) if variant.deleted else full

        indices, pairs = [], []
        for g, (layer, variants) in enumerate(zip(self.layers, self.variants, strict=True)):
            for r, reference in enumerate(self.models):
                if references is not None and not references[g, r]:
                    continue
                for m, model in enumerate(self.models):
                    if self.within and self.groups[m] != self.groups[r]:
                        continue
                    for v, variant in enumerate(variants):
                        indices.append((g, r, m, v))
                        pairs.append((representation(reference, Variant(layer)), representation(model, variant)))
        return indices, pairs
