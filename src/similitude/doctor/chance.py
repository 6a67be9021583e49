"""What CKA reaches by chance: with few inputs and many features, unrelated representations look alike."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

import numpy as np

from similitude.errors import SimilitudeWarning
from similitude.linalg.scale import exponent_of, largest_of, scaled
from similitude.linalg.sketches import spanning
from similitude.measures import Measure
from similitude.representations.representation import Representation, row_blocks

__all__ = ["NOTABLE", "chance_of_cka", "chance_of_spectrum", "sphericity", "warn_of_chance"]

NOTABLE = 0.3
"""Value of CKA by chance from which it is worth a warning."""

_ROUGHLY = 0.8
"""Share of it from which an estimate is made exact."""

_CHEAP = 10_000_000
"""Operations up to which an estimate saves nothing."""

_IN_MEMORY = 50_000_000
"""Entries from which data are read a piece at a time."""


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
    first, second = ([r for r in side if r.has_features] for side in (first, second))
    if not (first and second):
        return
    # The trace of a Gram matrix of rank d is at most sqrt(d) times its norm, so that narrow sides need no look.
    widest, n = max(r.d for r in first) * max(r.d for r in second), first[0].n
    if widest**0.5 < NOTABLE * (n - 1):
        return
    distinct = {r.content_hash: r for r in (*first, *second)}
    quotients = {key: _roughly_sphericity(r.values) for key, r in distinct.items()}
    pairs = [(x, y) for x in first for y in second if x.content_hash != y.content_hash]
    chances = [chance_of_spectrum(n, quotients[x.content_hash], quotients[y.content_hash]) for x, y in pairs]
    if max(chances, default=0.0) < _ROUGHLY * NOTABLE:
        return
    x, y = pairs[int(np.argmax(chances))]
    worst = chance_of_spectrum(n, sphericity(x.values), sphericity(y.values))
    if worst >= NOTABLE:
        turned = " If they are features x inputs, pass their transposes." if n < min(x.d, y.d) else ""
        warnings.warn(
            f"CKA of {x.key} and {y.key} would be {worst:.2f} by chance: n = {n} inputs are few for {x.d} and {y.d} "
            f"features. Use more inputs, or cka(debiased=true), which is about 0 by chance.{turned}",
            SimilitudeWarning,
            stacklevel=3,
        )


def _roughly_sphericity(values: np.ndarray) -> float:
    """Return `sphericity` to a few percent where it is large, at a fraction of the price for large data."""
    n, d = values.shape
    if n * d * min(n, d) <= _CHEAP or n * d > _IN_MEMORY:
        return sphericity(values)
    exponent = exponent_of(largest_of(values))
    centred = scaled(values.astype(np.float64), -exponent)
    centred -= centred.mean(axis=0)
    centred = centred.astype(np.float32)

    def apply(vectors: np.ndarray) -> np.ndarray:
        return centred @ (centred.T @ vectors)

    norm = float(np.linalg.norm(apply(spanning(apply, n))))
    return float(np.vdot(centred, centred)) / norm if norm else 0.0


def sphericity(values: np.ndarray) -> float:
    """Quotient tr K / ||K|| of the centred Gram matrix: the square root of the participation ratio of its spectrum."""
    n, d = values.shape
    exponent = exponent_of(max(largest_of(block) for _, block in row_blocks(values)))
    mean = sum(scaled(block.astype(np.float64), -exponent).sum(axis=0) for _, block in row_blocks(values)) / n
    gram = np.zeros((min(n, d),) * 2)
    # A piece at a time of the longer axis, since the whole may be larger than memory.
    for start, piece in row_blocks(values if n > d else values.T):
        piece = scaled(piece.astype(np.float64), -exponent)
        centred = piece - mean if n > d else piece - mean[start : start + len(piece), None]
        gram += centred.T @ centred
    norm = float(np.linalg.norm(gram))
    return float(np.trace(gram)) / norm if norm else 0.0
