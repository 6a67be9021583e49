"""Gaussian kernel matrices, computed once of a representation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import squareform

from similitude.factors.base import Factor
from similitude.factors.distances import Dissimilarities
from similitude.factors.pair import Side

__all__ = ["CentredGaussianGram"]


@dataclass(frozen=True)
class CentredGaussianGram(Factor):
    """Gaussian kernel matrix, n x n, centred so that a dot product of two of them is their HSIC up to a constant.

    Parameters
    ----------
    bandwidth
        Width as a multiple of the median distance.
    debiased
        Leave the diagonal out of everything (U-centring), which makes the HSIC unbiased.
    """

    bandwidth: float
    debiased: bool

    reads = (Dissimilarities("squared_euclidean"), Dissimilarities("euclidean"))
    work = "40nn"
    under_permutation = "rows and columns"

    def __call__(self, side: Side) -> np.ndarray:
        """Exponentiate the squared distances, then centre rows and columns."""
        squared = side[Dissimilarities("squared_euclidean")]
        width = self.bandwidth * np.median(side[Dissimilarities("euclidean")])
        gram = squareform(np.exp(squared / (-2.0 * width * width)), checks=False)
        n = gram.shape[0]
        if not self.debiased:
            np.fill_diagonal(gram, 1.0)
            mean = gram.mean(axis=0)
            gram -= mean
            gram -= (mean - mean.mean())[:, None]
            return gram
        total = gram.sum(axis=0)
        gram -= total / (n - 2)
        gram -= (total / (n - 2) - total.sum() / ((n - 1) * (n - 2)))[:, None]
        np.fill_diagonal(gram, 0.0)
        return gram
