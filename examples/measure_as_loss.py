"""A measure as a training loss: teach a network its task while it must differ from another one inside.

    python examples/measure_as_loss.py

Measures take tensors and give tensors that carry gradients. Needs the extra `models`.
"""

import torch
from sklearn.datasets import load_digits
from torch import nn

from similitude import get_measure

digits = load_digits()
IMAGES = torch.tensor(digits.data, dtype=torch.float32) / 16
LABELS = torch.tensor(digits.target)
TRAINING = 1300


def train(seed: int, unlike: nn.Module | None = None, weight: float = 0.3) -> nn.Module:
    """A network of two layers; if `unlike` is given, CKA with its hidden layer is part of the loss."""
    cka = get_measure("cka")
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimiser = torch.optim.Adam(net.parameters(), 5e-3)
    for _ in range(20):
        for batch in torch.randperm(TRAINING).split(128):
            hidden = net[:2](IMAGES[batch])
            loss = nn.functional.cross_entropy(net[2](hidden), LABELS[batch])
            if unlike is not None:
                with torch.no_grad():
                    other = unlike[:2](IMAGES[batch])
                loss = loss + weight * cka(hidden, other)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return net


def main() -> None:
    first = train(0)
    cka = get_measure("cka")
    held_out, labels = IMAGES[TRAINING:], LABELS[TRAINING:]
    for name, net in {"another seed": train(1), "told to differ": train(1, unlike=first)}.items():
        with torch.no_grad():
            accuracy = (net(held_out).argmax(1) == labels).float().mean()
            alike = cka(first[:2](held_out), net[:2](held_out))
        print(f"{name:16s} accuracy {accuracy:.3f}, CKA with the first network {alike:.3f}")


if __name__ == "__main__":
    main()
