"""What CONTRIBUTING.md says, done: its measure is added to a copy of the repository, and its files are there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPE = GUIDE[GUIDE.index("## Add a measure") : GUIDE.index("## Add a functionality")]
NAME = "dimension_difference"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the package and its tests, with the files of the recipe."""
    folder = tmp_path_factory.mktemp("repository")
    for part in ("src", "tests", "docs"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "images"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    blocks = re.findall(r'```python title="([\w./]+)"\n(.*?)```', RECIPE, re.DOTALL)
    assert len(blocks) == 2
    for file, code in blocks:
        assert not (folder / file).exists()
        (folder / file).write_text(code, encoding="utf-8")
    return folder


def run(folder, *command):
    variables = {"PYTHONPATH": str(folder / "src"), "COLUMNS": "200", "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    process = subprocess.run(
        [sys.executable, *command],
        cwd=folder, env=os.environ | variables, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def commands():
    """The recipe's own command lines, as arguments of the interpreter."""
    lines = re.findall(r"^\$ (.*?)(?: > .*)?$", RECIPE, re.MULTILINE)
    words = [line.split() for line in lines]
    return [rest if name == "python" else ["-m", name, *rest] for name, *rest in words]


def test_the_new_measure_is_found(copy):
    values = "import similitude; print(similitude.get_measure('dimension_difference(order=3)'))"
    assert run(copy, "-c", values) == f"{NAME}(order=3)\n"
    rows = json.loads(run(copy, "-m", "similitude", "measures", "--json"))
    assert NAME in [row["measure"] for row in rows]
    told = run(copy, "-m", "similitude", "measures", NAME)
    assert "Must be a whole number of at least 2." in told
    assert "participation ratio" in told


def test_the_recipe_works_as_written(copy):
    check, tests, document = commands()
    assert "passes" in run(copy, *check)
    passed = run(copy, *tests, "-v", "-n", "0")
    for name in (f"test_does_what_it_declares[{NAME}]", f"test_agrees_with_its_definition[{NAME}(order=3)]"):
        assert re.search(rf"{re.escape(name)} PASSED", passed), name
    assert f"### `{NAME}`" in run(copy, *document)


def test_every_file_of_a_recipe_is_there():
    named = re.findall(r"`((?:src|tests|docs)/[\w./-]+)`", GUIDE)
    assert len(named) > 15
    assert [name for name in named if "MODULE" not in name and not (ROOT / name).exists()] == []


def test_every_room_is_described():
    folder = ROOT / "src" / "similitude"
    rooms = {entry.name + "/" for entry in folder.iterdir() if (entry / "__init__.py").exists()}
    assert [room for room in sorted(rooms) if f"`{room}`" not in GUIDE] == []
