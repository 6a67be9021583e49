"""What a grade is worth: intervals, significance, comparisons of measures and their ranks, the model being the unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from similitude.benchmark import mantel, resampling
from similitude.benchmark.ranks import Correlations, bad_fraction, rounded
from similitude.benchmark.subtask import GradingData
from similitude.errors import InputError

__all__ = ["STATISTICS", "Assessment", "Statistic", "assess", "equivalence_classes", "holm"]

Array = NDArray[Any]
Statistic = Literal["spearman", "kendall"]

STATISTICS: tuple[Statistic, ...] = ("spearman", "kendall")


@dataclass(frozen=True)
class Assessment:
    """Statistics of all measures on one functionality of a subtask.

    Parameters
    ----------
    table
        One row a measure and statistic (``spearman``, ``kendall``):

        - ``estimate``, ``ci_low``, ``ci_high``, ``p``: against the best reference, averaged over reference layers;
          expanded percentile interval of a bootstrap over models; one-sided p by permuting models.
        - ``every``, ``every_low``, ``every_high``, ``every_p``: averaged over every model as the reference; jackknife
          over models on Fisher's z; the p is given for ``spearman``.
        - ``within``, ``within_p``, ``maximum``, ``maximum_chance``, ``maximum_p``: for ``spearman``, the
          mean over, and the largest of, the correlations within one reference layer and variant (one depth, one
          deletion level); the largest is judged against the largest under permutation, whose mean is its chance level.
        - ``bad_frac``: share of pairs with dissimilarity among the lowest fifth and functional difference among the
          highest.
        - ``rank``, ``rank_low``, ``rank_high``: place among the measures, 1 is best, with a bootstrap interval;
          measures that order all pairs identically share one place, and measures that failed on a pair share the last.
        - ``equivalent``: names of the measures that share the place because they order pairs identically.
        - ``n_models``, ``n_pairs``, ``n_failed``: of the pairs with the best references.
    replicates
        Bootstrap values, each of shape (resamples, measures); all measures on the same resamples.
    n_models
        Number of models resampled.
    level
        Nominal coverage of all intervals.
    """

    table: pd.DataFrame
    replicates: Correlations
    n_models: int
    level: float

    def measures(self) -> list[str]:
        """Measure ids, in the order of the columns of `replicates`."""
        return list(self.table["measure"].unique())

    def differences(self, statistic: Statistic = "spearman") -> pd.DataFrame:
        """Is one measure better than another? Paired bootstrap over the same resamples of models.

        Returns
        -------
        pandas.DataFrame
            One row a pair of measures: first, second, difference (first minus second), ci_low, ci_high, and
            ``distinct``, True where the interval leaves out 0.
        """
        names = self.measures()
        estimate = self._estimates(statistic)
        first, second = np.triu_indices(len(names), k=1)
        values = getattr(self.replicates, statistic)
        low, high = resampling.interval(
            values[:, first] - values[:, second],
            estimate[first] - estimate[second],
            self.n_models,
            level=self.level,
        )
        return pd.DataFrame(
            {
                "first": [names[i] for i in first],
                "second": [names[j] for j in second],
                "difference": estimate[first] - estimate[second],
                "ci_low": low,
                "ci_high": high,
                "distinct": (low > 0) | (high < 0),
            }
        )

    def _estimates(self, statistic: Statistic) -> Array:
        return self.table.loc[self.table["statistic"] == statistic, "estimate"].to_numpy(dtype=float)


def assess(
    data: GradingData,
    *,
    resamples: int = 10_000,
    permutations: int = 9_999,
    level: float = 0.95,
    seed: int = 0,
) -> Assessment:
    """Compute all statistics of a subtask's functionality.

    Parameters
    ----------
    data
        Scores and dissimilarities. A dissimilarity that is NaN or infinite is a failure: its pair is left out for that
        measure and counted.
    resamples, permutations
        Of models.
    level
        Nominal coverage of intervals.
    seed
        Of resamples and permutations.

    Raises
    ------
    InputError
        Fewer than four models, or no measure.
    """
    n_models = len(data.models)
    if n_models < 4:
        raise InputError(f"Statistics over models need at least 4 models, there are {n_models}.")
    if not data.dissimilarity:
        raise InputError("There is no measure to grade.")
    names = list(data.dissimilarity)
    dissimilarity = np.stack([np.where(np.isfinite(d), d, np.nan) for d in data.dissimilarity.values()])
    arrays = (data.merit, data.difference, dissimilarity, data.same)
    rng = np.random.default_rng(seed)

    weights = resampling.bootstrap_weights(n_models, resamples, rng)
    sample = np.ones((1, n_models))
    boot = resampling.resampled(*arrays, np.concatenate([sample, weights]))
    left_out = np.concatenate([sample, 1 - np.eye(n_models)])
    every = resampling.every_reference(*arrays, left_out)

    orders = mantel.permutations(n_models, permutations, rng)
    p = {
        "spearman": mantel.p_value(mantel.permuted_spearman(*arrays, orders).mean(axis=0)),
        "kendall": mantel.p_value(mantel.permuted_kendall(*arrays, orders).mean(axis=0)),
    }
    every_p = mantel.p_value(mantel.permuted_every(*arrays, orders).mean(axis=0))
    within = mantel.permuted_spearman(*mantel.within_variant(*arrays), orders)
    maximum = mantel.maximum_test(within)
    bad, n_pairs, n_failed = _counts(*arrays)

    equivalent = equivalence_classes(dissimilarity, data.same)
    sharing = [[n for n, c in zip(names, equivalent, strict=True) if c == own] for own in equivalent]
    failed = n_failed > 0
    frames = []
    for statistic in STATISTICS:
        values = getattr(boot, statistic)
        of_every = getattr(every, statistic)
        estimate = values[0]
        low, high = resampling.interval(values[1:], estimate, n_models, level=level)
        every_low, every_high = resampling.jackknife_interval(of_every[1:], of_every[0], level=level)
        ranks = _ranks(values, equivalent, failed)
        rank_low, rank_high = resampling.interval(ranks[1:], ranks[0], n_models, level=level)
        columns = {
            "measure": names,
            "statistic": statistic,
            "estimate": estimate,
            "ci_low": low,
            "ci_high": high,
            "p": p[statistic],
            "every": of_every[0],
            "every_low": every_low,
            "every_high": every_high,
            "rank": ranks[0],
            "rank_low": np.floor(rank_low),
            "rank_high": np.ceil(rank_high),
            "equivalent": [", ".join(group) if len(group) > 1 else "" for group in sharing],
            "bad_frac": bad,
            "n_models": n_models,
            "n_pairs": n_pairs,
            "n_failed": n_failed,
        }
        if statistic == "spearman":
            columns |= {
                "every_p": every_p,
                "within": _mean(within[:, 0]),
                "within_p": mantel.p_value(_mean(within)),
                "maximum": maximum[0],
                "maximum_chance": maximum[1],
                "maximum_p": maximum[2],
            }
        frames.append(pd.DataFrame(columns))
    replicates = Correlations(boot.spearman[1:], boot.kendall[1:])
    return Assessment(pd.concat(frames, ignore_index=True), replicates, n_models, level)


def holm(p: Sequence[float] | Array) -> Array:
    """Holm's step-down adjustment of p-values for being many; NaN stays NaN and is not counted.

    References
    ----------
    Holm 1979, Scandinavian Journal of Statistics 6.
    """
    values = np.asarray(p, dtype=float)
    tested = np.flatnonzero(~np.isnan(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    adjusted = np.full(values.shape, np.nan)
    scaled = values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0) if len(order) else scaled
    return adjusted


def equivalence_classes(dissimilarity: Array, same: NDArray[np.bool_], tolerance: float = 1e-9) -> NDArray[np.integer]:
    """Number the measures so that those that order every reference's pairs identically share a number.

    Parameters
    ----------
    dissimilarity
        Shape (K, G, M, M, V).
    same
        Shape (G, V): the variant that is the reference itself, whose own pair does not count.
    tolerance
        Share of a reference's spread by which an order may be broken and still be rounding.

    Returns
    -------
    Array
        Shape (K,): for each measure the index of the first measure equivalent to it.
    """
    n_measures, n_groups, n_models, _, n_variants = dissimilarity.shape
    values = dissimilarity.copy()
    own = np.arange(n_models)
    for g in range(n_groups):
        for v in np.flatnonzero(same[g]):
            values[:, g, own, own, v] = np.nan
    values = values.reshape(n_measures, n_groups * n_models, n_models * n_variants)
    classes = np.arange(n_measures)
    for k in range(n_measures):
        for first in np.unique(classes[:k]):
            if _same_order(values[first], values[k], tolerance):
                classes[k] = first
                break
    return classes


def _same_order(a: Array, b: Array, tolerance: float) -> bool:
    if not np.array_equal(np.isnan(a), np.isnan(b)):
        return False
    return _rises_with(a, b, tolerance) and _rises_with(b, a, tolerance)


def _rises_with(a: Array, b: Array, tolerance: float) -> bool:
    """Whether b never falls where a rises, nor varies where a is tied, row by row."""
    for x, y in zip(a, b, strict=True):
        x, y = x[~np.isnan(x)], y[~np.isnan(y)]
        y = y[np.lexsort((-y, x))]
        if len(y) and np.any(np.maximum.accumulate(y) - y > tolerance * np.ptp(y)):
            return False
    return True


def _ranks(values: Array, equivalent: NDArray[np.integer], failed: NDArray[np.bool_]) -> Array:
    """Place of each measure in each row of (B, K) values; equivalent measures are one, failures come last."""
    usable = np.where(failed, np.nan, values)
    firsts, place = np.unique(np.where(failed, -1, equivalent), return_inverse=True)
    leaders = firsts[firsts >= 0]
    best = np.nan_to_num(usable[:, leaders], nan=-np.inf)
    # Ties within 1e-9 are rounding; NaN, an undefined correlation, shares the last place.
    ranks = 1 + (best[:, None, :] > best[:, :, None] + 1e-9).sum(axis=-1)
    ranks = np.where(np.isinf(best), len(leaders) if not failed.any() else len(leaders) + 1, ranks)
    if failed.any():
        last = np.full((len(values), 1), len(leaders) + 1)
        ranks = np.concatenate([last, ranks], axis=1)
    return ranks[:, place].astype(float)


def _counts(
    merit: Array, difference: Array, dissimilarity: Array, same: NDArray[np.bool_]
) -> tuple[Array, NDArray[np.integer], NDArray[np.integer]]:
    """bad_frac averaged over reference layers, pairs used and pairs failed, each of shape (K,)."""
    bad, used, failed = [], 0, 0
    for g, best in enumerate(np.argmax(merit, axis=1)):
        pairs = np.ones(difference[g, best].shape, dtype=bool)
        pairs[best, same[g]] = False
        x = rounded(dissimilarity[:, g, best][:, pairs])
        y = rounded(difference[g, best])[pairs]
        bad.append(bad_fraction(x, y))
        used = used + (~np.isnan(x)).sum(axis=1)
        failed = failed + np.isnan(x).sum(axis=1)
    return np.mean(bad, axis=0), np.asarray(used), np.asarray(failed)


def _mean(values: Array) -> Array:
    """Mean over groups; a group in which nothing varies has no say."""
    counted = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(counted, values, 0.0).sum(axis=0) / counted.sum(axis=0)
