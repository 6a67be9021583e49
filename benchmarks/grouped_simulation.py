"""Do intervals of grouped models cover, and do verdicts keep their level? As reported in docs/statistics.md.

    python benchmarks/grouped_simulation.py [--replications 400] [--seed 0]

Models come in groups, as fine-tunings of one checkpoint do. A group has an offset in what its models can do and in
where they are, and its own strength of the relation between the two. All is computed by the code that grades measures.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import pandas as pd

from similitude.benchmark.statistics import bootstrap, comparisons, permutation
from similitude.benchmark.statistics.arrays import GradingArrays
from similitude.benchmark.statistics.mean_ranks import mean_ranks
from similitude.benchmark.statistics.places import ranks
from similitude.benchmark.statistics.sampling import Sampling


@dataclass(frozen=True)
class World:
    """Populations of `groups` groups of `size` models, compared within groups or across; 1 group is none.

    Parameters
    ----------
    groups, size, within
        Design.
    strength
        Mean share of function in position, 0 to 1; under 0 the two have nothing to do with each other. Groups vary
        about it.
    noise
        Noise of each measure, one number each, part of it per model and part per pair.
    offset
        Standard deviation of groups' offsets, that of models within a group being 1.
    """

    groups: int
    size: int
    within: bool
    strength: float = 0.6
    noise: tuple[float, ...] = (0.5,)
    offset: float = 1.0

    @property
    def name(self) -> str:
        """Design in words."""
        if self.groups == 1:
            return f"{self.size} models"
        return f"{self.groups} × {self.size} {'within' if self.within else 'across'}"

    @property
    def sampling(self) -> Sampling:
        """How the population was sampled."""
        models = np.arange(self.groups * self.size)
        groups = tuple(models.reshape(self.groups, self.size)) if self.groups > 1 else ()
        return Sampling(groups, groups) if self.within and groups else Sampling((models,), groups)

    def draw(self, rng: np.random.Generator) -> GradingArrays:
        """One population and one functionality."""
        return self.functionalities(rng, 1)[0]

    def functionalities(self, rng: np.random.Generator, count: int) -> list[GradingArrays]:
        """One population and several functionalities.

        Positions have three dimensions; functionality f is dimension f modulo 3, as far as it has to do with position.
        """
        c, n = self.groups, self.size
        offset = self.offset * (c > 1)
        place = rng.normal(size=(c, n, 3)) + offset * rng.normal(size=(c, 1, 3))
        distance = np.linalg.norm(place.reshape(-1, 1, 3) - place.reshape(-1, 3), axis=-1)
        values = []
        for noise in self.noise:
            pairs, models = rng.normal(size=distance.shape), rng.normal(size=len(distance))
            values.append(distance + noise * (np.triu(pairs, 1) + np.triu(pairs, 1).T + models + models[:, None]) / 2)
        dissimilarity = np.stack(values)[:, None, ..., None]
        found = []
        for f in range(count):
            spread = 0.3 if self.strength and c > 1 else 0.0
            strength = np.clip(self.strength + spread * rng.uniform(-1, 1, size=(c, 1)), 0, 1)
            own = rng.normal(size=(c, n)) + offset * rng.normal(size=(c, 1))
            score = (strength * place[..., f % 3] + np.sqrt(1 - strength**2) * own).ravel()
            between = np.abs(score[:, None] - score)[None, :, :, None]
            found.append(GradingArrays(score[None], between, dissimilarity, np.array([[True]])))
        return found


def value(world: World, rng: np.random.Generator, populations: int = 300) -> tuple[float, float]:
    """Mean ρ over many populations of the size, by the best reference and by every reference."""
    ones = np.ones((1, world.groups * world.size))
    best, every = [], []
    for _ in range(populations):
        arrays = world.draw(rng)
        if len(world.sampling.blocks) > 1:
            best.append(world.sampling.bootstrap(arrays, 1, rng).spearman[0, 0])
            every.append(world.sampling.leave_one_out(arrays).spearman[0, 0])
        else:
            best.append(bootstrap.resampled(arrays, ones).spearman[0, 0])
            every.append(bootstrap.every_reference(arrays, ones).spearman[0, 0])
    return float(np.mean(best)), float(np.mean(every))


def coverage(world: World, replications: int, rng: np.random.Generator, resamples: int = 400) -> dict[str, float]:
    """Share of intervals that hold the value, and median width of the jackknife's."""
    best, every = value(world, rng)
    hits = np.zeros(2)
    widths = []
    for _ in range(replications):
        arrays = world.draw(rng)
        boot = world.sampling.bootstrap(arrays, resamples, rng).spearman[:, 0]
        low, high = bootstrap.interval(boot[1:], world.sampling.n_units)
        without = world.sampling.leave_one_out(arrays).spearman[:, 0]
        every_low, every_high = bootstrap.jackknife_interval(without[1:], without[0])
        hits += (low <= best <= high), (every_low <= every <= every_high)
        widths.append(every_high - every_low)
    covered = hits / replications
    return {"best": best, "every": every, "bootstrap": covered[0], "jackknife": covered[1], "width": np.median(widths)}


def false_verdicts(world: World, replications: int, rng: np.random.Generator, permutations: int = 199) -> dict:
    """Shares of p ≤ .05, of "tracks" and of "inverted" in a world in which nothing is to be found."""
    counts = dict.fromkeys(("p", "every_p", "tracks", "inverted"), 0.0)
    for _ in range(replications):
        arrays = world.draw(rng)
        orders = world.sampling.permutations(permutations, rng)
        without = world.sampling.leave_one_out(arrays).spearman[:, 0]
        low, high = bootstrap.jackknife_interval(without[1:], without[0])
        for name, test in (("p", permutation.permuted_spearman), ("every_p", permutation.permuted_every)):
            permuted = world.sampling.permuted(test, arrays, orders).mean(axis=0)
            counts[name] += permutation.p_value(permuted)[0] <= 0.05
        counts["tracks"] += low > 0
        counts["inverted"] += high < 0
    return {name: count / replications for name, count in counts.items()}


def false_comparisons(world: World, replications: int, rng: np.random.Generator) -> dict[str, float]:
    """Equally good measures: how often is the first not leading, some pair distinct, and without adjustment?"""
    counts = dict.fromkeys(("not leading", "not leading, unadjusted", "some distinct", "some distinct alone"), 0.0)
    measures = np.arange(len(world.noise))
    usable = np.ones(len(measures), dtype=bool)
    for _ in range(replications):
        without = world.sampling.leave_one_out(world.draw(rng)).spearman
        compared = comparisons.compare(without[0], without[1:])
        best = int(np.argmax(without[0]))
        counts["not leading"] += not comparisons.leading(without[0], compared, measures, usable)[0]
        counts["not leading, unadjusted"] += compared.distinct[best, 0]
        counts["some distinct"] += comparisons.distinct(compared, measures, usable, 0.95).any()
        counts["some distinct alone"] += compared.distinct.any()
    return {name: count / replications for name, count in counts.items()}


def rank_coverage(world: World, rows: int, replications: int, rng: np.random.Generator) -> dict[str, float]:
    """Two populations, `rows` functionalities on each: coverage of the intervals of mean ranks, and their mean width.

    What is to be covered is the mean of the mean ranks over replications.
    """
    measures = [f"m{k}" for k in range(len(world.noise))]
    found = []
    for _ in range(replications):
        frames, without = [], []
        for population in range(2):
            for f, arrays in enumerate(world.functionalities(rng, rows)):
                every = world.sampling.leave_one_out(arrays).spearman
                places = ranks(every[:1], np.arange(len(measures)), np.zeros(len(measures), dtype=bool))[0]
                labels = {"subtask": str(population), "functionality": str(f)}
                columns = {"measure": measures, "every": every[0], "every_rank": places, "equivalent": ""}
                frames.append(pd.DataFrame(columns).assign(**labels))
                units = {"population": str(population), "unit": np.arange(len(every) - 1)}
                without.append(pd.DataFrame(every[1:], columns=pd.Index(measures)).assign(**labels, **units))
        found.append(mean_ranks(pd.concat(frames), pd.concat(without)).to_numpy())
    mean, low, high = np.moveaxis(found, 2, 0)
    target = mean.mean(axis=0)
    covered = ((low <= target) & (target <= high)).mean(axis=0)
    return {"lowest": covered.min(), "mean": covered.mean(), "width": (high - low).mean()}


DESIGNS = (
    (1, 20, True),
    (2, 20, True),
    (3, 20, True),
    (5, 20, True),
    (10, 10, True),
    (3, 6, False),
    (6, 6, False),
)


def main() -> None:
    """Print the tables of docs/statistics.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replications", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    count = options.replications
    tables = (
        ("models", {}, coverage),
        ("null", {"strength": 0.0}, false_verdicts),
        ("7 equal measures", {"noise": (0.5,) * 7}, false_comparisons),
        (
            "mean ranks, 5 measures",
            {"noise": (0.3, 0.4, 0.6, 1.0, 2.0)},
            lambda world, count, rng: rank_coverage(world, 4, count // 2, rng),
        ),
    )
    for title, change, simulate in tables:
        header = ""
        for groups, size, within in DESIGNS:
            world = World(groups, size, within, **change)
            found = simulate(world, count, np.random.default_rng([options.seed, groups, size]))
            if not header:
                header = f"\n| {title} | " + " | ".join(found) + " |\n|---|" + "--:|" * len(found)
                print(header)
            print(f"| {world.name} | " + " | ".join(f"{v:.3f}" for v in found.values()) + " |", flush=True)


if __name__ == "__main__":
    main()
