"""All that grades of one functionality are computed from, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from similitude.benchmark.subtask import Functionality, Grouping, Pairing, Variant
from similitude.errors import InputError
from similitude.representations import Population, Representation

__all__ = ["GradingData"]

LEAST_IN_GROUP = 3
"""Number of models that a group needs whose models are compared with each other only."""


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
        layers, models, variants = self.score.shape
        return np.broadcast_to(self.pairwise[None, :, :, None], (layers, models, models, variants))

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
