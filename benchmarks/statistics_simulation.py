"""Do intervals cover and tests keep their level? Simulated populations of networks, as reported in docs/statistics.md.

    python benchmarks/statistics_simulation.py [--replications 1000] [--seed 0]

A generator draws models, each with scores and a position, and the dissimilarity of a model to a reference. The value
to be covered is that of a large population: the correlation over very many models, against a reference as good as the
best of M, averaged over such references.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import intervals
import numpy as np
from scipy import stats

from similitude.benchmark.statistics import bootstrap, permutation
from similitude.benchmark.statistics.arrays import GradingArrays
from similitude.benchmark.statistics.ranks import weighted_correlations

LARGE = 2_000


@dataclass(frozen=True)
class Generator:
    """A world of networks: V variants of each, the last of which is the reference's layer."""

    name: str
    draw: Callable  # (rng, n) -> score (n, V), position (n, V, D)
    dissimilarity: Callable  # (rng, reference position (..., 1, 1, D), position (n, V, D)) -> (..., n, V)

    def sample(self, rng: np.random.Generator, n: int) -> GradingArrays:
        score, position = self.draw(rng, n)
        values = self.dissimilarity(rng, position[:, -1, None, None], position)
        variants = score.shape[1]
        reference, difference = score[:, -1], np.abs(score[:, -1, None, None] - score)
        same = np.arange(variants)[None] == variants - 1
        return GradingArrays(reference[None], difference[None], values[None, None], same)

    def large_population_value(self, rng: np.random.Generator, n: int, draws: int = 600) -> np.ndarray:
        """(ρ, τ) over many models, of which the reference is the best of n."""
        found = []
        for _ in range(draws):
            score, position = self.draw(rng, n)
            best = np.argmax(score[:, -1])
            others, places = self.draw(rng, LARGE // score.shape[1])
            worse = others[:, -1] < score[best, -1]
            d = self.dissimilarity(rng, position[best, -1], places[worse]).ravel()
            difference = np.abs(score[best, -1] - others[worse]).ravel()
            found.append((stats.spearmanr(d, difference)[0], stats.kendalltau(d, difference)[0]))
        return np.mean(found, axis=0)


def geometry(dimensions: int, leading: float) -> Generator:
    """Networks are points; what they can do is their first coordinate, the dissimilarity their distance, with noise."""

    def draw(rng, n):
        position = rng.normal(size=(n, 1, dimensions))
        position[..., 0] *= leading
        return position[..., 0] + 0.3 * rng.normal(size=(n, 1)), position

    def dissimilarity(rng, reference, position):
        distance = np.linalg.norm(position - reference, axis=-1)
        return distance + 0.3 * rng.normal(size=distance.shape)

    return Generator(f"points in {dimensions} dimensions", draw, dissimilarity)


def difference_and_noise(noise: float, variants: int = 1, depth: float = 0.0) -> Generator:
    """The dissimilarity is the functional difference, plus an effect of the model and noise of the pair."""

    def draw(rng, n):
        layer = depth * np.linspace(-1, 1, variants) if variants > 1 else np.zeros(1)
        score = rng.normal(size=(n, 1)) + layer
        if variants > 1:
            score = score + 0.3 * rng.normal(size=score.shape)
        return score, np.stack([score, rng.normal(size=score.shape)], axis=-1)

    def dissimilarity(rng, reference, position):
        clean = np.abs(reference[..., 0] - position[..., 0])
        return clean + noise * (position[..., 1] + rng.normal(size=clean.shape)) / np.sqrt(2)

    what = f"difference + {noise:g} noise"
    return Generator(what if variants == 1 else f"{what}, {variants} layers", draw, dissimilarity)


def coverage(generator: Generator, n: int, replications: int, rng: np.random.Generator, resamples: int = 1000) -> dict:
    """Share of intervals that hold the large-population ρ and τ, for each kind of interval."""
    target = generator.large_population_value(rng, n)
    hits: dict[str, np.ndarray] = {m: np.zeros(2) for m in intervals.METHODS}
    for _ in range(replications):
        arrays = generator.sample(rng, n)
        weights = [np.ones((1, n)), 1 - np.eye(n), bootstrap.bootstrap_weights(n, resamples, rng)]
        values = np.stack(bootstrap.resampled(arrays, np.concatenate(weights)))[:, :, 0].T
        for method, hit in hits.items():
            low, high = intervals.interval(method, values[n + 1 :], values[0], values[1 : n + 1])
            hit += (low <= target) & (target <= high)
    return {"value": target, **{m: hit / replications for m, hit in hits.items()}}


def coverage_every(generator: Generator, n: int, replications: int, rng: np.random.Generator) -> dict:
    """As `coverage`, for the average over every reference and its jackknife interval."""

    def value(size):
        return np.stack(bootstrap.every_reference(generator.sample(rng, size), np.ones((1, size))))[:, 0, 0]

    target = np.mean([value(150) for _ in range(40)], axis=0)
    hits = np.zeros(2)
    for _ in range(replications):
        weights = np.concatenate([np.ones((1, n)), 1 - np.eye(n)])
        values = np.stack(bootstrap.every_reference(generator.sample(rng, n), weights))[:, :, 0].T
        low, high = bootstrap.jackknife_interval(values[1:], values[0])
        hits += (low <= target) & (target <= high)
    return {"value": target, "jackknife": hits / replications}


def false_positives(
    n: int, variants: int, replications: int, rng: np.random.Generator, permutations: int = 499
) -> dict:
    """Share of one-sided p ≤ .05 when what networks can do has nothing to do with where they are, except by depth."""
    generator = geometry(3, 1.0)
    reject = dict.fromkeys(("models permuted, ρ", "models permuted, τ", "every reference", "within depth"), 0.0)
    reject |= dict.fromkeys(("maximum", "pairs permuted", "as published"), 0.0)
    for _ in range(replications):
        position = rng.normal(size=(n, 1, 3)) + np.linspace(0, 2, variants)[None, :, None]
        values = generator.dissimilarity(rng, position[:, -1, None, None], position)
        score = rng.normal(size=(n, 1)) + np.linspace(0, 2, variants) + 0.3 * rng.normal(size=(n, variants))
        same = np.arange(variants)[None] == variants - 1
        difference = np.abs(score[:, -1, None, None] - score)
        arrays = GradingArrays(score[None, :, -1], difference[None], values[None, None], same)
        orders = permutation.permutations(n, permutations, rng)
        within = permutation.permuted_spearman(arrays.by_variant(), orders)
        p = {
            "models permuted, ρ": permutation.p_value(permutation.permuted_spearman(arrays, orders)[0])[0],
            "models permuted, τ": permutation.p_value(permutation.permuted_kendall(arrays, orders)[0])[0],
            "every reference": permutation.p_value(permutation.permuted_every(arrays, orders)[0])[0],
            "within depth": permutation.p_value(within.mean(axis=0))[0],
            "maximum": permutation.maximum_test(within)[2][0],
        }
        best = np.argmax(score[:, -1])
        difference = np.abs(score[best, -1] - score)
        p["as published"] = _one_sided(values[best].ravel(), difference.ravel())
        p["pairs permuted"] = _pairs_permuted(values[..., -1], score[:, -1], permutations, rng)
        for name, value in p.items():
            reject[name] += value <= 0.05
    return {name: count / replications for name, count in reject.items()}


def _one_sided(d: np.ndarray, difference: np.ndarray) -> float:
    return float(stats.spearmanr(d, difference, alternative="greater")[1])


def _pairs_permuted(d: np.ndarray, score: np.ndarray, permutations: int, rng: np.random.Generator) -> float:
    """What other tools do: all pairs of models, shuffled as if they were independent."""
    pairs = np.triu_indices(len(score), k=1)
    x = stats.rankdata(d[pairs])
    y = stats.rankdata(np.abs(score[pairs[0]] - score[pairs[1]]))
    orders = rng.permuted(np.tile(np.arange(len(x)), (permutations, 1)), axis=1)
    return float((1 + (x @ y[orders].T >= x @ y).sum()) / (permutations + 1))


def inflation(n: int, replications: int, rng: np.random.Generator) -> float:
    """Mean ρ under the null when the reference's pair with itself is kept."""
    score = rng.normal(size=(replications, n))
    total = 0.0
    for s in score:
        best = np.argmax(s)
        d = rng.random((1, n, 1))
        d[0, best] = 0
        total += weighted_correlations(d, np.abs(s[best] - s)[:, None], np.ones((1, n))).spearman[0, 0]
    return total / replications


def main() -> None:
    """Print the tables of docs/statistics.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replications", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    worlds = (
        (geometry(3, 1.0), (10, 20, 40, 100)),
        (geometry(8, 2.0), (10, 20, 40, 100)),
        (difference_and_noise(0.6), (10, 20, 40, 100)),
        (difference_and_noise(2.0), (10, 20, 40, 100)),
        (difference_and_noise(1.0, 12, 1.0), (10, 20)),
    )
    print("| population | models | ρ, τ | expanded percentile | percentile | BCa |")
    print("|---|--:|--:|--:|--:|--:|")
    for generator, sizes in worlds:
        for n in sizes:
            found = coverage(generator, n, options.replications, rng)
            cells = (_both(found[k]) for k in ("value", "expanded_percentile", "percentile", "bca"))
            print(f"| {generator.name} | {n} | " + " | ".join(cells) + " |", flush=True)
    print("\n| population | models | ρ, τ | jackknife, every reference |\n|---|--:|--:|--:|")
    for generator, sizes in worlds[:4]:
        for n in sizes[:3]:
            found = coverage_every(generator, n, options.replications // 2, rng)
            print(f"| {generator.name} | {n} | {_both(found['value'])} | {_both(found['jackknife'])} |", flush=True)
    print("\n| rejected at 5 % | " + " | ".join(f"{n} models × {v}" for n, v, _ in NULLS) + " |")
    print("|---|" + "--:|" * len(NULLS))
    rng = np.random.default_rng([options.seed, 1])
    columns = [false_positives(n, v, int(share * options.replications), rng) for n, v, share in NULLS]
    for test in columns[0]:
        print(f"| {test} | " + " | ".join(f"{c[test]:.3f}" for c in columns) + " |", flush=True)
    for n in (10, 40, 100):
        print(f"\nmean ρ under the null with the pair with itself kept, {n} models: {inflation(n, 2000, rng):.2f}")


NULLS = ((10, 1, 2), (40, 1, 2), (10, 6, 2), (40, 6, 0.5))
"""Models, layers, and replications in terms of those asked for."""


def _both(values: np.ndarray) -> str:
    return ", ".join(f"{v:.3f}" for v in values)


if __name__ == "__main__":
    main()
