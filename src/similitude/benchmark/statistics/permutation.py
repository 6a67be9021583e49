"""Permutation tests whose unit is the model: what models can do is shuffled over networks, dissimilarities stay.

Pairs share models, so permuting pairs rejects a true null too often (Mantel 1967). All that a model can do, and its
differences from the others in that, move together, and the reference, the best of the shuffled models, moves along.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from similitude.benchmark.statistics.arrays import GradingArrays
from similitude.benchmark.statistics.ranks import centred_ranks, signs

__all__ = [
    "maximum_test",
    "p_value",
    "permutations",
    "permuted_every",
    "permuted_kendall",
    "permuted_spearman",
]

Array = NDArray[Any]
Orders = NDArray[np.integer]

_CHUNK = 2**24
"""Numbers gathered at a time (64 MB in single precision)."""


def permutations(
    n_models: int, count: int, rng: np.random.Generator, groups: Sequence[NDArray[np.integer]] = ()
) -> Orders:
    """Orders of the models, shape (count + 1, n_models), the first of them as it was.

    Parameters
    ----------
    n_models
        Number of models, M.
    count
        Number of permutations.
    rng
        Source of randomness.
    groups
        Indices of the models of each group; by default the models are one. Models are permuted within groups, and
        whole groups with those of equal size.
    """
    orders = np.tile(np.arange(n_models), (count + 1, 1))
    if not groups:
        orders[1:] = rng.permuted(orders[1:], axis=1)
        return orders
    for size in dict.fromkeys(len(group) for group in groups):
        alike = np.stack([group for group in groups if len(group) == size])
        models = rng.permuted(np.tile(alike, (count, 1, 1)), axis=2)
        whole = rng.permuted(np.tile(np.arange(len(alike)), (count, 1)), axis=1)
        orders[1:, alike] = np.take_along_axis(models, whole[:, :, None], axis=1)
    return orders


def permuted_spearman(arrays: GradingArrays, orders: Orders) -> Array:
    """Spearman's ρ against the best reference in each permutation and for each reference layer.

    Parameters
    ----------
    arrays
        Of K measures, M models and G reference layers.
    orders
        Model ``orders[b, m]`` lends what it can do to the representations of model m, shape (B, M).

    Returns
    -------
    Array
        Shape (G, B, K). A pair that failed carries no rank, whatever difference falls on it.
    """
    n_layers, n_models = arrays.merit.shape
    found = np.empty((n_layers, len(orders), arrays.measures))
    for g in range(n_layers):
        best, position = _best(arrays.merit[g], orders)
        y = centred_ranks(arrays.difference_from(g, best).ravel()).reshape(n_models, -1)
        for reference in range(n_models):
            rows = np.flatnonzero(position == reference)
            x = _ranks(arrays.dissimilarity_from(g, reference))
            products = x @ y.T / (_norm(x, (1, 2)) * _norm(y, (0, 1)))[:, None, None]
            found[g, rows] = products[:, np.arange(n_models), orders[rows]].sum(axis=-1).T
    return found


def permuted_kendall(arrays: GradingArrays, orders: Orders) -> Array:
    """As `permuted_spearman`, Kendall's τ-b."""
    n_layers, n_models = arrays.merit.shape
    found = np.empty((n_layers, len(orders), arrays.measures))
    for g in range(n_layers):
        best, position = _best(arrays.merit[g], orders)
        y = _blocks(signs(arrays.difference_from(g, best).ravel()), n_models)
        for reference in range(n_models):
            rows = np.flatnonzero(position == reference)
            values = arrays.dissimilarity_from(g, reference)
            x = _blocks(signs(values.reshape(len(values), -1)), n_models)
            norm = _norm(x, (1, 2, 3)) * _norm(y, (0, 1, 2))
            found[g, rows] = _double_permuted(x, y, orders[rows]) / norm
    return found


def permuted_every(arrays: GradingArrays, orders: Orders) -> Array:
    """As `permuted_spearman`, averaged over every model as the reference: Mantel's test on ranks within rows."""
    n_layers, n_models = arrays.merit.shape
    found = np.empty((n_layers, len(orders), arrays.measures))
    for g in range(n_layers):
        x, y = [], []
        for reference in range(n_models):
            ranks = _ranks(arrays.dissimilarity_from(g, reference))
            x.append(ranks / _norm(ranks, (1, 2))[:, None, None])
            differences = arrays.difference_from(g, reference)
            ranks = centred_ranks(differences.ravel()).reshape(differences.shape)
            y.append(ranks / _norm(ranks, (0, 1)))
        found[g] = _double_permuted(np.stack(x, axis=1), np.stack(y), orders) / n_models
    return found


def p_value(permuted: Array) -> Array:
    """Share of permutations, along the first axis, that reach the first of them, which is the sample itself.

    Values within 1e-6 are tied: products in single precision are no more exact, and small groups have few values. An
    undefined permutation counts as reaching it; NaN if the sample's own value is undefined.
    """
    reached = ~(permuted < permuted[0] - 1e-6)
    return np.where(np.isnan(permuted[0]), np.nan, reached.mean(axis=0))


def maximum_test(permuted: Array, axis: int | tuple[int, ...] = 0) -> tuple[Array, Array, Array]:
    """Judge the largest of several values, such as over layer pairs, against the null of the largest.

    Parameters
    ----------
    permuted
        Values under permutation; the permutations, the first the sample itself, are the first axis left after the
        maximum is taken.
    axis
        Axes over which the maximum is taken.

    Returns
    -------
    largest, chance, p
        The sample's maximum, the mean maximum under permutation, and the one-sided p.
    """
    largest = np.max(np.where(np.isnan(permuted), -np.inf, permuted), axis=axis)
    largest = np.where(np.isinf(largest), np.nan, largest)
    return largest[0], largest[1:].mean(axis=0), p_value(largest)


def _best(merit: Array, orders: Orders) -> tuple[int, Orders]:
    best = int(np.argmax(merit))
    return best, np.argmax(orders == best, axis=1)


def _ranks(values: Array) -> Array:
    """Centred ranks over models and variants, shape (K, M, V)."""
    return centred_ranks(values.reshape(len(values), -1)).reshape(values.shape)


def _norm(values: Array, axes: tuple[int, ...]) -> Array:
    norm = np.sqrt((np.asarray(values, dtype=np.float64) ** 2).sum(axis=axes))
    return np.where(norm > 0, norm, np.nan)


def _blocks(matrix: Array, n_models: int) -> Array:
    """(..., MV, MV) as (..., M, M, V²), so that permuting models moves whole blocks."""
    n_variants = matrix.shape[-1] // n_models
    split = matrix.reshape(*matrix.shape[:-2], n_models, n_variants, n_models, n_variants)
    return np.swapaxes(split, -3, -2).reshape(*matrix.shape[:-2], n_models, n_models, n_variants**2)


def _double_permuted(x: Array, y: Array, orders: Orders) -> Array:
    """Σ x[k, m, n, c] y[π(m), π(n), c] for each order π, shape (B, K)."""
    flat = np.asarray(x, dtype=np.float32).reshape(len(x), -1).T
    y = np.asarray(y, dtype=np.float32)
    step = max(1, _CHUNK // y.size)
    parts = [np.empty((0, len(x)))]
    for start in range(0, len(orders), step):
        chunk = orders[start : start + step]
        moved = y[chunk[:, :, None], chunk[:, None, :]]
        parts.append((moved.reshape(len(chunk), -1) @ flat).astype(np.float64))
    return np.concatenate(parts)
