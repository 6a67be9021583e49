"""What comes on top of the forward passes: hooks and reductions, and the heat map of two deep networks.

    python benchmarks/extraction.py [--cores 2] [--repeat 5] [--clock cpu]

Bare forward passes and similitude take turns; printed are medians. The networks are made here, with random weights.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import nn
from transformers import BertConfig, BertModel

from similitude import compare_models, extract

TEXTS, LENGTH, BATCH = 128, 48, 32
INPUTS, WIDTH, DEPTH = 2000, 512, 50


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
clock = CLOCKS["wall"]


def seconds(function: Callable[[], object]) -> float:
    start = clock()
    function()
    return clock() - start


def in_turn(functions: list[Callable[[], object]], repeat: int) -> list[float]:
    """Median seconds of each, after a first round that is not counted."""
    rounds = [[seconds(function) for function in functions] for _ in range(repeat + 1)]
    return [float(t) for t in np.median(rounds[1:], axis=0)]


def transformer(repeat: int) -> None:
    """Every block of a BERT of 12 layers, d = 384, for padded token inputs."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 1536}
    model = BertModel(BertConfig(**sizes, vocab_size=1000)).eval()
    mask = (torch.arange(LENGTH) < torch.randint(LENGTH // 2, LENGTH + 1, (TEXTS, 1))).long()
    inputs = {"input_ids": torch.randint(1, 1000, (TEXTS, LENGTH)) * mask, "attention_mask": mask}

    def bare() -> None:
        with torch.no_grad():
            for start in range(0, TEXTS, BATCH):
                model(**{key: value[start : start + BATCH] for key, value in inputs.items()})

    ways = ("mean_pool", "tokens")
    alone, *extracted = in_turn(
        [bare, *(lambda reduce=reduce: extract(model, inputs, "residual_stream", reduce) for reduce in ways)], repeat
    )
    for reduce, time_taken in zip(ways, extracted, strict=True):
        row(f"12-layer BERT, {TEXTS} texts, 13 layers, {reduce}", alone, time_taken, f"{time_taken / alone - 1:+.1%}")


class Block(nn.Module):
    """x + relu(W x)."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.relu(self.linear(x))


def heat_map(repeat: int) -> None:
    """All 50 x 50 pairs of layers of two residual networks."""
    torch.manual_seed(0)
    nets = [nn.Sequential(*(Block() for _ in range(DEPTH))).eval() for _ in "ab"]
    inputs = torch.randn(INPUTS, WIDTH)

    def bare() -> None:
        with torch.no_grad():
            for net in nets:
                for batch in inputs.split(BATCH):
                    net(batch)

    measures = ("cka", "cka(debiased=true)")
    alone, *whole = in_turn([bare, *(lambda m=m: compare_models(*nets, inputs, m) for m in measures)], repeat)
    for measure, time_taken in zip(measures, whole, strict=True):
        work = f"{measure}, {DEPTH} x {DEPTH} layers, n = {INPUTS:,}, d = {WIDTH}"
        row(work, alone, time_taken, f"{time_taken - alone:.2f} s beyond")


def row(work: str, alone: float, time_taken: float, note: str) -> None:
    print(f"| {work} | {alone:.3g} s | {time_taken:.3g} s | {note} |", flush=True)


ROWS = {"transformer": transformer, "heat_map": heat_map}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: fair on a busy machine, for one core")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS))
    options = parser.parse_args()
    global clock
    clock = CLOCKS[options.clock]
    torch.set_num_threads(options.cores)
    print(f"{options.cores} cores, {options.clock} time, medians of {options.repeat}\n")
    print("| work | bare forward passes | similitude | |\n|---|---|---|---|")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    with threadpool_limits(limits=options.cores):
        for name in options.only:
            ROWS[name](options.repeat)


if __name__ == "__main__":
    main()
