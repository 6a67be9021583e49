"""`similitude doctor`, as a user would call it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import typer
from scipy.spatial.distance import pdist
from typer.testing import CliRunner

from similitude.cli.doctor import command
from similitude.errors import FileError, InputError

app = typer.Typer()
app.command()(command)
SHARED = np.random.default_rng(0).normal(size=(200, 3))


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    x, y = (SHARED @ rng.normal(size=(3, 4)) + 0.1 * rng.normal(size=(200, 4)) for _ in range(2))
    np.save("x.npy", x)
    np.save("y.npy", y)
    np.save("shuffled.npy", y[rng.permutation(200)])
    np.save("broken.npy", np.where(x > 2, np.nan, x))
    np.savez("net.npz", first=x, second=y)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["x.npy", "y.npy"], 0, "No problems found"),
        (["net.npz", "y.npy"], 0, "No problems found"),
        (["x.npy", "shuffled.npy"], 1, "paired at random"),
        (["broken.npy", "x.npy"], 2, "NaN"),
    ],
)
def test_exit_codes_and_words(arguments, code, text):
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert text in result.output


@pytest.mark.usefixtures("files")
def test_json_alone():
    findings = json.loads(run("x.npy", "shuffled.npy", "--json").stdout)["findings"]
    assert [(f["severity"], f["check"], f["where"]) for f in findings] == [("warning", "inputs", "x and shuffled")]


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / "x.npy").write_bytes(b"hello")
    result = run(tmp_path / "x.npy")
    assert isinstance(result.exception, FileError)


@pytest.mark.usefixtures("files")
def test_dissimilarity_matrices():
    np.save("brain.npy", pdist(SHARED, "correlation"))
    result = run("rdm:brain.npy", "x.npy")
    assert result.exit_code == 0
    assert "brain: RDM, 200 x 200, float64" in result.stdout
    np.save("skew.npy", np.triu(np.ones((5, 5)), 1))
    with pytest.raises(InputError, match="an RDM is symmetric"):
        CliRunner().invoke(app, ["rdm:skew.npy"], catch_exceptions=False)
