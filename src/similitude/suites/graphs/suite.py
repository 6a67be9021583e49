"""The graphs suite: GCN and GraphSAGE on a generated block model."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar

import pandas as pd

from similitude.benchmark import Functionality, Monotonicity, Pairing, Subtask
from similitude.benchmark.functionalities.predictions import calibration, prediction_differences
from similitude.errors import require
from similitude.suites import experiments
from similitude.suites.base import Scale, Site, Suite
from similitude.suites.graphs.conditions import CHANGES, DESIGNS, EXPERIMENTS, GraphExperiments

__all__ = ["SUITE", "GraphSuite"]

_MINUTES = 0.025
"""On two cores, for a network of either architecture."""

_SUFFIXES = {"GCN": "", "GraphSAGE": "_sage"}
"""Of the subtasks of each architecture."""


class GraphSuite(Suite):
    """Graph networks: of each architecture one population that differs in its seed, and one per design.

    Parameters
    ----------
    at_scale
        Experiments of each scale.
    """

    name: ClassVar[str] = "graphs"
    description: ClassVar[str] = "GCN and GraphSAGE on a generated graph of 2,700 nodes."

    def __init__(self, at_scale: Mapping[Scale, tuple[GraphExperiments, ...]] = EXPERIMENTS) -> None:
        self.at_scale = at_scale

    def subtasks(self) -> tuple[Subtask, ...]:
        """Of each architecture accuracy and behaviour on changed graphs, layers, and groups by each design."""
        return tuple(subtask for architecture in _SUFFIXES for subtask in _subtasks(architecture))

    def build(self, site: Site, populations: Collection[str] | None = None, **options: Any) -> None:
        """Train the networks that are missing.

        Raises
        ------
        MissingDependency
            torch is not installed.
        DegeneratePopulation
            A network does not show what its condition should have done to it.
        """
        self.refuse(options)
        require("torch", extra="models")
        experiments.build(site, self.at_scale[site.scale], populations)

    def is_built(self, site: Site, populations: Collection[str] | None = None) -> bool:
        """Return whether all networks are there, made by the present recipe."""
        return not experiments.count_missing(site, self.at_scale[site.scale], populations)

    def minutes(self, site: Site, populations: Collection[str] | None = None) -> int:
        """Return about how many minutes on two cores it takes to build what is missing of some populations."""
        return math.ceil(_MINUTES * experiments.count_missing(site, self.at_scale[site.scale], populations))

    def gates(self, site: Site) -> pd.DataFrame:
        """Return what networks show of their conditions, see `Suite.gates`."""
        return experiments.figures(site, self.at_scale[site.scale], self.subtasks())


def _subtasks(architecture: str) -> Iterator[Subtask]:
    population, suffix = f"graphs_{architecture.lower()}", _SUFFIXES[architecture]
    yield Subtask(
        id=f"graphs/ood{suffix}",
        test="accuracy",
        population=population,
        varies="seed",
        functionalities=tuple(Functionality(f"accuracy/{change}", change.replace("_", " ")) for change in CHANGES),
        pairing=Pairing("models"),
        modality="graphs",
        description=f"Does it see which {architecture} networks, alike on their graph, differ on changed ones?",
    )
    yield Subtask(
        id=f"graphs/behaviour{suffix}",
        test="outputs",
        population=population,
        varies="seed",
        functionalities=(
            *prediction_differences("clean"),
            *prediction_differences("more_edges", "more edges"),
            calibration("more_edges", "more edges"),
        ),
        pairing=Pairing("models"),
        modality="graphs",
        description=f"Does it see which {architecture} networks answer differently, or know what they know?",
    )
    yield Subtask(
        id=f"graphs/layers{suffix}",
        test="layers",
        population=population,
        varies="layer",
        functionalities=(),
        pairing=Pairing("layers"),
        question=Monotonicity(),
        modality="graphs",
        description=f"Does it grow with the distance of two layers of a {architecture} network?",
        models=10,
    )
    for test, design in DESIGNS.items():
        yield design.subtask(f"graphs/{test}{suffix}", f"{population}_{test}", "graphs")


SUITE = GraphSuite()
