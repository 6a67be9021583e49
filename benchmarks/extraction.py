"""What comes on top of the forward passes: hooks and reductions, and the heat map of two deep networks.

    python benchmarks/extraction.py [--cores 2] [--repeat 5] [--clock cpu]

Bare forward passes and similitude take turns; printed are medians. The networks are made here, with random weights.
``pip install torch-cka`` adds the row that compares with that package.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import warnings

import torch
from clock import Clock, options, row
from threadpoolctl import threadpool_limits
from torch import nn
from transformers import BertConfig, BertModel

from similitude import compare_models, extract

TEXTS, LENGTH, BATCH = 128, 48, 32
INPUTS, WIDTH, DEPTH = 2000, 512, 50


def transformer(clock: Clock, repeat: int) -> None:
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
    ours = [lambda reduce=reduce: extract(model, inputs, "residual_stream", reduce) for reduce in ways]
    alone, *extracted = clock.in_turn([bare, *ours], repeat, warm_up=True)
    for reduce, time_taken in zip(ways, extracted, strict=True):
        row(f"12-layer BERT, {TEXTS} texts, 13 layers, {reduce}", alone, time_taken, f"{time_taken / alone - 1:+.1%}")


class Block(nn.Module):
    """x + relu(W x)."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.relu(self.linear(x))


def heat_map(clock: Clock, repeat: int) -> None:
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
    ours = [lambda m=m: compare_models(*nets, inputs, m) for m in measures]
    alone, *whole = clock.in_turn([bare, *ours], repeat, warm_up=True)
    for measure, time_taken in zip(measures, whole, strict=True):
        work = f"{measure}, {DEPTH} x {DEPTH} layers, n = {INPUTS:,}, d = {WIDTH}"
        row(work, alone, time_taken, f"{time_taken - alone:.2f} s beyond")


def torch_cka(clock: Clock, repeat: int) -> None:
    """The package of that name on the same heat map; its HSIC are means over batches."""
    if importlib.util.find_spec("torch_cka") is None:
        return
    from torch.utils.data import DataLoader, TensorDataset
    from torch_cka import CKA

    torch.manual_seed(0)
    nets = [nn.Sequential(*(Block() for _ in range(DEPTH))).eval() for _ in "ab"]
    inputs = torch.randn(INPUTS, WIDTH)
    layers = [str(i) for i in range(DEPTH)]

    def theirs() -> None:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()), torch.no_grad():
            warnings.simplefilter("ignore")
            heat = CKA(*nets, "a", "b", layers, layers)
            heat.compare(DataLoader(TensorDataset(inputs), batch_size=250))

    ours = lambda: compare_models(*nets, inputs, "cka(debiased=true)")  # noqa: E731
    old, new = clock.in_turn([theirs, ours], repeat)
    row(f"torch-cka, batches of 250, {DEPTH} x {DEPTH} layers, n = {INPUTS:,}, d = {WIDTH}", old, new)


ROWS = {"transformer": transformer, "heat_map": heat_map, "torch_cka": torch_cka}


def main() -> None:
    chosen = options(__doc__, ROWS, repeat=5).parse_args()
    clock = Clock(chosen.clock)
    torch.set_num_threads(chosen.cores)
    print(f"{chosen.cores} cores, {chosen.clock} time, medians of {chosen.repeat}\n")
    print("| work | baseline: bare forward passes, or the package | similitude | ratio | |\n|---|---|---|---|---|")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: chosen.cores])
    with threadpool_limits(limits=chosen.cores):
        for name in chosen.only:
            ROWS[name](clock, chosen.repeat)


if __name__ == "__main__":
    main()
