"""Are published results what comes out here? As reported in docs/published-checks.md.

    python benchmarks/published_checks.py [CHECK ...] [--fast] [--write] [--populations FOLDER ...]

Each check computes again what a paper reports, or what a formula in it says, and compares. The exit code is 1 where a
value is further from the expected one than its tolerance. `--fast` takes a few seconds and leaves out what takes
minutes. `--write` keeps the numbers in docs/data/published.csv, from which `documented.py write` puts them into the
page; rows of what was not computed stay as they are.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import bounds
import breakdown
import numpy as np
import pandas as pd
from scipy import optimize

from similitude import Site, get_measure, pairwise
from similitude.factors.pair import Pair, Side
from similitude.factors.shuffled import draw_orders, shuffled
from similitude.measures import Measure
from similitude.measures.null import LEVEL, Null, Shuffles
from similitude.suites.synthetic import SUITE

FILE = Path(__file__).parents[1] / "docs" / "data" / "published.csv"


class Row(NamedTuple):
    """One comparison with a published value."""

    paper: str
    what: str
    expected: float
    found: float
    tolerance: float


Check = Callable[[], Iterator[Row]]

MURPHY = {10: 0.069, 100: 0.210, 1024: 0.501, 10_000: 0.674, 30_000: 0.696}
"""Biased CKA of independent Gaussian data with 1,024 x 1,024 others, by width: figure 1."""


def murphy(widths: tuple[int, ...]) -> Iterator[Row]:
    """Biased CKA grows with the width of unrelated data, and the debiased one does not."""
    paper, n = "Murphy et al. 2024, fig. 1", 1024
    cka, debiased = get_measure("cka"), get_measure("cka(debiased=true)")
    rng = np.random.default_rng(0)
    others = rng.normal(size=(n, n))
    for d in widths:
        data = rng.normal(size=(n, d))
        value = cka(data, others)
        formula = (d * n / ((d + n - 1) * (2 * n - 1))) ** 0.5
        yield Row(paper, f"biased CKA, {d:,} features", MURPHY[d], value, 0.002)
        yield Row(paper, f"biased CKA, {d:,} features, by the formula", formula, value, 0.002)
        yield Row(paper, f"debiased CKA, {d:,} features", 0.0, debiased(data, others), 0.005)


DAVARI = {1: 0.992, 5: 0.460, 20: 0.037, 100: 0.004}
"""CKA of data and a copy of which a tenth of the rows is moved, by distance."""


def davari() -> Iterator[Row]:
    """Rows that are moved along one direction take its meaning from linear CKA, down to a limit."""
    paper, cka = "Davari et al. 2022, sec. 4.2", get_measure("cka")
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(4000, 200))
    direction = rng.normal(size=200)
    direction /= np.linalg.norm(direction)
    rows = rng.choice(len(x), len(x) // 10, replace=False)

    def moved(which: np.ndarray, distance: float) -> float:
        copy = x.copy()
        copy[which] += distance * direction
        return cka(x, copy)

    for distance, expected in DAVARI.items():
        what, tolerance = f"10 % of 4,000 rows moved by {distance}", max(0.001, 0.01 * expected)
        yield Row(paper, what, expected, moved(rows, distance), tolerance)
    yield Row(paper, "one of 4,000 rows moved by 1,000", 0.009, moved(rows[:1], 1000), 0.001)
    for share in (0.1, 0.5):
        some = rng.choice(len(x), int(share * len(x)), replace=False)
        limit = breakdown.davari_limit(x, some)
        yield Row(
            "Davari et al. 2022, theorem 1", f"{share:.0%} of rows moved by 10⁶", limit, moved(some, 1e6), 1e-3 * limit
        )


GROEGER = "Gröger et al. 2026, arXiv:2602.14486"
NULLS: dict[str, Callable[[np.random.Generator, int, int], tuple[np.ndarray, np.ndarray]]] = {
    "Gaussian": lambda rng, n, d: tuple(rng.normal(size=(2, n, d))),
    "Student t, 3 degrees of freedom": lambda rng, n, d: tuple(rng.standard_t(3, size=(2, n, d))),
    "the same data, shuffled": lambda rng, n, d: (x := rng.normal(size=(n, d)), rng.permutation(x)),
}
CALIBRATED = ("cka", "cka(kernel=rbf)", "mutual_knn", "rsa(rdm=euclidean)")
SHUFFLES = 200


def noise(trials: int, share: float = 1 - LEVEL) -> float:
    """Three standard deviations of a share that is found in so many trials."""
    return 3 * (share * (1 - share) / trials) ** 0.5


def rejected(measure: Measure, pair: Pair, trials: int, rng: np.random.Generator) -> int:
    """How many of unrelated pairs, with the inputs of one side in other orders, a test at 5 % calls related."""
    null: Null | Shuffles
    if form := measure.closed_form():
        null = form.null(pair)
    else:
        orders = draw_orders(pair.n, SHUFFLES, seed=int(rng.integers(2**31)))
        null = Shuffles(
            np.array([measure.value(Pair(pair.x, shuffled(pair.y, order))) for order in orders]),
            measure.properties().kind,
        )
    orders = [rng.permutation(pair.n) for _ in range(trials)]
    return sum(null.p(measure.value(Pair(pair.x, shuffled(pair.y, order)))) <= 1 - LEVEL for order in orders)


def type_one(sizes: tuple[int, ...], widths: tuple[int, ...], draws: int, trials: int) -> Iterator[Row]:
    """Shares of unrelated pairs with a calibrated score above 0, over a grid of sizes and widths."""
    rng = np.random.default_rng(0)
    found = pd.DataFrame(0, index=list(CALIBRATED), columns=list(NULLS))
    for null, draw in NULLS.items():
        for n in sizes:
            for d in widths:
                for _ in range(draws):
                    pair = Pair(*map(Side.of, draw(rng, n, d)))
                    for id in CALIBRATED:
                        found.loc[id, null] += rejected(get_measure(id), pair, trials, rng)
    total = len(sizes) * len(widths) * draws * trials
    for id in CALIBRATED:
        tolerance = max(0.01, noise(total))
        if get_measure(id).closed_form() is None:
            tolerance += 0.005  # few values are possible, and ties with shuffles count against the pair
        for null in NULLS:
            what = f"false positives of calibrated `{id}` at 5 %; {null}; {total:,} pairs"
            yield Row(GROEGER, what, 1 - LEVEL, found.loc[id, null] / total, tolerance)


def expected_largest(nulls: list[Null], count: int) -> float:
    """Mean of the largest of independent values, each of one of some distributions."""

    def quantile(level: float) -> float:
        low, high = (end(null.quantile(level) for null in nulls) for end in (min, max))
        return optimize.brentq(lambda value: np.mean([null.p(value) for null in nulls]) - (1 - level), low, high)

    levels = ((np.arange(20) + 0.5) / 20) ** (1 / count)
    return float(np.mean([quantile(float(level)) for level in levels]))


def inflation(layers: dict[int, int]) -> Iterator[Row]:
    """The largest CKA of unrelated networks grows with the number of layers, as the null says; calibrated, it does not.

    Parameters
    ----------
    layers
        Number of layers of both networks to that of trials.
    """
    rng = np.random.default_rng(0)
    form = get_measure("cka").closed_form()
    nulls = [form.null(Pair(*map(Side.of, rng.normal(size=(2, 32, 256))))) for _ in range(40)]
    for count, trials in layers.items():
        largest, naive, calibrated = [], [], []
        for _ in range(trials):
            sides = rng.normal(size=(2, count, 32, 256))
            table = pairwise(list(sides[0]), "cka", others=list(sides[1]), chance=True)
            best = table.largest.iloc[0]
            largest.append(best["value"])
            calibrated.append(best["p"] <= 1 - LEVEL)
            naive.append((table.chance["p"] <= 1 - LEVEL).any())
        expected = expected_largest(nulls, count**2)
        what = f"networks of {count} layers, 32 × 256"
        yield Row(GROEGER, f"largest raw CKA of {what}", expected, np.mean(largest), 0.002)
        yield Row(
            GROEGER,
            f"a cell with p ≤ .05 in unrelated {what}",
            1 - LEVEL ** (count**2),
            np.mean(naive),
            noise(trials, 0.5),
        )
        what = f"p of the largest ≤ .05 in unrelated {what}"
        yield Row(GROEGER, what, 1 - LEVEL, np.mean(calibrated), noise(trials))


def cloos(**options: int) -> Iterator[Row]:
    """Optimised pairs stay in the region that is possible; a high NBS implies a high CKA, and not the converse."""
    paper, found = "Cloos et al. 2024, arXiv:2407.07059", bounds.region(**options)
    outside = ~bounds.within(found["low"], found["cka"], found["high"])
    yield Row(paper, f"pairs outside the allowed region, of {len(found)}", 0, outside.sum(), 0)
    alike = found[found["nbs"] >= 0.9]
    yield Row(paper, "pairs with NBS ≥ .9 whose CKA is below .7", 0, (alike["cka"] < 0.7).sum(), 0)
    converse = (found["cka"] >= 0.8) & (found["nbs"] < 0.6)
    yield Row(paper, "the converse fails: a pair with CKA ≥ .8 has NBS < .6 (1: yes)", 1, float(converse.any()), 0)


def harvey(folders: list[Path]) -> Iterator[Row]:
    """No pair of layers is outside of the bounds that NBS sets to CKA, and to the distance of decoders."""
    paper = "Harvey et al. 2024, arXiv:2411.08197"
    if folders:
        found = bounds.check(folders)
    else:
        with tempfile.TemporaryDirectory() as folder:
            site = Site(Path(folder), "quick")
            SUITE.build(site)
            found = bounds.check([site.folder("synthetic")])
    for row in found.to_dict("records"):
        for column, of in (("outside", "CKA"), ("decoders_outside", "decoders")):
            what = f"`{row['population']}`: pairs outside the bound on {of}, of {row['pairs']}"
            yield Row(paper, what, 0, row[column], 0)


FAST: dict[str, Check] = {
    "murphy": partial(murphy, (10, 100, 1024)),
    "davari": davari,
    "harvey": partial(harvey, []),
    "inflation": partial(inflation, {2: 100}),
    "type_one": partial(type_one, (128,), (64,), draws=1, trials=300),
}
"""What takes seconds; of checks that are also in `SLOW`, the small version."""

SLOW: dict[str, Check] = {
    "murphy": partial(murphy, tuple(MURPHY)),
    "inflation": partial(inflation, {2: 400, 4: 400, 8: 200, 16: 100, 32: 50, 64: 20, 128: 10}),
    "type_one": partial(type_one, (128, 256, 512, 1024), (64, 128, 256, 512), draws=5, trials=100),
    "cloos": cloos,
}
CHECKS = ("murphy", "davari", "type_one", "inflation", "cloos", "harvey")


def compute(name: str, check: Check) -> pd.DataFrame:
    """Rows of one check, with its name and whether they agree."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of chance and of wide data, which is what papers are about
        found = pd.DataFrame(list(check()), columns=list(Row._fields))
    found.insert(0, "check", name)
    return found.assign(agrees=(found["found"] - found["expected"]).abs() <= found["tolerance"])


def keep(found: pd.DataFrame) -> None:
    """Put rows in the place of those of the same checks."""
    if FILE.exists():
        kept = pd.read_csv(FILE)
        found = pd.concat([kept[~kept["check"].isin(found["check"])], found.drop(columns="agrees")])
    found = found.sort_values("check", key=lambda names: names.map(CHECKS.index), kind="stable")
    found.to_csv(FILE, index=False, float_format="%.6g", columns=["check", *Row._fields])


def main() -> None:
    """Compute, print, keep the numbers if asked to, and exit with 1 where one disagrees."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checks", nargs="*", choices=[*CHECKS, []], metavar="CHECK", help=", ".join(CHECKS))
    parser.add_argument("--fast", action="store_true", help="only what takes seconds")
    parser.add_argument("--write", action="store_true", help="keep the numbers in docs/data")
    parser.add_argument("--populations", nargs="+", type=Path, default=[], help="folders for the check harvey")
    options = parser.parse_args()
    checks = FAST if options.fast else FAST | SLOW
    if options.populations:
        checks = checks | {"harvey": partial(harvey, options.populations)}
    parts = []
    for name in options.checks or [name for name in CHECKS if name in checks]:
        parts.append(compute(name, checks[name]))
        print(parts[-1].drop(columns="check").to_string(index=False, float_format="%.4f"), flush=True)
        if options.write:
            keep(parts[-1])
    found = pd.concat(parts)
    if wrong := int((~found["agrees"]).sum()):
        sys.exit(f"{wrong} of {len(found)} values differ from what was published.")
    print(f"All {len(found)} values agree with what was published.")


if __name__ == "__main__":
    main()
