"""The intuitive tests: does a measure find the same layer in another network, and does it notice what is deleted?

Specificity and sensitivity as in section 3 of Ding et al. 2021 (arXiv:2108.01661), and the layer identification of
Kornblith et al. 2019 (arXiv:1905.00414), on dissimilarities of networks that differ in their seed only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from similitude.benchmark.statistics.bootstrap import bootstrap_weights, interval
from similitude.benchmark.statistics.ranks import rounded
from similitude.errors import InputError

__all__ = ["Interval", "Sensitivity", "Specificity", "double_map", "sensitivity", "specificity"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Interval:
    """An estimate with its bootstrap interval over networks."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Specificity:
    """How well a measure tells depth from seed, for S networks of L layers.

    Parameters
    ----------
    double_map
        Dissimilarities averaged over pairs of networks, shape (2L, 2L): blocks A-A, A-B, B-A, B-B.
    identification
        Share of layers whose nearest layer in another network is the one at the same depth; chance is 1 / L.
    depth_over_seed
        How often changing the depth within a network is a greater change than changing the seed at the same depth, over
        all pairs of networks and of layers: 1 if always, about .5 if the measure does not tell them apart.
    seed_share
        Seed change as a share of the sum of seed change and depth change, means over layers: 0 if the seed does not
        matter, .5 if it matters as much as depth.
    """

    double_map: Array
    identification: Interval
    depth_over_seed: Interval
    seed_share: Interval


@dataclass(frozen=True)
class Sensitivity:
    """When a measure notices that principal components are gone from a layer, for L layers and D levels of deletion.

    Parameters
    ----------
    shares
        Share of components deleted, shape (D,), rising.
    curve
        Dissimilarity of the truncated layer from the full one, mean over networks, shape (L, D).
    threshold
        Dissimilarity of the same layer in two networks, mean over pairs, shape (L,).
    spread
        Its standard deviation over pairs, shape (L,).
    detected
        For each layer the smallest share of components whose loss takes the curve over the threshold, with its
        interval; infinite where no deletion does.
    probe
        Probe accuracy with nothing deleted, and when deletion is just detected, mean over networks, shape (L, 2);
        NaN where there is no probe or no detection.
    """

    shares: Array
    curve: Array
    threshold: Array
    spread: Array
    detected: tuple[Interval, ...]
    probe: Array


def double_map(blocks: Array) -> Array:
    """Average the dissimilarities of all layers of two networks over pairs of networks.

    Parameters
    ----------
    blocks
        As `specificity` takes them, shape (S, S, L, L).

    Returns
    -------
    Array
        Shape (2L, 2L): blocks A-A, A-B, B-A, B-B.
    """
    own = np.eye(len(blocks), dtype=bool)
    within, between = blocks[own].mean(axis=0), blocks[~own].mean(axis=0)
    return np.block([[within, between], [between, within]])


def specificity(blocks: Array, *, resamples: int = 2000, level: float = 0.95, seed: int = 0) -> Specificity:
    """Grade a measure on telling depth from seed.

    Parameters
    ----------
    blocks
        Dissimilarity of layer l of network s and layer k of network t at ``[s, t, l, k]``, shape (S, S, L, L).
    resamples, level, seed
        Of the bootstrap over networks; pairs of a network with its own copy are dropped.

    Raises
    ------
    InputError
        Fewer than two networks or two layers.
    """
    networks, depth = len(blocks), blocks.shape[-1]
    if networks < 2 or depth < 2:
        raise InputError(f"Specificity needs two networks of two layers at least; there are {networks} of {depth}.")
    blocks = rounded(blocks)
    own = np.arange(networks)
    pairs = ~np.eye(networks, dtype=bool)
    seed_change = np.einsum("stll->stl", blocks)
    depth_change = blocks[own, own]
    other = ~np.eye(depth, dtype=bool)

    nearest = np.argmin(np.where(np.isnan(blocks), np.inf, blocks), axis=-1)
    found = (nearest == np.arange(depth)) & _unique_minimum(blocks)
    # A tie counts half, so that a measure which sees no difference at all gets one half.
    larger = depth_change[:, None] - seed_change[..., None]
    wins = np.where(larger > 0, 1.0, np.where(larger == 0, 0.5, 0.0))[..., other].mean(axis=-1)
    seed_mean = seed_change.mean(axis=-1)
    depth_mean = np.repeat(depth_change[:, other].mean(axis=-1)[:, None], networks, axis=1)

    weights = np.concatenate(
        [np.ones((1, networks)), bootstrap_weights(networks, resamples, np.random.default_rng(seed))]
    )
    mean_of = _PairMeans(weights, pairs)
    seeds, depths = mean_of(seed_mean), mean_of(depth_mean)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = seeds / (seeds + depths)
    summaries = (mean_of(found.mean(axis=-1)), mean_of(wins), share)
    return Specificity(
        double_map(blocks),
        *(_summarise(values, networks, level) for values in summaries),
    )


def sensitivity(
    shares: Array,
    curves: Array,
    between: Array,
    probe: Array | None = None,
    *,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Sensitivity:
    """Find the smallest deletion that a measure holds to be more than a change of seed.

    Parameters
    ----------
    shares
        Share of components deleted, rising, shape (D,).
    curves
        Dissimilarity of the truncated layer from the full one, shape (S, L, D).
    between
        Dissimilarity of the same layer in networks s and t, shape (S, S, L).
    probe
        Probe accuracy of the truncated layer, shape (S, L, D), NaN where not measured.
    resamples, level, seed
        Of the bootstrap over networks; pairs of a network with its own copy are dropped.
    """
    networks, depth, _ = curves.shape
    if networks < 2:
        raise InputError("Sensitivity needs two networks at least, to know how far apart two seeds are.")
    pairs = ~np.eye(networks, dtype=bool)
    weights = np.concatenate(
        [np.ones((1, networks)), bootstrap_weights(networks, resamples, np.random.default_rng(seed))]
    )
    mean_of = _PairMeans(weights, pairs)
    detected, accuracy = [], np.full((depth, 2), np.nan)
    for layer in range(depth):
        thresholds = mean_of(between[:, :, layer])
        resampled = weights @ curves[:, layer] / networks
        crossings = np.array([_crossing(shares, c, t) for c, t in zip(resampled, thresholds, strict=True)])
        detected.append(_summarise(crossings, networks, level))
        if probe is not None and np.isfinite(probe[:, layer]).any():
            mean = probe[:, layer].mean(axis=0)
            measured = np.isfinite(mean)
            accuracy[layer, 0] = mean[measured][0]
            if np.isfinite(crossings[0]):
                accuracy[layer, 1] = np.interp(crossings[0], shares[measured], mean[measured])
    distances = between[pairs]
    return Sensitivity(
        shares,
        curves.mean(axis=0),
        distances.mean(axis=0),
        distances.std(axis=0, ddof=1),
        tuple(detected),
        accuracy,
    )


class _PairMeans:
    """Means over ordered pairs of different networks, in each resample of networks."""

    def __init__(self, weights: Array, pairs: Array) -> None:
        self._weights = np.einsum("bs,bt->bst", weights, weights) * pairs
        total = self._weights.sum(axis=(1, 2), keepdims=True)
        # A resample of one network only has no pair; its means are undefined.
        self._weights /= np.where(total > 0, total, np.nan)

    def __call__(self, values: Array) -> Array:
        apart = ~np.eye(len(values), dtype=bool)
        return self._weights[:, apart] @ values[apart]


def _summarise(values: Array, networks: int, level: float) -> Interval:
    """Interval of the first value from the others; an infinite one stays infinite."""
    finite = np.where(np.isposinf(values), 2.0, values)  # shares end at 1
    ends = (values[0], *interval(finite[1:], networks, level=level))
    return Interval(*(float("inf") if end > 1 + 1e-9 else float(end) for end in ends))


def _unique_minimum(blocks: Array) -> Array:
    """Whether a row's nearest layer is nearer than all others."""
    first, second = np.moveaxis(np.sort(blocks, axis=-1)[..., :2], -1, 0)
    return first < second


def _crossing(shares: Array, curve: Array, threshold: float) -> float:
    """Where a curve first exceeds a threshold, linear between levels; infinite if it never does."""
    above = np.flatnonzero(curve > threshold)
    if not len(above):
        return np.nan if np.isnan(threshold) else np.inf
    i = above[0]
    if i == 0:
        return float(shares[0])
    low, high = curve[i - 1], curve[i]
    return float(shares[i - 1] + (shares[i] - shares[i - 1]) * (threshold - low) / (high - low))
