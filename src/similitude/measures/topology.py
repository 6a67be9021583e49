"""Comparison of the shapes of neighbourhood graphs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp

import numpy as np

from similitude.errors import InputError
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.neighbourhoods import Neighbours
from similitude.measures.pair import Cross, Factor, Pair, Side

__all__ = ["IMD"]


@dataclass(frozen=True)
class HeatTrace(Factor):
    """Trace of the heat kernel exp(-t L) / n of the graph of k nearest neighbours, at each time.

    L is the normalised Laplacian; two inputs are joined if either is among the other's k nearest.
    """

    k: int
    times: tuple[float, ...]

    def __call__(self, side: Side) -> np.ndarray:
        """From all eigenvalues, rather than from random probes as published: exact, and the same every time."""
        near = side[Neighbours(self.k, "euclidean")].matrix().toarray()
        joined = np.maximum(near, near.T)
        scale = joined.sum(axis=0) ** -0.5
        eigenvalues = 1.0 - np.linalg.eigvalsh(scale[:, None] * joined * scale)
        return np.exp(-np.outer(self.times, eigenvalues)).mean(axis=1)

    def permuted(self, value: np.ndarray, order: np.ndarray) -> np.ndarray:
        """The same."""
        return value


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

    t: float | None = None
    k: int = 5

    name = "imd"
    declares = Properties(
        kind="dissimilarity",
        bounds=(0.0, exp(-4)),
        symmetric=True,
        invariances=invariant("OST"),
        reference="Tsitsulin et al. 2020, arXiv:1905.11141",
        formula="max_t exp(-2 (t + 1/t)) |tr exp(-t L_x) - tr exp(-t L_y)| / n, L the kNN graph's Laplacian",
        cost="1 (n^3 once a representation)",
        caution="Compares shapes, not inputs: shuffling the rows of one side does not change it.",
    )

    def __post_init__(self) -> None:
        """Check the parameters."""
        if self.t is not None and not self.t > 0:
            raise InputError(f"imd: t must be positive, not {self.t}.")
        if not isinstance(self.k, int) or self.k < 1:
            raise InputError(f"imd: k must be a whole number of at least 1, not {self.k}.")

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
