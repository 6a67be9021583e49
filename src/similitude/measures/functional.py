"""How differently two networks behave: functions of their outputs, not of their representations."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from similitude.errors import InputError, ShapeMismatch

__all__ = ["accuracy_difference", "disagreement", "jsd"]


def accuracy_difference(first: ArrayLike, second: ArrayLike, labels: ArrayLike) -> float:
    """Absolute difference of the accuracies, in [0, 1].

    Parameters
    ----------
    first, second
        Scores or probabilities of shape (n, classes), or n predicted classes.
    labels
        The n true classes.
    """
    a, b, truth = _classes(first, "first"), _classes(second, "second"), np.asarray(labels)
    _check_lengths(a, b)
    _check_lengths(a, truth)
    return float(abs(np.mean(a == truth) - np.mean(b == truth)))


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
