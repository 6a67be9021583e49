"""Which values of CKA and Procrustes are possible together, and are those of real networks among them?

    python benchmarks/bounds.py region [--write]          values that pairs can be optimised to, and the bounds
    python benchmarks/bounds.py check POPULATION... [--write]    every pair of layers of the networks of populations

With A = X'Y / (||X|| ||Y||), centred, the normalised Bures similarity (the cosine of the angular Procrustes distance)
is the nuclear norm of A, and CKA is ||A||_F^2 times the root of the participation ratios of X and Y. Norms bound each
other, and so do these (Harvey et al. 2023, arXiv:2311.11436, and 2024, arXiv:2411.08197, who say what bounds mean for
decoding). Cloos et al. 2024 (arXiv:2407.07059) find the region by optimising representations, as `region` does. Numbers
go to docs/data/bounds.csv and docs/data/region.csv, and the figure to docs/images/region.png.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from similitude import compare, get_measure, open_population
from similitude.report.style import COLOURS, MUTED, new_figure, style

ROOT = Path(__file__).parents[1]
DATA, IMAGE = ROOT / "docs" / "data", ROOT / "docs" / "images" / "region.png"
ROUNDING = 1e-7
WIDTH = 6
"""Features of the representations that are optimised."""

COLUMNS = ("nbs", "cka", "low", "high", "first", "second", "near", "decoders", "far")


def participation(x: np.ndarray) -> float:
    """Participation ratio of the variances of the principal components, from 1 to the rank."""
    variances = np.linalg.svd(x - x.mean(axis=0), compute_uv=False) ** 2
    return float(variances.sum() ** 2 / (variances**2).sum())


def allowed(nbs: np.ndarray | float, ratios: tuple[float, float], rank: int) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest linear CKA at a normalised Bures similarity, whatever the representations.

    Kernel matrices of trace 1 are density matrices, of which NBS is the fidelity F and ||K||^2 the reciprocal of the
    participation ratio. Fuchs and van de Graaf's inequality, ||K - L||_1 / 2 <= sqrt(1 - F^2), and that a matrix of
    trace 0 has ||M||_F <= ||M||_1 / sqrt(2), give the lower bound near 1; F <= sqrt(rank) ||A||_F that near 0, and
    ||A||_F <= F the upper one.

    Parameters
    ----------
    nbs
        Normalised Bures similarity.
    ratios
        Participation ratios of both sides.
    rank
        The smaller rank.
    """
    square, root = np.asarray(nbs) ** 2, (ratios[0] * ratios[1]) ** 0.5
    near_one = root * ((1 / ratios[0] + 1 / ratios[1]) / 2 - (1 - square))
    return np.maximum(near_one, square * root / rank), np.minimum(1.0, square * root)


def decoders(nbs: float, cka: float, ratios: tuple[float, float], rank: int) -> tuple[float, float, float]:
    """Distance of the average linear decoders, and its smallest and largest value at a Procrustes distance.

    The distance is ||K - L||_F of kernel matrices of trace 1, and follows from CKA and the participation ratios. Fuchs
    and van de Graaf bound it from both sides: 2 (1 - F) <= ||K - L||_1 <= sqrt(rank) ||K - L||_F, and see `allowed`.

    Parameters
    ----------
    nbs, cka
        Values of a pair.
    ratios
        Participation ratios of both sides.
    rank
        Sum of the ranks of both sides.
    """
    squared = 1 / ratios[0] + 1 / ratios[1] - 2 * cka / (ratios[0] * ratios[1]) ** 0.5
    return 2 * (1 - nbs) / rank**0.5, max(squared, 0.0) ** 0.5, (2 * max(1 - nbs**2, 0.0)) ** 0.5


def values(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Both measures of a pair, and the bounds on one by the other."""
    found, ratios = compare(x, y, ["cka", "nbs"]), (participation(x), participation(y))
    ranks = [int(np.linalg.matrix_rank(v - v.mean(axis=0))) for v in (x, y)]
    low, high = allowed(found["nbs"], ratios, min(ranks))
    near, between, far = decoders(found["nbs"], found["cka"], ratios, sum(ranks))
    return {
        "nbs": found["nbs"],
        "cka": found["cka"],
        "low": float(low),
        "high": float(high),
        "first": ratios[0],
        "second": ratios[1],
        "near": near,
        "decoders": between,
        "far": far,
    }


def within(low: pd.Series, value: pd.Series, high: pd.Series) -> pd.Series:
    """Whether values lie between their bounds, but for rounding."""
    return (value >= low - ROUNDING) & (value <= high + ROUNDING)


def pairs_of(folder: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Every pair of layers of networks of a population, with what tells them apart."""
    population = open_population(folder)
    places = [(model, layer) for model in population.models for layer in population.layers]
    held = {place: np.asarray(population.representation(*place).values, dtype=np.float64) for place in places}
    for one, other in combinations(places, 2):
        yield f"{'/'.join(one)} and {'/'.join(other)}", held[one], held[other]


def check(folders: list[Path], most: int = 400) -> pd.DataFrame:
    """One row per population: pairs, those outside of the bounds, and means of values and of the width of the bounds.

    Of more than `most` pairs, that many are taken at random.
    """
    rows = []
    for folder in folders:
        every = list(pairs_of(folder))
        chosen = np.random.default_rng(0).permutation(len(every))[:most]
        found = pd.DataFrame([values(*every[i][1:]) for i in chosen])
        outside = ~within(found["low"], found["cka"], found["high"])
        decoders_outside = ~within(found["near"], found["decoders"], found["far"])
        width = found["high"] - found["low"].clip(0)
        rows.append(
            {
                "population": folder.name,
                "pairs": len(found),
                "outside": int(outside.sum()),
                "decoders_outside": int(decoders_outside.sum()),
                "ratio": found[["first", "second"]].to_numpy().mean(),
                "nbs": found["nbs"].mean(),
                "cka": found["cka"].mean(),
                "width": width.mean(),
                "decoders": found["decoders"].mean(),
                "far": found["far"].mean(),
            }
        )
        print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def region(n: int = 60, d: int = WIDTH, steps: int = 300, directions: int = 24, seed: int = 0) -> pd.DataFrame:
    """Values that Y is optimised to, for an X whose variances fall with the reciprocal of their place.

    Each direction weighs CKA and NBS against each other; every tenth step is kept.
    """
    import torch

    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)) * np.arange(1, d + 1) ** -0.5
    fixed, rows = torch.tensor(x), []
    cka, nbs = get_measure("cka"), get_measure("nbs")
    for k in range(directions):
        angle = 2 * np.pi * k / directions
        start = x + (0.1 if k % 2 else 2.0) * rng.normal(size=x.shape)
        y = torch.tensor(start, requires_grad=True)
        optimiser = torch.optim.Adam([y], lr=0.03)
        for step in range(steps):
            a, b = cka(fixed, y), nbs(fixed, y)
            loss = -(np.cos(angle) * a + np.sin(angle) * b)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if step % 10 == 0:
                rows.append((k, step, *values(x, y.detach().numpy()).values()))
    return pd.DataFrame(rows, columns=["direction", "step", *COLUMNS])


def figure(found: pd.DataFrame) -> Figure:
    """Values that were reached, and the region that no pair with this X can leave."""
    with style():
        drawn = new_figure(5.0, 4.2)
        axes = drawn.subplots()
        ratio, grid = found["first"].iloc[0], np.linspace(0, 1, 200)
        widths = [allowed(grid, (ratio, other), WIDTH) for other in np.linspace(1, WIDTH, 200)]
        low, high = np.min([low for low, _ in widths], axis=0), np.max([high for _, high in widths], axis=0)
        axes.fill_between(grid, low, high, color="0.9", label=f"possible (participation ratio of X: {ratio:.1f})")
        axes.plot(found["nbs"], found["cka"], ".", markersize=3, color=COLOURS[0], label="reached by optimisation")
        axes.plot(grid, grid**2, color=MUTED, linewidth=0.8, label="CKA = NBS², as in one dimension")
        axes.set_xlabel("NBS, the cosine of the angular Procrustes distance")
        axes.set_ylabel("CKA")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.legend(fontsize=7, loc="upper left")
    return drawn


def main() -> None:
    """Compute, print, and keep the numbers if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["region", "check"])
    parser.add_argument("populations", nargs="*", type=Path)
    parser.add_argument("--write", action="store_true", help="keep numbers and figure in docs")
    options = parser.parse_args()
    if options.command == "region":
        found = region()
        print(found.describe().to_string())
    else:
        found = check(options.populations)
    if options.write:
        name = "region" if options.command == "region" else "bounds"
        found.to_csv(DATA / f"{name}.csv", index=False, float_format="%.5g")
        if name == "region":
            figure(found).savefig(IMAGE, metadata={"Software": None})


if __name__ == "__main__":
    main()
