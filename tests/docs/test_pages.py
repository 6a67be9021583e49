"""The pages' Python runs as it stands, and the tutorial's command with it."""

from __future__ import annotations

import doctest
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from similitude.cli.main import app

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [
    "tutorial.md",
    "how-to/extract.md",
    "how-to/compare.md",
    "how-to/doctor.md",
    "how-to/own-networks.md",
    "how-to/training.md",
]
NUMERICAL = [
    "how-to/rdms.md",
    "how-to/align.md",
    "how-to/diff.md",
    "how-to/inputs.md",
    "how-to/layers.md",
    "how-to/significance.md",
]
BLOCK = re.compile(r"^```python(?: title=\"(?P<file>[\w.]+)\")?\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)


def follow(page, folder):
    """Run the blocks of a page one after the other, as a reader would."""
    names: dict = {}
    for block in BLOCK.finditer((DOCS / page).read_text()):
        if block["file"]:
            (folder / block["file"]).write_text(block["code"])
        else:
            exec(compile(block["code"], page, "exec"), names)
    return names


@pytest.fixture
def desk(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("networks", None)


@pytest.mark.parametrize("page", PAGES)
def test_python_on_a_page_runs(page, desk):
    names = follow(page, desk)
    if page == "how-to/compare.md":
        plain, beyond = names["values"].values()
        assert plain > 0.8
        assert beyond < 0.3
        stitched = names["stitched"]
        assert (stitched["accuracy"] > stitched["untrained"] + 0.1).all()
        assert (stitched["own"] > 0.9).all()
    if page == "how-to/training.md":
        table = names["monitor"].table("cka", "initial")
        assert (table.index[0], table.index[-1]) == (0, 200)
        assert table.iloc[-1].max() < 1
        assert names["curves"].references == ("step-0",)
    if page != "tutorial.md":
        return
    assert (desk / "heat-map.png").stat().st_size > 10_000
    accuracy = (names["a"](names["held_out"]).argmax(1) == names["labels"][1300:]).float().mean()
    assert accuracy > 0.85
    (command,) = re.findall(r"^\$ similitude (compare torch:.*)$", (DOCS / page).read_text(), re.MULTILINE)
    result = CliRunner().invoke(app, shlex.split(command))
    assert result.exit_code == 0, result.output


def test_a_folder_of_checkpoints_is_graded_in_twenty_lines(desk):
    page = (DOCS / "how-to/own-networks.md").read_text()
    _, worked, *_ = (block["code"] for block in BLOCK.finditer(page))
    assert "similitude.run(" in worked
    assert len([line for line in worked.splitlines() if line.strip()]) <= 20
    names = follow("how-to/own-networks.md", desk)
    frame = names["graded"].results.frame
    rows = frame[frame["statistic"] == "spearman"].set_index("measure")
    assert rows.index[rows["verdict"] == "tracks"].tolist() == ["cka", "procrustes", "norm_difference"]
    assert rows.loc["norm_difference", "leading"]
    (command,) = re.findall(r"`similitude (run zoo .*?)`", page)
    result = CliRunner().invoke(app, [*shlex.split(command), "--home", "home", "-m", "cka", "--resamples", "100"])
    assert result.exit_code == 0, result.output


def test_where_two_builds_differ(desk):
    result = follow("how-to/diff.md", desk)["result"]
    assert (result.first, result.same) == ("1", False)
    assert result.layers["cka"].min() > 0.99999
    assert (desk / "depth.png").exists()


def test_the_layer_that_is_chosen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = follow("how-to/layers.md", tmp_path)["found"]
    chosen = found.layers.set_index("layer")["chosen"]
    assert found.layer in ("blocks.3", "blocks.4", "blocks.5")
    assert 0 < chosen["blocks.4"] < 1
    assert found.low < found.value < found.high
    assert found.gap > 0
    assert (tmp_path / "layers.png").exists()


def test_inputs_that_differ(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = follow("how-to/inputs.md", tmp_path)["found"]
    assert set(found.top(10)["group"]) == {"rare"}
    assert found.inputs["difference"].sum() == pytest.approx(1 - found.value, abs=1e-10)
    assert found.groups["group"].iloc[0] == "rare"
    assert found.groups["p"].iloc[0] < 0.01


def test_dissimilarity_matrices(tmp_path):
    names = follow("how-to/rdms.md", tmp_path)
    assert min(names["values"].values()) > 0.7
    for measure, (fine, rounded) in names["scores"].items():
        assert (rounded > fine) == (measure == "rsa(compare=kendall)"), measure
    assert names["table"]["p"][0] < 0.01


def test_alignments(tmp_path):
    names = follow("how-to/align.md", tmp_path)
    related, unrelated = names["scores"]["related"], names["scores"]["unrelated"]
    assert min(related[0], unrelated[0]) > 0.4
    assert related[1] > 0.3
    assert unrelated[1] < 0
    X, fitted = names["X"][names["held_out"]], names["fitted"]
    assert np.allclose(names["A"], (X - fitted.offsets[0]) @ fitted.matrices[0])
    assert names["B"].shape == (200, 80)
    assert names["predicted"].shape == X.shape


def test_every_page_with_python_is_followed():
    with_python = {str(p.relative_to(DOCS)) for p in DOCS.rglob("*.md") if "```python" in p.read_text()}
    assert {*PAGES, *NUMERICAL} <= with_python


def test_the_readme_shows_what_python_prints():
    options = doctest.NORMALIZE_WHITESPACE
    found = doctest.testfile(str(DOCS.parent / "README.md"), module_relative=False, optionflags=options)
    assert found.attempted > 5
    assert found.failed == 0


def test_examples_use_the_package_itself():
    """No documented example reaches into a module of the package."""
    pages = [*DOCS.rglob("*.md"), DOCS.parent / "README.md", *(DOCS.parent / "examples").glob("*.py")]
    inside = [
        f"{page.name}: {line.strip()}"
        for page in pages
        for line in page.read_text().splitlines()
        if re.match(r"(>>> )?(from|import) similitude\.", line.strip())
    ]
    assert inside == []


def test_ids_of_headings_are_no_text():
    markdown = pytest.importorskip("markdown")
    settings = (DOCS.parent / "mkdocs.yml").read_text()
    extensions = re.search(r"^markdown_extensions:\n((?:  - .*\n)+)", settings, re.MULTILINE)
    assert extensions is not None
    named = re.findall(r"  - (\w+)$", extensions[1], re.MULTILINE)
    page = markdown.markdown(
        (DOCS / "measures.md").read_text(), extensions=["attr_list"] if "attr_list" in named else []
    )
    assert 'id="cka"' in page
    assert "{ #" not in page
