"""What it costs to know chance: a map of 24 x 24 layers with and without, in processor time.

    python benchmarks/chance.py [--inputs 1000] [--width 768] [--layers 24] [--repetitions 5]

Both are timed in turns; medians of processor time, which other work on the machine changes little.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from similitude import pairwise


def timed(function: Callable[[], Any]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


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
    for kind in (np.float32, np.float64):
        times: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(options.repetitions):
            shape = options.inputs, options.width
            first, second = ([rng.normal(size=shape).astype(kind) for _ in range(options.layers)] for _ in range(2))
            for chance, found in times.items():
                found.append(
                    timed(lambda chance=chance: pairwise(first, options.measure, others=second, chance=chance))
                )
        plain, calibrated = (median(times[chance]) for chance in (False, True))
        print(f"{kind.__name__}: {plain:.2f} s plain, {calibrated:.2f} s with chance: {calibrated / plain:.2f} times")


if __name__ == "__main__":
    main()
