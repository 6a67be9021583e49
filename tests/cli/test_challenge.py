"""`similitude challenge` on networks whose right answers are known."""

from __future__ import annotations

import hashlib
import json

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from similitude.cli.challenge import command
from similitude.errors import InputError

app = typer.Typer()
app.command()(command)

MEASURE = """
import numpy as np
from similitude.measures import measure


@measure(kind="similarity", bounds=(0, 1), invariances="POST")
def constant_but_for_size(X, Y):
    '''Says next to nothing of representations.'''
    return float(np.tanh(abs(np.linalg.norm(X) - np.linalg.norm(Y))))
"""


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("challenge")
    (folder / "mine.py").write_text(MEASURE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        arguments = [
            "synthetic/angle",
            "-m",
            "./mine.py:constant_but_for_size",
            "--against",
            "cka",
            "--against",
            "procrustes",
        ]
        options = ["--scale", "quick", "--seed", "0", "--home", "home", "--out", "out", "--resamples", "100", "--json"]
        outcome = CliRunner().invoke(app, [*arguments, *options])
    assert outcome.exit_code == 0, outcome.output
    return folder, json.loads(outcome.stdout)


def test_challenges_are_where_no_established_measure_reaches_the_line(result):
    _, content = result
    rows = {row["functionality"]: row for row in content["rows"]}
    assert rows["follows"]["rho_best"] == pytest.approx(1)
    assert not rows["follows"]["challenge"]
    assert rows["unrelated"]["challenge"] == (rows["unrelated"]["rho_best"] < 0.3)
    assert {row["best"] for row in rows.values()} <= {"cka", "procrustes"}


def test_differences_are_in_the_challengers_favour_if_positive(result):
    folder, content = result
    table = pd.read_csv(folder / "out/results.csv").query("statistic == 'spearman'")
    for row in content["rows"]:
        own = table[(table["measure"] == row["measure"]) & (table["functionality"] == row["functionality"])]
        assert row["rho"] == pytest.approx(own["estimate"].item())
        assert row["difference"] == pytest.approx(row["rho"] - row["rho_best"])
        assert row["ci_low"] <= row["ci_high"]
    assert len(pd.read_csv(folder / "out/challenge.csv")) == 2


def test_the_row_for_a_leaderboard(result):
    (line,) = result[1]["leaderboard"]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[0].strip("`").endswith("constant_but_for_size")
    assert len(cells) == 9
    assert cells[4] == "0 of 2"
    assert cells[7] == "0"


def call(folder, *arguments):
    options = ["--against", "cka", "--scale", "quick", "--home", folder / "home", "--out", folder / "out"]
    return CliRunner().invoke(app, [*map(str, arguments), *map(str, options), "--resamples", "100", "--json"])


def test_networks_are_from_a_fresh_seed_which_repeats_them(tmp_path):
    first, second = (call(tmp_path / name, "synthetic/pc_deletion", "-m", "pwcca") for name in "ab")
    assert first.exit_code == second.exit_code == 0, first.output
    found = [json.loads(result.stdout) for result in (first, second)]
    seeds = [content["seed"] for content in found]
    assert min(seeds) >= 100
    assert seeds[0] != seeds[1]
    assert f"--seed {seeds[0]}" in first.stderr
    again = call(tmp_path / "c", "synthetic/pc_deletion", "-m", "pwcca", "--seed", seeds[0])
    hashes = [set(pd.read_csv(tmp_path / name / "out/results.csv")["data_hash"]) for name in "abc"]
    assert hashes[0] == hashes[2] != hashes[1]
    assert json.loads(again.stdout)["rows"] == found[0]["rows"]


def test_the_row_has_the_mean_with_its_interval_and_the_seed(tmp_path):
    result = call(tmp_path, "synthetic/pc_deletion", "-m", "pwcca", "--seed", 7)
    (line,) = json.loads(result.stdout)["leaderboard"]
    measure, mean, places, *_, seed, _ = (cell.strip() for cell in line.strip("|").split("|"))
    assert (measure, seed) == ("`pwcca`", "7")
    value, low, high = map(float, mean.replace("[", "").replace("]", "").replace(",", "").split())
    assert -1 <= low <= value <= high <= 1
    assert places.endswith("of 2")


def test_the_file_of_a_measure_is_told_by_its_digest(result):
    folder, content = result
    expected = hashlib.sha256((folder / "mine.py").read_bytes()).hexdigest()
    assert content["sha256"] == {"mine.py": expected}


def test_networks_that_are_given_have_no_other_seed(tmp_path):
    outcome = call(tmp_path, "published", "-m", "pwcca")
    assert isinstance(outcome.exception, InputError)
    assert "--seed 0" in str(outcome.exception)


def test_a_challenge_takes_a_new_measure():
    assert isinstance(CliRunner().invoke(app, []).exception, InputError)
