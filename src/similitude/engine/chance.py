"""What CKA reaches by chance: with few inputs and many features, unrelated representations look alike."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

import numpy as np

from similitude.errors import SimilitudeWarning
from similitude.measures import Measure
from similitude.representations.representation import Representation

__all__ = ["chance_of_cka", "chance_of_spectrum", "sphericity", "warn_of_chance"]

_NOTABLE = 0.3


def chance_of_cka(x: np.ndarray, y: np.ndarray) -> float:
    r"""Mean of biased linear CKA over all ways of pairing the rows of `y` with those of `x`.

    With centred Gram matrices K and L it is tr K tr L / ((n - 1) ||K|| ||L||), since the mean of P L P' over
    permutations P is a multiple of the centring matrix. For isotropic features and n << d it approaches 1.

    Parameters
    ----------
    x, y
        Arrays of shape (n, d_x) and (n, d_y).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> round(chance_of_cka(rng.normal(size=(32, 2048)), rng.normal(size=(32, 2048))), 2)
    0.98
    """
    n = len(x)
    return chance_of_spectrum(n, sphericity(x), sphericity(y))


def chance_of_spectrum(n: int, first: float, second: float) -> float:
    """The same from tr K / ||K|| of both sides."""
    return min(1.0, first * second / (n - 1))


def warn_of_chance(
    first: Sequence[Representation], second: Sequence[Representation], measures: Iterable[Measure]
) -> None:
    """Warn if biased linear CKA is asked for where chance alone gives a notable value."""
    if not any(str(measure) == "cka" for measure in measures):
        return
    every = (*first, *second)
    # The trace of a Gram matrix of rank d is at most sqrt(d) times its norm, so that narrow sides need no look.
    if max(r.d for r in every) < _NOTABLE * (every[0].n - 1):
        return
    trace = {r.content_hash: sphericity(r.values) for r in every}
    pairs = [(x, y) for x in first for y in second if x.content_hash != y.content_hash]
    chances = [chance_of_spectrum(x.n, trace[x.content_hash], trace[y.content_hash]) for x, y in pairs]
    worst = max(chances, default=0.0)
    if worst >= _NOTABLE:
        x, y = pairs[chances.index(worst)]
        warnings.warn(
            f"CKA of {x.key} and {y.key} would be {worst:.2f} by chance: n = {x.n} inputs are few for {x.d} and {y.d} "
            "features. Use more inputs, or cka(debiased=true), which is about 0 by chance.",
            SimilitudeWarning,
            stacklevel=3,
        )


def sphericity(values: np.ndarray) -> float:
    """Quotient tr K / ||K|| of the centred Gram matrix: the square root of the participation ratio of its spectrum."""
    centred = values - values.mean(axis=0, dtype=np.float64)
    gram = centred @ centred.T if centred.shape[0] <= centred.shape[1] else centred.T @ centred
    norm = float(np.linalg.norm(gram))
    return float(np.trace(gram)) / norm if norm else 0.0
