"""Data on which declarations can be told from lies, and the transformations that tell them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from similitude.measures import Invariance

__all__ = ["INPUTS", "TRANSFORMATIONS", "WIDTHS", "Case", "draw", "related"]

INPUTS = 90
WIDTHS = ((12, 16), (14, 14), (18, 12))
"""Narrow with wide, equal, wide with narrow; all above ten, so that keeping ten components cuts."""


class Case(NamedTuple):
    """Two representations of the same inputs."""

    x: np.ndarray
    y: np.ndarray


def draw(rng: np.random.Generator, n: int, d: int, signal: np.ndarray | None = None) -> np.ndarray:
    """Representation with a mean and a decaying spectrum, some of it a nonlinear trace of a shared signal.

    The spectrum falls to a twentieth, so that the last directions hold less than a hundredth of the variance;
    the features are mixed, so that a permutation is not a symmetry of the distribution.
    """
    spectrum = np.geomspace(1.0, 0.05, d)
    latent = rng.normal(size=(n, d))
    if signal is not None:
        latent += 1.5 * np.tanh(signal @ rng.normal(size=(signal.shape[1], d)))
    mixing = np.linalg.qr(rng.normal(size=(d, d)))[0]
    return (latent * spectrum) @ mixing + 0.5 * rng.normal(size=d)


def related(rng: np.random.Generator, widths: tuple[int, int], n: int = INPUTS) -> Case:
    """Two representations that share a signal, neither the same nor independent."""
    signal = rng.normal(size=(n, 3))
    return Case(draw(rng, n, widths[0], signal), draw(rng, n, widths[1], signal))


def _permute(rng: np.random.Generator, a: np.ndarray) -> np.ndarray:
    return a[:, np.roll(rng.permutation(a.shape[1]), 1)]


def _rotate(rng: np.random.Generator, a: np.ndarray) -> np.ndarray:
    return a @ np.linalg.qr(rng.normal(size=(a.shape[1], a.shape[1])))[0]


def _scale(rng: np.random.Generator, a: np.ndarray) -> np.ndarray:
    return a * rng.uniform(2.0, 4.0)


def _translate(rng: np.random.Generator, a: np.ndarray) -> np.ndarray:
    return a + rng.normal(size=a.shape[1])


def _mix(rng: np.random.Generator, a: np.ndarray) -> np.ndarray:
    return _rotate(rng, _rotate(rng, a) * np.geomspace(0.25, 4.0, a.shape[1]))


TRANSFORMATIONS: dict[Invariance, tuple[str, Callable[[np.random.Generator, np.ndarray], np.ndarray]]] = {
    Invariance.PERMUTATION: ("permutation of features", _permute),
    Invariance.ORTHOGONAL: ("orthogonal transformation", _rotate),
    Invariance.SCALING: ("isotropic scaling", _scale),
    Invariance.TRANSLATION: ("translation", _translate),
    Invariance.LINEAR: ("invertible linear transformation", _mix),
}
