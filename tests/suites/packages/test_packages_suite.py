"""The suite on fake packages: built, graded, left out where a package is not there."""

import json

import fake
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from similitude.benchmark.evaluate import evaluate
from similitude.cli.main import app
from similitude.errors import FileError, InputError, MissingDependency, SimilitudeWarning
from similitude.representations import open_population
from similitude.suites import SUITES, Site
from similitude.suites.packages import suite as suite_module
from similitude.suites.packages.ani import ANI
from similitude.suites.packages.mhc import auc
from similitude.suites.shipped import Package

shown = pytest.mark.filterwarnings("default::similitude.errors.SimilitudeWarning")
"""The command line prints warnings."""


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path / "home")


@pytest.fixture
def peptides(environment, files):
    fake.install(environment, files)


@pytest.fixture
def energies(environment):
    fake.install(environment, fake.recorded(fake.energy_files(), ANI.package))


@pytest.fixture
def shipping(suite, monkeypatch):
    """The registered suite, with the fake packages for the real ones."""
    registered = SUITES["packages"]
    monkeypatch.setattr(registered, "sources", suite.sources)
    return registered


def test_every_network_is_tested_on_every_allele(suite, site, peptides, energies):
    with pytest.warns(SimilitudeWarning, match="These networks are those of"):
        suite.build(site)
    assert suite.is_built(site)
    found = suite.populations(site)
    assert found["packages_mhc"].models == fake.ALLELES[:-1]  # the last has no measurements
    assert found["packages_mhc_all"].models == fake.ALLELES
    measured = found["packages_mhc"].items("measured")
    assert measured.shape == (5, 5 * 30, 3)
    for number, (model, rows) in enumerate(zip(found["packages_mhc"].models, measured, strict=True)):
        own = rows[rows[:, 2] > 0]
        assert len(own) == 30
        scores = found["packages_mhc"].scores
        [score] = scores[(scores["model"] == model) & (scores["functionality"] == "auc/own")]["value"]
        assert score == pytest.approx(auc(own[:, 1], own[:, 0]))
        assert found["packages_mhc"].items("auc")[number, number] == pytest.approx(score)
    shown = found["packages_mhc"].representation("HLA-B07:02", "lstm")
    assert (shown.n, shown.d) == (25, fake.UNITS)
    assert set(map(len, shown.ids)) == {9}


def test_it_is_graded_like_any_suite(suite, site, peptides, energies):
    with pytest.warns(SimilitudeWarning):
        suite.build(site)
    evaluation = evaluate(suite.subtasks(), suite.populations(site), "cka,random", resamples=50)
    frame = evaluation.results.frame
    assert set(frame["subtask"]) == {subtask.id for subtask in suite.subtasks()}
    assert frame["every"].dropna().between(-1, 1).all()
    described = suite.describe(site).set_index(["subtask", "functionality"])
    assert described.loc[("packages/mhc", "auc/own_allele"), "n_models"] == 5
    pairs = evaluation.pairs
    both = pairs[pairs["subtask"] == "packages/mhc"].set_index(["reference", "model"])["difference"]
    assert len(both) == 4  # pairs of the best reference


def test_a_second_build_reads_nothing(suite, site, peptides, energies, environment):
    with pytest.warns(SimilitudeWarning):
        suite.build(site)
    for file in environment.rglob("*.h5"):
        file.unlink()
    suite.build(site)
    assert suite.is_built(site)


def test_a_killed_build_goes_on(suite, site, peptides, energies, monkeypatch):
    source = suite.sources[0]
    folder = suite.folder(site, source.population)

    def killed(what, done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        source.build(folder, site.scale, site.downloads, killed)
    assert not source.is_complete(folder, site.scale)
    first = {path: path.stat().st_mtime_ns for path in folder.rglob("lstm.npy")}
    assert len(first) == 3
    source.build(folder, site.scale, site.downloads, lambda *what: None)
    assert source.is_complete(folder, site.scale)
    assert all(path.stat().st_mtime_ns == time for path, time in first.items())


def test_the_licence_is_told_once_per_package_and_kept(suite, site, peptides, energies):
    with pytest.warns(SimilitudeWarning) as told:
        suite.build(site)
    assert [str(warning.message).split(",")[0] for warning in told] == [
        "These networks are those of mhcnuggets 2.4.1",
        "These networks are those of torchani 2.2.4",
    ]
    assert "non-profit" in str(told[0].message)
    manifest = json.loads((suite.folder(site, "packages_mhc") / "manifest.json").read_text())
    assert "JHU Academic Software License" in manifest["settings"]["package"]["licence"]


def test_a_changed_network_stops_the_build_and_is_named(suite, site, peptides, energies, environment):
    place = environment / "mhcnuggets/saves/production/HLA-B07:02_BA.h5"
    place.write_bytes(fake.h5(fake.weights(np.random.default_rng(9))))
    with pytest.warns(SimilitudeWarning), pytest.raises(FileError, match=r"HLA-B07:02_BA\.h5"):
        suite.build(site)
    assert "HLA-B07:02" not in open_population(suite.folder(site, "packages_mhc")).models


def test_without_packages_the_error_names_them_all(suite, site, environment):
    with pytest.raises(MissingDependency, match=r"mhcnuggets 2\.4\.1.*torchani 2\.2\.4"):
        suite.build(site)
    assert not site.home.exists()


def test_options_are_refused(suite, site):
    with pytest.raises(InputError, match="no option 'cifar10'"):
        suite.build(site, cifar10="somewhere")


def test_the_command_says_what_is_missing(site, environment, shipping):
    result = CliRunner().invoke(app, ["run", "packages", "--home", str(site.home), "-o", str(site.home / "out")])
    assert result.exit_code == 2
    assert "similitude build packages --install" in result.stderr
    assert "Traceback" not in result.output


@shown
def test_what_is_missing_is_left_out_and_the_rest_graded(site, peptides, shipping, tmp_path):
    arguments = ["packages/mhc", "packages/ani", "-m", "cka,random", "--resamples", "100"]
    result = CliRunner().invoke(app, ["run", *arguments, "--home", str(site.home), "-o", str(tmp_path / "out")])
    assert result.exit_code == 1, result.output
    assert "Left out: packages/ani: torchani 2.2.4" in result.stderr
    assert "non-profit" in result.stderr
    assert set(pd.read_csv(tmp_path / "out/results.csv")["subtask"]) == {"packages/mhc"}
    provenance = json.loads((tmp_path / "out/results.json").read_text())["provenance"]
    assert list(provenance["packages"]) == ["mhcnuggets"]
    assert provenance["packages"]["mhcnuggets"]["release"] == "2.4.1"
    assert "JHU" in provenance["packages"]["mhcnuggets"]["licence"]


@shown
def test_a_package_that_was_not_asked_for_is_not_missed(site, peptides, shipping, tmp_path):
    arguments = ["packages/mhc", "-m", "cka,random", "--resamples", "100"]
    result = CliRunner().invoke(app, ["run", *arguments, "--home", str(site.home), "-o", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output


@shown
def test_build_says_what_it_downloads_before_it_does(site, files, environment, shipping, monkeypatch):
    downloaded = []

    def download(package, downloads):
        downloaded.append(package.name)
        content = files if package.name == "mhcnuggets" else fake.recorded(fake.energy_files(), package)
        fake.wheel(downloads / package.wheel, content)

    monkeypatch.setattr(Package, "download", download)
    result = CliRunner().invoke(app, ["build", "packages", "--install", "--home", str(site.home)])
    assert result.exit_code == 0, result.output
    assert downloaded == ["mhcnuggets", "torchani"]
    first, second = (result.stderr.index(f"Downloading {name}") for name in ("mhcnuggets 2.4.1 (109 MB)", "torchani"))
    assert first < result.stderr.index("pypi.org/project/mhcnuggets") < second < result.stderr.index("These networks")
    assert "nothing is installed" in result.stderr
    again = CliRunner().invoke(app, ["build", "packages", "--install", "--home", str(site.home)])
    assert again.exit_code == 0
    assert len(downloaded) == 2
    assert "mhcnuggets 2.4.1 is there already" in again.stderr


def test_a_download_of_something_else_is_an_error(site, environment, shipping, monkeypatch):
    other = fake.recorded(fake.peptide_files(seed=3), shipping.sources[0].package)
    monkeypatch.setattr(Package, "download", lambda package, downloads: fake.wheel(downloads / package.wheel, other))
    result = CliRunner().invoke(app, ["build", "packages", "--install", "--home", str(site.home)])
    assert result.exit_code == 2
    assert "not those that were tested" in result.stderr


def test_suites_that_train_have_nothing_to_install(site):
    result = CliRunner().invoke(app, ["build", "vision", "--install", "--home", str(site.home)])
    assert result.exit_code == 2
    assert "--install is for packages" in result.stderr


def test_it_is_not_run_by_default():
    assert suite_module.SUITE is SUITES["packages"]
    assert not SUITES["packages"].by_default
