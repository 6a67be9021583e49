"""Do p-values of unrelated representations keep their level? As reported in docs/how-to/significance.md.

    python benchmarks/null_simulation.py [--inputs 64 256 1024] [--kinds flat ...] [--seed 0] [--write]

Each draw is two independent representations; each permutation of the inputs of the second makes another unrelated pair
of them, of which the p-value comes from the closed form. `--write` keeps the shares of p-values at most .05, .01 and
.001 in docs/data/null.csv, beside those of other numbers of inputs and kinds of data, from which `documented.py write`
puts them into the page.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial.distance import squareform

from similitude import get_measure
from similitude.factors.distances import Dissimilarities, StandardisedRDM
from similitude.factors.kernels import CentredGaussianGram
from similitude.factors.linear import Gram
from similitude.factors.pair import Pair, Side

FILE = Path(__file__).parents[1] / "docs" / "data" / "null.csv"
INPUTS = {64: 40, 256: 20, 1024: 5}
"""Number of inputs to that of draws."""
KINDS = ("flat", "decaying", "heavy-tailed")
WIDTHS = (1 / 8, 1, 8)
LEVELS = (0.05, 0.01, 0.001)


def centred(matrix: np.ndarray) -> np.ndarray:
    """Rows and columns of mean 0."""
    matrix = matrix - matrix.mean(axis=0)
    return matrix - matrix.mean(axis=1)[:, None]


def u_centred(matrix: np.ndarray) -> np.ndarray:
    """Rows and columns of sum 0, the diagonal left out."""
    n = len(matrix)
    sums = matrix.sum(axis=0) - matrix.diagonal()
    found = matrix - sums / (n - 2) - sums[:, None] / (n - 2) + sums.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(found, 0.0)
    return found


MATRICES = {
    "cka": lambda side: [side[Gram()]],
    "cka(debiased=true)": lambda side: [u_centred(side[Gram()])],
    "cka(kernel=rbf)": lambda side: [side[CentredGaussianGram(1.0, False)]],
    "multiscale_cka": lambda side: [CentredGaussianGram(w, False)(side) for w in np.geomspace(0.05, 10.0, 10)],
    "distance_correlation": lambda side: [centred(squareform(side[Dissimilarities("euclidean")]))],
    "rsa": lambda side: [squareform(side[StandardisedRDM("correlation", True)])],
    "rsa(rdm=euclidean,compare=pearson)": lambda side: [squareform(side[StandardisedRDM("euclidean", False)])],
}
"""Matrices whose inner product, over their norms, is the value of a measure, or its square; or values' mean is."""


def normalised(matrices: np.ndarray) -> np.ndarray:
    """Matrices of which the inner product is the mean of the cosines; in single precision, but for sums of rows."""
    lengths = np.linalg.norm(matrices, axis=(1, 2), keepdims=True)
    return (matrices / (lengths * len(matrices) ** 0.5)).astype(np.float32)


def data(n: int, d: int, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Gaussian features; of variances 1, or 1/k; or inputs of very different sizes."""
    x = rng.normal(size=(n, d))
    if kind == "decaying":
        x /= np.sqrt(np.arange(1, d + 1))
    if kind == "heavy-tailed":
        x *= np.exp(0.5 * rng.normal(size=(n, 1)))
    return x


def p_values(x: Side, y: Side, permutations: int, rng: np.random.Generator) -> dict[str, list[float]]:
    """p-values of each measure, with the inputs of the second side in random orders."""
    nulls = {id: get_measure(id).closed_form().null(Pair(x, y)) for id in MATRICES}
    pairs = {id: [normalised(np.array(of(side))) for side in (x, y)] for id, of in MATRICES.items()}
    found: dict[str, list[float]] = {id: [] for id in MATRICES}
    for _ in range(permutations):
        order = rng.permutation(x.n)
        for id, (a, b) in pairs.items():
            value = float(np.vecdot(a, b.take(order, 1).take(order, 2)).sum(dtype=np.float64))
            found[id].append(nulls[id].p(max(value, 0.0) ** 0.5 if nulls[id].rooted else value))
    return found


COLUMNS = ["kind", "n", "width", "measure", "count", "p05", "p01", "p001"]
CELL = COLUMNS[:3]


def simulate(n: int, kind: str, width: float, permutations: int, seed: int) -> pd.DataFrame:
    """Shares of small p-values, one row per measure."""
    rng = np.random.default_rng([seed, n, KINDS.index(kind), WIDTHS.index(width)])
    found: dict[str, list[float]] = {id: [] for id in MATRICES}
    for _ in range(INPUTS[n]):
        x, y = (Side.of(data(n, int(width * n), kind, rng)) for _ in range(2))
        for id, ps in p_values(x, y, permutations, rng).items():
            found[id] += ps
    shares = {id: [np.mean(np.array(ps) <= level) for level in LEVELS] for id, ps in found.items()}
    rows = [(kind, n, width, id, len(found[id]), *shares[id]) for id in MATRICES]
    return pd.DataFrame(rows, columns=COLUMNS)


def keep(found: pd.DataFrame) -> None:
    """Put rows in the place of those of the same cells, all in order."""
    known = pd.read_csv(FILE)
    others = known[~known.set_index(CELL).index.isin(found.set_index(CELL).index)]
    table = pd.concat([others, found])
    order = {"kind": KINDS, "measure": list(MATRICES)}
    table = table.sort_values(
        ["n", "kind", "width", "measure"],
        key=lambda column: column.map(order[column.name].index) if column.name in order else column,
    )
    table.to_csv(FILE, index=False, float_format="%.4f")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, nargs="+", choices=INPUTS, default=list(INPUTS))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--permutations", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help=f"keep the numbers in {FILE.name}")
    options = parser.parse_args()
    tables = []
    for n, kind, width in itertools.product(options.inputs, options.kinds, WIDTHS):
        tables.append(simulate(n, kind, width, options.permutations, options.seed))
        if options.write:
            keep(tables[-1])
    found = pd.concat(tables)
    print(found.groupby(["measure", "n"])[["p05", "p01", "p001"]].agg(["min", "max"]).to_string())


if __name__ == "__main__":
    main()
