"""Does the value of a chosen layer hold its level? As reported in docs/how-to/layers.md.

    python benchmarks/layer_choice_simulation.py [--replications 100] [--seed 0] [--inputs 100] [--write]

Each replication draws n inputs, a target of 10 features, and 12 layers of 10 features: unrelated to the target, equally
related to it (no layer is best), or one more than others. The interval of `similitude.choose_layer` is to hold the
mean of its value over all draws. Beside it stands what one would do without halves: the value and interval of the layer
that is best on all inputs, which is to hold that layer's own mean value. `--write` keeps the numbers in
docs/data/layer_choice.csv, from which `documented.py write` puts them into the page.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from similitude import choose_layer

FILE = Path(__file__).parents[1] / "docs" / "data" / "layer_choice.csv"
MEASURES = ("cka(debiased=true)", "procrustes")
LAYERS, FEATURES = 12, 10
SPLITS, RESAMPLES = 10, 60
WORLDS = {
    "unrelated": np.full(LAYERS, np.inf),
    "equally related": np.full(LAYERS, 2.0),
    "one is best": np.array([*[2.5] * 5, 2.0, *[2.5] * 6]),
}
"""Standard deviation of the noise of each layer, where the target's is 1."""


def draw(noise: np.ndarray, n: int, rng: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Layers and a target."""
    target = rng.normal(size=(n, FEATURES))
    own = rng.normal(size=(LAYERS, n, FEATURES))
    layers = {}
    for i, (sd, values) in enumerate(zip(noise, own, strict=True)):
        layers[f"layer.{i}"] = values if np.isinf(sd) else target + sd * values
    return layers, target


def simulate(world: str, measure: str, n: int, replications: int, seed: int) -> dict:
    """Coverage and bias, with and without halves."""
    rng = np.random.default_rng([seed, n, list(WORLDS).index(world), MEASURES.index(measure)])
    options = {"splits": SPLITS, "resamples": RESAMPLES, "workers": 1}
    found = []
    for replication in range(replications):
        layers, target = draw(WORLDS[world], n, rng)
        found.append(choose_layer(layers, target, measure, **options, seed=replication))
    quantile = stats.t.ppf(0.975, RESAMPLES - 1)
    values = np.array([one.value for one in found])
    truth = values.mean()
    of_layers = pd.concat([one.layers for one in found]).groupby("layer")["value"].mean()
    best = [one.layers.set_index("layer").loc[one.layer] for one in found]
    of_best = np.array([of_layers[one.layer] for one in found])
    better = -1 if measure == "procrustes" else 1
    return {
        "n": n,
        "world": world,
        "measure": measure,
        "value": truth,
        "sd": values.std(ddof=1),
        "error": np.median([one.high - one.low for one in found]) / (2 * quantile * values.std(ddof=1)),
        "coverage": np.mean([one.low <= truth <= one.high for one in found]),
        "gap": np.mean([one.gap for one in found]),
        "naive_bias": np.mean([better * (row["value"] - mean) for row, mean in zip(best, of_best, strict=True)]),
        "naive_coverage": np.mean([row["low"] <= mean <= row["high"] for row, mean in zip(best, of_best, strict=True)]),
        "replications": replications,
    }


def main() -> None:
    """Simulate, print, and keep the numbers if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replications", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--inputs", type=int, nargs="+", default=[100])
    parser.add_argument("--write", action="store_true", help="keep the numbers in docs/data")
    options = parser.parse_args()
    rows = []
    for n in options.inputs:
        for measure in MEASURES:
            for world in WORLDS:
                rows.append(simulate(world, measure, n, options.replications, options.seed))
                print(pd.DataFrame(rows[-1:]).round(3).to_string(index=False, header=len(rows) == 1), flush=True)
                if options.write:
                    pd.DataFrame(rows).to_csv(FILE, index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
