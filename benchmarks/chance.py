"""What it costs to know chance: a map of 24 x 24 layers with and without, in processor time.

    python benchmarks/chance.py [--inputs 1000] [--width 768] [--layers 24] [--repetitions 5] [--measure cka]

Both are timed in turns; medians of processor time, which other work on the machine changes little. The plain map is
timed twice: as `pairwise` makes it, which warns where biased CKA is notable by chance, and without that warning. Where
the package `calibrated-similarity` 0.1.1 is installed, a few pairs of the map are calibrated by it, too, with 100
permutations; times are per pair, and both have to agree.
"""

from __future__ import annotations

import argparse
import importlib.util
import warnings
from functools import partial

import numpy as np
from clock import Clock

from similitude import Representation, get_measure, pairwise
from similitude.engine import score_pairs

PERMUTATIONS = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--measure", default="cka")
    parser.add_argument("--pairs", type=int, default=2, help="calibrated by calibrated-similarity")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    clock = Clock("cpu")
    for kind in (np.float32, np.float64):
        shape = options.layers, options.inputs, options.width
        first, second = (list(rng.normal(size=shape).astype(kind)) for _ in range(2))

        def compared(chance: bool, first: list = first, second: list = second) -> None:
            pairwise([x.copy() for x in first], options.measure, others=[y.copy() for y in second], chance=chance)

        def scored(first: list = first, second: list = second) -> None:
            x, y = ([Representation(x.copy()) for x in side] for side in (first, second))
            score_pairs([(a, b) for a in x for b in y], [get_measure(options.measure)])

        turns = [partial(compared, False), scored, partial(compared, True)]
        plain, values, calibrated = clock.in_turn(turns, options.repetitions, warm_up=True)
        print(
            f"{kind.__name__}: {plain:.2f} s plain, {values:.2f} s without a warning, {calibrated:.2f} s with chance: "
            f"{calibrated / plain:.2f} and {calibrated / values:.2f} times",
            flush=True,
        )
        if importlib.util.find_spec("calibrated_similarity") and options.measure == "cka":
            beside_permutations(first, second, calibrated / options.layers**2, options.pairs, clock)


def beside_permutations(first: list, second: list, ours: float, count: int, clock: Clock) -> None:
    """Time calibrated-similarity on some pairs of a map, and compare its null with ours."""
    import torch
    from calibrated_similarity import calibrate

    def cka(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:  # as in its README
        x, y = x - x.mean(0), y - y.mean(0)
        hsic_xy = (x @ x.T * (y @ y.T)).sum()
        hsic_xx = (x @ x.T * (x @ x.T)).sum()
        hsic_yy = (y @ y.T * (y @ y.T)).sum()
        return hsic_xy / torch.sqrt(hsic_xx * hsic_yy)

    table = pairwise(first[:count], "cka", others=second[:count], chance=True)
    seconds = []
    for i in range(count):
        x, y = torch.from_numpy(first[i]), torch.from_numpy(second[i])
        found = []
        seconds.append(clock.seconds(lambda x=x, y=y, found=found: found.append(calibrate(x, y, cka, K=PERMUTATIONS))))
        _, p, threshold = map(float, found[0])
        value, chance, sd = (float(table.matrix("cka", what).iloc[i, i]) for what in ("value", "chance", "sd"))
        assert abs(float(cka(x, y)) - value) < 1e-4, "the values differ"
        # The 95 % quantile of as many permutations is within half a standard deviation of the true one.
        assert abs((threshold - chance) / sd - 1.645) < 0.7, "the nulls differ"
        assert abs(p - float(table.matrix("cka", "p").iloc[i, i])) < 0.2, "the p-values differ"
    theirs = float(np.median(seconds))
    print(f"  calibrated-similarity: {theirs:.2f} s per pair; here {1000 * ours:.2f} ms: {theirs / ours:,.0f} times")


if __name__ == "__main__":
    main()
