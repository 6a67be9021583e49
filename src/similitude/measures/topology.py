"""Comparison of shapes: of neighbourhood graphs, and of the loops that one side has and the other lacks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, inf
from typing import Any

import numpy as np
from scipy.spatial.distance import squareform

from similitude.errors import MeasureError, require
from similitude.factors.base import Cross, Factor
from similitude.factors.distances import Dissimilarities
from similitude.factors.neighbours import Neighbours
from similitude.factors.pair import Pair, Side
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.parameters import parameter

__all__ = ["IMD", "RTD"]


@dataclass(frozen=True)
class HeatTrace(Factor):
    """Trace of the heat kernel exp(-t L) / n of the graph of k nearest neighbours, at each time.

    L is the normalised Laplacian; two inputs are joined if either is among the other's k nearest.
    """

    k: int
    times: tuple[float, ...]

    work = "15nnn"
    size = "nn+nn+nn"
    under_permutation = "unchanged"

    @property
    def reads(self) -> tuple[Factor, ...]:  # type: ignore[override]  # depends on the parameter
        """Neighbours by distance."""
        return (Neighbours(self.k, "euclidean"),)

    def __call__(self, side: Side) -> np.ndarray:
        """From all eigenvalues, rather than from random probes as published: exact, and the same every time."""
        near = side[Neighbours(self.k, "euclidean")].matrix().toarray()
        joined = np.maximum(near, near.T)
        scale = joined.sum(axis=0) ** -0.5
        eigenvalues = 1.0 - np.linalg.eigvalsh(scale[:, None] * joined * scale)
        return np.exp(-np.outer(self.times, eigenvalues)).mean(axis=1)


@dataclass(frozen=True)
class IMD(Measure):
    """Intrinsic multi-scale distance: largest weighted difference of the heat traces of the neighbourhood graphs.

    Parameters
    ----------
    t
        Diffusion time; without one, the largest difference over 256 times from 0.1 to 10.
    k
        Number of neighbours of each input, by Euclidean distance.
    """

    t: float | None = parameter(None, above=0)
    k: int = parameter(5, at_least=1)

    name = "imd"
    declares = Properties(
        kind="dissimilarity",
        bounds=(0.0, exp(-4)),
        symmetric=True,
        invariances=invariant("OST"),
        reference="Tsitsulin et al. 2020, arXiv:1905.11141",
        formula="max_t exp(-2 (t + 1/t)) |tr exp(-t L_x) - tr exp(-t L_y)| / n, L the kNN graph's Laplacian",
        cost="1 (n^3 once per representation)",
        caution="Compares shapes, not inputs: shuffling the rows of one side does not change the value.",
    )
    variants = ("t=1",)

    def properties(self) -> Properties:
        """With k = n - 1 all graphs are alike."""
        return replace(self.declares, minimum_n=self.k + 2)

    def uses(self) -> tuple[Factor | Cross, ...]:
        """The heat traces."""
        return (self._trace,)

    @property
    def _trace(self) -> HeatTrace:
        times = np.geomspace(0.1, 10.0, 256) if self.t is None else np.array([float(self.t)])
        return HeatTrace(self.k, tuple(times.tolist()))

    def score(self, pair: Pair) -> float:
        """Largest weighted difference."""
        times = np.array(self._trace.times)
        return float(np.max(np.exp(-2 * (times + 1 / times)) * np.abs(pair.x[self._trace] - pair.y[self._trace])))


@dataclass(frozen=True)
class RTD(Measure):
    """Representation topology divergence: total length of the loops that close at one scale in one side and at another
    in the other, averaged over both directions. Needs the package ripser.

    Parameters
    ----------
    batch
        With more inputs than this, compare random samples of so many.
    trials
        Number of samples to average over; the same samples for every pair.
    """

    batch: int = parameter(500, at_least=4)
    trials: int = parameter(10, at_least=1)

    name = "rtd"
    declares = Properties(
        kind="dissimilarity",
        bounds=(0.0, inf),
        symmetric=True,
        invariances=invariant("OST"),
        reference="Barannikov et al. 2022, arXiv:2201.00058",
        formula="sum of the lengths of the H1 bars of [[0, D(X)], [D(X), min(D(X), D(Y))]], mean of both orders",
        needs="the extra `topology`",
        cost="about batch^3 for each trial: seconds",
        caution="Slow. Grows with the number of inputs. Distances are divided by their 0.9 quantile.",
    )
    variants = ("batch=30,trials=1",)

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Euclidean distances."""
        return (Dissimilarities("euclidean"),)

    def score(self, pair: Pair) -> float:
        """Mean over samples, of which there is one if it holds all inputs."""
        x, y = (squareform(side[Dissimilarities("euclidean")], checks=False) for side in (pair.x, pair.y))
        rng = np.random.default_rng(0)
        samples = 1 if pair.n <= self.batch else self.trials
        total = 0.0
        for _ in range(samples):
            rows = rng.permutation(pair.n)[: self.batch]
            a, b = (_in_units(matrix[np.ix_(rows, rows)]) for matrix in (x, y))
            total += (_loops(a, b) + _loops(b, a)) / 2
        return total / samples


def _in_units(distances: np.ndarray) -> np.ndarray:
    unit = float(np.quantile(distances, 0.9))
    if not unit > 0:
        raise MeasureError("rtd: nearly all inputs are at the same place, so that there is no scale. Use other inputs.")
    return distances / unit


def _loops(a: np.ndarray, b: np.ndarray) -> float:
    """Total length of the one-dimensional bars.

    The library works in single precision. It is given the ranks of the distances, which are exact there, and
    bars depend on nothing but the order; their ends are looked up in double precision.
    """
    library: Any = require("ripser", extra="topology")
    lengths, order = np.unique(np.block([[np.zeros_like(a), a], [a, np.minimum(a, b)]]), return_inverse=True)
    ranks = order.reshape(2 * a.shape[0], 2 * a.shape[0]).astype(np.float32)
    bars = library.ripser(ranks, distance_matrix=True, maxdim=1)["dgms"][1].astype(np.int64)
    return float(np.sum(lengths[bars[:, 1]] - lengths[bars[:, 0]]))
