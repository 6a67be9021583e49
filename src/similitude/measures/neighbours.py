"""Measures on nearest neighbours."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, replace
from math import inf
from typing import Literal

import numpy as np
from scipy import sparse

from similitude.errors import MeasureError
from similitude.factors.base import Cross, Factor
from similitude.factors.distances import CosineDistances, Cosines
from similitude.factors.neighbours import CommonNeighbours, Neighbours
from similitude.factors.pair import Pair, Side
from similitude.linalg.influence import Influence, of_sparse
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.parameters import parameter

__all__ = ["CKNNA", "Jaccard", "MutualKNN", "RankSimilarity", "SecondOrderCosine"]

_CAUTION = "Depends only on which inputs are neighbours, not on distances. Compare values at the same n and k."


@dataclass(frozen=True)
class _OnNeighbours(Measure):
    """A measure on the k nearest neighbours by cosine.

    Parameters
    ----------
    k
        Number of neighbours of each input.
    """

    k: int = parameter(10, at_least=1)

    def properties(self) -> Properties:
        """With k = n - 1 every input is a neighbour of every other."""
        return replace(self.declares, minimum_n=self.k + 2)

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Neighbours, and those that the sides have in common."""
        return (Neighbours(self.k), CommonNeighbours(Neighbours(self.k)))

    @abstractmethod
    def of_inputs(self, pair: Pair) -> np.ndarray:
        """Similarity of the two neighbourhoods of each input, shape (n,)."""

    def score(self, pair: Pair) -> float:
        """Mean over inputs."""
        return float(np.mean(self.of_inputs(pair)))

    def contributions(self, pair: Pair) -> np.ndarray:
        """Each input's term of the mean."""
        return self.of_inputs(pair) / pair.n

    def _influence(self, pair: Pair, slopes: np.ndarray) -> Influence:
        """Influence on a mean of functions of how many neighbours each input has in common.

        An input that gains weight is a common neighbour of others, and pushes out the last neighbours of those that it
        is a neighbour of, which were common ones at the rate at which last neighbours are.

        Parameters
        ----------
        pair
            The two sides.
        slopes
            Derivatives of the functions, one per input, shape (n,).
        """
        shared = []
        for one in (pair, pair.swapped):
            lists, common = one.x[Neighbours(self.k)], one[CommonNeighbours(Neighbours(self.k))] >= 0
            shared.append(lists.matrix(np.where(common, 0.5, 0.0) - np.mean(common[:, -1])))
        weighted = sparse.diags_array(slopes / pair.n) @ (shared[0] + shared[1])
        own = self.of_inputs(pair)
        inputs = (own - own.mean()) / pair.n + weighted.sum(axis=0)
        return of_sparse(sparse.csr_array(weighted + weighted.T), inputs)

    def _count(self, pair: Pair) -> np.ndarray:
        """How many neighbours each input has in common, n."""
        return np.count_nonzero(pair[CommonNeighbours(Neighbours(self.k))] >= 0, axis=1)


@dataclass(frozen=True)
class Jaccard(_OnNeighbours):
    """Mean Jaccard index of the k nearest neighbours by cosine.

    Parameters
    ----------
    k
        Number of neighbours of each input.
    """

    name = "jaccard"
    version = 2
    declares = Properties(
        kind="similarity",
        bounds=(0.0, 1.0),
        symmetric=True,
        invariances=invariant("OS"),
        reference="Klabunde et al. 2024 (ReSi), arXiv:2408.00531",
        formula="mean_i |N_x(i) & N_y(i)| / |N_x(i) | N_y(i)|, N the k nearest by cosine",
        cost="n k",
        caution=_CAUTION,
    )
    variants = ("k=3",)

    def of_inputs(self, pair: Pair) -> np.ndarray:
        """Common over all."""
        common = self._count(pair)
        return common / (2 * self.k - common)

    def influence(self, pair: Pair) -> Influence:
        """From the numbers of common neighbours."""
        return self._influence(pair, 2 * self.k / np.square(2.0 * self.k - self._count(pair)))


@dataclass(frozen=True)
class SecondOrderCosine(_OnNeighbours):
    """Whether an input lies as far from the neighbours that it has on either side.

    Parameters
    ----------
    k
        Number of neighbours of each input.
    of
        Compare cosine distances (``"distance"``), or cosines (``"similarity"``).
    """

    of: Literal["distance", "similarity"] = "distance"

    name = "second_order_cosine"
    version = 2
    declares = Properties(
        kind="similarity",
        bounds=(0.0, 1.0),
        symmetric=True,
        invariances=invariant("OS"),
        reference="Hamilton et al. 2016, arXiv:1606.02821",
        formula="mean_i cos(u_i, v_i), u and v the cosine distances of i to N_x(i) | N_y(i)",
        cost="n k",
        caution="Near 1 also between unrelated data, since distances to neighbours vary little.",
    )
    variants = (
        "of=similarity",
        "k=4,of=similarity",
    )

    def properties(self) -> Properties:
        """Cosines can be negative, distances not."""
        declared = super().properties()
        return declared if self.of == "distance" else replace(declared, bounds=(-1.0, 1.0))

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Neighbours, common ones, and all cosines or the distances of which they keep too little."""
        return (*super().uses(), Cosines(), CosineDistances())

    def of_inputs(self, pair: Pair) -> np.ndarray:
        """Products over x's neighbours and over those that are y's only."""
        x, y = pair.x[Neighbours(self.k)].indices, pair.y[Neighbours(self.k)].indices
        of_x_only_y = pair.swapped[CommonNeighbours(Neighbours(self.k))] < 0
        union = np.concatenate([x, y], axis=1)
        counted = np.concatenate([np.ones_like(x, dtype=bool), of_x_only_y], axis=1)
        u, v = (self._entries(side, union, counted) for side in (pair.x, pair.y))
        products, lengths = (u * v).sum(axis=1), np.sqrt((u * u).sum(axis=1) * (v * v).sum(axis=1))
        same = (u == v).all(axis=1)  # among them duplicates, which are at no distance from their neighbours
        return np.where(same, 1.0, products / np.where(lengths > 0, lengths, 1.0))

    def score(self, pair: Pair) -> float:
        """Mean over inputs, which rounding must not put beyond 1."""
        return float(np.clip(super().score(pair), -1.0, 1.0))

    def _entries(self, side: Side, union: np.ndarray, counted: np.ndarray) -> np.ndarray:
        lengths = side[CosineDistances()]
        if lengths is not None:
            found = np.take_along_axis(lengths, union, axis=1) ** 2 / 2.0
            return np.where(counted, found if self.of == "distance" else 1.0 - found, 0.0)
        cosines = np.take_along_axis(side[Cosines()], union, axis=1)
        if self.of == "distance":
            # What is below the rounding of a cosine is no distance.
            cosines = np.where(cosines > 1.0 - 1e-14, 0.0, 1.0 - cosines)
        return np.where(counted, cosines, 0.0)


@dataclass(frozen=True)
class RankSimilarity(_OnNeighbours):
    """Agreement of the ranks that common neighbours have in the two lists.

    Parameters
    ----------
    k
        Number of neighbours of each input.
    """

    name = "rank_similarity"
    version = 2
    declares = Properties(
        kind="similarity",
        bounds=(0.0, 1.0),
        symmetric=True,
        invariances=invariant("OS"),
        reference="Wang et al. 2020, IEEE TKDE 34(2):927-941; as in ReSi, arXiv:2408.00531",
        formula="mean_i sum_j 2 / ((1 + |r - r'|) (r + r')) / H(v), over the v common neighbours, ranked r and r'",
        cost="n k",
        caution="An input without common neighbours counts as 0. " + _CAUTION,
    )
    variants = ("k=5",)

    def of_inputs(self, pair: Pair) -> np.ndarray:
        """Weights of common neighbours, over the harmonic number of how many there are."""
        positions = pair[CommonNeighbours(Neighbours(self.k))]
        first, second = np.arange(1, self.k + 1)[None, :], positions + 1
        weights = 2.0 / ((1 + np.abs(first - second)) * (first + second))
        total = np.where(positions >= 0, weights, 0.0).sum(axis=1)
        harmonic = np.concatenate([[1.0], np.cumsum(1.0 / np.arange(1, self.k + 1))])
        return total / harmonic[self._count(pair)]


@dataclass(frozen=True)
class MutualKNN(_OnNeighbours):
    """Mean share of the k nearest neighbours by cosine that both sides have.

    Parameters
    ----------
    k
        Number of neighbours of each input.
    """

    name = "mutual_knn"
    version = 2
    declares = Properties(
        kind="similarity",
        bounds=(0.0, 1.0),
        symmetric=True,
        invariances=invariant("OS"),
        reference="Huh et al. 2024, arXiv:2405.07987",
        formula="mean_i |N_x(i) & N_y(i)| / k, N the k nearest by cosine",
        cost="n k",
        caution=_CAUTION,
    )
    variants = ("k=2",)

    def of_inputs(self, pair: Pair) -> np.ndarray:
        """Common over k."""
        return self._count(pair) / self.k

    def influence(self, pair: Pair) -> Influence:
        """From the numbers of common neighbours."""
        return self._influence(pair, np.full(pair.n, 1.0 / self.k))

    def score(self, pair: Pair) -> float:
        """Common over k."""
        return float(np.mean(self._count(pair)) / self.k)


@dataclass(frozen=True)
class CKNNA(Measure):
    """Centred kernel nearest-neighbour alignment: HSIC over pairs of inputs that are near each other on both sides.

    The published debiased estimator depends a little on the order of its arguments; this is the mean of both orders.

    Parameters
    ----------
    k
        Number of nearest neighbours by inner product.
    debiased
        Use the unbiased HSIC, as published, in which no input is its own neighbour; else the biased one, in which it
        can be.
    """

    k: int = parameter(10, at_least=2)
    debiased: bool = True

    name = "cknna"
    declares = Properties(
        kind="similarity",
        bounds=(-inf, inf),
        symmetric=True,
        invariances=invariant("OS"),
        reference="Huh et al. 2024, arXiv:2405.07987",
        formula="HSIC(a K, a L) / sqrt(HSIC(b K, b K) HSIC(c L, c L)), b, c masks of nearest neighbours, a = b c",
        cost="n k",
        caution="1 for a representation and itself, but not bounded by it. Not centred: a large mean dominates.",
    )
    variants = (
        "debiased=false",
        "k=5,debiased=false",
    )

    def properties(self) -> Properties:
        """With k = n - 1 every input is a neighbour of every other."""
        return replace(self.declares, minimum_n=max(self.k + 2, 4))

    def uses(self) -> tuple[Factor | Cross, ...]:
        """Neighbours by inner product."""
        return (self._neighbours,)

    @property
    def _neighbours(self) -> Neighbours:
        return Neighbours(self.k, "inner_product", with_self=not self.debiased)

    def score(self, pair: Pair) -> float:
        """Normalised restricted HSIC."""
        x, y = pair.x[self._neighbours], pair.y[self._neighbours]
        near_x, near_y = x.matrix(x.similarities), y.matrix(y.similarities)
        own = self._hsic(near_x, near_x), self._hsic(near_y, near_y)
        if not min(own) > 0:
            raise MeasureError(f"{self.id}: a side is not aligned with itself, so there is no scale. Use a larger k.")
        common = x.matrix().multiply(y.matrix())
        return float(self._hsic(common.multiply(near_x), common.multiply(near_y)) / math.sqrt(own[0] * own[1]))

    def _hsic(self, a: sparse.csr_array, b: sparse.csr_array) -> float:
        """Up to a constant; by sums over rows and columns, since neighbourhood is not mutual."""
        n = a.shape[0]
        rows, columns = (a.sum(axis=1), b.sum(axis=1)), (a.sum(axis=0), b.sum(axis=0))
        trace = a.multiply(b.T).sum()
        products = columns[0] @ rows[1] + columns[1] @ rows[0]
        totals = rows[0].sum() * rows[1].sum()
        if self.debiased:
            return float(trace + totals / ((n - 1) * (n - 2)) - products / (n - 2))
        return float(trace - products / n + totals / n**2)
