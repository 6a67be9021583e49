"""How graph networks are made at each scale; nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from similitude.suites.graphs.blocks import BlockModel
from similitude.suites.scales import Scale

__all__ = ["RECIPES", "Recipe", "Training"]


@dataclass(frozen=True)
class Training:
    """Adam on the whole graph.

    Parameters
    ----------
    hidden, layers
        Width and number of the graph layers.
    epochs, rate, decay
        Steps, learning rate, weight decay.
    """

    hidden: int = 64
    layers: int = 4
    epochs: int = 150
    rate: float = 0.01
    decay: float = 5e-4


@dataclass(frozen=True)
class Recipe:
    """All that decides the content of the populations.

    Parameters
    ----------
    models
        Number of seeds of each architecture in the populations without conditions.
    seeds
        Number of networks per condition.
    graph
        How the graph is generated.
    training
        How each network is trained.
    labelled
        Number of nodes to train on, the first ones; all that follow are tested.
    inputs
        Number of nodes that networks are represented on, the first of those tested.
    hint
        Value of the feature that is the shortcut, others being 0 or 1; at 1, some networks hardly use it.
    """

    models: int = 30
    seeds: int = 5
    graph: BlockModel = field(default_factory=BlockModel)
    training: Training = field(default_factory=Training)
    labelled: int = 350
    inputs: int = 400
    hint: float = 2.0


RECIPES: dict[Scale, Recipe] = {
    "quick": Recipe(models=4, seeds=2, training=Training(epochs=20)),
    "first": Recipe(seeds=0),
    "embedded": Recipe(),
    "standard": Recipe(models=100, seeds=10),
    "paper": Recipe(models=100, seeds=10),
}
"""Recipe of each scale."""
