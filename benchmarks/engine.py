"""Time of the engine against published formulas and other packages, side by side in one run.

Each row is timed several times, baseline and engine in turn so that both see the same load, and the medians' ratio is
printed. A baseline that would take long is timed on a random sample of its pairs and scaled, which the row says.

    python benchmarks/engine.py                 # small sizes, a few minutes
    python benchmarks/engine.py --size full     # the sizes of docs/performance.md
    python benchmarks/engine.py --only curve cka --cores 1

``pip install pytorch-cka rsatoolbox`` adds the rows that compare with those packages.
"""

from __future__ import annotations

import importlib.util
import itertools
import multiprocessing
import resource
import tempfile
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import published
from clock import Clock, medians, options, row
from threadpoolctl import threadpool_limits

from similitude import Representation, get_measure, get_measures
from similitude.engine import Stream, score_pairs
from similitude.engine.executors import side_by_side
from similitude.factors.linear import OF_VIEWS
from similitude.factors.pair import Side
from similitude.measures.evaluation import read_by

SIZES = {
    # representations, inputs, features; layers a network against other packages; models in the feather question
    "small": {"count": 16, "n": 1500, "d": 192, "layers": 20, "models": 20, "rows": 150_000},
    "full": {"count": 60, "n": 4000, "d": 768, "layers": 50, "models": 100, "rows": 2_000_000},
}

Pairs = Sequence[tuple]


def population(count: int, n: int, d: int, dtype=np.float64, offset: float = 0.0) -> list[np.ndarray]:
    """Rectified mixtures of shared directions of decaying variance, as layers of related networks are."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(n, d)) / np.arange(1, d + 1) ** 0.5
    return [
        (np.maximum(base @ rng.normal(size=(d, d)), 0) + 0.2 * rng.normal(size=(n, d)) + offset).astype(dtype)
        for _ in range(count)
    ]


def wrapped(arrays: list[np.ndarray]) -> list[Representation]:
    """Fresh representations, of which nothing is known yet."""
    return [Representation(array, model=f"m{i}") for i, array in enumerate(arrays)]


class Bench:
    """The rows; each is a method of that name."""

    def __init__(self, size: dict[str, int], clock: Clock, repeat: int, cores: int) -> None:
        self.size = size
        self.count, self.n, self.d = size["count"], size["n"], size["d"]
        self.layers, self.models, self.rows = size["layers"], size["models"], size["rows"]
        self.clock, self.repeat, self.cores = clock, repeat, cores
        self.rng = np.random.default_rng(1)

    def one_by_one(self, pairs: Pairs, of: Callable, sample: int) -> float:
        """Seconds of all pairs one after the other, from a random sample of them, with all cores in each product."""
        chosen = [pairs[i] for i in self.rng.choice(len(pairs), min(sample, len(pairs)), replace=False)]
        with threadpool_limits(limits=self.cores):
            return self.clock.seconds(lambda: [of(x, y) for x, y in chosen]) / len(chosen) * len(pairs)

    def engine(self, arrays: list[np.ndarray], pairs: Sequence[tuple[int, int]], measures: str) -> float:
        """Seconds of all pairs, by positions, of arrays of which nothing is known yet."""

        def work() -> None:
            reps = wrapped(arrays)
            # Factors of 60 representations of the full size take 2.1 GB; none is to be computed twice.
            score_pairs(
                [(reps[i], reps[j]) for i, j in pairs], get_measures(measures), workers=self.cores, memory=4 << 30
            )

        return self.clock.seconds(work)

    def medians(self, *timers: Callable[[], float]) -> list[float]:
        """Median of the seconds that each returns."""
        return medians(timers, self.repeat)

    def linear(self) -> None:
        """CKA, mean CCA and Procrustes over all pairs, with and without PWCCA."""
        arrays = population(self.count, self.n, self.d)
        pairs, indices = (list(itertools.combinations(entries, 2)) for entries in (arrays, range(self.count)))
        for weighted in (False, True):
            measures = "cka,mean_cca,procrustes" + ",pwcca" * weighted

            def formulas(x: np.ndarray, y: np.ndarray, weighted: bool = weighted) -> list[float]:
                return published.linear_family(x, y, weighted)

            old, workers, new = self.medians(
                lambda of=formulas: self.one_by_one(pairs, of, 6),
                lambda weighted=weighted: self.two_processes(pairs[:4], weighted) / 4 * len(pairs),
                lambda measures=measures: self.engine(arrays, indices, measures),
            )
            row(f"{measures}: {len(pairs)} pairs", old, new, "baseline from 6 pairs")
            row(f"the same by {self.cores} processes of one thread", workers, new, "baseline from 4 pairs")

    def two_processes(self, pairs: Pairs, weighted: bool) -> float:
        """Wall-clock seconds of the published formulas in as many processes as there are cores, one thread each."""
        with ProcessPoolExecutor(self.cores, multiprocessing.get_context("spawn"), _one_thread) as pool:
            list(pool.map(published.cka, *zip(*pairs, strict=True)))  # start the processes
            return Clock("wall").seconds(
                lambda: list(pool.map(published.linear_family, *zip(*pairs, strict=True), [weighted] * len(pairs)))
            )

    def cka(self) -> None:
        """CKA alone over all pairs."""
        arrays = population(self.count, self.n, self.d)
        pairs, indices = (list(itertools.combinations(entries, 2)) for entries in (arrays, range(self.count)))
        old, new = self.medians(
            lambda: self.one_by_one(pairs, published.cka, 6), lambda: self.engine(arrays, indices, "cka")
        )
        row(f"cka: {len(pairs)} pairs", old, new, "baseline from 6 pairs")

    def curve(self) -> None:
        """Principal-component deletion at 14 levels of 20 pairs."""
        arrays = population(6, self.n, self.d)
        levels = [max(1, round(self.d * share)) for share in np.linspace(1, 0.02, 14)]
        indices = list(itertools.permutations(range(6), 2))[:20]
        u, s, _ = np.linalg.svd(arrays[1] - arrays[1].mean(0), full_matrices=False)

        def curves(measures: str) -> None:
            reps = wrapped(arrays)
            cut = [(reps[i], reps[j].truncate(k)) for i, j in indices for k in levels]
            score_pairs(cut, get_measures(measures), workers=self.cores)

        one_curve = [(arrays[0], (u * s)[:, :k]) for k in levels]
        for measures in ("cka,mean_cca,procrustes", "cka,mean_cca,procrustes,pwcca"):
            factors = (
                read_by(get_measures(measures), lambda c: c.chosen(self.n, self.d, self.d, cut=True)).factors | OF_VIEWS
            )

            def formulas(x: np.ndarray, y: np.ndarray, weighted: bool = "pwcca" in measures) -> list[float]:
                return published.linear_family(x, y, weighted)

            def factor(factors: frozenset = factors) -> None:
                sides = [Side.of(representation) for representation in wrapped(arrays)]
                side_by_side(lambda side: side.prepare(factors), sides, arrays[0].size)

            old, factoring, new = self.medians(
                lambda of=formulas: 20 * self.one_by_one(one_curve, of, len(levels)),
                lambda factor=factor: self.clock.seconds(factor),
                lambda measures=measures: self.clock.seconds(lambda: curves(measures)),
            )
            row(f"{measures}: 20 pairs x 14 levels", old, new, "factors included; baseline from one pair")
            row("the same without the time of the six factors", old, new - factoring)

    def feather(self) -> None:
        """One reference against 12 layers of many models, from files; the baseline compares all, then selects."""
        d = self.d // 3
        arrays = population(self.models, 1000, d, np.float32)
        with tempfile.TemporaryDirectory() as folder:
            for i, layer in itertools.product(range(self.models), range(12)):
                # 12 layers a model that only differ in the sign of a row: all are factored, none is shared.
                values = arrays[i].copy()
                values[layer] *= -1
                np.save(Path(folder) / f"{i}-{layer}.npy", values)

            def work() -> None:
                reps = [Representation(np.load(file, mmap_mode="r")) for file in sorted(Path(folder).glob("*.npy"))]
                score_pairs(
                    [(reps[0], rep) for rep in reps], get_measures("cka,mean_cca,procrustes"), workers=self.cores
                )

            pairs = list(itertools.combinations(arrays, 2))
            everything = 12 * self.models * (12 * self.models + 1) // 2
            old, new = self.medians(
                lambda: self.one_by_one(pairs, published.linear_family, 20) / len(pairs) * everything,
                lambda: self.clock.seconds(work),
            )
        work_done = f"feather: 1 reference, {self.models} x 12 layers, n = 1,000, d = {d}"
        row(work_done, old, new, f"baseline from 20 of {everything:,} pairs")

    def peak(self) -> None:
        """Share of the speed of a bare product that CKA from features reaches."""
        arrays = population(8, self.n, self.d)
        pairs = [(0, j) for j in range(1, 8)]
        x, y = arrays[0].T, arrays[1]
        products = len(pairs) + len(arrays)  # one for each pair, one for each norm

        def bare() -> float:
            with threadpool_limits(limits=1):
                return self.clock.seconds(lambda: [x @ y for _ in range(products)])

        one_core = Bench(self.size, self.clock, self.repeat, 1)
        old, new = self.medians(bare, lambda: one_core.engine(arrays, pairs, "cka"))
        row(f"A @ B x {products}, against cka of {len(pairs)} pairs, one thread", old, new, "ratio = share of peak")

    def packages(self) -> None:
        """Debiased CKA of all layer pairs of two networks by pytorch-cka, and RSA by rsatoolbox, from features."""
        if importlib.util.find_spec("cka") is not None:
            for dtype, offset in ((np.float32, 0.0), (np.float64, 0.0), (np.float32, 100.0)):
                self.pytorch_cka(dtype, offset)
        if importlib.util.find_spec("rsatoolbox") is not None:
            self.rsatoolbox()

    def pytorch_cka(self, dtype: type, offset: float) -> None:
        import torch
        from cka import cka_from_features

        torch.set_num_threads(self.cores)
        k, n, d = self.layers, self.n // 2, 2 * self.d // 3
        arrays = population(2 * k, n, d, dtype, offset)
        tensors = [torch.as_tensor(array) for array in arrays]
        pairs = list(itertools.product(range(k), range(k, 2 * k)))
        old, new = self.medians(
            lambda: self.clock.seconds(lambda: cka_from_features(tensors[:k], tensors[k:])),
            lambda: self.engine(arrays, pairs, "cka(debiased=true)"),
        )
        theirs = float(cka_from_features(tensors[:1], tensors[k : k + 1]).squeeze())
        exact = published.debiased_cka(arrays[0].astype(float), arrays[k].astype(float))
        ours = get_measure("cka(debiased=true)")(arrays[0], arrays[k])
        work = f"pytorch-cka, {np.dtype(dtype).name}, mean {offset:g}: {k} x {k} layers, n = {n}, d = {d}"
        row(work, old, new, f"errors {abs(theirs - exact):.0e} and {abs(ours - exact):.0e}")

    def rsatoolbox(self) -> None:
        from rsatoolbox.data import Dataset
        from rsatoolbox.rdm import calc_rdm, compare

        n = self.n // 4
        arrays = population(self.count, n, self.d)
        pairs = list(itertools.combinations(range(self.count), 2))
        measure = "rsa(rdm=squared_euclidean,compare=pearson)"

        def theirs() -> np.ndarray:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                rdms = calc_rdm([Dataset(array) for array in arrays], method="euclidean")
                return np.asarray(compare(rdms, rdms, method="corr"))

        with threadpool_limits(limits=self.cores):
            old, new = self.medians(lambda: self.clock.seconds(theirs), lambda: self.engine(arrays, pairs, measure))
        far = abs(theirs()[0, 1] - get_measure(measure)(arrays[0], arrays[1]))
        row(f"rsatoolbox, RSA, {len(pairs)} pairs, n = {n}, d = {self.d}", old, new, f"values differ by {far:.0e}")

    def stream(self) -> None:
        """CKA and Procrustes from minibatches, against the bare products; memory in a process of its own."""
        d = min(self.d, 512)
        context = multiprocessing.get_context("spawn")
        arguments = self.rows, d, self.cores, self.repeat, self.clock
        with ProcessPoolExecutor(1, context) as pool:
            old, new, grown = pool.submit(_stream, *arguments).result()
        work = f"stream, bare products first: n = {self.rows:,}, d = {d}"
        row(work, old, new, f"{new / old:.2f} x the products; peak memory {grown:.0f} MiB above the interpreter")


def _one_thread() -> None:
    threadpool_limits(limits=1)


def _stream(rows: int, d: int, cores: int, repeat: int, clock: Clock) -> tuple[float, float, float]:
    batch = 1000
    x, y = (np.random.default_rng(i).normal(size=(batch, d)) for i in range(2))
    both = np.concatenate([x, y], axis=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def products() -> None:
        total = np.zeros((2 * d, 2 * d))
        for _ in range(rows // batch):
            total += both.T @ both

    def streamed() -> None:
        stream = Stream("cka,procrustes")
        for _ in range(rows // batch):
            stream.update(x, y)
        stream.result()

    with threadpool_limits(limits=cores):
        old, new = clock.in_turn([products, streamed], repeat)
    return old, new, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


ROWS = ("linear", "cka", "curve", "feather", "peak", "packages", "stream")


def main() -> None:
    parser = options(__doc__, ROWS, repeat=3)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--count", type=int, help="number of representations")
    chosen = parser.parse_args()
    size = {**SIZES[chosen.size], **({"count": chosen.count} if chosen.count else {})}
    bench = Bench(size, Clock(chosen.clock), chosen.repeat, chosen.cores)
    print(
        f"n = {bench.n}, d = {bench.d}, {bench.count} representations, {chosen.cores} cores, "
        f"{chosen.clock} time, medians of {chosen.repeat}\n"
    )
    print("| work | baseline | similitude | ratio | |\n|---|---|---|---|---|")
    for name in chosen.only:
        getattr(bench, name)()


if __name__ == "__main__":
    main()
