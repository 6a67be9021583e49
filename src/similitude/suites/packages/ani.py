"""The members of one ensemble that predicts energies of molecules, graded on where they disagree.

The package torchani 2.2.4 ships ANI-1x (Smith et al. 2018, doi:10.1063/1.5023802): eight members that were trained
separately on the same kind of data. A member has one network per element, which gives an atom's share of its
molecule's energy. There are no energies to compare with, so that members are compared with each other only.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from similitude.benchmark.subtask import Functionality, Pairing, Pairwise, Subtask
from similitude.errors import FileError
from similitude.representations import ModelRecord, Score
from similitude.suites.packages.molecules import Molecule, Surroundings, draw_molecules
from similitude.suites.packages.source import Networks, Source
from similitude.suites.shipped import Package, ShippedFiles

__all__ = ["ANI", "AtomNetwork"]

ELEMENTS = "HCNO"
_DEPTH = 4
_HARTREE = 627.5094738898777
"""In kcal/mol."""
_SEED = 72
_SHIFTS = {"near": 0.05, "far": 0.2}
"""Shifts of atoms in ångström: molecules like those that members were trained on, and far beyond them."""
_LAYERS = ("hidden1", "hidden2", "hidden3")

_ROOT = "torchani/resources/ani-1x_8x/"
_CONSTANTS = f"{_ROOT}rHCNO-5.2R_16-3.5A_a4-8.params"
_PACKAGE = Package(
    name="torchani",
    release="2.2.4",
    wheel="torchani-2.2.4-py3-none-any.whl",
    files=(_CONSTANTS, f"{_ROOT}train?/networks/ANN-[{ELEMENTS}].nnf-l?.?param", "torchani-2.2.4.dist-info/LICENSE"),
    digest="151fe8e1c44daa91d62220c223519c065dca3c529bf4dee2e96794ad29542bd3",
    size="11 MB",
    licence="Its LICENSE file is the MIT License.",
)


class AtomNetwork:
    """The network of one element: dense layers with CELU (alpha 0.1) between them.

    Parameters
    ----------
    weights, biases
        Of each layer, shapes (outputs, inputs) and (outputs,).
    """

    def __init__(self, weights: list[np.ndarray], biases: list[np.ndarray]) -> None:
        self._layers = list(zip(weights, biases, strict=True))

    @classmethod
    def read(cls, files: ShippedFiles, member: str, element: str, inputs: int) -> AtomNetwork:
        """Read the files of weights, which are plain single-precision numbers, row by row.

        Raises
        ------
        FileError
            Their lengths do not fit together.
        """
        stem = f"{_ROOT}{member}/networks/ANN-{element}.nnf-l"
        weights, biases = (
            [
                np.frombuffer(files.read(f"{stem}{layer}.{kind}param"), "<f4").astype(float)
                for layer in range(1, 1 + _DEPTH)
            ]
            for kind in "wb"
        )
        widths = [inputs, *(len(bias) for bias in biases)]
        if [weight.size for weight in weights] != [before * after for before, after in pairwise(widths)]:
            raise FileError(f"{files.place}: the weights and biases of {stem}* do not fit together.")
        return cls([weight.reshape(len(bias), -1) for weight, bias in zip(weights, biases, strict=True)], biases)

    def run(self, seen: np.ndarray) -> list[np.ndarray]:
        """Return the outputs of all layers for n atoms; the last is their share of the energy, shape (n, 1)."""
        found, values = [], seen
        for number, (weight, bias) in enumerate(self._layers, start=1):
            values = values @ weight.T + bias
            if number < len(self._layers):
                values = np.where(values > 0, values, 0.1 * np.expm1(np.minimum(values, 0) / 0.1))
            found.append(values)
        return found


def spread(first: np.ndarray, second: np.ndarray) -> float:
    """Return the standard deviation, over molecules, of the difference of two members' energies."""
    return float(np.std(first - second))


def _networks(files: ShippedFiles, recipe: Mapping[str, Any]) -> Networks:
    surroundings = Surroundings(_read_constants(files), ELEMENTS)
    rng = np.random.default_rng(_SEED)
    shown = draw_molecules(recipe["inputs"], _SHIFTS["near"], rng)
    inputs = np.array([surroundings.of(molecule, 0) for molecule in shown])
    tests = {name: draw_molecules(recipe["tested"], shift, rng) for name, shift in _SHIFTS.items()}
    atoms = {name: _atoms(molecules, surroundings) for name, molecules in tests.items()}
    members = sorted({path.removeprefix(_ROOT).partition("/")[0] for path in files.matching(f"{_ROOT}train*")})
    networks = {
        member: {element: AtomNetwork.read(files, member, element, inputs.shape[1]) for element in ELEMENTS}
        for member in members
    }
    energies = {
        name: {member: _energies(networks[member], of_test, recipe["tested"]) for member in members}
        for name, of_test in atoms.items()
    }
    middle = {name: np.mean(list(of_test.values()), axis=0) for name, of_test in energies.items()}

    def record(member: str) -> ModelRecord:
        hidden = networks[member]["C"].run(inputs)[:-1]
        scores = [Score(f"deviation/{name}", spread(energies[name][member], middle[name])) for name in _SHIFTS]
        return ModelRecord(
            member,
            {layer: values.astype(np.float32) for layer, values in zip(_LAYERS, hidden, strict=True)},
            {},
            scores,
            {f"energies/{name}": energies[name][member] for name in _SHIFTS},
        )

    ids = [f"{number:04}.{molecule.elements}" for number, molecule in enumerate(shown)]
    return Networks(members, _LAYERS, ids, record)


def _atoms(molecules: list[Molecule], surroundings: Surroundings) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Element to what networks see of its atoms, and the numbers of their molecules."""
    found: dict[str, tuple[list[np.ndarray], list[int]]] = {element: ([], []) for element in ELEMENTS}
    for number, molecule in enumerate(molecules):
        for atom, element in enumerate(molecule.elements):
            found[element][0].append(surroundings.of(molecule, atom))
            found[element][1].append(number)
    return {element: (np.array(seen), np.array(owners)) for element, (seen, owners) in found.items() if owners}


def _energies(
    member: Mapping[str, AtomNetwork], atoms: Mapping[str, tuple[np.ndarray, np.ndarray]], count: int
) -> np.ndarray:
    """Energies of molecules in kcal/mol."""
    shares = [
        np.bincount(owners, weights=member[element].run(seen)[-1][:, 0], minlength=count)
        for element, (seen, owners) in atoms.items()
    ]
    return _HARTREE * np.sum(shares, axis=0)


def _read_constants(files: ShippedFiles) -> dict[str, np.ndarray]:
    pairs = (line.partition("=") for line in files.read(_CONSTANTS).decode("ascii").splitlines() if "=" in line)
    plain = {name.strip(): value.strip().strip("[]") for name, _, value in pairs}
    return {name: np.array(value.split(","), dtype=float).squeeze() for name, value in plain.items() if name != "Atyp"}


ANI = Source(
    population="packages_ani",
    description="Members of the ensemble ANI-1x of torchani: their networks for carbon.",
    package=_PACKAGE,
    recipes={"quick": {"inputs": 100, "tested": 100}, "embedded": {"inputs": 600, "tested": 1000}},
    networks=_networks,
    subtasks=(
        Subtask(
            id="packages/ani",
            test="outputs",
            population="packages_ani",
            varies="seed",
            functionalities=tuple(
                Functionality(
                    f"energy/{name}",
                    f"energies of {what}",
                    pairwise=Pairwise(f"energies/{name}", spread, f"deviation/{name}"),
                    lower_is_better=True,
                )
                for name, what in (("near", "vibrating molecules"), ("far", "distorted molecules"))
            ),
            pairing=Pairing("models"),
            modality="molecules",
            description="Do hidden layers for carbon tell which members of an ensemble predict different energies?",
        ),
    ),
)
