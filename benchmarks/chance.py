"""What it costs to know chance: a map of 24 x 24 layers with and without, in processor time.

    python benchmarks/chance.py [--inputs 1000] [--width 768] [--layers 24] [--repetitions 5]

Both are timed in turns; medians of processor time, which other work on the machine changes little.
"""

from __future__ import annotations

import argparse
import warnings
from functools import partial

import numpy as np
from clock import Clock

from similitude import pairwise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--measure", default="cka")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    clock = Clock("cpu")
    for kind in (np.float32, np.float64):
        shape = options.layers, options.inputs, options.width
        first, second = (list(rng.normal(size=shape).astype(kind)) for _ in range(2))

        def compared(chance: bool, first: list = first, second: list = second) -> None:
            pairwise([x.copy() for x in first], options.measure, others=[y.copy() for y in second], chance=chance)

        turns = [partial(compared, False), partial(compared, True)]
        plain, calibrated = clock.in_turn(turns, options.repetitions, warm_up=True)
        print(f"{kind.__name__}: {plain:.2f} s plain, {calibrated:.2f} s with chance: {calibrated / plain:.2f} times")


if __name__ == "__main__":
    main()
