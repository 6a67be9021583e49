"""What a grade is worth: intervals, significance, comparisons of measures and their ranks, the model being the unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from similitude.benchmark.grading import GradingData
from similitude.benchmark.statistics import bootstrap, comparisons, permutation
from similitude.benchmark.statistics.arrays import GradingArrays
from similitude.benchmark.statistics.places import equivalence_classes, ranks
from similitude.benchmark.statistics.ranks import Correlations, bad_fraction, rounded
from similitude.benchmark.statistics.sampling import Sampling
from similitude.errors import InputError

__all__ = ["STATISTICS", "Assessment", "Statistic", "assess", "extra_permutations"]

Array = NDArray[Any]
Statistic = Literal["spearman", "kendall"]

STATISTICS: tuple[Statistic, ...] = ("spearman", "kendall")

_PER_TEST = 100
"""Permutations per test that p-values are adjusted for."""

_STEP = 10_000


@dataclass(frozen=True)
class Assessment:
    """Statistics of all measures on one functionality of a subtask.

    The unit is what was sampled independently: a model, or a group of models (`Grouping`), which is drawn first and
    then models within it.

    Parameters
    ----------
    table
        One row per measure and statistic (``spearman``, ``kendall``):

        - ``estimate``, ``ci_low``, ``ci_high``, ``p``: against the best reference, averaged over reference layers (and
          groups, if models are compared within groups); expanded percentile interval of a bootstrap over units;
          one-sided p by permuting models.
        - ``every``, ``every_low``, ``every_high``, ``every_p``: averaged over every model as the reference; jackknife
          over units on Fisher's z; the p is given for ``spearman``.
        - ``verdict``, ``tells``, ``leading``, ``apart``, ``every_rank``: what `every` says, see
          `similitude.benchmark.results.Results`.
        - ``within``, ``within_p``, ``maximum``, ``maximum_chance``, ``maximum_p``: for ``spearman``, the
          mean over, and the largest of, the correlations within one reference layer and variant (one depth, one
          deletion level); the largest is judged against the largest under permutation, whose mean is its chance level.
        - ``bad_frac``: share of pairs with dissimilarity among the lowest fifth and functional difference among the
          highest.
        - ``rank``, ``rank_low``, ``rank_high``: place among the measures by ``estimate``, 1 is best, with a bootstrap
          interval; measures that order all pairs identically share one place, and measures that failed on a pair share
          the last.
        - ``equivalent``: names of the measures that share the place because they order pairs identically.
        - ``n_models``, ``n_groups``, ``n_pairs``, ``n_failed``: numbers of models, of groups (0 where models are
          independent), and of pairs with the best references.
    replicates
        Bootstrap values against the best reference, each of shape (resamples, measures); all measures on the same
        resamples.
    leave_one_out
        Values averaged over every reference: of the sample, then without each unit, each of shape
        (1 + units, measures).
    units
        Names of the units, models or groups.
    classes
        Index of the first measure equivalent to each, shape (measures,).
    failed
        Whether each measure failed on any pair, shape (measures,).
    level
        Nominal coverage of all intervals.
    """

    table: pd.DataFrame
    replicates: Correlations
    leave_one_out: Correlations
    units: tuple[str, ...]
    classes: NDArray[np.integer]
    failed: NDArray[np.bool_]
    level: float

    def measures(self) -> list[str]:
        """Measure ids, in the order of the columns of `replicates`."""
        return list(self.table["measure"].unique())

    def without(self, statistic: Statistic = "spearman") -> pd.DataFrame:
        """Average over every reference without each unit: columns statistic, unit, and one per measure.

        NaN for a measure that failed, which is not compared with others.
        """
        values = np.where(self.failed, np.nan, getattr(self.leave_one_out, statistic)[1:])
        values = pd.DataFrame(values, columns=pd.Index(self.measures()))
        return pd.concat([pd.DataFrame({"statistic": statistic, "unit": self.units}), values], axis=1)

    def differences(self, statistic: Statistic = "spearman") -> pd.DataFrame:
        """Is one measure better than another? Paired comparisons on the same models.

        Returns
        -------
        pandas.DataFrame
            One row per pair of measures, first minus second:

            - ``difference``, ``ci_low``, ``ci_high``: against the best reference, by bootstrap;
            - ``every_difference``, ``every_low``, ``every_high``: averaged over every reference, by jackknife, the
              interval for this pair of measures by itself;
            - ``distinct_alone``: that interval excludes 0, so that the two differ if no other pair was looked at;
            - ``distinct``: they differ even so, allowing for all pairs of measures (Holm); False for a measure that
              failed.
        """
        table = self.table[self.table["statistic"] == statistic]
        estimate = table["estimate"].to_numpy(dtype=float)
        names = self.measures()
        first, second = np.triu_indices(len(names), k=1)
        values = getattr(self.replicates, statistic)
        low, high = bootstrap.interval(values[:, first] - values[:, second], len(self.units), level=self.level)
        every = getattr(self.leave_one_out, statistic)
        compared = comparisons.compare(every[0], every[1:], level=self.level)
        distinct = comparisons.distinct(compared, self.classes, ~self.failed, self.level)
        return pd.DataFrame(
            {
                "first": [names[i] for i in first],
                "second": [names[j] for j in second],
                "difference": estimate[first] - estimate[second],
                "ci_low": low,
                "ci_high": high,
                "every_difference": compared.difference[first, second],
                "every_low": compared.low[first, second],
                "every_high": compared.high[first, second],
                "distinct_alone": compared.distinct[first, second],
                "distinct": distinct[first, second],
            }
        )


def assess(
    data: GradingData,
    *,
    resamples: int = 10_000,
    permutations: int = 9_999,
    tests: int = 1,
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
    tests
        Number of tests that Spearman's `p` will be adjusted for (Holm). It gets at least 100 permutations per test, so
        that an adjusted p can be as small as .01.
    level
        Nominal coverage of intervals.
    seed
        Of resamples and permutations.

    Raises
    ------
    InputError
        Fewer than four models, or no measure.
    """
    if len(data.models) < 4:
        raise InputError(f"Statistics over models need at least 4 models, there are {len(data.models)}.")
    if not data.dissimilarity:
        raise InputError("There is no measure to grade.")
    names = list(data.dissimilarity)
    arrays, sampling = GradingArrays.of(data), Sampling.of(data)
    rng = np.random.default_rng(seed)
    boot = sampling.bootstrap(arrays, resamples, rng)
    every = sampling.leave_one_out(arrays)
    tested = _tests(arrays, sampling, permutations, tests, rng)
    failed = _failed(arrays, sampling)
    bad, n_pairs, n_failed = _counts(arrays, sampling)
    classes = equivalence_classes(arrays.dissimilarity, arrays.same)
    sharing = [[n for n, c in zip(names, classes, strict=True) if c == own] for own in classes]
    shared: dict[str, Any] = {
        "equivalent": [", ".join(group) if len(group) > 1 else "" for group in sharing],
        "bad_frac": bad,
        "n_models": sum(len(block) for block in sampling.blocks),
        "n_groups": len(data.blocks) if data.within else len(data.members),
        "n_pairs": n_pairs,
        "n_failed": n_failed,
    }
    frames = []
    for statistic in STATISTICS:
        values = getattr(boot, statistic)
        low, high = bootstrap.interval(values[1:], sampling.n_units, level=level)
        places = ranks(values, classes, n_failed > 0)
        rank_low, rank_high = bootstrap.interval(places[1:], sampling.n_units, level=level)
        against_best = {
            "measure": names,
            "statistic": statistic,
            "estimate": values[0],
            "ci_low": low,
            "ci_high": high,
            "rank": places[0],
            "rank_low": np.floor(rank_low),
            "rank_high": np.ceil(rank_high),
        }
        verdicts = _verdicts(getattr(every, statistic), classes, failed, level)
        frames.append(pd.DataFrame(against_best | verdicts | shared | tested[statistic]))
    of_groups = data.blocks if data.within else data.members
    units = tuple(of_groups) if sampling.groups else tuple(data.models[m] for m in sampling.blocks[0])
    replicates = Correlations(boot.spearman[1:], boot.kendall[1:])
    return Assessment(pd.concat(frames, ignore_index=True), replicates, every, units, classes, failed, level)


def extra_permutations(permutations: int, tests: int) -> int:
    """Number of permutations that Spearman's p needs beyond those given, for 100 per test; a multiple of 10,000.

    In steps, so that statistics kept for one run are found again by another with almost as many tests.
    """
    missing = max(0, _PER_TEST * tests - 1 - permutations)
    return -(-missing // _STEP) * _STEP


def _verdicts(every: Array, classes: NDArray[np.integer], failed: NDArray[np.bool_], level: float) -> dict[str, Any]:
    """Columns that rest on the average over every reference, from values of shape (1 + units, K)."""
    low, high = bootstrap.jackknife_interval(every[1:], every[0], level=level)
    compared = comparisons.compare(every[0], every[1:], level=level)
    return {
        "every": every[0],
        "every_low": low,
        "every_high": high,
        "every_rank": ranks(every[:1], classes, failed)[0],
        "verdict": np.select([low > 0, high < 0], ["tracks", "inverted"], "undecided"),
        "tells": low > 0,
        "leading": comparisons.leading(every[0], compared, classes, ~failed, level),
        "apart": comparisons.distinct(compared, classes, ~failed, level).any(),
    }


def _tests(
    arrays: GradingArrays, sampling: Sampling, permutations: int, tests: int, rng: np.random.Generator
) -> dict[Statistic, dict[str, Array]]:
    """Columns of permutation tests, by statistic."""
    orders = sampling.permutations(permutations, rng)
    spearman = sampling.permuted(permutation.permuted_spearman, arrays, orders).mean(axis=0)
    if extra := extra_permutations(permutations, tests):
        more = [found[1:] for found in sampling.permutations(extra, rng)]
        spearman = np.concatenate(
            [spearman, sampling.permuted(permutation.permuted_spearman, arrays, more).mean(axis=0)]
        )
    kendall = sampling.permuted(permutation.permuted_kendall, arrays, orders).mean(axis=0)
    every = sampling.permuted(permutation.permuted_every, arrays, orders).mean(axis=0)
    within = sampling.permuted(permutation.permuted_spearman, arrays.by_variant(), orders)
    largest, chance, largest_p = permutation.maximum_test(within)
    return {
        "spearman": {
            "p": permutation.p_value(spearman),
            "every_p": permutation.p_value(every),
            "within": _mean(within[:, 0]),
            "within_p": permutation.p_value(_mean(within)),
            "maximum": largest,
            "maximum_chance": chance,
            "maximum_p": largest_p,
        },
        "kendall": {"p": permutation.p_value(kendall)},
    }


def _failed(arrays: GradingArrays, sampling: Sampling) -> NDArray[np.bool_]:
    """Whether each measure failed on any pair of models that are compared, shape (K,)."""
    undefined = np.isnan(arrays.dissimilarity)
    own = np.eye(arrays.merit.shape[1], dtype=bool)[None, :, :, None] & arrays.same[:, None, None]
    undefined &= ~own
    return np.any([undefined[:, :, b][:, :, :, b].any(axis=(1, 2, 3, 4)) for b in sampling.blocks], axis=0)


def _counts(arrays: GradingArrays, sampling: Sampling) -> tuple[Array, NDArray[np.integer], NDArray[np.integer]]:
    """bad_frac averaged over reference layers and blocks, pairs used and pairs failed, each of shape (K,)."""
    bad, used, failed = [], 0, 0
    for block in sampling.blocks:
        merit, difference, dissimilarity, same = arrays.among(block)
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
