"""How many outlying rows take its meaning from a measure? As reported in docs/robustness.md.

    python benchmarks/breakdown.py [--write] [--measures ID ...]

A share of the rows of a representation is moved far away, along one direction, and the result is compared with the
original (Davari et al. 2022, arXiv:2210.16156). What is retained is 1 where a measure finds them the same, and 0 where
it finds them as far apart as representations that have nothing to do with each other. `--write` keeps the numbers in
docs/data/breakdown.csv, the share at which half is lost beside the measures, where `similitude measures` finds it, and
draws docs/images/breakdown.png; `documented.py write` puts the numbers into the page.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from similitude.errors import SimilitudeError
from similitude.measures import BUILT_IN, Measure, get_measure
from similitude.report.numbers import number
from similitude.report.style import SEQUENTIAL, inches, new_figure, style

ROOT = Path(__file__).parents[1]
FILE, FIGURE = ROOT / "docs" / "data" / "breakdown.csv", ROOT / "docs" / "images" / "breakdown.png"
DECLARED = ROOT / "src" / "similitude" / "measures" / "breakdown.csv"
N, D = 200, 20
SHARES = (1 / N, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
FAR = 100.0
"""Distance by which rows are moved, in units of the typical length of a row."""

DISTANCES = (1.0, 5.0, 20.0, FAR)
"""Distances by which a tenth of the rows are moved."""

SETTINGS = ("cka(debiased=true)", "cka(kernel=rbf)", "rsa(rdm=euclidean)", "rsa(rdm=euclidean,compare=pearson)")
"""Besides the defaults."""


def draw(rng: np.random.Generator, n: int = N) -> np.ndarray:
    """Normal rows, of typical length 1, whose variances fall with the reciprocal of their place."""
    basis = np.linalg.qr(rng.normal(size=(D, D)))[0]
    scale = np.arange(1, D + 1) ** -0.5
    return rng.normal(size=(n, D)) * (scale / np.linalg.norm(scale)) @ basis + rng.normal(size=D) / D**0.5


def moved(x: np.ndarray, share: float, distance: float, rng: np.random.Generator) -> np.ndarray:
    """A copy in which a share of the rows, at least one, is moved by a distance along one direction."""
    found, direction = x.copy(), rng.normal(size=x.shape[1])
    rows = rng.choice(len(x), max(1, round(share * len(x))), replace=False)
    found[rows] += distance * direction / np.linalg.norm(direction)
    return found


def retained(measure: Measure, share: float, distance: float, draws: int) -> tuple[float, float]:
    """What is left of the difference between the same and unrelated, and the value; means over draws."""
    found = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        x, unrelated = draw(rng), draw(rng)
        same = x
        if measure.properties().exempt_from_self:  # which compares samples of features
            same = x @ np.random.default_rng(seed + draws).normal(size=(D, D))
        values = [measure(x, other) for other in (same, unrelated, moved(same, share, distance, rng))]
        near, far, outlying = (measure.dissimilarity(value) for value in values)
        found.append(((far - outlying) / (far - near), values[-1]))
    kept, value = np.mean(found, axis=0)
    return float(kept), float(value)


def curves(measures: list[str], draws: int) -> pd.DataFrame:
    """One row per measure, share and distance."""
    rows = []
    for name in measures:
        measure = get_measure(name)
        for share, distance in [*((s, FAR) for s in SHARES), *((0.1, d) for d in DISTANCES[:-1])]:
            try:
                kept, value = retained(measure, share, distance, draws)
            except SimilitudeError:  # such as all distances equal but for rounding, or nothing left to compare
                kept = value = float("nan")
            rows.append((name, share, distance, kept, value))
        print(name, *(f"{row[3]:.3f}" for row in rows[-len(SHARES) - len(DISTANCES) + 1 :]), flush=True)
    return pd.DataFrame(rows, columns=["measure", "share", "distance", "retained", "value"])


def figure(frame: pd.DataFrame) -> Figure:
    """What measures retain: a row per measure, the most robust on top, and a column per share of rows."""
    far = frame[frame["distance"] == FAR]
    found = far.pivot(index="measure", columns="share", values="retained").clip(0, 1)
    found = found.loc[found.mean(axis=1).sort_values(ascending=False, kind="stable").index]
    with style():
        drawn = new_figure(4.0 + inches(found.index, 8), 0.8 + 0.19 * len(found))
        axes = drawn.subplots()
        image = axes.imshow(found, cmap=SEQUENTIAL, vmin=0, vmax=1, aspect="auto")
        axes.set_yticks(range(len(found)), list(found.index), fontsize=8)
        axes.set_xticks(range(len(SHARES)), ["one row", *(f"{100 * share:g} %" for share in SHARES[1:])], fontsize=8)
        for (i, j), value in np.ndenumerate(found.to_numpy()):
            axes.text(j, i, number(value), ha="center", va="center", fontsize=7, color="w" if value < 0.6 else "k")
        axes.set_xlabel(f"rows moved far away, of {N}")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        drawn.colorbar(image, label="retained: 1 as without outliers, 0 as of unrelated data", shrink=0.5)
    return drawn


def halves(frame: pd.DataFrame) -> pd.Series:
    """By measure, the smallest share of rows far away at which less than half is retained, or nothing is computed.

    NaN where there is none.
    """
    far = frame[frame["distance"] == FAR]
    lost = far[~(far["retained"] >= 0.5)].groupby("measure")["share"].min()
    return lost.reindex(far["measure"].unique()).rename("half")


def davari_limit(x: np.ndarray, rows: np.ndarray) -> float:
    """Return what linear CKA of `x` and a copy tends to as some rows of the copy are moved ever further.

    rho / (1 - rho) ||m||^2 / E||x||^2 sqrt(R) for a share rho of rows with mean m, R the participation ratio of x.
    """
    centred = x - x.mean(axis=0)
    share, variances = len(rows) / len(x), np.linalg.svd(centred, compute_uv=False) ** 2 / len(x)
    mean = centred[rows].mean(axis=0)
    return float(share / (1 - share) * mean @ mean / np.sqrt((variances**2).sum()))


def main() -> None:
    """Compute, print, and keep the numbers if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measures", nargs="+")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="keep numbers and figure in docs")
    options = parser.parse_args()
    every = [name for name in BUILT_IN if name != "random"]
    every += [name for name in SETTINGS if name not in every]
    every.sort(key=lambda name: BUILT_IN.index(get_measure(name).name))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = curves(options.measures or every, options.draws)
    if options.write:
        if options.measures and FILE.exists():
            kept = pd.read_csv(FILE)
            found = pd.concat([kept[~kept["measure"].isin(found["measure"])], found])
            found = found.sort_values("measure", key=lambda names: names.map(every.index), kind="stable")
        found.to_csv(FILE, index=False, float_format="%.5g")
        halves(found).to_csv(DECLARED, index_label="measure", float_format="%g")
        figure(found).savefig(FIGURE, metadata={"Software": None})


if __name__ == "__main__":
    main()
