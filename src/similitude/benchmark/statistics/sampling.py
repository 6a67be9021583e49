"""How a population was sampled, models by themselves or in groups, and the resampling and permuting that follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from similitude.benchmark.grading import GradingData
from similitude.benchmark.statistics import bootstrap, permutation
from similitude.benchmark.statistics.arrays import GradingArrays
from similitude.benchmark.statistics.ranks import Correlations

__all__ = ["Sampling"]

Array = NDArray[Any]
Indices = NDArray[np.integer]


@dataclass(frozen=True)
class Sampling:
    """Units that were sampled independently, and which models are compared with each other.

    Parameters
    ----------
    blocks
        Indices of models compared with each other. Values are averaged over blocks.
    groups
        Indices of models sampled together, if there are at least two such groups: the blocks, or groups within the
        only block. Empty if models were sampled independently.
    """

    blocks: tuple[Indices, ...]
    groups: tuple[Indices, ...] = ()

    @classmethod
    def of(cls, data: GradingData) -> Sampling:
        """Sampling of a population; models of a single group are independent given the group."""
        blocks = tuple(data.blocks.values())
        groups = blocks if data.within else tuple(data.members.values())
        return cls(blocks, groups if len(groups) > 1 else ())

    @property
    def n_units(self) -> int:
        """Number of units sampled independently: groups or else models."""
        return len(self.groups) or len(self.blocks[0])

    def bootstrap(self, arrays: GradingArrays, resamples: int, rng: np.random.Generator) -> Correlations:
        """Correlations against the best reference in the sample and in resamples, shape (1 + resamples, K).

        Groups are drawn with replacement, then models within each drawn group. A group drawn twice has independent
        draws of models.
        """
        if len(self.blocks) > 1:
            return self._bootstrap_blocks(arrays, resamples, rng)
        models = next(iter(self.blocks))
        sample = np.ones((1, len(models)))
        if self.groups:
            drawn = bootstrap.bootstrap_weights(len(self.groups), resamples, rng)
            weights = np.empty((resamples, len(models)), dtype=int)
            for group, times in zip(self.groups, drawn.T, strict=True):
                weights[:, group] = rng.multinomial(times * len(group), np.full(len(group), 1 / len(group)))
        else:
            weights = bootstrap.bootstrap_weights(len(models), resamples, rng)
        return bootstrap.resampled(arrays.among(models), np.concatenate([sample, weights]))

    def leave_one_out(self, arrays: GradingArrays) -> Correlations:
        """Correlations averaged over every reference: in the sample, then without each unit, shape (1 + units, K).

        NaN without one of two groups that are compared across: no pair across groups is left then, so that the two
        values say nothing of how far the sample's would vary.
        """
        if len(self.blocks) > 1:
            of_block = np.array([_sample(bootstrap.every_reference, arrays.among(b)) for b in self.blocks])
            mean = of_block.mean(axis=0)
            without = (len(of_block) * mean - of_block) / (len(of_block) - 1)
            return Correlations(*np.concatenate([mean[None], without]).swapaxes(0, 1))
        models = next(iter(self.blocks))
        kept = 1 - np.eye(len(models))
        if self.groups:
            kept = np.stack([~np.isin(np.arange(len(models)), group) for group in self.groups]).astype(float)
        weights = np.concatenate([np.ones((1, len(models))), kept])
        found = bootstrap.every_reference(arrays.among(models), weights)
        if len(self.groups) == 2:
            for values in found:
                values[1:] = np.nan
        return found

    def permutations(self, count: int, rng: np.random.Generator) -> list[Indices]:
        """Orders of the models of each block, shape (count + 1, models), the first of them as it was.

        Models are permuted within groups; groups of equal size within a block are permuted as well.
        """
        inner = self.groups if len(self.blocks) == 1 else ()
        return [permutation.permutations(len(block), count, rng, inner) for block in self.blocks]

    def permuted(self, values: Callable[..., Array], arrays: GradingArrays, orders: Sequence[Indices]) -> Array:
        """Mean over blocks of a function of `similitude.benchmark.statistics.permutation`, shape (G, count + 1, K)."""
        total = sum(values(arrays.among(b), of_block) for b, of_block in zip(self.blocks, orders, strict=True))
        return np.asarray(total) / len(self.blocks)

    def _bootstrap_blocks(self, arrays: GradingArrays, resamples: int, rng: np.random.Generator) -> Correlations:
        drawn = bootstrap.bootstrap_weights(len(self.blocks), resamples, rng)
        total = np.zeros((resamples, 2, len(arrays.dissimilarity)))
        defined = np.zeros_like(total)
        sample = []
        for block, times in zip(self.blocks, drawn.T, strict=True):
            of_block = arrays.among(block)
            sample.append(_sample(bootstrap.resampled, of_block))
            rows = np.repeat(np.arange(resamples), times)
            weights = bootstrap.bootstrap_weights(len(block), len(rows), rng)
            values = np.stack(bootstrap.resampled(of_block, weights), axis=1)
            np.add.at(total, rows, np.nan_to_num(values))
            np.add.at(defined, rows, ~np.isnan(values))
        with np.errstate(invalid="ignore"):  # a drawn group in which nothing varies has no say
            replicates = total / defined
        return Correlations(*np.concatenate([np.mean(sample, axis=0, keepdims=True), replicates]).swapaxes(0, 1))


def _sample(values: Callable[..., Correlations], arrays: GradingArrays) -> Array:
    """Correlations in the sample itself, shape (2, K)."""
    return np.stack(values(arrays, np.ones((1, arrays.merit.shape[1]))))[:, 0]
