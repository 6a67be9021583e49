"""`similitude layers`, as a user would call it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import similitude
from similitude.cli.main import app


def run(*arguments):
    return CliRunner().invoke(app, ["layers", *map(str, arguments)])


@pytest.fixture
def files(tmp_path, monkeypatch, rng):
    monkeypatch.chdir(tmp_path)
    target = rng.normal(size=(80, 6))
    student = {f"blocks.{i}": target + noise * rng.normal(size=(80, 6)) for i, noise in enumerate([3, 1, 2])}
    np.savez("student.npz", **student)
    np.savez("teacher.npz", early=rng.normal(size=(80, 6)), late=target)
    np.save("target.npy", target)
    return student, target


def test_a_layer_is_chosen(files):
    student, target = files
    result = run("student.npz", "teacher.npz", "--to", "late", "--json", "--figure", "curve.svg", "--csv", "values.csv")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    expected = similitude.choose_layer(student, target)
    assert content["layer"] == "blocks.1"
    assert content["held_out"]["value"] == pytest.approx(expected.value)
    assert pd.read_csv("values.csv")["value"].tolist() == pytest.approx(expected.layers["value"].tolist())
    assert "<svg" in Path("curve.svg").read_text()


def test_the_target_is_one_layer(files):
    several = run("student.npz", "teacher.npz")
    assert several.exit_code == 2
    assert "teacher has several layers. Name one with --to: early, late." in " ".join(several.stderr.split())
    unknown = run("student.npz", "teacher.npz", "--to", "lat")
    assert unknown.exit_code == 2
    assert "Did you mean 'late'?" in unknown.stderr
    nameless = run("student.npz", "target.npy", "--to", "late")
    assert nameless.exit_code == 2
    assert "one array without a name" in " ".join(nameless.stderr.split())


def test_a_table_for_people(files):
    result = run("student.npz", "target.npy", "-m", "procrustes", "-l", "blocks.1", "-l", "blocks.2")
    assert result.exit_code == 0, result.output
    text = " ".join(result.stdout.split())
    assert "blocks.1 is most like target" in text
    assert "its procrustes is smallest, n = 80 inputs; 100% of random halves choose it" in text
    assert "blocks.0" not in text
