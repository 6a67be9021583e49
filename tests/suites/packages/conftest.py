"""Fake packages, installed and as wheels."""

from dataclasses import replace
from importlib.metadata import Distribution, PackageNotFoundError

import pytest

pytest.importorskip("h5py")

import fake

from similitude.suites import shipped
from similitude.suites.packages.ani import ANI
from similitude.suites.packages.mhc import MHC, MHC_ALL
from similitude.suites.packages.suite import PackagesSuite

RECIPE = {"alleles": None, "least": 30, "inputs": 25, "tested": 30, "answered": 40}


@pytest.fixture(scope="session")
def files():
    return fake.recorded(fake.peptide_files(), MHC.package)


@pytest.fixture(scope="session")
def package(files):
    return fake.tested(files, MHC.package)


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """A folder that packages are imported from, empty at first; real ones that are installed are not found."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)

    def distribution(name):
        for found in Distribution.discover(name=name, path=[str(folder)]):
            return found
        raise PackageNotFoundError(name)

    monkeypatch.setattr(shipped, "distribution", distribution)
    return folder


@pytest.fixture
def suite(package):
    """The suite as it would be, were the fake packages the tested ones."""
    of_energies = fake.tested(fake.recorded(fake.energy_files(), ANI.package), ANI.package)
    sources = [replace(source, package=package, recipes={"embedded": RECIPE}) for source in (MHC, MHC_ALL)]
    return PackagesSuite(
        (*sources, replace(ANI, package=of_energies, recipes={"embedded": {"inputs": 30, "tested": 40}}))
    )
