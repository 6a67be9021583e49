"""What watching a training run costs: one comparison in training steps, and the share of the training time by budget.

    python benchmarks/training.py [--cores 1] [--steps 200] [--write]

A BERT of 4 layers learns from random texts; its layers are compared with those of its start on a probe of texts. What a
budget does not limit, the preparation before training, is listed apart. `--write` keeps the numbers in
docs/data/training.csv, from which `documented.py write` puts them into the page.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pandas as pd
import torch
from transformers import BertConfig, BertForSequenceClassification

from similitude import SimilarityMonitor

FILE = Path(__file__).parents[1] / "docs" / "data" / "training.csv"
LENGTH, BATCH, WIDTH, DEPTH = 32, 32, 128, 4
CASES = [(200, None), (200, 0.05), (200, 0.01), (1000, 0.05)]
"""Texts in the probe, and budget."""


def run(probe: int, budget: float | None, every: int, steps: int) -> dict:
    """Train with a monitor, and say what it took."""
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=WIDTH, num_hidden_layers=DEPTH, num_attention_heads=4, intermediate_size=4 * WIDTH, vocab_size=1000
    )
    model = BertForSequenceClassification(config).train()
    optimiser = torch.optim.AdamW(model.parameters(), 1e-4)
    tokens, mask = torch.randint(1, 1000, (probe, LENGTH)), torch.ones(probe, LENGTH).long()
    began = time.perf_counter()
    monitor = SimilarityMonitor(
        model, {"input_ids": tokens, "attention_mask": mask}, measures=["cka", "procrustes"], every=every, budget=budget
    )
    prepared = time.perf_counter()
    compared = 0
    for _ in range(steps):
        texts = torch.randint(1, 1000, (BATCH, LENGTH))
        loss = model(input_ids=texts, attention_mask=torch.ones_like(texts), labels=texts[:, 0] % 2).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        compared += monitor.step()
    training = time.perf_counter() - prepared - monitor.overhead
    return {
        "probe": probe,
        "every": every,
        "budget": budget,
        "steps": steps,
        "compared": compared,
        "share": monitor.overhead / training,
        "per_comparison": monitor.overhead / compared / (training / steps),
        "preparation": (prepared - began) / (training / steps),
    }


def main() -> None:
    """Measure, print, and keep the numbers if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--write", action="store_true", help="keep the numbers in docs/data")
    options = parser.parse_args()
    torch.set_num_threads(options.cores)
    found = pd.DataFrame([run(probe, budget, 10, options.steps) for probe, budget in CASES])
    print(found.round(3).to_string(index=False))
    if options.write:
        found.to_csv(FILE, index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
