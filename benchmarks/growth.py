"""How the engine's time grows with pairs, inputs and features: a table, and a figure on log axes with fitted slopes.

python benchmarks/growth.py --figure docs/images/growth.png
"""

from __future__ import annotations

import itertools
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from clock import Clock, options

from engine import population, wrapped
from similitude import get_measures
from similitude.engine import score_pairs

BASE = {"representations": 10, "inputs": 2000, "features": 256}
GROWS = {
    "pairs": ("representations", (5, 10, 20, 40, 80)),
    "inputs": ("inputs", (500, 1000, 2000, 4000, 8000, 16000)),
    "features": ("features", (32, 64, 128, 256, 512, 1024)),
}
MEASURES = {
    "cka": "cka",
    "cka, procrustes, mean_cca": "cka,procrustes,mean_cca",
    "with pwcca": "cka,procrustes,mean_cca,pwcca",
}


def points(what: str, measures: str, clock: Clock, repeat: int, cores: int) -> tuple[list[int], list[float]]:
    """Amounts and median seconds."""
    name, values = GROWS[what]
    amounts, times = [], []
    for value in values:
        size = {**BASE, name: value}
        arrays = population(size["representations"], size["inputs"], size["features"])
        pairs = list(itertools.combinations(range(len(arrays)), 2))

        def work(arrays: list[np.ndarray] = arrays, pairs: list[tuple[int, int]] = pairs) -> None:
            reps = wrapped(arrays)
            score_pairs([(reps[i], reps[j]) for i, j in pairs], get_measures(measures), workers=cores)

        amounts.append(len(pairs) if what == "pairs" else value)
        times += clock.in_turn([work], repeat, warm_up=True)
    return amounts, times


def main() -> None:
    parser = options(__doc__, GROWS, repeat=3)
    parser.add_argument("--figure", type=Path, help="where to write the figure")
    chosen = parser.parse_args()
    figure, axes = plt.subplots(1, len(chosen.only), figsize=(3.6 * len(chosen.only), 3.4), sharey=True, squeeze=False)
    print("| grows | measures | time | slope |\n|---|---|---|---|")
    for axis, what in zip(axes[0], chosen.only, strict=True):
        for label, measures in MEASURES.items():
            amounts, times = points(what, measures, Clock(chosen.clock), chosen.repeat, chosen.cores)
            # Where fixed costs no longer matter: the larger half.
            upper = slice(len(amounts) // 2, None)
            slope, height = np.polyfit(np.log(amounts[upper]), np.log(times[upper]), 1)
            listed = ", ".join(f"{amount:,}: {time:.3g} s" for amount, time in zip(amounts, times, strict=True))
            print(f"| {what} | {label} | {listed} | {slope:.2f} |", flush=True)
            (line,) = axis.loglog(amounts, times, "o", markersize=4, label=f"{label}: slope {slope:.2f}")
            axis.loglog(amounts[upper], np.exp(height) * np.array(amounts[upper]) ** slope, color=line.get_color())
        fixed = [f"{BASE[name]:,} {name}" for name in BASE if name != GROWS[what][0]]
        axis.set(xlabel=f"number of {what}", title=" and ".join(fixed))
        axis.title.set_fontsize("small")
        axis.legend(fontsize="x-small", frameon=False)
    axes[0, 0].set_ylabel(f"seconds ({chosen.clock} time, {chosen.cores} cores)")
    if chosen.figure:
        figure.tight_layout()
        figure.savefig(chosen.figure, dpi=150)


if __name__ == "__main__":
    main()
