import json

import pytest
import typer
from typer.testing import CliRunner

from similitude.cli.intuitive import command
from similitude.measures import get_measures
from similitude.runs.intuitive import run_intuitive, seed_subtask
from similitude.suites import SUITES
from similitude.suites.base import Site

MEASURES = ["cka", "procrustes", "pwcca", "random"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    SUITES["synthetic"].build(Site(folder, "quick"))
    return folder


def test_report_has_tests_and_grades(home, tmp_path):
    report = run_intuitive(SUITES["synthetic"], Site(home, "quick"), get_measures(MEASURES), models=4)
    table = report.table().set_index("measure")
    assert list(table.index) == MEASURES
    assert table["identification"]["cka"] == 1
    assert table["mean_rank"]["random"] > table["mean_rank"]["cka"]
    assert "opening claim" in report.claim
    report.write(tmp_path)
    written = json.loads((tmp_path / "intuitive-synthetic.json").read_text())
    assert written["layers"] == ["one", "two", "three"]
    assert len(written["measures"]["cka"]["double_map"]) == 6
    assert "## random" in (tmp_path / "intuitive-synthetic.md").read_text()
    names = {f.name for f in (tmp_path / "figures").iterdir()}
    assert {"intuitive-synthetic-specificity-2.png", "intuitive-synthetic-sensitivity.pdf"} <= names


def test_probe_of_truncated_layers_is_found():
    subtask, functionality = seed_subtask(SUITES["synthetic"])
    assert (subtask.id, functionality) == ("synthetic/angle", "kept")


def test_command_line(home):
    app = typer.Typer()
    app.command()(command)
    arguments = ["synthetic", "--scale", "quick", "--home", str(home), "--models", "4", "-m", "cka,pwcca"]
    text = CliRunner().invoke(app, arguments, env={"COLUMNS": "220"})
    assert text.exit_code == 0, text.output
    for words in ("cka", "depth outweighs seed", "mean rank", "opening claim", "over-reacts"):
        assert words in text.stdout
    found = CliRunner().invoke(app, [*arguments, "--json"])
    assert set(json.loads(found.stdout)["measures"]) == {"cka", "pwcca"}
