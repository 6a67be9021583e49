"""Do intervals over inputs cover, and do differences keep their level? As reported in docs/intervals.md.

    python benchmarks/interval_simulation.py [--replications 100] [--seed 0] [--inputs 50 100 300 1000] [--write]

Each replication draws n inputs, which three representations see: two are equally close to the first. What an interval
is to hold is the mean value over many draws of as many inputs. All is computed by the code of `similitude.interval`.
`--write` keeps the numbers in docs/data/intervals.csv, from which `documented.py write` puts them into the page.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from similitude.engine import score_pairs
from similitude.engine.intervals import find_spread
from similitude.engine.replicates import replicate
from similitude.measures import Measure, get_measures
from similitude.representations import Representation

FILE = Path(__file__).parents[1] / "docs" / "data" / "intervals.csv"
MEASURES = (
    *("cka", "cka(debiased=true)", "cka(kernel=rbf)", "distance_correlation", "rsa(rdm=euclidean,compare=pearson)"),
    *("mean_cca", "mean_squared_cca", "linear_regression", "procrustes", "procrustes_size_and_shape"),
    *("jaccard", "mutual_knn", "rsa(rdm=euclidean)", "rank_similarity", "cknna"),
)
"""Those whose errors follow from the influence of inputs, and some of those that are computed again without some."""

SIZES = {50: 200, 100: 200, 300: 150, 1000: 50}
"""Number of inputs to that of replications, for measures whose errors follow from influences."""

AGAIN = {100: 40, 300: 40}
"""The same for other measures."""

COMPARED = 100
"""Number of inputs for which, of two kinds of data, all measures are also computed again, or by the bootstrap."""

RESAMPLES = 100
_DRAWS = 4
"""Draws of inputs for the mean value, per replication."""


@dataclass(frozen=True)
class World:
    """Inputs with five causes, which each representation mixes into its features, with noise.

    Parameters
    ----------
    name
        Name in tables.
    signal
        Standard deviation of the causes; that of the noise is 2.
    tail
        Standard deviation of the logarithm of the length of inputs: 0 for normal inputs.
    features
        Number of features of each representation.
    """

    name: str
    signal: float = 2.0
    tail: float = 0.0
    features: int = 10

    def draw(self, n: int, rng: np.random.Generator) -> list[Representation]:
        """Three representations, of which the second and third are equally close to the first."""
        causes = self.signal * rng.normal(size=(n, 5))
        length = np.exp(self.tail * rng.normal(size=(n, 1)))
        mixed = np.random.default_rng(1).normal(size=(2, 5, self.features))
        maps = mixed[0], mixed[1], mixed[1] @ np.linalg.qr(np.random.default_rng(2).normal(size=2 * [self.features]))[0]
        return [Representation(length * (causes @ m + 2 * rng.normal(size=(n, self.features)))) for m in maps]


WORLDS = (
    World("related"),
    World("weakly related", signal=0.5),
    World("wide: 40 features", features=40),
    World("heavy-tailed", tail=0.7),
)


def simulate(world: World, n: int, measures: list[Measure], replications: int, seed: int) -> pd.DataFrame:
    """One row per measure: mean value, coverage by all methods and of differences, and errors relative to the true."""
    rng = np.random.default_rng([seed, n, WORLDS.index(world)])

    def values(sides: list[Representation]) -> np.ndarray:
        return score_pairs([(sides[0], side) for side in sides[1:]], measures, workers=1).values

    truth = np.mean([values(world.draw(n, rng)) for _ in range(_DRAWS * replications // 2)], axis=(0, 1))
    inside, differences, by_subsets, by_bootstrap, errors, seen = [], [], [], [], [], []
    for replication in range(replications):
        sides = world.draw(n, rng)
        pairs = [(sides[0], sides[1]), (sides[0], sides[2])]
        found = find_spread(pairs, measures, resamples=RESAMPLES, seed=replication, workers=1)
        low, high = found.ends(0.95)
        inside.append(np.mean((low <= truth) & (truth <= high), axis=0))
        difference = found.values[0] - found.values[1]
        differences.append(np.abs(difference) <= found.quantiles(0.95) * found.difference_errors)
        errors.append(found.errors[0])
        seen.append(found.values[0])
        if n == COMPARED and world in WORLDS[:2] and replication < AGAIN[n]:
            away, quantile = np.abs(found.values[0] - truth), stats.t.ppf(0.975, min(n, RESAMPLES) - 1)
            subsets = replicate(pairs[:1], measures, resamples=RESAMPLES, seed=replication, workers=1)
            by_subsets.append(away <= quantile * subsets.errors()[0])
            drawn = [rng.integers(0, n, n) for _ in range(RESAMPLES)]
            copies = [tuple(side.reordered(rows) for side in pairs[0]) for rows in drawn]
            spread = score_pairs(copies, measures, workers=1).values.std(axis=0, ddof=1)
            by_bootstrap.append(away <= quantile * spread)
    return pd.DataFrame(
        {
            "n": n,
            "world": world.name,
            "measure": [str(measure) for measure in measures],
            "method": found.methods,
            "value": truth,
            "sd": np.std(seen, axis=0, ddof=1),
            "error": np.median(errors, axis=0) / np.std(seen, axis=0, ddof=1),
            "coverage": np.mean(inside, axis=0),
            "differences": np.mean(differences, axis=0),
            "subsets": np.mean(by_subsets, axis=0) if by_subsets else np.nan,
            "bootstrap": np.mean(by_bootstrap, axis=0) if by_subsets else np.nan,
            "replications": replications,
        }
    )


def main() -> None:
    """Simulate, print, and keep the numbers if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measures", nargs="+", default=list(MEASURES))
    parser.add_argument("--data", nargs="+", choices=[world.name for world in WORLDS], help="by default, all kinds")
    parser.add_argument("--replications", type=int, help="by default, more where inputs are few")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--inputs", type=int, nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--write", action="store_true", help="keep the numbers in docs/data")
    options = parser.parse_args()
    measures = get_measures(options.measures)
    kinds = [([m for m in measures if m.has_influence], SIZES), ([m for m in measures if not m.has_influence], AGAIN)]
    for (some, replications), n in product(kinds, options.inputs):
        for world in WORLDS if some and n in replications else ():
            if options.data and world.name not in options.data:
                continue
            found = simulate(world, n, some, options.replications or replications[n], options.seed)
            print(found.round(3).to_string(index=False), flush=True)
            if options.write:
                _keep(found)


def _keep(found: pd.DataFrame) -> None:
    """Put rows in the place of those of the same size, world and measure."""
    if FILE.exists():
        found = pd.concat([pd.read_csv(FILE), found]).drop_duplicates(["n", "world", "measure"], keep="last")
    worlds = [world.name for world in WORLDS]
    order = {"world": worlds.index, "measure": MEASURES.index}
    found = found.sort_values(
        ["n", *order], key=lambda column: column.map(order[column.name]) if column.name in order else column
    )
    found.to_csv(FILE, index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
