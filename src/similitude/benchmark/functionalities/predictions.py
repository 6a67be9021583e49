"""What networks predict, beyond how often they are right: where two of them differ, and whether they know."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from similitude.benchmark.subtask import Functionality, Pairwise
from similitude.errors import InputError, ShapeMismatch

__all__ = ["calibration", "calibration_error", "disagreement", "jsd", "prediction_differences"]


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error: how far confidence is from accuracy, over bins of confidence of equal width.

    Parameters
    ----------
    probabilities
        Of the classes, shape (n, classes).
    labels
        The n true classes, as indices.
    bins
        Number of bins between 0 and 1; a confidence on an edge belongs to the bin below.

    Returns
    -------
    float
        0 (confidence is accuracy) to 1: the mean over bins of |accuracy - confidence|, weighted by the items in each.

    References
    ----------
    Guo et al. 2017, arXiv:1706.04599.
    """
    probabilities, labels = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    if probabilities.ndim != 2 or labels.shape != (len(probabilities),) or not len(labels):
        raise InputError(
            f"Calibration needs probabilities n x classes and n labels; got shapes {probabilities.shape} and "
            f"{labels.shape}."
        )
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    of_bin = np.clip(np.ceil(confidence * bins) - 1, 0, bins - 1).astype(int)
    gaps = np.bincount(of_bin, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def disagreement(first: ArrayLike, second: ArrayLike) -> float:
    """Share of inputs for which the predicted classes differ, in [0, 1].

    Parameters
    ----------
    first, second
        Scores or probabilities of shape (n, classes), or n predicted classes.
    """
    a, b = _classes(first, "first"), _classes(second, "second")
    _check_lengths(a, b)
    return float(np.mean(a != b))


def jsd(first: ArrayLike, second: ArrayLike) -> float:
    """Jensen-Shannon divergence of the predicted distributions, mean over inputs, in nats: in [0, log 2].

    Parameters
    ----------
    first, second
        Probabilities of shape (n, classes).

    References
    ----------
    Lin 1991, doi:10.1109/18.61115
    """
    p, q = _probabilities(first, "first"), _probabilities(second, "second")
    if p.shape != q.shape:
        raise ShapeMismatch(f"Outputs of shapes {p.shape} and {q.shape}; both must be n inputs x classes.")
    middle = (p + q) / 2
    return float(np.clip(np.mean(_divergence(p, middle) + _divergence(q, middle)) / 2, 0.0, np.log(2)))


def calibration(test: str, label: str = "") -> Functionality:
    """Functionality of the scores ``calibration_error/<test>``; the best calibrated model is the reference."""
    return Functionality(f"calibration_error/{test}", f"calibration error, {label or test}", lower_is_better=True)


def prediction_differences(test: str, label: str = "", quality: str = "") -> tuple[Functionality, Functionality]:
    """Functionalities of pairs of models by their predictions: how often they disagree, and Jensen-Shannon divergence.

    Both come from ``predictions/<test>``, kept among a model's results per test item: probabilities of the classes,
    shape (test items, classes).

    Parameters
    ----------
    test
        Name of the test set.
    label
        As in tables; by default the name.
    quality
        Score that chooses the reference; by default ``accuracy/<test>``.
    """
    items, quality, label = f"predictions/{test}", quality or f"accuracy/{test}", label or test
    return (
        Functionality(
            f"disagreement/{test}", f"disagreement, {label}", pairwise=Pairwise(items, disagreement, quality)
        ),
        Functionality(f"jensen_shannon/{test}", f"Jensen-Shannon, {label}", pairwise=Pairwise(items, jsd, quality)),
    )


def _divergence(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return np.sum(np.where(p > 0, p * np.log(np.where(p > 0, p, 1.0) / np.where(p > 0, q, 1.0)), 0.0), axis=1)


def _classes(outputs: ArrayLike, name: str) -> np.ndarray:
    array = np.asarray(outputs)
    if array.ndim not in (1, 2) or array.size == 0:
        raise InputError(f"{name} outputs have shape {array.shape}; give n x classes, or n predicted classes.")
    return array.argmax(axis=1) if array.ndim == 2 else array


def _probabilities(outputs: ArrayLike, name: str) -> np.ndarray:
    array = np.asarray(outputs, dtype=np.float64)
    if array.ndim != 2 or (array < 0).any() or not np.allclose(array.sum(axis=1), 1.0, atol=1e-4):
        raise InputError(f"{name} outputs are not distributions: n x classes, none negative, rows that sum to 1.")
    return array / array.sum(axis=1, keepdims=True)


def _check_lengths(a: np.ndarray, b: np.ndarray) -> None:
    if a.shape != b.shape:
        raise ShapeMismatch(f"{a.size} and {b.size} predictions; both must be of the same inputs.")
