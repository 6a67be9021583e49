"""What every benchmark here shares: clocks, and taking turns so that all see the same load."""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


class Clock:
    """Times functions by one of the clocks."""

    def __init__(self, name: str) -> None:
        self._now = CLOCKS[name]

    def seconds(self, function: Callable[[], object]) -> float:
        """Time that a call takes."""
        start = self._now()
        function()
        return self._now() - start

    def in_turn(self, functions: Sequence[Callable[[], object]], repeat: int, warm_up: bool = False) -> list[float]:
        """Median seconds of each; a first round can be left out."""
        return medians([functools.partial(self.seconds, function) for function in functions], repeat, warm_up)


def medians(timers: Sequence[Callable[[], float]], repeat: int, warm_up: bool = False) -> list[float]:
    """Median of the seconds that each returns; they take turns."""
    rounds = [[timer() for timer in timers] for _ in range(repeat + warm_up)]
    return [float(median) for median in np.median(rounds[warm_up:], axis=0)]


def options(description: str | None, rows: Iterable[str], repeat: int) -> argparse.ArgumentParser:
    """Parser of the options that all benchmarks have."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(rows), default=list(rows))
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=repeat)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: fair on a busy machine, for one core")
    return parser


def row(work: str, baseline: float, ours: float, note: str = "") -> None:
    """Print a row of a Markdown table."""
    print(f"| {work} | {baseline:.3g} s | {ours:.3g} s | {baseline / ours:.1f} × | {note} |", flush=True)
