"""Opening the archive: folder, tar and compressed tar alike, and none that means harm."""

import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from similitude.errors import FileError
from similitude.suites.published.archive import open_archive
from similitude.suites.published.reproduce import reproduce


def packed(folder: Path, target: Path, mode: str) -> Path:
    with tarfile.open(target, mode) as tar:
        tar.add(folder, arcname="sim_metric_resources")
    return target


def write_tar(target: Path, *members: tuple[str, bytes], **attributes) -> Path:
    with tarfile.open(target, "w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in attributes.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(content))
    return target


@pytest.mark.parametrize(("name", "mode"), [("a.tar", "w"), ("a.tar.gz", "w:gz"), ("a.tgz", "w:gz")])
@pytest.mark.parametrize("from_embeddings", [False, True])
def test_a_tar_gives_what_the_folder_gives(pristine, tmp_path, name, mode, from_embeddings):
    def run(path):
        return reproduce(path, ["feather"], ["cka,procrustes"], from_embeddings=from_embeddings).results.frame

    expected = run(pristine)
    found = run(packed(pristine, tmp_path / name, mode))
    pd.testing.assert_frame_equal(found.drop(columns="seconds"), expected.drop(columns="seconds"))
    assert [p.name for p in tmp_path.iterdir()] == [name]  # nothing is left beside it


def test_the_folder_above_will_do(pristine):
    with open_archive(pristine.parent) as archive:
        assert "scores/feather/scores.csv" in archive


@pytest.mark.parametrize("name", ["../scores/feather/scores.csv", "/scores/feather/scores.csv", "a/../../scores/x"])
def test_members_outside_are_refused(tmp_path, name):
    path = write_tar(tmp_path / "evil.tar", (name, b"x"))
    with pytest.raises(FileError, match="lies outside the archive"), open_archive(path):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["evil.tar"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.SYMTYPE, "a link"),
        (tarfile.LNKTYPE, "a link"),
        (tarfile.CHRTYPE, "neither"),
        (tarfile.FIFOTYPE, "neither"),
    ],
)
@pytest.mark.parametrize("compress", [False, True])
def test_links_and_devices_are_refused(tmp_path, kind, said, compress):
    path = write_tar(tmp_path / "evil.tar", ("scores/feather/scores.csv", b""), type=kind, linkname="/etc/passwd")
    if compress:
        path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(FileError, match=said), open_archive(path):
        pass


def test_what_unpacks_to_far_more_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("similitude.suites.published.archive.GIB", 1 << 20)
    path = tmp_path / "bomb.tar.gz"
    zeros = bytes(8 << 20)
    inner = write_tar(tmp_path / "bomb.tar", ("other", zeros), ("scores/feather/scores.csv", b"x"))
    path.write_bytes(gzip.compress(inner.read_bytes()))
    with pytest.raises(FileError, match="unpacks to more than"), open_archive(path):
        pass
    monkeypatch.setattr("similitude.suites.published.archive.TABLE_LIMIT", 1 << 10)
    large = write_tar(tmp_path / "large.tar", ("scores/feather/scores.csv", zeros))
    with pytest.raises(FileError, match="more than"), open_archive(large):
        pass


def test_a_header_that_asks_for_memory_is_refused(tmp_path):
    path = tmp_path / "pax.tar"
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 1 << 33
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(FileError, match="header of"), open_archive(path):
        pass


@pytest.mark.parametrize("content", [b"", b"not a tar at all" * 100, b"\x1f\x8b", gzip.compress(b"hello", mtime=0)])
def test_what_is_no_archive_is_said(tmp_path, content):
    path = tmp_path / "thing.tar"
    path.write_bytes(content)
    with pytest.raises(FileError, match="holds nothing of the published archive"), open_archive(path):
        pass
    with pytest.raises(FileError, match="does not exist"), open_archive(tmp_path / "absent"):
        pass
    with pytest.raises(FileError, match="holds nothing"), open_archive(tmp_path):
        pass


@pytest.mark.parametrize("compress", [False, True])
def test_of_a_truncated_tar_the_whole_parts_are_read(pristine, tmp_path, compress):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as tar:
        for name in ("scores/feather/scores.csv", "dists/feather/dists.csv", "dists/layer_exp/dists.csv"):
            tar.add(pristine / name, arcname=name)
    content = path.read_bytes()
    cut = content[: len(content) // 2]
    path.write_bytes(gzip.compress(content)[: len(gzip.compress(content)) // 2] if compress else cut)
    found = reproduce(path, ["feather", "layer_exp"])
    assert set(found.results.frame["subtask"]) == {"feather"}
    assert any("truncated" in fault for fault in found.faults)


def test_arrays_are_checked_before_they_are_mapped(archive):
    name = "embeddings/mnli_matched_100/feather/0/0/0/rep.npy"
    file = archive / name
    good = file.read_bytes()

    def read():
        with open_archive(archive) as opened:
            return np.array(opened.array(name))

    assert read().shape == (6, 40)
    np.save(file, np.asfortranarray(np.arange(6).reshape(2, 3)))
    assert np.array_equal(read(), np.arange(6).reshape(2, 3))
    for content, said in (
        (good[:-8], "truncated"),
        (good[:20], "truncated"),
        (b"", "not a .npy file"),
        (b"PK\x03\x04", "not a .npy file"),
    ):
        file.write_bytes(content)
        with pytest.raises(FileError, match=said):
            read()
    np.save(file, np.array([{}, None], dtype=object), allow_pickle=True)
    with pytest.raises(FileError, match="Python objects"):
        read()
    np.save(file, np.zeros((0, 4)))
    with pytest.raises(FileError, match="no values"):
        read()
