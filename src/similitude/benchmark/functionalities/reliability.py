"""How far the spread of a functionality over models can be trusted."""

from __future__ import annotations

import numpy as np

from similitude.benchmark.subtask import Pairwise
from similitude.errors import InputError

__all__ = ["pairwise_reliability", "split_half_reliability"]


def split_half_reliability(items: np.ndarray, *, splits: int = 200, seed: int = 0) -> float:
    """Share of the spread over models that is not noise of the test items.

    Test items are split into random halves; the models' two mean scores are correlated, and the correlation stepped up
    to the full length by the Spearman-Brown formula 2 r / (1 + r).

    Parameters
    ----------
    items
        Array (models, test items) of results.
    splits
        Number of random splits averaged over.
    seed
        Of the splits.

    Returns
    -------
    float
        1 if every half orders and spaces the models alike; about 0 if their differences are noise, NaN if they do not
        differ at all.

    Examples
    --------
    >>> import numpy as np
    >>> skill = np.linspace(0.2, 0.8, 30)[:, None]
    >>> items = np.random.default_rng(0).random((30, 1000)) < skill
    >>> split_half_reliability(items) > 0.95
    True
    """
    items = np.asarray(items, dtype=np.float64)
    if items.ndim != 2 or min(items.shape) < 2:
        raise InputError(
            f"Split-half reliability needs an array models x test items, at least 2 x 2; got shape {items.shape}."
        )
    length = items.shape[1]
    rng = np.random.default_rng(seed)
    masks = np.argsort(rng.random((splits, length)), axis=1) < length // 2
    halves = [items @ m.T.astype(np.float64) / m.sum(axis=1) for m in (masks, ~masks)]
    first, second = (half - half.mean(axis=0) for half in halves)
    scale = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
    if not (scale > 0).any():
        return float("nan")
    r = float(np.mean((first * second).sum(axis=0)[scale > 0] / scale[scale > 0]))
    return 2 * r / (1 + r)


def pairwise_reliability(pairwise: Pairwise, items: np.ndarray, *, seed: int = 0) -> float:
    """Share of the spread over pairs of models that is not noise of the test items.

    As `split_half_reliability`, of the differences of pairs of models and for one split of the test items.

    Parameters
    ----------
    pairwise
        How two models differ.
    items
        What is kept of each, shape (models, test items, ...).
    seed
        Of the split.

    Returns
    -------
    float
        1 if both halves order and space the pairs alike; NaN if pairs do not differ at all, or there is but one.
    """
    order = np.random.default_rng(seed).permutation(items.shape[1])
    halves = [pairwise.differences(items[:, np.sort(half)]) for half in np.array_split(order, 2)]
    if len(halves[0]) < 2 or any(np.ptp(half) == 0 for half in halves):
        return float("nan")
    r = float(np.corrcoef(halves[0], halves[1])[0, 1])
    return 2 * r / (1 + r)
