import json
from dataclasses import replace

import pandas as pd
import pytest
from typer.testing import CliRunner

from similitude.benchmark.subtask import Grouping
from similitude.cli.main import app
from similitude.runs.replicate import half_of
from similitude.suites import SUITES, Site

runner = CliRunner()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


def call(home, *arguments):
    return runner.invoke(app, ["replicate", *map(str, arguments), "--home", str(home), "--resamples", "100"])


def test_independent_networks_confirm_what_is_true_and_files_say_the_same(home, tmp_path):
    result = call(home, "synthetic/angle", "-m", "cka,random", "--scale", "first", "-o", tmp_path, "--json")
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert printed["provenance"]["draws"] == [0, 1]
    verdicts = {(v["functionality"], v["kind"], v["measure"], v["outcome"]) for v in printed["verdicts"]}
    assert ("follows", "tracks", "cka", "holds") in verdicts
    assert ("follows", "beats", "cka", "holds") in verdicts
    assert not any(measure == "random" and functionality == "follows" for functionality, _, measure, _ in verdicts)
    assert json.loads((tmp_path / "replication.json").read_text()) == printed
    kept = pd.read_csv(tmp_path / "estimates.csv")
    assert (kept["every"] != kept["every_replication"]).any()
    text = (tmp_path / "replication.md").read_text()
    assert "| synthetic/angle | follows | cka tracks it |" in text.partition("## Verdicts that do not")[0]


def test_the_table_and_the_sentences(home, tmp_path):
    result = call(home, "synthetic/pc_deletion", "-m", "cka,random", "--scale", "first", "-o", tmp_path)
    assert result.exit_code == 0, result.output
    assert "1 of 1 verdicts that a measure tracks a functionality hold; 0 are reversed." in result.stdout


def test_halves_share_no_network_and_need_no_other_draw(tmp_path):
    result = call(tmp_path, "synthetic", "-m", "cka,random", "--scale", "first", "--halves", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "out/replication.json").read_text())["provenance"]["halves"] is True
    assert not list(tmp_path.glob("populations/*draw*"))
    subtask = SUITES["synthetic"].subtasks()[0]
    population = SUITES["synthetic"].populations(Site(tmp_path, "first"))["synthetic"]
    first, second = (half_of(subtask, population, half).models for half in (0, 1))
    assert (first, second) == (population.models[::2], population.models[1::2])
    grouped = replace(subtask, grouping=Grouping("angle", "within"))
    assert half_of(grouped, population, 0).models == first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["synthetic", "--scale", "quick"], "smoke test"),
        (["published"], "no others to replicate with"),
        (["visions"], "vision"),
    ],
)
def test_wrong_input_is_one_line_and_nothing_is_built(home, tmp_path, arguments, message):
    result = call(home, *arguments, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert message in result.output
    assert not (tmp_path / "out").exists()
