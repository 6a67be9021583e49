"""Time of the engine against published formulas and other packages, side by side in one run.

Each row is timed several times, baseline and engine in turn so that both see the same load, and the medians' ratio is
printed. A baseline that would take long is timed on a random sample of its pairs and scaled, which the row says.

    python benchmarks/engine.py                 # small sizes, a few minutes
    python benchmarks/engine.py --size full     # the sizes of docs/performance.md
    python benchmarks/engine.py --only curve cka --cores 1

``pip install pytorch-cka`` adds the row that compares with that package.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from similitude import Representation, get_measures
from similitude.engine import score_pairs
from similitude.engine.streaming import Stream

SIZES = {
    # representations, inputs, features; layers a network against pytorch-cka; models in the feather question
    "small": {"count": 16, "n": 1500, "d": 192, "layers": 20, "models": 20, "repeat": 3},
    "full": {"count": 60, "n": 4000, "d": 768, "layers": 50, "models": 100, "repeat": 3},
}


def population(count: int, n: int, d: int, dtype=np.float64, offset: float = 0.0) -> list[np.ndarray]:
    """Rectified mixtures of shared directions of decaying variance, as layers of related networks are."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(n, d)) / np.arange(1, d + 1) ** 0.5
    return [
        (np.maximum(base @ rng.normal(size=(d, d)), 0) + 0.2 * rng.normal(size=(n, d)) + offset).astype(dtype)
        for _ in range(count)
    ]


# --- the published formulas, pair by pair -----------------------------------------------------------------------------


def published_cka(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x - x.mean(0), y - y.mean(0)
    return np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))


def debiased_cka(x: np.ndarray, y: np.ndarray) -> float:
    """With the unbiased HSIC of Song et al. 2007, from centred kernels; it is what pytorch-cka computes."""
    n = len(x)

    def hsic(k: np.ndarray, l: np.ndarray) -> float:  # noqa: E741
        k, l = (m - np.diag(np.diag(m)) for m in (k, l))  # noqa: E741
        total = np.vdot(k, l) + k.sum() * l.sum() / ((n - 1) * (n - 2)) - 2 * k.sum(0) @ l.sum(0) / (n - 2)
        return total / (n * (n - 3))

    k, l = ((m - m.mean(0)) @ (m - m.mean(0)).T for m in (x, y))  # noqa: E741
    return hsic(k, l) / (hsic(k, k) * hsic(l, l)) ** 0.5


def published_procrustes(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x - x.mean(0), y - y.mean(0)
    x, y = x / np.linalg.norm(x), y / np.linalg.norm(y)
    return 2 - 2 * np.linalg.norm(x.T @ y, "nuc")


def published_cca(x: np.ndarray, y: np.ndarray, weighted: bool) -> tuple[float, float]:
    """Mean CCA, and PWCCA if asked for, from covariances and their inverse roots (Raghu 2017, Morcos 2018)."""
    n = len(x)
    x, y = x - x.mean(0), y - y.mean(0)
    root_x, inverse_x = roots(x.T @ x / n)
    _, inverse_y = roots(y.T @ y / n)
    u, rho, _ = np.linalg.svd(inverse_x @ (x.T @ y / n) @ inverse_y, full_matrices=True)
    k = min(x.shape[1], y.shape[1])
    if not weighted:
        return rho[:k].mean(), np.nan
    weights = np.abs(u.T @ root_x).sum(1)
    return rho[:k].mean(), (weights[:k] * rho[:k]).sum() / weights.sum()


def roots(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values, vectors = np.linalg.eigh(covariance)
    values = np.sqrt(np.maximum(values, 1e-30))
    return (vectors * values) @ vectors.T, (vectors / values) @ vectors.T


def published(x: np.ndarray, y: np.ndarray, weighted: bool = False) -> list[float]:
    mean, pwcca = published_cca(x, y, weighted)
    return [published_cka(x, y), mean, published_procrustes(x, y)] + [pwcca] * weighted


# --- timing -----------------------------------------------------------------------------------------------------------


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
clock = CLOCKS["wall"]


def seconds(function: Callable[[], object]) -> float:
    start = clock()
    function()
    return clock() - start


def side_by_side(baseline: Callable[[], float], engine: Callable[[], float], repeat: int) -> tuple[float, float]:
    """Median seconds of each; the two take turns."""
    times = [(baseline(), engine()) for _ in range(repeat)]
    old, new = np.median(times, axis=0)
    return float(old), float(new)


def row(work: str, old: float, new: float, note: str = "") -> None:
    print(f"| {work} | {old:.3g} s | {new:.3g} s | {old / new:.1f} × | {note} |", flush=True)


class Bench:
    """The rows; each is a method of that name."""

    def __init__(self, count: int, n: int, d: int, layers: int, models: int, repeat: int, cores: int) -> None:
        self.count, self.n, self.d, self.repeat, self.cores = count, n, d, repeat, cores
        self.layers, self.models = layers, models
        self.rng = np.random.default_rng(1)

    def wrapped(self, arrays: list[np.ndarray]) -> list[Representation]:
        return [Representation(array, model=f"m{i}") for i, array in enumerate(arrays)]

    def sampled(self, pairs: list, of: Callable, sample: int) -> float:
        """Seconds of all pairs one by one, from a random sample of them."""
        chosen = [pairs[i] for i in self.rng.choice(len(pairs), min(sample, len(pairs)), replace=False)]
        with threadpool_limits(limits=self.cores):
            return seconds(lambda: [of(x, y) for x, y in chosen]) / len(chosen) * len(pairs)

    def engine(self, pairs: list, measures: str) -> float:
        return seconds(lambda: score_pairs(pairs, get_measures(measures), workers=self.cores))

    def linear(self) -> None:
        """CKA, mean CCA and Procrustes over all pairs, with and without PWCCA."""
        arrays = population(self.count, self.n, self.d)
        reps = self.wrapped(arrays)
        pairs, wrapped = (list(itertools.combinations(entries, 2)) for entries in (arrays, reps))
        for weighted in (False, True):
            measures = "cka,mean_cca,procrustes" + ",pwcca" * weighted
            old, new = side_by_side(
                lambda weighted=weighted: self.sampled(pairs, lambda x, y: published(x, y, weighted), 4),
                lambda measures=measures: self.engine(wrapped, measures),
                self.repeat,
            )
            row(f"{measures}: {len(pairs)} pairs", old, new, "baseline from 4 pairs")

    def cka(self) -> None:
        """CKA alone over all pairs."""
        arrays = population(self.count, self.n, self.d)
        reps = self.wrapped(arrays)
        pairs, wrapped = (list(itertools.combinations(entries, 2)) for entries in (arrays, reps))
        old, new = side_by_side(
            lambda: self.sampled(pairs, published_cka, 6), lambda: self.engine(wrapped, "cka"), self.repeat
        )
        row(f"cka: {len(pairs)} pairs", old, new, "baseline from 6 pairs")

    def curve(self) -> None:
        """Principal-component deletion at 14 levels."""
        arrays = population(6, self.n, self.d)
        reps = self.wrapped(arrays)
        levels = [max(1, round(self.d * share)) for share in np.linspace(1, 0.02, 14)]
        principal = []
        for array in arrays:
            u, s, _ = np.linalg.svd(array - array.mean(0), full_matrices=False)
            principal.append(u * s)
        indices = list(itertools.permutations(range(6), 2))[:20]
        plain = [(arrays[i], principal[j][:, :k]) for i, j in indices for k in levels]
        cut = [(reps[i], reps[j].truncate(k)) for i, j in indices for k in levels]
        for measures in ("cka,mean_cca,procrustes", "cka,mean_cca,procrustes,pwcca"):
            weighted = "pwcca" in measures
            old, new = side_by_side(
                lambda weighted=weighted: self.sampled(plain, lambda x, y: published(x, y, weighted), 14),
                lambda measures=measures: self.engine(cut, measures),
                self.repeat,
            )
            row(f"{measures}: 20 pairs x 14 levels", old, new, "factors included; baseline from 14")

    def feather(self) -> None:
        """One reference against 12 layers of many models, from files; the baseline compares all, then selects."""
        d = self.d // 3
        arrays = population(self.models, 1000, d, np.float32)
        with tempfile.TemporaryDirectory() as folder:
            for i, array in enumerate(arrays):
                np.save(Path(folder) / f"{i}.npy", array)

            def reps() -> list[Representation]:
                # 12 layers a model: the same files, told apart by a row's sign so that no work is shared.
                found = []
                for i, layer in itertools.product(range(self.models), range(12)):
                    values = np.load(Path(folder) / f"{i}.npy", mmap_mode="r")
                    if layer:
                        values = np.array(values)
                        values[layer] *= -1
                    found.append(Representation(values, model=str(i), layer=str(layer)))
                return found

            def engine() -> float:
                def work() -> None:
                    sides = reps()
                    pairs = [(sides[0], side) for side in sides]
                    score_pairs(pairs, get_measures("cka,mean_cca,procrustes"), workers=self.cores)

                return seconds(work)

            everything = 12 * self.models * (12 * self.models + 1) // 2
            pairs = list(itertools.combinations(arrays, 2))
            old, new = side_by_side(
                lambda: self.sampled(pairs, published, 20) / len(pairs) * everything, engine, self.repeat
            )
        work = f"feather: 1 reference, {self.models} x 12 layers, n = 1,000, d = {d}"
        row(work, old, new, f"baseline from 20 of {everything:,} pairs")

    def peak(self) -> None:
        """Share of the speed of a bare product that CKA from features reaches."""
        arrays = population(8, self.n, self.d)
        reps = self.wrapped(arrays)
        pairs = [(reps[0], rep) for rep in reps[1:]]
        x, y = arrays[0].T, arrays[1]
        products = len(pairs) + len(reps)  # one for each pair, one for each norm

        def bare() -> float:
            with threadpool_limits(limits=1):
                return seconds(lambda: [x @ y for _ in range(products)])

        old, new = side_by_side(
            bare,
            lambda: seconds(lambda: score_pairs(pairs, get_measures("cka"), workers=1)),
            self.repeat,
        )
        row(f"A @ B x {products}, against cka of {len(pairs)} pairs, one thread", old, new, "ratio = share of peak")

    def packages(self) -> None:
        """Debiased CKA of all layer pairs of two networks, against pytorch-cka from the same features."""
        if importlib.util.find_spec("cka") is None:
            print("| pytorch-cka is not installed | | | | |")
            return
        import torch
        from cka import cka_from_features

        torch.set_num_threads(self.cores)
        for dtype, offset in ((np.float32, 0.0), (np.float64, 0.0), (np.float32, 100.0)):
            k, n, d = self.layers, self.n // 2, 2 * self.d // 3
            arrays = population(2 * k, n, d, dtype, offset)
            reps = self.wrapped(arrays)
            tensors = [torch.as_tensor(array) for array in arrays]
            pairs = list(itertools.product(reps[:k], reps[k:]))
            old, new = side_by_side(
                lambda tensors=tensors, k=k: seconds(lambda: cka_from_features(tensors[:k], tensors[k:])),
                lambda pairs=pairs: self.engine(pairs, "cka(debiased=true)"),
                self.repeat,
            )
            theirs = float(cka_from_features(tensors[:1], tensors[k : k + 1]).squeeze())
            exact = debiased_cka(arrays[0].astype(float), arrays[k].astype(float))
            ours = score_pairs(pairs[:1], get_measures("cka(debiased=true)")).values.item()
            note = f"errors {abs(theirs - exact):.0e} and {abs(ours - exact):.0e}"
            row(
                f"pytorch-cka, {np.dtype(dtype).name}, mean {offset:g}: {k} x {k} layers, n = {n}, d = {d}",
                old,
                new,
                note,
            )

    def stream(self) -> None:
        """CKA and Procrustes from minibatches, against the bare products."""
        rows, d, batch = 100 * self.n, min(self.d, 512), 1000
        x, y = (np.random.default_rng(i).normal(size=(batch, d)) for i in range(2))
        both = np.concatenate([x, y], axis=1)

        def bare() -> float:
            total = np.zeros((2 * d, 2 * d))
            with threadpool_limits(limits=self.cores):
                return seconds(lambda: [np.add(total, both.T @ both, out=total) for _ in range(rows // batch)])

        def engine() -> float:
            def work() -> None:
                stream = Stream("cka,procrustes")
                for _ in range(rows // batch):
                    stream.update(x, y)
                stream.result()

            with threadpool_limits(limits=self.cores):
                return seconds(work)

        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        old, new = side_by_side(bare, engine, self.repeat)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        row(f"stream, bare products first: n = {rows:,}, d = {d}", old, new, f"peak memory grew by {grown:.0f} MiB")

    def growth(self) -> None:
        """Seconds against pairs, inputs and features, with the slope on log axes."""
        base = {"count": 8, "n": self.n // 2, "d": self.d // 2}
        for what, factors in (("count", (1, 2, 4)), ("n", (1, 2, 4)), ("d", (0.5, 1, 2))):
            points = []
            for factor in factors:
                size = {**base, what: int(base[what] * factor)}
                reps = self.wrapped(population(**size))
                pairs = list(itertools.combinations(reps, 2))
                amount = len(pairs) if what == "count" else size[what]
                best = min(self.engine(pairs, "cka,mean_cca,procrustes") for _ in range(self.repeat))
                points.append((amount, best))
            slope = np.polyfit(*np.log(np.array(points)).T, 1)[0]
            name = {"count": "pairs", "n": "inputs", "d": "features"}[what]
            print(
                f"| growth with {name}: {', '.join(f'{a}: {t:.3g} s' for a, t in points)} | | | slope {slope:.2f} | |"
            )


ROWS = ("linear", "cka", "curve", "feather", "peak", "packages", "stream", "growth")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=ROWS)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--count", type=int, help="number of representations")
    parser.add_argument("--repeat", type=int)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: fair on a busy machine, for one core")
    options = parser.parse_args()
    global clock
    clock = CLOCKS[options.clock]
    size = dict(SIZES[options.size])
    size.update({key: value for key in ("count", "repeat") if (value := getattr(options, key))})
    bench = Bench(**size, cores=options.cores)
    print(
        f"n = {bench.n}, d = {bench.d}, {bench.count} representations, {options.cores} cores, "
        f"{options.clock} time, medians of {bench.repeat}\n"
    )
    print("| work | baseline | similitude | ratio | |\n|---|---|---|---|---|")
    for name in options.only:
        getattr(bench, name)()


if __name__ == "__main__":
    main()
