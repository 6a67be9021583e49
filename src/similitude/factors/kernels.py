"""Gaussian kernel matrices, computed once of a representation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import squareform

from similitude.errors import MeasureError
from similitude.factors.base import Factor
from similitude.factors.distances import Dissimilarities
from similitude.factors.linear import Gram
from similitude.factors.pair import Side, as_numpy

__all__ = ["CentredGaussianGram", "MedianDistance", "UCentredGram"]


def _u_centre(gram: np.ndarray) -> np.ndarray:
    """Centre rows and columns in place without the diagonal, which becomes 0 (Szekely and Rizzo 2014)."""
    n = len(gram)
    if n < 3:
        raise MeasureError(f"Centring without the diagonal needs at least 3 inputs; there are {n}.")
    np.fill_diagonal(gram, 0.0)
    total = gram.sum(axis=0)
    gram -= total / (n - 2)
    gram -= (total / (n - 2) - total.sum() / ((n - 1) * (n - 2)))[:, None]
    np.fill_diagonal(gram, 0.0)
    return gram


@dataclass(frozen=True)
class UCentredGram(Factor):
    """Linear kernel matrix, n x n, centred without the diagonal: the inner product of two is their HSIC, unbiased."""

    reads = (Gram(),)
    work = "10nn"
    size = "nn"
    under_permutation = "rows and columns"

    def __call__(self, side: Side) -> np.ndarray:
        """Centre."""
        return _u_centre(as_numpy(side[Gram()]).copy())


@dataclass(frozen=True)
class MedianDistance(Factor):
    """Median distance between two inputs, the unit of bandwidths.

    Raises
    ------
    MeasureError
        It is 0.
    """

    reads = (Dissimilarities("squared_euclidean"),)
    work = "20nn"
    size = ""
    under_permutation = "unchanged"

    def __call__(self, side: Side) -> float:
        """Mean of the roots of the two squared distances in the middle, which are one where their number is odd."""
        squared = side[Dissimilarities("squared_euclidean")]
        middle = (squared.size - 1) // 2, squared.size // 2
        found = float(np.sqrt(np.partition(squared, middle)[list(middle)]).mean())
        if not found > 0:
            raise MeasureError(
                f"{side.key or 'A side'}: at least half of all pairs of inputs have the same features, so that the "
                "median distance, the unit of bandwidths, is 0. Remove duplicate inputs, or use a linear kernel."
            )
        return found


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

    reads = (Dissimilarities("squared_euclidean"), MedianDistance())
    work = "40nn"
    under_permutation = "rows and columns"

    def __call__(self, side: Side) -> np.ndarray:
        """Exponentiate the squared distances, then centre rows and columns."""
        squared = side[Dissimilarities("squared_euclidean")]
        width = self.bandwidth * side[MedianDistance()]
        gram = squareform(np.exp(squared / (-2.0 * width * width)), checks=False)
        if self.debiased:
            return _u_centre(gram)
        np.fill_diagonal(gram, 1.0)
        mean = gram.mean(axis=0)
        gram -= mean
        gram -= (mean - mean.mean())[:, None]
        return gram
