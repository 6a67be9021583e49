import json

import pytest
from typer.testing import CliRunner

from similitude.cli.main import app
from similitude.measures import MEASURES

SOURCE = """
import numpy as np
from similitude.measures import measure

@measure(kind="dissimilarity", bounds=(0, np.inf), is_metric=True, invariances={letters!r})
def spread(X, Y):
    return abs(np.linalg.norm(X - X.mean(0)) - np.linalg.norm(Y - Y.mean(0)))
"""


def invoke(*arguments):
    return CliRunner().invoke(app, arguments)


def test_lists_every_measure():
    rows = json.loads(invoke("measures", "--json").stdout)
    assert [row["measure"] for row in rows] == list(MEASURES)
    assert next(row for row in rows if row["measure"] == "linear_regression")["invariances"] == "POST / POSTL"
    text = invoke("measures").stdout
    assert all(name in text for name in MEASURES)


@pytest.mark.parametrize("id", ["cka", "pwcca", "svcca(components=3)", "rsa"])
def test_explains_one(id):
    result = invoke("measures", id)
    assert result.exit_code == 0
    assert result.stdout.startswith(id)
    for heading in ("formula", "direction", "range", "invariant to", "cost", "source", "beware"):
        assert heading in result.stdout


def test_check_passes_an_honest_measure_and_fails_a_liar(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "honest.py").write_text(SOURCE.format(letters="OT"))
    (tmp_path / "liar.py").write_text(SOURCE.format(letters="OST"))
    assert invoke("check", "./honest.py:spread").exit_code == 0
    result = invoke("check", "./liar.py:spread")
    assert result.exit_code == 1
    assert "isotropic scaling" in result.stdout
    assert "failed" in result.stdout
    assert invoke("measures", "./honest.py:spread").exit_code == 0
