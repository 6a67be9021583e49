"""Linear probes: what can be read off a representation, from many labels or from a few."""

from __future__ import annotations

import warnings

import numpy as np

from similitude.errors import InputError

__all__ = ["few_shot_share", "predict", "probe_correct"]


def probe_correct(
    train_x: np.ndarray,
    train_y: np.ndarray,
    test_x: np.ndarray,
    test_y: np.ndarray,
    *,
    standardise: bool = True,
    penalty: float = 1.0,
    max_iterations: int = 200,
) -> np.ndarray:
    """Which test items a linear probe gets right: logistic regression on centred and scaled features.

    Parameters
    ----------
    train_x, test_x
        Features, shape (items, d). Scales and means are those of the training items.
    train_y, test_y
        Class labels.
    standardise
        Scale each feature to variance 1. False scales all by one number: the probe then does not change when the
        representation is rotated, and directions of little variance count for little.
    penalty
        Inverse strength C of the L2 penalty.
    max_iterations
        Of L-BFGS; a probe that has not converged by then is used as it is.

    Returns
    -------
    numpy.ndarray
        Booleans, one per test item; their mean is the probe's accuracy.
    """
    mean = train_x.mean(axis=0, dtype=np.float64)
    variance = train_x.var(axis=0, dtype=np.float64)
    scale = np.sqrt(variance if standardise else variance.mean())
    scale = np.where(scale > 0, scale, 1.0)
    predicted = predict((train_x - mean) / scale, train_y, (test_x - mean) / scale, penalty, max_iterations)
    return np.asarray(predicted == test_y)


def predict(
    train_x: np.ndarray, train_y: np.ndarray, test_x: np.ndarray, penalty: float = 1.0, max_iterations: int = 200
) -> np.ndarray:
    """Predict classes by logistic regression on features as they are; parameters are those of `probe_correct`."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    probe = LogisticRegression(C=penalty, max_iter=max_iterations)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return probe.fit(train_x, train_y).predict(test_x)


_FEW_SHOT_ITERATIONS = 40
"""Of a probe that learns from a few examples: more hardly change its answers."""


def few_shot_share(
    train_x: np.ndarray,
    train_y: np.ndarray,
    test_x: np.ndarray,
    test_y: np.ndarray,
    *,
    shots: int,
    draws: int = 20,
    seed: int = 0,
) -> np.ndarray:
    """Share of linear probes, each trained on a few examples of every class, that get each test item right.

    How quickly a network learns something new with all but a read-out as it is. Features are scaled by one number.

    Parameters
    ----------
    train_x, test_x
        Features, shape (items, d).
    train_y, test_y
        Class labels; classes that the network was not trained to tell apart.
    shots
        Training examples of each class.
    draws
        Number of probes; each draws its own examples.
    seed
        Of the draws; networks given the same seed learn from the same examples.

    Returns
    -------
    numpy.ndarray
        Shape (test items,), 0 to 1; the mean is the few-shot accuracy.

    Raises
    ------
    InputError
        A class has fewer training examples than `shots`.
    """
    of_class = [np.flatnonzero(train_y == label) for label in np.unique(train_y)]
    fewest = min(map(len, of_class))
    if fewest < shots:
        raise InputError(f"A class has {fewest} training examples; {shots}-shot transfer needs at least {shots}.")
    rng = np.random.default_rng(seed)
    right = np.zeros(len(test_y))
    for _ in range(draws):
        drawn = np.concatenate([rng.choice(members, shots, replace=False) for members in of_class])
        right += probe_correct(
            train_x[drawn], train_y[drawn], test_x, test_y, standardise=False, max_iterations=_FEW_SHOT_ITERATIONS
        )
    return right / draws
