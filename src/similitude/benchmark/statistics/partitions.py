"""Relabellings of models that come in groups: all distinct ones where there are few enough, else a sample."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST", "Relabellings", "count_partitions"]

MOST = 10**6
"""Number of distinct partitions up to which all are enumerated."""


def count_partitions(sizes: Sequence[int]) -> int:
    """Number of ways to divide models into groups of these sizes; groups have no names.

    Examples
    --------
    >>> count_partitions([5, 5, 5]), count_partitions([5, 5]), count_partitions([2, 3])
    (126126, 126, 10)
    """
    ways = math.factorial(sum(sizes))
    for size in sizes:
        ways //= math.factorial(size)
    return ways // math.prod(math.factorial(times) for times in Counter(sizes).values())


@dataclass(frozen=True)
class Relabellings:
    """Ways to divide models into groups of given sizes, as which distinct groups there are and where they occur.

    A score of a partition is the mean of scores of its groups, so each distinct group is scored once.

    Parameters
    ----------
    members
        Distinct groups, shape (S, M): whether each model is in it.
    groups
        Indices of the groups of each partition, shape (P, G); the first partition is the models' own.
    exact
        Whether these are all distinct partitions, each once.
    """

    members: NDArray[np.bool_]
    groups: NDArray[np.integer]
    exact: bool

    @classmethod
    def of(cls, labels: Sequence[str], samples: int, rng: np.random.Generator) -> Relabellings:
        """Relabellings of models with such labels: all, or the models' own and a sample of others.

        Parameters
        ----------
        labels
            Group of each of the M models.
        samples
            Number of relabellings to sample where there are more than `MOST`.
        rng
            Source of randomness of the sample.
        """
        own = np.unique(labels, return_inverse=True)[1]
        sizes = np.bincount(own).tolist()
        exact = count_partitions(sizes) <= MOST
        if exact:
            partitions = _all_partitions(sizes)
        else:
            drawn = np.tile(own, (samples, 1))
            partitions = _members(rng.permuted(drawn, axis=1), len(sizes))
        partitions = np.concatenate([_members(own[None], len(sizes)), partitions])
        packed = np.packbits(partitions, axis=-1)
        keys = np.ascontiguousarray(packed).view(f"V{packed.shape[-1]}")[..., 0]
        _, first, groups = np.unique(keys, return_index=True, return_inverse=True)
        groups = groups.reshape(keys.shape)
        if exact:  # the models' own is among all, once more
            is_own = (np.sort(groups, axis=1) == np.sort(groups[0])).all(axis=1)
            groups = np.concatenate([groups[:1], groups[~is_own]])
        return cls(partitions.reshape(-1, partitions.shape[-1])[first], groups, exact)

    def mean(self, scores: NDArray[Any]) -> NDArray[np.float64]:
        """Mean over groups in each partition, shape (P,), from scores of the distinct groups, shape (S,)."""
        return scores[self.groups].mean(axis=1, dtype=np.float64)


def _members(labels: NDArray[np.integer], count: int) -> NDArray[np.bool_]:
    return labels[:, None, :] == np.arange(count)[:, None]


def _all_partitions(sizes: Sequence[int]) -> NDArray[np.bool_]:
    """Every way to divide models into groups, shape (P, G, M); of groups of one size, the first models rise."""
    models = sum(sizes)
    left = np.arange(models)[None]
    chosen: list[NDArray[np.integer]] = []
    sizes = sorted(sizes)
    for position, size in enumerate(sizes):
        # Once all groups left have one size, the next one holds the first model left; before, order is checked.
        alike = sizes[-1] == size
        within = np.array([c for c in combinations(range(left.shape[1]), size) if not alike or c[0] == 0])
        outside = np.array([np.setdiff1d(np.arange(left.shape[1]), c) for c in within], dtype=int)
        group, rest = left[:, within], left[:, outside]
        rows = np.repeat(np.arange(len(left)), len(within))
        group, left = group.reshape(-1, size), rest.reshape(len(rows), -1)
        chosen = [c[rows] for c in chosen]
        if position and sizes[position - 1] == size and not alike:
            rising = group[:, 0] > chosen[-1][:, 0]
            group, left, chosen = group[rising], left[rising], [c[rising] for c in chosen]
        chosen.append(group)
    found = np.zeros((len(left), len(sizes), models), dtype=bool)
    for position, group in enumerate(chosen):
        found[np.arange(len(found))[:, None], position, group] = True
    return found
