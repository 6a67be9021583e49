"""Few-label linear probes: how well a layer, whole or truncated, can be read out by ten labels a class."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from similitude.benchmark.functionalities.probes import predict
from similitude.errors import InputError

__all__ = ["deletion_curve", "kept_components", "probe_share"]

_SHARES_KEPT = (1.0, 0.74, 0.48, 0.22)
_KEPT = (16, 12, 8, 6, 5, 4, 3, 2, 1)


def kept_components(d: int) -> tuple[int, ...]:
    """Numbers of leading principal components on the deletion grid, from all d down to 1.

    Like the grid of the paper (Ding et al. 2021), coarse where nothing happens and fine at the end: ten classes need
    about nine components, and accuracy falls from there.
    """
    return tuple(sorted({round(share * d) for share in _SHARES_KEPT} | {k for k in _KEPT if k <= d}, reverse=True))


def probe_share(values: np.ndarray, labels: np.ndarray, folds: int, fits: int | None = None) -> np.ndarray:
    """Share of linear probes that get each item right, each trained on one small fold and tested on all others.

    Few labels tell layers apart, where probes with many all come near the network's own accuracy; testing on the
    inputs that the measures compare makes probe and measure see the same matrix. Features are centred and scaled by
    one number, not one each, so the probe, like most measures, does not change when the representation is rotated, and
    directions of little variance count for little: standardising principal components would make probes *better* the
    more of them are deleted.

    Parameters
    ----------
    values
        Representation, shape (n, d).
    labels
        Classes, shape (n,).
    folds
        Number of folds; each has n / folds items, all classes alike.
    fits
        Number of folds on which a probe is trained; by default all.

    Returns
    -------
    numpy.ndarray
        Shape (n,), 0 to 1; the mean is the probe accuracy.
    """
    centred = values - values.mean(axis=0, dtype=np.float64)
    scaled = centred / (np.sqrt(np.mean(centred**2)) or 1.0)
    right, tested = np.zeros(len(values)), np.zeros(len(values))
    for train, test in _folds(labels, folds, fits):
        right[test] += predict(scaled[train], labels[train], scaled[test]) == labels[test]
        tested[test] += 1
    return right / tested


def deletion_curve(
    values: np.ndarray, labels: np.ndarray, folds: int, fits: int | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """Probe the leading principal components of a representation, level by level.

    Yields
    ------
    deleted, share
        Number of components deleted, and `probe_share` of those left, coordinates U_k S_k of the centred data: what a
        measure sees of a truncated `Representation`.
    """
    left, singular, _ = np.linalg.svd(values - values.mean(axis=0, dtype=np.float64), full_matrices=False)
    d = values.shape[1]
    for kept in kept_components(d):
        yield d - kept, probe_share(left[:, :kept] * singular[:kept], labels, folds, fits)


def _folds(labels: np.ndarray, folds: int, fits: int | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Masks of training and test items; items of a class are dealt out to the folds in turn."""
    fold = np.empty(len(labels), dtype=int)
    fold[np.argsort(labels, kind="stable")] = np.arange(len(labels)) % folds
    for chosen in range(folds if fits is None else min(fits, folds)):
        train = fold == chosen
        if len(np.unique(labels[train])) < 2:
            raise InputError(
                f"{len(labels)} test images in {folds} folds are too few to fit linear probes. Use more test images."
            )
        yield train, ~train
