"""Energies of molecules: what networks see must not depend on where a molecule lies."""

import fake
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from similitude.errors import FileError
from similitude.suites.packages import ani
from similitude.suites.packages.ani import ANI, AtomNetwork
from similitude.suites.packages.molecules import Molecule, Surroundings, draw_molecules

CONSTANTS = {
    name: np.array(values)
    for name, values in {
        "Rcr": 5.2,
        "Rca": 3.5,
        "EtaR": 16.0,
        "ShfR": [0.9, 1.1, 1.5, 2.0],
        "Zeta": 32.0,
        "ShfZ": [0.6, 1.9],
        "EtaA": 8.0,
        "ShfA": [0.9, 1.2],
    }.items()
}


@pytest.fixture
def surroundings():
    return Surroundings(CONSTANTS, ani.ELEMENTS)


def test_a_molecule_may_be_moved_turned_and_named_in_another_order(surroundings, rng):
    for molecule in draw_molecules(8, 0.1, rng):
        seen = surroundings.of(molecule, 0)
        order = [0, *rng.permutation(np.arange(1, len(molecule.elements)))]
        turned = Rotation.random(random_state=0).apply(molecule.places) + np.array([1, 2, 3])
        moved = Molecule("".join(molecule.elements[i] for i in order), turned[order])
        assert surroundings.of(moved, 0) == pytest.approx(seen, abs=1e-12)


def test_what_is_seen_of_one_neighbour(surroundings):
    pair = Molecule("CO", np.array([[0, 0, 0], [1.1, 0, 0]]))
    seen = surroundings.of(pair, 0)
    radial = seen[: 4 * 4].reshape(4, 4)
    fading = 0.5 * np.cos(np.pi * 1.1 / 5.2) + 0.5
    assert radial[3] == pytest.approx(0.25 * fading * np.exp(-16 * (1.1 - CONSTANTS["ShfR"]) ** 2))
    assert not radial[:3].any()
    assert not seen[16:].any()  # no angle


def test_what_is_seen_of_an_angle(surroundings):
    bent = Molecule("CHO", np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]]))
    angular = surroundings.of(bent, 0)[16:].reshape(10, 2, 2)
    kind = 3  # H with O: HH, HC, HN, HO
    fading = (0.5 * np.cos(np.pi / 3.5) + 0.5) ** 2
    turned = ((1 + np.cos(np.pi / 2 - CONSTANTS["ShfZ"])) / 2) ** 32
    expected = 2 * fading * np.outer(np.exp(-8 * (1 - CONSTANTS["ShfA"]) ** 2), turned)
    assert angular[kind] == pytest.approx(expected)
    assert not np.delete(angular, kind, axis=0).any()


def test_atoms_beyond_the_cutoff_are_not_seen(surroundings):
    near = Molecule("CH", np.array([[0, 0, 0], [1.1, 0, 0]]))
    far = Molecule("CHO", np.array([[0, 0, 0], [1.1, 0, 0], [0, 5.3, 0]]))
    assert (surroundings.of(near, 0) == surroundings.of(far, 0)).all()


def test_dense_layers_have_celu_between_them():
    weights = [np.array([[1.0], [-1.0]]), np.array([[2.0, 3.0]])]
    hidden, energy = AtomNetwork(weights, [np.zeros(2), np.array([0.5])]).run(np.array([[0.2]]))
    below = 0.1 * np.expm1(-0.2 / 0.1)
    assert hidden[0] == pytest.approx([0.2, below])
    assert energy[0, 0] == pytest.approx(0.4 + 3 * below + 0.5)


@pytest.fixture
def shipped(environment, tmp_path):
    def of(change=lambda files: files):
        files = fake.recorded(change(fake.energy_files()), ANI.package)
        fake.install(environment, files)
        return fake.tested(files, ANI.package).open(tmp_path)

    return of


def test_an_energy_is_the_sum_of_the_shares_of_atoms(shipped):
    files = shipped()
    networks = ani._networks(files, {"inputs": 10, "tested": 12})
    record = networks.record("train2")
    surroundings = Surroundings(ani._read_constants(files), ani.ELEMENTS)
    rng = np.random.default_rng(ani._SEED)
    shown, tested = draw_molecules(10, 0.05, rng), draw_molecules(12, 0.05, rng)
    inputs = len(surroundings.of(tested[0], 0))
    members = {element: AtomNetwork.read(files, "train2", element, inputs) for element in ani.ELEMENTS}
    for molecule, energy in zip(tested, record.items["energies/near"], strict=True):
        shares = [
            members[element].run(surroundings.of(molecule, atom)[None])[-1].item()
            for atom, element in enumerate(molecule.elements)
        ]
        assert energy == pytest.approx(627.5094738898777 * sum(shares))
    seen = np.array([surroundings.of(molecule, 0) for molecule in shown])
    assert record.representations["hidden2"] == pytest.approx(members["C"].run(seen)[1], rel=1e-6)
    assert [values.shape for values in record.representations.values()] == [(10, 5), (10, 4), (10, 3)]


def test_files_that_do_not_fit_together_are_refused(shipped):
    name = "torchani/resources/ani-1x_8x/train0/networks/ANN-C.nnf-l2.wparam"
    files = shipped(lambda files: files | {name: files[name][:-4]})
    with pytest.raises(FileError, match=r"train0/networks/ANN-C.* do not fit together"):
        ani._networks(files, {"inputs": 5, "tested": 5})
