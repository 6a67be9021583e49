"""A generated graph: a stochastic block model (Holland et al. 1983) whose nodes have sparse features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

__all__ = ["BlockModel", "Graph"]


@dataclass(frozen=True)
class Graph:
    """An undirected graph with classes and features of its nodes.

    Parameters
    ----------
    edges
        Pairs of nodes, the smaller first, each once and in order; shape (2, m).
    labels
        Class of each node, shape (n,); classes take turns.
    features
        Binary features, shape (n, features).
    """

    edges: np.ndarray
    labels: np.ndarray
    features: sparse.csr_array

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.labels.max()) + 1


@dataclass(frozen=True)
class BlockModel:
    """How a graph is generated; by default of the size of Cora.

    Parameters
    ----------
    nodes, classes
        Numbers of nodes and of classes, whose sizes differ by one at most.
    degree
        Expected mean degree.
    within
        Expected share of the edges that stay in a class.
    features, active
        Number of features, and expected number of them that a node has.
    telling
        Expected share of a node's features that were drawn for its class, from a set that is the class's own.
    seed
        Seed of the graph.
    """

    nodes: int = 2700
    classes: int = 7
    degree: float = 4.0
    within: float = 0.8
    features: int = 500
    active: float = 12.0
    telling: float = 0.3
    seed: int = 29

    def generate(self) -> Graph:
        """Draw the graph: every pair of nodes has an edge, and every node a feature, independently of all others."""
        rng = np.random.default_rng(self.seed)
        labels = np.arange(self.nodes) % self.classes
        first, second = np.triu_indices(self.nodes, k=1)
        same = labels[first] == labels[second]
        expected = self.nodes * self.degree / 2
        chance = np.where(same, self.within * expected / same.sum(), (1 - self.within) * expected / (~same).sum())
        chosen = rng.random(len(first)) < chance
        own = labels[:, None] == np.arange(self.features) * self.classes // self.features
        telling = self.telling * own / own.sum(axis=1, keepdims=True)
        chance = self.active * (telling + (1 - self.telling) / self.features)
        features = rng.random((self.nodes, self.features)) < chance
        return Graph(np.stack([first[chosen], second[chosen]]), labels, sparse.csr_array(features.astype(np.float32)))
