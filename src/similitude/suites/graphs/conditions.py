"""Graph networks as such, and under conditions: random labels, a feature that tells the class, dropped edges."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from scipy import sparse

from similitude.benchmark.functionalities.predictions import calibration_error
from similitude.errors import UnknownName, suggestion
from similitude.representations import ModelRecord, Score
from similitude.suites.conditions import Condition, Design, Gate, hints, label_designs, training_labels
from similitude.suites.graphs.blocks import BlockModel, Graph
from similitude.suites.graphs.recipe import RECIPES, Recipe
from similitude.suites.scales import Scale

__all__ = ["CHANGES", "DESIGNS", "EXPERIMENTS", "GraphExperiments", "changed", "with_hints"]

_CHANGES = 31  # random stream of changes to the graph
_CHANCE = 1 / 7

_REMEMBERS = Gate("accuracy/training", "has memorised its labels", least=0.9)
_LABELS = (
    Condition("0% random", 0.0, (_REMEMBERS, Gate("accuracy/clean", "has learnt the classes", least=0.8))),
    Condition(
        "50% random",
        0.5,
        (_REMEMBERS, Gate("accuracy/clean", "was misled by half of them", least=0.25, most=0.7)),
    ),
    Condition("100% random", 1.0, (_REMEMBERS, Gate("accuracy/clean", "has learnt nothing else", most=0.3))),
)
_SHORTCUT = (
    Condition("right 14%", _CHANCE, (Gate("shortcut", "does without the hint", most=0.05),)),
    Condition("right 75%", 0.75, (Gate("shortcut", "uses the hint", least=0.05),)),
    Condition("right 100%", 1.0, (Gate("shortcut", "uses the hint", least=0.2),)),
)
_FITS = "fits its labels on few edges"
_DROPPED = (
    Condition("0% dropped", 0.0, (Gate("accuracy/training_few_edges", "was always shown all edges", most=0.9),)),
    Condition("20% dropped", 0.2, (Gate("accuracy/training_few_edges", _FITS, least=0.88),)),
    Condition("80% dropped", 0.8, (Gate("accuracy/training_few_edges", _FITS, least=0.95),)),
)

SEEDS = Design("accuracy", "seed", "", (Condition("seeds", 0.0, (_REMEMBERS,)),))
"""Networks that differ in their seed only."""

DESIGNS = {
    design.test: design
    for design in (
        *label_designs(_LABELS),
        Design(
            "shortcut",
            "how often a feature tells the class",
            "Does it tell apart networks that were trained with a feature that tells the class by chance, often, or "
            "always?",
            _SHORTCUT,
        ),
        Design(
            "augmentation",
            "share of edges dropped in training",
            "Does it tell apart networks that were trained on all edges, and with few or most of them dropped?",
            _DROPPED,
        ),
    )
}
"""Designs of groups by test."""

CHANGES = ("fewer_edges", "more_edges", "fewer_features")
"""Versions of the graph that networks are tested on, see `changed`."""


@dataclass(frozen=True)
class GraphExperiments:
    """Networks of one architecture on a generated graph.

    Parameters
    ----------
    architecture
        Key of `similitude.suites.graphs.networks.ARCHITECTURES`.
    recipe
        How large they are, how they are trained, and how many.
    gated
        Whether they must pass the gates.
    """

    reduction = "nodes"
    architecture: str
    recipe: Recipe = field(default_factory=Recipe)
    gated: bool = True

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the graph layers."""
        return tuple(f"layer{number}" for number in range(1, self.recipe.training.layers + 1))

    @property
    def designs(self) -> dict[str, Design]:
        """The designs by population, that of seeds first."""
        name = f"graphs_{self.architecture.lower()}"
        return {name: SEEDS, **{f"{name}_{test}": design for test, design in DESIGNS.items()}}

    def seeds(self, design: Design) -> int:
        """Return the number of networks per condition."""
        return self.recipe.models if design == SEEDS else self.recipe.seeds

    def ids(self) -> list[str]:
        """Return the names of the nodes."""
        first = self.recipe.labelled
        return [f"node{number:04}" for number in range(first, first + self.recipe.inputs)]

    def settings(self) -> dict[str, Any]:
        """Return the recipe."""
        return {"recipe": asdict(self.recipe)}

    def record(self, design: Design, condition: Condition, seed: int, draw: int) -> ModelRecord:
        """Train a network; scores are its accuracies and what its condition did to it.

        ``accuracy/clean`` is that on the nodes that were not trained on, in the graph that networks are represented in:
        of `shortcut`, with hints at chance. ``shortcut`` is the accuracy with right hints, less that. Networks that
        differ in their seed only are tested on the other `CHANGES` of the graph too, and their predictions are kept.
        """
        from similitude.suites.graphs.train import outputs, train

        recipe, graph = self.recipe, _graph(self.recipe.graph)
        trained, tests = graph, {"clean": graph}
        if design == SEEDS:
            tests |= {change: changed(graph, change) for change in CHANGES}
        elif design.test == "shortcut":
            trained, tests["clean"], tests["hint"] = (
                with_hints(graph, right, recipe.hint, [part])
                for part, right in enumerate((condition.strength, _CHANCE, 1.0))
            )
        known = {"training": trained}
        dropped = 0.0
        if design.test == "augmentation":
            dropped, known["training_few_edges"] = condition.strength, _thinned(graph, 0.2)
        labelled = recipe.labelled
        given = training_labels(design, condition, graph.labels[:labelled], graph.classes, seed=seed, draw=draw)
        network = train(trained, given, self.architecture, recipe.training, seed, dropped)

        layers, _ = outputs(network, tests["clean"])
        inputs = slice(labelled, labelled + recipe.inputs)
        kept = {name: values[inputs] for name, values in zip(self.layers, layers, strict=True)}
        answers = {test: outputs(network, version)[1] for test, version in tests.items()}
        unseen = graph.labels[labelled:]
        right = {test: found[labelled:].argmax(axis=1) == unseen for test, found in answers.items()}
        right |= {test: outputs(network, of)[1][:labelled].argmax(axis=1) == given for test, of in known.items()}
        scores = [Score(f"accuracy/{test}", float(found.mean()), items=len(found)) for test, found in right.items()]
        if design.test == "shortcut":
            scores.append(Score("shortcut", float(right["hint"].mean() - right["clean"].mean())))
        items = {}
        if design == SEEDS:
            for test, found in answers.items():
                predicted = found[labelled:]
                scores.append(Score(f"calibration_error/{test}", calibration_error(predicted, unseen)))
                items |= {f"accuracy/{test}": right[test], f"predictions/{test}": predicted}
        attributes = {"condition": condition.name, "strength": condition.strength, "seed": seed}
        return ModelRecord(condition.model(seed), kept, attributes, scores, items)


def changed(graph: Graph, change: str) -> Graph:
    """Return a version of a graph: half of its edges removed, as many added at random, or half of its features removed.

    Parameters
    ----------
    graph
        The graph.
    change
        One of `CHANGES`.
    """
    rng = np.random.default_rng([_CHANGES, *change.encode()])
    if change == "fewer_edges":
        return _thinned(graph, 0.5)
    if change == "more_edges":
        nodes = len(graph.labels)
        added = np.sort(rng.integers(0, nodes, graph.edges.shape), axis=0)
        both = np.unique(np.concatenate([graph.edges, added[:, added[0] < added[1]]], axis=1), axis=1)
        return replace(graph, edges=both)
    if change == "fewer_features":
        features = graph.features.copy()
        features.data = features.data * (rng.random(len(features.data)) < 0.5)
        return replace(graph, features=features)
    raise UnknownName(f"Unknown change {change!r} of a graph. {suggestion(change, CHANGES)}")


def with_hints(graph: Graph, right: float, value: float, seed: Sequence[int]) -> Graph:
    """Return a graph with one more feature per class, of which each node has one.

    Parameters
    ----------
    graph
        The graph.
    right
        Probability that it is the feature of the node's class, see `similitude.suites.conditions.hints`.
    value
        Value of that feature.
    seed
        Seed of the draw.
    """
    nodes, classes = len(graph.labels), graph.classes
    values = np.full(nodes, value, dtype=np.float32)
    shown = hints(graph.labels, classes, right, seed)
    hinted = sparse.csr_array((values, (np.arange(nodes), shown)), shape=(nodes, classes))
    return replace(graph, features=sparse.hstack([graph.features, hinted], format="csr"))


def _thinned(graph: Graph, kept: float) -> Graph:
    """Return a graph with a share of its edges."""
    rng = np.random.default_rng([_CHANGES, round(100 * kept)])
    return replace(graph, edges=graph.edges[:, rng.random(graph.edges.shape[1]) < kept])


@functools.lru_cache(maxsize=1)
def _graph(model: BlockModel) -> Graph:
    return model.generate()


EXPERIMENTS: dict[Scale, tuple[GraphExperiments, ...]] = {
    scale: tuple(GraphExperiments(architecture, recipe, scale != "quick") for architecture in ("GCN", "GraphSAGE"))
    for scale, recipe in RECIPES.items()
}
"""Experiments of each scale, one per architecture."""
