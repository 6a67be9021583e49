"""What networks predict, beyond how often they are right: where two of them differ, and whether they know."""

from __future__ import annotations

import numpy as np

from similitude.benchmark.subtask import Functionality, Pairwise
from similitude.errors import InputError
from similitude.measures.functional import disagreement, jsd

__all__ = ["calibration", "calibration_error", "prediction_differences"]


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
