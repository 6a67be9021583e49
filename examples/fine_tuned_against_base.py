"""Which layers has fine-tuning changed, and on which inputs does it show?

    python examples/fine_tuned_against_base.py

Trains a network on the digits 0 to 7 of scikit-learn, then fine-tunes all but its first two blocks on all ten digits.
`diff` finds where the two begin to differ, and the contributions of single images, added up by digit, on what: the new
digits have other neighbours than before. CKA, which rests on the directions of large variance, points elsewhere.
Needs the extra `models`.
"""

import copy

import torch
from sklearn.datasets import load_digits
from torch import nn

from similitude import contributions, diff, extract

digits = load_digits()
IMAGES, LABELS = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
TRAINING = torch.arange(len(LABELS)) < 1300
NEW = LABELS > 7
FROZEN = 2


def train(net: nn.Sequential, chosen: torch.Tensor, epochs: int) -> nn.Sequential:
    torch.manual_seed(0)
    rows = chosen.nonzero()[:, 0]
    optimiser = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], 3e-3)
    for _ in range(epochs):
        for batch in rows[torch.randperm(len(rows))].split(64):
            loss = nn.functional.cross_entropy(net(IMAGES[batch]), LABELS[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return net.eval()


def main() -> None:
    torch.manual_seed(0)
    blocks = [nn.Sequential(nn.Linear(64, 64), nn.ReLU()) for _ in range(5)]
    base = train(nn.Sequential(*blocks, nn.Linear(64, 10)), TRAINING & ~NEW, 20)
    tuned = copy.deepcopy(base)
    for block in tuned[:FROZEN]:
        block.requires_grad_(False)
    train(tuned, TRAINING, 10)

    shown = IMAGES[~TRAINING]
    found = diff(base, tuned, shown, names=("base", "tuned"))
    changed = int((~found.weights["equal"]).sum())
    print(f"{changed} of {len(found.weights)} parameters changed; outputs first differ at block {found.first}")
    print(found.layers[["layer", "relative", "cka"]].round(3).to_string(index=False))

    last = "4"
    sides = [extract(net, shown, layers=[last], name=name)[last] for net, name in ((base, "base"), (tuned, "tuned"))]
    for measure in ("mutual_knn", "cka"):
        groups = contributions(*sides, measure, groups=LABELS[~TRAINING].tolist(), permutations=0).groups
        print(f"\nBlock {last}, {measure}: difference per image, relative to all images")
        print(groups[["group", "n", "ratio", "p"]].head(4).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
