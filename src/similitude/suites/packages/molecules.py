"""Small molecules that vibrate, and what a network sees of an atom in one: smoothed counts of distances and angles."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np

__all__ = ["Molecule", "Surroundings", "draw_molecules"]

_TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 3**0.5
_BOND_TO_CARBON = {"H": 1.09, "C": 1.53, "N": 1.47, "O": 1.43}
"""Lengths of bonds, in ångström."""
_HYDROGENS = {"H": (0, 0.0), "C": (3, 1.09), "N": (2, 1.01), "O": (1, 0.96)}
"""Number of hydrogens on what is bound to carbon, and the length of their bond."""


class Molecule(NamedTuple):
    """Elements of its atoms, a carbon first, and their places, shape (atoms, 3), in ångström."""

    elements: str
    places: np.ndarray


def draw_molecules(count: int, shift: float, rng: np.random.Generator) -> list[Molecule]:
    """Draw methane, ethane, methylamine and methanol whose atoms are shifted from their usual places.

    Parameters
    ----------
    count
        Number of molecules.
    shift
        Standard deviation of shifts along each axis, in ångström.
    rng
        Source of randomness.
    """
    return [_molecule(str(rng.choice(list(_BOND_TO_CARBON))), shift, rng) for _ in range(count)]


def _molecule(bound: str, shift: float, rng: np.random.Generator) -> Molecule:
    count, bond = _HYDROGENS[bound]
    other = _BOND_TO_CARBON[bound] * _TETRAHEDRON[0]
    places = [np.zeros(3), *(1.09 * _TETRAHEDRON[1:]), other, *(other - bond * _TETRAHEDRON[1 : 1 + count])]
    shifted = np.array(places) + rng.normal(scale=shift, size=(len(places), 3))
    return Molecule(f"CHHH{bound}" + "H" * count, shifted)


class Surroundings:
    """The atomic environment vectors of ANI (Smith et al. 2017, doi:10.1039/C6SC05720A).

    Parameters
    ----------
    constants
        Of the file of parameters: ``Rcr`` and ``Rca``, the radial and angular cutoffs in ångström; ``EtaR``, ``ShfR``,
        ``Zeta``, ``ShfZ``, ``EtaA`` and ``ShfA``, arrays.
    elements
        In the order of the networks' inputs.
    """

    def __init__(self, constants: Mapping[str, np.ndarray], elements: str) -> None:
        self._elements = elements
        self._constants = constants
        pairs = ((a, b) for a in range(len(elements)) for b in range(a, len(elements)))
        self._pair = {pair: i for i, pair in enumerate(pairs)}

    def of(self, molecule: Molecule, atom: int) -> np.ndarray:
        """Return what a network sees of an atom."""
        c, elements = self._constants, self._elements
        others = [i for i in range(len(molecule.elements)) if i != atom]
        arms = molecule.places[others] - molecule.places[atom]
        kinds = [elements.index(molecule.elements[i]) for i in others]
        lengths = np.linalg.norm(arms, axis=1)

        radial = np.zeros((len(elements), c["ShfR"].size))
        near = np.exp(-c["EtaR"] * (lengths[:, None] - c["ShfR"]) ** 2) * _cutoff(lengths, c["Rcr"])[:, None]
        np.add.at(radial, kinds, 0.25 * near)

        angular = np.zeros((len(self._pair), c["ShfA"].size, c["ShfZ"].size))
        fading = _cutoff(lengths, c["Rca"])
        for j, k in combinations(range(len(others)), 2):
            angle = np.arccos(0.95 * (arms[j] @ arms[k]) / (lengths[j] * lengths[k]))
            turned = ((1 + np.cos(angle - c["ShfZ"])) / 2) ** c["Zeta"]
            apart = np.exp(-c["EtaA"] * ((lengths[j] + lengths[k]) / 2 - c["ShfA"]) ** 2) * fading[j] * fading[k]
            angular[self._pair[min(kinds[j], kinds[k]), max(kinds[j], kinds[k])]] += 2 * np.outer(apart, turned)
        return np.concatenate([radial.ravel(), angular.ravel()])


def _cutoff(lengths: np.ndarray, radius: np.ndarray) -> np.ndarray:
    return np.where(lengths < radius, 0.5 * np.cos(np.pi * lengths / radius) + 0.5, 0.0)
