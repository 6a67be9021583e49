"""`similitude challenge` on networks whose right answers are known."""

from __future__ import annotations

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
        options = ["--scale", "quick", "--home", "home", "--out", "out", "--resamples", "100", "--json"]
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
    assert len(cells) == 7
    assert cells[2] == "0 of 2"


def test_a_challenge_takes_a_new_measure():
    assert isinstance(CliRunner().invoke(app, []).exception, InputError)
