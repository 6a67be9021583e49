"""Do p-values of group separation keep their level, and do intervals cover? As reported in docs/statistics.md.

    python benchmarks/separation_simulation.py [--replications 2000] [--seed 0] [--write]

Models are points in six dimensions around one point per group, how far apart those are being the effect; a measure sees
their distances with noise. All is computed by the code that grades measures. `--write` keeps the numbers in
docs/data/separation.csv, from which `documented.py write` puts them into the page.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from similitude.benchmark.statistics.comparisons import compare
from similitude.benchmark.statistics.precision import PairOrder, group_scores
from similitude.benchmark.statistics.separation import (
    auprc_without_each,
    jackknife_error,
    precision_interval,
    separations,
)

FILE = Path(__file__).parents[1] / "docs" / "data" / "separation.csv"
DESIGNS = ((2, 5), (3, 5), (5, 5), (3, 10))
EFFECTS = (0.0, 0.5, 1.0, 1.5, 3.0)
SAMPLES = 999
"""Relabellings where there are too many to enumerate."""


@dataclass(frozen=True)
class World:
    """Models in `groups` groups of `size`; centres of groups stay the same over draws.

    Parameters
    ----------
    groups, size
        Design.
    effect
        Standard deviation of the groups' centres, that of models within a group being 1.
    noise
        Standard deviation of the noise of a pair, by measure.
    shared
        Share of a model's deviation from its group, in variance, that all measures see alike.
    """

    groups: int
    size: int
    effect: float
    noise: tuple[float, ...] = (0.3,)
    shared: float = 1.0

    @property
    def labels(self) -> tuple[str, ...]:
        """Group of each model."""
        return tuple(np.repeat([str(group) for group in range(self.groups)], self.size))

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Distances by each measure, shape (measures, models, models)."""
        centres = self.effect * np.random.default_rng(1).normal(size=(self.groups, 1, 6))
        shape = (self.groups, self.size, 6)
        own = np.zeros((len(self.noise), *shape)) if self.shared == 1 else rng.normal(size=(len(self.noise), *shape))
        places = centres + np.sqrt(self.shared) * rng.normal(size=shape) + np.sqrt(1 - self.shared) * own
        places = places.reshape(len(self.noise), -1, 6)
        distance = np.linalg.norm(places[:, :, None] - places[:, None], axis=-1)
        noise = np.triu(rng.normal(size=distance.shape), 1)
        return distance + np.array(self.noise)[:, None, None] * (noise + np.swapaxes(noise, 1, 2))


def value(world: World, rng: np.random.Generator, draws: int = 4000) -> float:
    """Mean AUPRC over many draws of models."""
    own = np.array(world.labels) == np.unique(world.labels)[:, None]
    return float(np.mean([group_scores(PairOrder.of(world.draw(rng)[0]), own).precision.mean() for _ in range(draws)]))


def bootstrap(matrix: np.ndarray, world: World, rng: np.random.Generator, resamples: int = 300) -> np.ndarray:
    """AUPRC in bootstrap resamples of models within groups; copies of a model make no pair."""
    size = world.size
    drawn = [rng.multinomial(size, np.full(size, 1 / size), size=resamples) for _ in range(world.groups)]
    weights = np.concatenate(drawn, axis=1)[:, None]
    own = np.array(world.labels) == np.unique(world.labels)[:, None]
    inside, outside = (w.reshape(-1, own.shape[1]).astype(float) for w in (weights * own, weights * ~own))
    with np.errstate(invalid="ignore"):
        return np.nanmean(group_scores(PairOrder.of(matrix), inside, outside).precision.reshape(resamples, -1), axis=1)


def chance(world: World, count: int, rng: np.random.Generator) -> dict[str, float]:
    """AUPRC and violation rate of exchangeable models, and the share of p at most .05."""
    matrices = np.stack([world.draw(rng)[0] for _ in range(count)])
    found = separations(matrices[:, None], world.labels, samples=SAMPLES)
    within, across = world.size * (world.size - 1) / 2, world.size**2 * (world.groups - 1)
    low, _ = precision_interval(found.auprc, found.leave_one_out, world.labels)
    return {
        "prevalence": within / (within + across),
        "mean": found.auprc.mean(),
        "sd": found.auprc.std(),
        "upper": np.quantile(found.auprc, 0.95),
        "violation": np.quantile(found.violation, 0.05),
        "level": np.mean(found.p <= 0.05),
        "tracks": np.mean(low > found.chance),
    }


def coverage(world: World, count: int, rng: np.random.Generator) -> dict[str, float]:
    """Share of intervals that hold the value, by method, the width of those reported, and the median p."""
    truth = value(world, rng)
    matrices = np.stack([world.draw(rng)[0] for _ in range(count)])
    found = separations(matrices[:, None], world.labels, samples=SAMPLES)
    low, high = precision_interval(found.auprc, found.leave_one_out, world.labels)
    df = world.groups * (world.size - 1)
    half = stats.t.ppf(0.975, df) * jackknife_error(found.leave_one_out, world.labels)
    resampled = np.array([np.quantile(bootstrap(m, world, rng), [0.025, 0.975]) for m in matrices])
    return {
        "auprc": truth,
        "arcsine": np.mean((low <= truth) & (truth <= high)),
        "plain": np.mean(np.abs(found.auprc - truth) <= half),
        "bootstrap": np.mean((resampled[:, 0] <= truth) & (truth <= resampled[:, 1])),
        "width": np.median(high - low),
        "p": np.median(found.p),
    }


def equal_measures(world: World, count: int, rng: np.random.Generator) -> dict[str, float]:
    """How often do two equally noisy measures differ at 5 %?"""
    differ, n_models = 0, len(world.labels)
    own = (np.array(world.labels) == np.unique(world.labels)[:, None]).astype(float)
    for _ in range(count):
        orders = [PairOrder.of(matrix) for matrix in world.draw(rng)]
        auprc = np.array([group_scores(pairs, own).precision.mean() for pairs in orders])
        without = np.stack([auprc_without_each([pairs], own) for pairs in orders], axis=1)
        grouped = without.reshape(world.groups, world.size, -1)
        deviations = np.sqrt((world.size - 1) / world.size) * (grouped - grouped.mean(axis=1, keepdims=True))
        values = auprc + np.sqrt(n_models / (n_models - 1)) * deviations.reshape(n_models, -1)
        differ += compare(auprc, values, df=n_models - world.groups).distinct[0, 1]
    return {"distinct": differ / count}


def simulate(replications: int, seed: int) -> pd.DataFrame:
    """One row per design, effect and quantity."""
    rows = []

    def keep(what: str, world: World, found: dict[str, float]) -> None:
        print(
            what, world.groups, world.size, world.effect, {k: round(float(v), 3) for k, v in found.items()}, flush=True
        )
        for name, number in found.items():
            rows.append((what, world.groups, world.size, world.effect, name, number))

    for groups, size in DESIGNS:
        rng = np.random.default_rng([seed, groups, size])
        keep("chance", World(groups, size, 0.0), chance(World(groups, size, 0.0), replications, rng))
        for effect in EFFECTS:
            keep("coverage", World(groups, size, effect), coverage(World(groups, size, effect), replications // 4, rng))
        for shared in (1.0, 0.5):
            equal = World(groups, size, 1.0, (0.5, 0.5), shared)
            rng = np.random.default_rng([seed, groups, size, int(2 * shared)])
            keep(f"equal, {shared:g} shared", equal, equal_measures(equal, replications // 4, rng))
    return pd.DataFrame(rows, columns=["what", "groups", "size", "effect", "quantity", "value"])


def main() -> None:
    """Simulate, print, and keep the numbers if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replications", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="keep the numbers in docs/data")
    options = parser.parse_args()
    found = simulate(options.replications, options.seed)
    if options.write:
        found.to_csv(FILE, index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
