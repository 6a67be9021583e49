"""Which layer does not survive int8? A float network against its dynamic quantisation, layer by layer.

    python examples/quantised_against_float.py

Trains a small network on scikit-learn's digits. Then one unit is scaled up and what reads it scaled down: in float the
network computes the same, but a layer with one outlying unit has little of int8 left for the others. `diff` finds it.
Needs the extra `models`.
"""

import copy
import warnings

import torch
from sklearn.datasets import load_digits
from torch import nn

from similitude import diff

digits = load_digits()
IMAGES, LABELS = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
TRAINING = 1300
TOLERATED = 0.05


def train() -> nn.Sequential:
    torch.manual_seed(0)
    net = nn.Sequential(*(nn.Sequential(nn.Linear(64, 64), nn.ReLU()) for _ in range(4)), nn.Linear(64, 10))
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(10):
        for batch in torch.randperm(TRAINING).split(64):
            loss = nn.functional.cross_entropy(net(IMAGES[batch]), LABELS[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return net.eval()


@torch.no_grad()
def with_an_outlier(net: nn.Sequential, block: int, scale: float = 60.0) -> nn.Sequential:
    """The same function, since ReLU(60 x) / 60 = ReLU(x)."""
    other = copy.deepcopy(net)
    written, reading = other[block][0], other[block + 1][0]
    unit = int((net[: block + 1](IMAGES) ** 2).mean(dim=0).argmax())
    written.weight[unit] *= scale
    written.bias[unit] *= scale
    reading.weight[:, unit] /= scale
    return other


def quantised(net: nn.Module) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.ao is about to become a package of its own, torchao
        return torch.ao.quantization.quantize_dynamic(net, {nn.Linear}, dtype=torch.qint8)


def accuracy(net: nn.Module) -> float:
    return float((net(IMAGES[TRAINING:]).argmax(dim=1) == LABELS[TRAINING:]).float().mean())


def main() -> None:
    net = train()
    for title, network in (("As trained", net), ("With an outlying unit in block 1", with_an_outlier(net, 1))):
        int8 = quantised(network)
        found = diff(network, int8, IMAGES[TRAINING:], fail_above=TOLERATED, names=("float32", "int8"))
        print(f"{title}: accuracy {accuracy(network):.3f} in float32, {accuracy(int8):.3f} in int8")
        print(found.layers[["layer", "relative", "sqnr", "cka"]].round(3).to_string(index=False))
        print(f"first layer with an error above {TOLERATED:.0%}: {found.first}\n")


if __name__ == "__main__":
    main()
