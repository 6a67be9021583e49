"""Which layers does training change? The last moves furthest; the first agrees soonest with another seed.

    python examples/training_monitor.py

Trains a small network on scikit-learn's digits, then one from another seed, whose layers a monitor compares with those
of the first and with their own start. Values go to similarity.csv as training goes on, curves to training.png. Needs
the extra `models`.
"""

from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn

from similitude import SimilarityMonitor

digits = load_digits()
IMAGES = torch.tensor(digits.data, dtype=torch.float32) / 16
LABELS = torch.tensor(digits.target)
TRAINING = 1300


def make(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    layer = lambda d_in: nn.Sequential(nn.Linear(d_in, 64), nn.ReLU())  # noqa: E731
    return nn.Sequential(layer(64), layer(64), layer(64), nn.Linear(64, 10))


def train(net: nn.Module, after_step=lambda: None, epochs: int = 15) -> None:
    optimiser = torch.optim.Adam(net.parameters(), 1e-3)
    for _ in range(epochs):
        for batch in torch.randperm(TRAINING).split(64):
            loss = nn.functional.cross_entropy(net(IMAGES[batch]), LABELS[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            after_step()


def main() -> None:
    finished, net = make(0), make(1)
    train(finished)
    Path("similarity.csv").unlink(missing_ok=True)  # of an earlier run; resume=True would continue it
    probe = IMAGES[TRAINING:]  # inputs that are not trained on
    references = {"start": "initial", "other seed": finished}
    with SimilarityMonitor(
        net, probe, ["0", "1", "2", "3"], references=references, every=15, budget=None, csv="similarity.csv"
    ) as monitor:
        train(net, monitor.step)
    for reference in references:
        print(f"\nCKA with {reference}")
        print(monitor.table("cka", reference).round(2).to_string())
    monitor.plot().savefig("training.png")


if __name__ == "__main__":
    main()
