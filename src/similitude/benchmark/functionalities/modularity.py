"""Modularity: do a network's units fall into groups that vary together?"""

from __future__ import annotations

import numpy as np

from similitude.errors import InputError, require

__all__ = ["modularity"]


def modularity(values: np.ndarray, *, runs: int = 5, seed: int = 0) -> float:
    """Modularity of the graph of units whose edges are weighted by the size of their correlations.

    Communities are found by the Louvain method, the best of a few runs: one run alone is often stuck, and then its
    number says as much of the order of trying as of the network. Units that do not vary have no edges.

    Parameters
    ----------
    values
        Activations, shape (inputs, units).
    runs
        Of the Louvain method.
    seed
        Of the order in which the first run tries communities; the same seed gives the same number.

    Returns
    -------
    float
        Share of edge weight within communities, less what is expected from the units' strengths: 0 for one community,
        below 1; 0 too if no two units vary together.

    Raises
    ------
    InputError
        Fewer than two inputs or units.
    MissingDependency
        networkx is not installed.

    References
    ----------
    Newman 2006, doi:10.1073/pnas.0601602103; Blondel et al. 2008, arXiv:0803.0476.
    """
    networkx = require("networkx", extra="suites")
    if values.ndim != 2 or min(values.shape) < 2:
        raise InputError(f"Modularity needs activations inputs x units, at least 2 x 2; got shape {values.shape}.")
    centred = values - values.mean(axis=0, dtype=np.float64)
    norm = np.linalg.norm(centred, axis=0)
    varying = norm > 1e-9 * norm.max()
    unit = centred[:, varying] / norm[varying]
    # Rounded, so that the last bits of a matrix product cannot move a unit to another community.
    weights = np.abs(unit.T @ unit).round(6)
    np.fill_diagonal(weights, 0.0)
    if not weights.any():
        return 0.0
    graph = networkx.from_numpy_array(weights)
    found = [networkx.community.louvain_communities(graph, seed=seed + run) for run in range(runs)]
    return max(float(networkx.community.modularity(graph, communities)) for communities in found)
