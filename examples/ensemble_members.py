"""Eight networks that learned the same energies from different starts: do they agree, and do they agree inside?

    pip install 'similitude[models]' torchani==2.2.4
    python examples/ensemble_members.py

That release ships ANI-1x (Smith et al. 2018, doi:10.1063/1.5023802), eight members that were trained separately, as
plain binary files; torchani itself is not imported. A member has one network an element, which gives an atom's share of
its molecule's energy; only the sum was trained. Shown are vibrating methane, ethane, methylamine and methanol.
"""

from importlib.util import find_spec
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn

import similitude

ELEMENTS = "HCNO"
BOND_TO_CARBON = {"H": 1.09, "C": 1.53, "N": 1.47, "O": 1.43}  # ångström
HYDROGENS = {"H": (0, 0.0), "C": (3, 1.09), "N": (2, 1.01), "O": (1, 0.96)}  # their number and bond
TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 3**0.5
LAYERS = {"1": "hidden 1", "3": "hidden 2", "5": "hidden 3", "6": "energy"}


def network(folder: Path, element: str) -> nn.Sequential:
    """Weights are raw float32, row by row."""

    def read(layer: int, kind: str) -> torch.Tensor:
        return torch.tensor(np.fromfile(folder / f"ANN-{element}.nnf-l{layer}.{kind}param", dtype=np.float32))

    biases = [read(layer, "b") for layer in range(1, 5)]
    layers: list[nn.Module] = []
    for i, (width, height) in enumerate(pairwise([384, *map(len, biases)])):
        linear = nn.Linear(width, height)
        linear.weight.data, linear.bias.data = read(i + 1, "w").view(height, width), biases[i]
        layers += [linear, nn.CELU(0.1)]
    return nn.Sequential(*layers[:-1])


def molecule(rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """CH3-X with X one of H, CH3, NH2, OH: elements, carbon first, and places."""
    x = rng.choice(list(ELEMENTS))
    count, bond = HYDROGENS[x]
    other = BOND_TO_CARBON[x] * TETRAHEDRON[0]
    places = [np.zeros(3), *(1.09 * TETRAHEDRON[1:]), other, *(other - bond * TETRAHEDRON[1 : 1 + count])]
    return f"CHHH{x}" + "H" * count, np.array(places) + rng.normal(scale=0.05, size=(len(places), 3))


def surroundings(elements: str, places: np.ndarray, atom: int) -> np.ndarray:
    """What a network sees of an atom: smoothed counts of distances and of angles, by element."""
    others = [i for i in range(len(elements)) if i != atom]
    arms = places[others] - places[atom]
    kinds, lengths = [ELEMENTS.index(elements[i]) for i in others], np.linalg.norm(arms, axis=1)

    radial = np.zeros((4, 16))
    for kind, r in zip(kinds, lengths, strict=True):
        radial[kind] += 0.25 * np.exp(-16 * (r - 0.9 - np.arange(16) * 4.3 / 16) ** 2) * cutoff(r, 5.2)

    order = {pair: i for i, pair in enumerate((a, b) for a in range(4) for b in range(a, 4))}
    angular = np.zeros((10, 4, 8))
    for j, k in combinations(range(len(others)), 2):
        angle = np.arccos(0.95 * (arms[j] @ arms[k]) / (lengths[j] * lengths[k]))
        turned = ((1 + np.cos(angle - (np.arange(8) + 0.5) * np.pi / 8)) / 2) ** 32
        near = np.exp(-8 * ((lengths[j] + lengths[k]) / 2 - 0.9 - np.arange(4) * 0.65) ** 2)
        near *= cutoff(lengths[j], 3.5) * cutoff(lengths[k], 3.5)
        angular[order[tuple(sorted((kinds[j], kinds[k])))]] += 2 * np.outer(near, turned)
    return np.concatenate([radial.ravel(), angular.ravel()])


def cutoff(r: float, radius: float) -> float:
    return 0.5 * np.cos(np.pi * r / radius) + 0.5 if r < radius else 0.0


def main() -> None:
    (package,) = find_spec("torchani").submodule_search_locations
    folders = [Path(package) / f"resources/ani-1x_8x/train{i}/networks" for i in range(8)]
    members = [{element: network(folder, element) for element in ELEMENTS} for folder in folders]
    rng = np.random.default_rng(0)
    molecules = [molecule(rng) for _ in range(1000)]
    of_element: dict[str, list[np.ndarray]] = {element: [] for element in ELEMENTS}
    owner: dict[str, list[int]] = {element: [] for element in ELEMENTS}
    for i, (elements, places) in enumerate(molecules):
        for atom, element in enumerate(elements):
            of_element[element].append(surroundings(elements, places, atom))
            owner[element].append(i)
    seen = {element: torch.tensor(np.array(rows), dtype=torch.float32) for element, rows in of_element.items()}

    with torch.no_grad():
        totals = torch.zeros(8, len(molecules))
        for total, member in zip(totals, members, strict=True):
            for element in ELEMENTS:
                total.index_add_(0, torch.tensor(owner[element]), member[element](seen[element])[:, 0])
        carbon = torch.cat([member["C"](seen["C"]) for member in members], dim=1).T
    for what, energies in (("whole molecules", totals), ("a carbon atom's share", carbon)):
        correlations = np.corrcoef(energies)[np.triu_indices(8, 1)]
        print(f"Energies of {what}: members correlate by {correlations.min():.3f} to {correlations.max():.3f}")

    torch.manual_seed(0)
    untrained = nn.Sequential(*(fresh(layer) for layer in members[0]["C"]))
    carbons = [*(member["C"] for member in members), untrained]
    found = [similitude.extract(net, seen["C"], list(LAYERS), name=str(i)) for i, net in enumerate(carbons)]
    print(f"\n{'CKA of carbon':16s}{'among members':>16s}{'with untrained':>18s}")
    for layer, title in LAYERS.items():
        matrix = similitude.pairwise([layers[layer] for layers in found], "cka").matrix("cka").to_numpy()
        among, outside = matrix[:8, :8][np.triu_indices(8, 1)], matrix[8, :8]
        print(f"{title:16s}{among.min():8.2f} to {among.max():.2f}{outside.min():10.2f} to {outside.max():.2f}")


def fresh(layer: nn.Module) -> nn.Module:
    return nn.Linear(layer.in_features, layer.out_features) if isinstance(layer, nn.Linear) else layer


if __name__ == "__main__":
    main()
