"""Values without some of the inputs, again and again: how those of any measure vary."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from similitude.engine.compute import Pairs, Progress, Scored, score_pairs
from similitude.errors import InputError, SimilitudeWarning
from similitude.factors.memory import MEMORY
from similitude.measures import Measure
from similitude.representations.representation import Representation

__all__ = ["Replicates", "replicate"]

_LEFT_OUT = 0.2
"""Share of the inputs that each replicate does without: a few would move ranks and neighbours hardly at all, and many
would leave too few for measures of covariances, whose values depend on inputs per feature."""


@dataclass(frozen=True)
class Replicates:
    """Values of measures for pairs without some of the inputs.

    Parameters
    ----------
    n
        Number of inputs.
    left_out
        Number of inputs that each replicate does without.
    without
        Replicates, of shape (resamples, pairs, measures). The same inputs are left out for all pairs and measures.
    failures
        (pair index, measure index) to the reason why a replicate has no value.
    """

    n: int
    left_out: int
    without: np.ndarray
    failures: dict[tuple[int, int], str]

    def errors(self, of: np.ndarray | None = None) -> np.ndarray:
        """Return standard errors of the values, or of what was computed from the replicates.

        For a mean of n independent terms, the mean without d of them has d / (n - d) times the variance of the mean.

        Parameters
        ----------
        of
            Array of shape (resamples, ...); by default the replicates.
        """
        spread = np.std(self.without if of is None else of, axis=0, ddof=1)
        return spread * math.sqrt((self.n - self.left_out) / self.left_out)

    @property
    def df(self) -> int:
        """Degrees of freedom of the errors."""
        return min(len(self.without), self.n) - 1


def replicate(
    pairs: Pairs,
    measures: Sequence[Measure],
    *,
    resamples: int = 100,
    seed: int = 0,
    progress: Progress | None = None,
    workers: int | None = None,
    memory: int = MEMORY,
) -> Replicates:
    """Compute measures for pairs of representations without a random fifth of the inputs, many times.

    Parameters
    ----------
    pairs
        Ordered pairs of representations of the same inputs.
    measures
        The measures.
    resamples
        Number of replicates.
    seed
        Seed of the choice of inputs.
    progress
        Called with the number of replicates finished and the number of replicates in all.
    workers, memory
        See `similitude.engine.compute.score_pairs`.

    Raises
    ------
    InputError
        Fewer than 2 resamples.
    """
    n = pairs[0][0].n
    if resamples < 2:
        raise InputError(f"resamples must be at least 2, not {resamples}.")
    column = {str(measure): j for j, measure in enumerate(measures)}
    failures: dict[tuple[int, int], str] = {}
    left_out = round(_LEFT_OUT * n)
    rng = np.random.default_rng(seed)
    kept = [np.sort(rng.permutation(n)[left_out:]) for _ in range(resamples)]
    sides = list({id(side.root): side.root for pair in pairs for side in pair}.values())
    together = max(1, int(memory // 4 // max(1, sum(side.values.nbytes for side in sides))))
    without = np.full((resamples, len(pairs), len(measures)), np.nan)
    for start in range(0, resamples, together):
        part = kept[start : start + together]
        tell = None if progress is None else partial(_tell, progress, start, len(part), resamples)
        found = _score_parts(pairs, sides, part, measures, progress=tell, workers=workers, memory=memory)
        without[start : start + len(part)] = found.values.reshape(len(part), len(pairs), len(measures))
        for i, name, reason in found.failures:
            cell = i % len(pairs), column[name]
            failures.setdefault(cell, f"It has no value without a fifth of the inputs. {reason}")
    return Replicates(n, left_out, without, failures)


def _score_parts(
    pairs: Pairs,
    sides: Sequence[Representation],
    parts: Sequence[np.ndarray],
    measures: Sequence[Measure],
    **options: Any,
) -> Scored:
    """Score all pairs on each part of the inputs."""
    asked = []
    for rows in parts:
        of_rows = {id(side): side.reordered(rows) for side in sides}
        asked += [tuple(_view(of_rows[id(side.root)], side) for side in pair) for pair in pairs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SimilitudeWarning)  # said of all inputs already
        return score_pairs(asked, measures, **options)


def _tell(progress: Progress, start: int, count: int, resamples: int, done: int, total: int) -> None:
    """Pass on how many of all replicates are finished, from how many pairs of `count` replicates are."""
    progress(start + count * done // total, resamples)


def _view(root: Representation, side: Representation) -> Representation:
    return root if side.kept is None else root.truncate(side.kept)
