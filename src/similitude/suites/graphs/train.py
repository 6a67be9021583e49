"""Training one graph network: within one kind of arithmetic, the same seed gives the same network to the last bit."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from similitude.suites.graphs.blocks import Graph
from similitude.suites.graphs.networks import GraphNetwork, node_features
from similitude.suites.graphs.recipe import Training

__all__ = ["outputs", "train"]


def train(
    graph: Graph, labels: np.ndarray, architecture: str, training: Training, seed: int, dropped: float = 0.0
) -> GraphNetwork:
    """Train a network on the labels of a graph's first nodes, in full batches, by Adam.

    Parameters
    ----------
    graph
        The graph.
    labels
        Classes of the nodes that it is trained on, the first of the graph.
    architecture, training
        What is trained, and how.
    seed
        Seed of the initial weights and of the dropped edges.
    dropped
        Share of the edges that are dropped in each epoch (Rong et al. 2020, arXiv:1907.10903).

    Returns
    -------
    GraphNetwork
        In evaluation mode.
    """
    nodes, width = graph.features.shape
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = GraphNetwork(architecture, width, training.hidden, training.layers, graph.classes)
    optimiser = torch.optim.Adam(network.parameters(), lr=training.rate, weight_decay=training.decay)
    features, wanted = node_features(graph), torch.from_numpy(labels)
    mixing = network.mix(graph.edges, nodes)
    for _ in range(training.epochs):
        if dropped:
            mixing = network.mix(graph.edges[:, rng.random(graph.edges.shape[1]) >= dropped], nodes)
        optimiser.zero_grad()
        functional.cross_entropy(network(features, mixing)[: len(labels)], wanted).backward()
        optimiser.step()
    return network.eval()


@torch.inference_mode()
def outputs(network: GraphNetwork, graph: Graph) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the output of each layer, nodes x hidden, and the probabilities of the classes, nodes x classes."""
    nodes = len(graph.labels)
    layers = network.hidden(node_features(graph), network.mix(graph.edges, nodes))
    return [layer.numpy() for layer in layers], network.readout(layers[-1]).softmax(dim=1).numpy()
