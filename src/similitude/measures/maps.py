"""Linear maps that bring two representations together, and what a measure makes of the two where they meet."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from similitude.errors import SimilitudeWarning
from similitude.factors.linear import SVD, Centred, Mean, ThinSVD
from similitude.factors.pair import Pair, Side, as_numpy

__all__ = [
    "Maps",
    "Value",
    "canonical",
    "centred_sides",
    "correlations",
    "distance",
    "matched",
    "mean_correlation",
    "offsets",
    "prediction",
    "principal",
    "rotated",
    "rotation",
    "squared_chord",
    "weighted_correlation",
]

Value = Callable[[np.ndarray, np.ndarray], float]
"""What a measure makes of two mapped sides, n x k each."""


@dataclass(frozen=True)
class Maps:
    """A linear map of each side into a space of k dimensions, where they are compared: (X - offset) @ matrix.

    Parameters
    ----------
    matrices
        d_x x k and d_y x k.
    offsets
        What is subtracted of each feature first; d_x and d_y.
    value
        The measure's value for the mapped sides, for the inputs that were fitted or others.
    predicts
        Map from the second side to the features of the first, d_y x d_x, where there is one.
    scale
        Factor in it that brings the second side to the size of the first.
    matches
        Position of a feature of the first side and of the second, one row per match.
    masses
        Of each match, of each pair of canonical variates, or None where all count alike.
    """

    matrices: tuple[np.ndarray, np.ndarray]
    offsets: tuple[np.ndarray, np.ndarray]
    value: Value
    predicts: np.ndarray | None = None
    scale: float = 1.0
    matches: np.ndarray | None = None
    masses: np.ndarray | None = None


def offsets(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Mean of each feature of both sides."""
    return as_numpy(pair.x[Mean()]), as_numpy(pair.y[Mean()])


def centred_sides(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Centred features of both sides."""
    return as_numpy(pair.x[Centred()]), as_numpy(pair.y[Centred()])


def principal(side: Side) -> SVD:
    """SVD of the centred features, as arrays of NumPy."""
    return SVD(*(as_numpy(part) for part in side[ThinSVD()]))


def rotation(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Orthogonal matrix that brings y closest to x, the narrower padded with zeros, and the sum of singular values.

    Warns
    -----
    SimilitudeWarning
        These inputs leave directions that both have undetermined.
    """
    narrow, width = sorted((x.shape[1], y.shape[1]))
    products = np.zeros((width, width))
    products[: y.shape[1], : x.shape[1]] = y.T @ x
    left, s, right = np.linalg.svd(products)
    rank = int(np.sum(s > width * np.finfo(np.float64).eps * s[0]))
    if rank < narrow:
        warnings.warn(
            f"The inputs determine the rotation in {rank} of {narrow} dimensions; in the others it is arbitrary, and "
            "so are scores of inputs that reach there. Use more inputs, or fewer features.",
            SimilitudeWarning,
            stacklevel=5,
        )
    return left @ right, float(s.sum())


def rotated(pair: Pair, value: Value, *, centred: bool = True, scaled: bool = False) -> Maps:
    """Maps that turn the second side to the first: the identity and a rotation.

    Parameters
    ----------
    pair
        The two sides.
    value
        See `Maps`.
    centred
        Whether means are subtracted.
    scaled
        Whether a prediction of the first side scales the second by the factor of least squares.
    """
    x, y = centred_sides(pair) if centred else (as_numpy(pair.x.values), as_numpy(pair.y.values))
    origin = offsets(pair) if centred else (np.zeros(x.shape[1]), np.zeros(y.shape[1]))
    turn, nuclear = rotation(x, y)
    scale = nuclear / float(np.sum(y * y)) if scaled else 1.0
    matrices = np.eye(x.shape[1], len(turn)), turn[: y.shape[1]]
    return Maps(matrices, origin, value, scale * turn[: y.shape[1], : x.shape[1]], scale)


def canonical(pair: Pair, value: Value, kept: tuple[int, int] | None = None) -> Maps:
    """Maps to canonical variates, uncorrelated and of length 1 on the inputs fitted, best correlated first.

    Parameters
    ----------
    pair
        The two sides.
    value
        See `Maps`.
    kept
        Numbers of leading principal components of which the variates are made; by default the ranks.
    """
    x, y = principal(pair.x), principal(pair.y)
    p, q = kept or (x.rank, y.rank)
    left, _, right = np.linalg.svd(x.u[:, :p].T @ y.u[:, :q], full_matrices=False)
    matrices = x.v[:, :p] / x.s[:p] @ left, y.v[:, :q] / y.s[:q] @ right.T
    return Maps(matrices, offsets(pair), value)


def prediction(pair: Pair, weights: np.ndarray) -> Maps:
    """Maps that predict the first side from the second: the identity and regression weights."""
    return Maps((np.eye(len(weights[0])), weights), offsets(pair), explained, predicts=weights)


def matched(pair: Pair, matches: tuple[np.ndarray, np.ndarray], value: Value, masses: np.ndarray | None = None) -> Maps:
    """Maps that pick features: column k is the k-th match."""
    matrices = np.eye(pair.x.values.shape[1])[:, matches[0]], np.eye(pair.y.values.shape[1])[:, matches[1]]
    return Maps(matrices, offsets(pair), value, matches=np.column_stack(matches), masses=masses)


def explained(x: np.ndarray, predicted: np.ndarray) -> float:
    """Share of the squared deviations from the fitted mean that is predicted."""
    return 1.0 - float(np.sum((x - predicted) ** 2) / np.sum(x**2))


def correlations(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Pearson correlation of each column of x with the same of y; 0 where one is constant over these inputs."""
    x, y = _standardised(x), _standardised(y)
    return np.clip(np.sum(x * y, axis=0), -1.0, 1.0)


def _standardised(columns: np.ndarray) -> np.ndarray:
    centred = columns - columns.mean(axis=0)
    norms, before = np.linalg.norm(centred, axis=0), np.linalg.norm(columns, axis=0)
    norms[norms <= len(columns) * np.finfo(np.float64).eps * before] = np.inf
    return centred / norms


def mean_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Mean Pearson correlation of columns."""
    return float(correlations(x, y).mean())


def weighted_correlation(weights: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    """Weighted sum of the correlations of columns."""
    return float(weights @ correlations(x, y))


def distance(x: np.ndarray, y: np.ndarray) -> float:
    """Frobenius norm of the difference."""
    return float(np.linalg.norm(x - y))


def squared_chord(x: np.ndarray, y: np.ndarray) -> float:
    """Squared distance between the two after each is divided by its Frobenius norm; from 0 to 4."""
    return float(np.sum((x / np.linalg.norm(x) - y / np.linalg.norm(y)) ** 2))
