"""Recipes are written, run again, and compared; measures are cited."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from similitude.cli.main import app


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in "ab":
        np.savez(f"{name}.npz", first=rng.normal(size=(40, 4)), last=rng.normal(size=(40, 3)))
    result = run("compare", "a.npz", "b.npz", "-m", "cka,procrustes", "--recipe", "recipe.json")
    assert result.exit_code == 0, result.output
    return tmp_path


def test_a_recipe_says_what_a_value_rests_on(recorded):
    recipe = json.loads((recorded / "recipe.json").read_text())
    assert recipe["parameters"]["networks"] == ["a.npz", "b.npz"]
    assert set(recipe["files"]) == {"a.npz", "b.npz"}
    assert set(recipe["representations"]) == {"a/first", "a/last", "b/first", "b/last"}
    assert recipe["representations"]["a/last"]["d"] == 3
    assert [m["id"] for m in recipe["measures"]] == ["cka", "procrustes"]
    assert recipe["measures"][1]["version"] == 2
    assert "n = 40" in recipe["methods"]
    assert len(recipe["result"]["values"]) == 8


def test_replay_agrees(recorded):
    result = run("replay", "recipe.json")
    assert result.exit_code == 0, result.output
    assert "All numbers agree." in result.output


def test_replay_notices_other_data(recorded):
    saved = dict(np.load("b.npz"))
    saved["last"] = saved["last"] + 1e-3 * np.random.default_rng(1).normal(size=(40, 3))
    np.savez("b.npz", **saved)
    result = run("replay", "recipe.json", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert found["files"] == ["b.npz"]
    assert found["agrees"] is False
    assert all(line.startswith("values[") for line in found["differences"])
    assert run("replay", "recipe.json", "--tolerance", 0.1).exit_code == 0


def test_inputs_too(recorded):
    np.save("x.npy", np.load("a.npz")["first"])
    np.save("y.npy", np.load("b.npz")["first"])
    assert run("inputs", "x.npy", "y.npy", "--recipe", "inputs.json").exit_code == 0
    assert run("replay", "inputs.json").exit_code == 0


def changed(recipe, **entries):
    content = json.loads(recipe.read_text()) | entries
    recipe.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ({"format": "else"}, "is no recipe"),
        ({"command": "build"}, "cannot be replayed"),
        ({"command": None}, "damaged recipe: command"),
        ({"parameters": {"networks": ["a.npz", "missing.npz"]}}, "does not exist"),
        ({"parameters": {"luck": 1}}, "does not take: luck"),
    ],
)
def test_bad_recipes(recorded, entries, text):
    changed(recorded / "recipe.json", **entries)
    result = run("replay", "recipe.json")
    assert result.exit_code == 2
    assert text in " ".join(result.output.split())


def test_no_recipe(recorded):
    (recorded / "text.json").write_text("{")
    assert run("replay", "text.json").exit_code == 2
    assert run("replay", "nothing.json").exit_code == 2


def test_cite():
    result = run("cite", "cka", "mean_cca")
    assert result.exit_code == 0
    assert result.stdout.count("\n@") == 2
    assert "title = {Similarity of Neural Network Representations Revisited}" in result.stdout
    assert run("cite", "random").stdout == "% random: baseline\n"
    assert "@software{similitude," in run("cite", "similitude").stdout
    assert "ding2021" in run("cite", "vision").stdout
    assert run("cite", "--all").stdout.count("\n@") > 30
    assert run("cite", "luck").exit_code == 2
    assert run("cite").exit_code == 2
    assert run("cite", "cka", "--all").exit_code == 2
