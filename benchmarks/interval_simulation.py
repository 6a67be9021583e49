"""Do intervals over inputs cover, and do differences keep their level? As reported in docs/intervals.md.

    python benchmarks/interval_simulation.py [--replications 100] [--seed 0] [--inputs 100 300 1000] [--write]

Each replication draws n inputs, which three representations see: two are equally close to the first. What an interval
is to hold is the mean value over many draws of as many inputs. All is computed by the code of `similitude.interval`.
`--write` keeps the numbers in docs/data/intervals.csv, from which `documented.py write` puts them into the page.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from similitude.engine import score_pairs
from similitude.engine.intervals import replicate
from similitude.measures import get_measures
from similitude.representations import Representation

FILE = Path(__file__).parents[1] / "docs" / "data" / "intervals.csv"
MEASURES = ("cka", "cka(debiased=true)", "mean_cca", "procrustes", "rsa(rdm=euclidean)", "jaccard")
"""Of each family one: kernels, biased and not; canonical correlations; alignment; ranks of distances; neighbours."""

SIZES = (100, 300, 1000)
RESAMPLES = 100
_DRAWS = 10
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


def simulate(world: World, n: int, replications: int, seed: int) -> pd.DataFrame:
    """One row per measure: mean value, coverage of both methods and of differences, and errors relative to the true."""
    rng = np.random.default_rng([seed, n, WORLDS.index(world)])
    measures = get_measures(MEASURES)

    def values(sides: list[Representation]) -> np.ndarray:
        return score_pairs([(sides[0], side) for side in sides[1:]], measures, workers=1).values

    truth = np.mean([values(world.draw(n, rng)) for _ in range(_DRAWS * replications // 2)], axis=(0, 1))
    inside, differences, by_bootstrap, errors, seen = [], [], [], [], []
    for replication in range(replications):
        sides = world.draw(n, rng)
        pairs = [(sides[0], sides[1]), (sides[0], sides[2])]
        found = replicate(pairs, measures, resamples=RESAMPLES, seed=replication, workers=1)
        low, high = found.ends(0.95)
        inside.append((low[0] <= truth) & (truth <= high[0]))
        difference = found.values[0] - found.values[1]
        quantile = stats.t.ppf(0.975, found.df)
        differences.append(np.abs(difference) <= quantile * found.errors(found.without[:, 0] - found.without[:, 1]))
        errors.append(found.errors()[0])
        seen.append(found.values[0])
        if n == min(SIZES):
            drawn = [rng.integers(0, n, n) for _ in range(RESAMPLES)]
            copies = [tuple(side.reordered(rows) for side in pairs[0]) for rows in drawn]
            spread = score_pairs(copies, measures, workers=1).values.std(axis=0, ddof=1)
            by_bootstrap.append(np.abs(found.values[0] - truth) <= quantile * spread)
    return pd.DataFrame(
        {
            "n": n,
            "world": world.name,
            "measure": list(MEASURES),
            "value": truth,
            "sd": np.std(seen, axis=0, ddof=1),
            "error": np.median(errors, axis=0) / np.std(seen, axis=0, ddof=1),
            "coverage": np.mean(inside, axis=0),
            "differences": np.mean(differences, axis=0),
            "bootstrap": np.mean(by_bootstrap, axis=0) if by_bootstrap else np.nan,
            "replications": replications,
        }
    )


def main() -> None:
    """Simulate, print, and keep the numbers if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replications", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--inputs", type=int, nargs="+", choices=SIZES, default=SIZES)
    parser.add_argument("--write", action="store_true", help="keep the numbers in docs/data")
    options = parser.parse_args()
    for n in options.inputs:
        for world in WORLDS[:: {100: 1, 300: 3, 1000: 4}[n]]:
            found = simulate(world, n, options.replications, options.seed)
            print(found.round(3).to_string(index=False), flush=True)
            if options.write:
                _keep(found)


def _keep(found: pd.DataFrame) -> None:
    """Put rows in the place of those of the same size and world."""
    if FILE.exists():
        kept = pd.read_csv(FILE)
        same = (kept["n"] == found["n"].iloc[0]) & (kept["world"] == found["world"].iloc[0])
        found = pd.concat([kept[~same], found]).sort_values("n", kind="stable")
    found.to_csv(FILE, index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
