"""Do measures order pairs of networks alike?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from similitude.benchmark.grading import GradingData
from similitude.benchmark.statistics.ranks import centred_ranks, rounded

__all__ = ["agreement"]


def agreement(data: GradingData) -> pd.DataFrame:
    """Spearman correlation of every measure's dissimilarities with every other's.

    Within each reference, over everything that it is compared with but itself, then averaged over references. A pair on
    which any measure failed is left out for all.

    Parameters
    ----------
    data
        Dissimilarities; scores are not used.

    Returns
    -------
    pandas.DataFrame
        Measures as index and columns; NaN for a measure that never varies.
    """
    names = list(data.dissimilarity)
    values = rounded(np.stack([data.dissimilarity[name] for name in names]))
    own = np.arange(len(data.models))
    for g, v in zip(*np.nonzero(data.same), strict=True):
        values[:, g, own, own, v] = np.nan
    values[:, ~np.isfinite(values).all(axis=0)] = np.nan
    ranks = centred_ranks(values.reshape(len(names), -1, values.shape[3] * values.shape[4]))
    norm = np.linalg.norm(ranks, axis=-1, keepdims=True)
    ranks = np.divide(ranks, norm, out=np.full_like(ranks, np.nan), where=norm > 0)
    correlations = np.einsum("arn,brn->abr", ranks, ranks)
    counted = ~np.isnan(correlations)
    with np.errstate(invalid="ignore"):
        mean = np.where(counted, correlations, 0.0).sum(axis=-1) / counted.sum(axis=-1)
    return pd.DataFrame(mean, index=names, columns=names)
