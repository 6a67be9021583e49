"""Do two seeds of a convnet build the same layers at the same depth? CKA separates depths more clearly than mean CCA.

    python examples/two_seeds.py

Trains two small networks on scikit-learn's digits, finds for each layer of one its most similar layer of the other, and
writes two-seeds.png. Needs the extra `models`.
"""

import torch
from sklearn.datasets import load_digits
from torch import nn

from similitude import compare_models, heat_map

digits = load_digits()
IMAGES = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
LABELS = torch.tensor(digits.target)
TRAINING = 1300


def train(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    block = lambda c_in, c_out: nn.Sequential(nn.Conv2d(c_in, c_out, 3, padding=1), nn.BatchNorm2d(c_out), nn.ReLU())  # noqa: E731
    net = nn.Sequential(
        *(block(1 if i == 0 else 16, 16) for i in range(4)), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10)
    )
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(2):
        for batch in torch.randperm(TRAINING).split(64):
            loss = nn.functional.cross_entropy(net(IMAGES[batch]), LABELS[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return net


def main() -> None:
    held_out = IMAGES[TRAINING:]
    table = compare_models(
        train(0), train(1), held_out, ["cka", "mean_cca"], layers="blocks", names=("seed 0", "seed 1")
    )
    for measure in ("cka", "mean_cca"):
        matrix = table.matrix(measure)
        identified = sum(matrix.index[i][-1] == best[-1] for i, best in enumerate(matrix.idxmax(axis=1)))
        print(f"\n{measure}: {identified} of {len(matrix)} blocks are most like the block of the same depth")
        print(matrix.round(2).to_string())
    heat_map(table.matrix("cka"), "cka", "similarity", n=len(held_out)).savefig("two-seeds.png")


if __name__ == "__main__":
    main()
