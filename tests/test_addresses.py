"""Objects by address: one loader for measures, models and whatever else users write themselves."""

import os
import sys

import pytest

from similitude.addresses import load
from similitude.errors import FileError, InputError, MissingDependency, UnknownName


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_file_is_imported_once_and_again_after_a_change(folder):
    file = folder / "mine.py"
    file.write_text("def made():\n    return 1\n")
    first = load("./mine.py:made")
    assert first() == 1
    assert load("./mine.py:made") is first
    file.write_text("def made():\n    return 2\n")
    os.utime(file, (1, 1))
    assert load("./mine.py:made")() == 2


def test_a_module_is_imported_by_its_name(folder):
    (folder / "some_module_of_mine.py").write_text("value = 3\n")
    assert load("some_module_of_mine:value") == 3


@pytest.mark.parametrize(
    ("address", "error", "words"),
    [
        ("made", InputError, "package.module:name"),
        ("mine.py:", InputError, "names no object"),
        ("./nothing.py:made", FileError, "There is no file ./nothing.py"),
        ("no_such_module:made", UnknownName, "There is no module 'no_such_module'"),
        ("./mine.py:mode", UnknownName, "made"),
        ("./broken.py:made", FileError, "Importing ./broken.py failed: SyntaxError"),
        ("./raises.py:made", FileError, "Importing ./raises.py failed: RuntimeError: first line$"),
        ("./needs.py:made", MissingDependency, "no_such_package"),
        ("needs:made", MissingDependency, "no_such_package"),
    ],
)
def test_what_cannot_be_loaded_is_one_line_of_ours(folder, address, error, words):
    (folder / "mine.py").write_text("def made():\n    return 1\n")
    (folder / "broken.py").write_text("def made(:\n")
    (folder / "raises.py").write_text("raise RuntimeError('first line\\nsecond line')\n")
    (folder / "needs.py").write_text("import no_such_package\n")
    with pytest.raises(error, match=words):
        load(address)
    assert f"{folder}/mine.py" not in sys.modules
