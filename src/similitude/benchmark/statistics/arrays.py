"""What statistics are computed from, as four arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from similitude.benchmark.grading import GradingData
from similitude.benchmark.statistics.ranks import rounded

__all__ = ["GradingArrays"]

Array = NDArray[Any]
Indices = NDArray[np.integer]


class GradingArrays(NamedTuple):
    """Arrays of `GradingData`, the dissimilarities of K measures stacked.

    Parameters
    ----------
    merit
        Shape (G, M).
    difference
        Shape (G, M, M, V).
    dissimilarity
        Shape (K, G, M, M, V); NaN where it failed or the models are not compared.
    same
        Shape (G, V).
    """

    merit: Array
    difference: Array
    dissimilarity: Array
    same: NDArray[np.bool_]

    @property
    def measures(self) -> int:
        """Number of measures, K."""
        return len(self.dissimilarity)

    @classmethod
    def of(cls, data: GradingData) -> GradingArrays:
        """Arrays of all measures; only pairs within a block of models count."""
        dissimilarity = np.stack([np.where(np.isfinite(d), d, np.nan) for d in data.dissimilarity.values()])
        if data.within:
            compared = np.zeros((len(data.models), len(data.models)), dtype=bool)
            for block in data.blocks.values():
                compared[np.ix_(block, block)] = True
            dissimilarity[:, :, ~compared] = np.nan
        return cls(data.merit, data.difference, dissimilarity, data.same)

    def among(self, models: Indices) -> GradingArrays:
        """Arrays of some models only."""
        if np.array_equal(models, np.arange(self.merit.shape[1])):
            return self
        return GradingArrays(
            self.merit[:, models],
            self.difference[:, models][:, :, models],
            self.dissimilarity[:, :, models][:, :, :, models],
            self.same,
        )

    def by_variant(self) -> GradingArrays:
        """Arrays in which each variant (a depth, a deletion level) is a reference layer, shapes with G·V and 1.

        Permuting models keeps what depth explains, so over all variants it tests differences between models given
        depth; on these arrays correlations are within one depth, and depth explains nothing.
        """
        n_measures, n_layers, n_models, _, n_variants = self.dissimilarity.shape
        split = n_layers * n_variants
        return GradingArrays(
            np.repeat(self.merit, n_variants, axis=0),
            np.moveaxis(self.difference, 3, 1).reshape(split, n_models, n_models, 1),
            np.moveaxis(self.dissimilarity, 4, 2).reshape(n_measures, split, n_models, n_models, 1),
            self.same.reshape(split, 1),
        )

    def dissimilarity_from(self, layer: int, reference: int) -> Array:
        """Rounded dissimilarities from a reference, shape (K, M, V); NaN for its pair with itself."""
        values = rounded(self.dissimilarity[:, layer, reference])
        values[:, reference, self.same[layer]] = np.nan
        return values

    def difference_from(self, layer: int, reference: int) -> Array:
        """Rounded functional differences from a reference, shape (M, V); NaN for its pair with itself."""
        values = rounded(self.difference[layer, reference])
        values[reference, self.same[layer]] = np.nan
        return values
