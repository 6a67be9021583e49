"""Graph networks in plain PyTorch: GCN and GraphSAGE, on sparse matrices."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from similitude.suites.graphs.blocks import Graph

__all__ = ["ARCHITECTURES", "GraphNetwork", "mean_of_neighbours", "node_features", "symmetric"]


def node_features(graph: Graph) -> Tensor:
    """Return the features of a graph's nodes as a sparse tensor, (nodes, features)."""
    found = graph.features.tocoo()
    return _sparse(found.row, found.col, found.data, found.shape)


def symmetric(edges: np.ndarray, nodes: int) -> Tensor:
    """Return the adjacency with loops, normalised on both sides by the root of the degree, (nodes, nodes)."""
    loops = np.arange(nodes)
    rows, columns = np.concatenate([edges[0], edges[1], loops]), np.concatenate([edges[1], edges[0], loops])
    scale = 1 / np.sqrt(np.bincount(rows))
    return _sparse(rows, columns, scale[rows] * scale[columns], (nodes, nodes))


def mean_of_neighbours(edges: np.ndarray, nodes: int) -> Tensor:
    """Return the matrix that takes the mean over neighbours, zero for a node without any, (nodes, nodes)."""
    rows, columns = np.concatenate([edges[0], edges[1]]), np.concatenate([edges[1], edges[0]])
    return _sparse(rows, columns, 1 / np.bincount(rows)[rows], (nodes, nodes))


def _sparse(rows: np.ndarray, columns: np.ndarray, values: np.ndarray, shape: tuple[int, ...]) -> Tensor:
    indices = torch.from_numpy(np.stack([rows, columns]).astype(np.int64))
    entries = torch.from_numpy(values.astype(np.float32))
    # Checks are declined explicitly, because PyTorch warns of its default.
    with torch.sparse.check_sparse_tensor_invariants(enable=False):
        return torch.sparse_coo_tensor(indices, entries, shape).coalesce()


class _Convolution(nn.Module):
    """A graph convolution (Kipf and Welling 2017, arXiv:1609.02907): neighbours and the node itself, alike."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(width_in, width_out)))
        self.bias = nn.Parameter(torch.zeros(width_out))

    def forward(self, values: Tensor, mixing: Tensor) -> Tensor:
        return mixing @ (values @ self.weight) + self.bias


class _SampleAndAggregate(_Convolution):
    """A layer of GraphSAGE with the mean of all neighbours (Hamilton et al. 2017, arXiv:1706.02216)."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__(width_in, width_out)
        self.own = nn.Parameter(nn.init.xavier_uniform_(torch.empty(width_in, width_out)))

    def forward(self, values: Tensor, mixing: Tensor) -> Tensor:
        return values @ self.own + super().forward(values, mixing)


ARCHITECTURES: dict[str, tuple[type[_Convolution], Callable[[np.ndarray, int], Tensor]]] = {
    "GCN": (_Convolution, symmetric),
    "GraphSAGE": (_SampleAndAggregate, mean_of_neighbours),
}
"""Layer of each architecture, and the matrix by which it mixes nodes, from edges and the number of nodes."""


class GraphNetwork(nn.Module):
    """Graph layers with rectifiers, and a linear read-out of the last.

    Parameters
    ----------
    architecture
        Key of `ARCHITECTURES`.
    features, hidden, layers, classes
        Number of features, width and number of the layers, number of classes.
    """

    def __init__(self, architecture: str, features: int, hidden: int, layers: int, classes: int) -> None:
        super().__init__()
        layer, self.mix = ARCHITECTURES[architecture]
        widths = [features, *[hidden] * layers]
        self.layers = nn.ModuleList(layer(i, o) for i, o in pairwise(widths))
        self.readout = nn.Linear(hidden, classes)

    def hidden(self, features: Tensor, mixing: Tensor) -> list[Tensor]:
        """Return the output of each layer, (nodes, hidden)."""
        outputs, values = [], features
        for layer in self.layers:
            values = functional.relu(layer(values, mixing))
            outputs.append(values)
        return outputs

    def forward(self, features: Tensor, mixing: Tensor) -> Tensor:
        """Return logits, (nodes, classes)."""
        return self.readout(self.hidden(features, mixing)[-1])
