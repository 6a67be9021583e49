"""Recipes are written, run again, and compared; measures are cited."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import similitude
from similitude.cli.main import app
from similitude.errors import InputError


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
    assert "4 layers of a and b on the same 40 inputs." in recipe["methods"]
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


def test_differences_too(recorded):
    assert run("diff", "a.npz", "a.npz", "--recipe", "diff.json").exit_code == 0
    assert run("replay", "diff.json").exit_code == 0
    assert run("diff", "a.npz", "b.npz", "--recipe", "diff.json").exit_code == 1
    recipe = json.loads((recorded / "diff.json").read_text())
    assert [m["id"] for m in recipe["measures"]] == ["cka", "procrustes"]
    assert set(recipe["representations"]) == {"a/first", "a/last", "b/first", "b/last"}
    assert "compared entry by entry by relative error" in recipe["methods"]
    assert run("replay", "diff.json").exit_code == 0
    np.savez("b.npz", **{name: 1.1 * values for name, values in np.load("b.npz").items()})
    assert run("replay", "diff.json").exit_code == 1


def test_choices_of_a_layer_too(recorded):
    assert run("layers", "a.npz", "b.npz", "--to", "last", "--recipe", "layers.json").exit_code == 0
    recipe = json.loads((recorded / "layers.json").read_text())
    assert [m["id"] for m in recipe["measures"]] == ["cka(debiased=true)"]
    assert set(recipe["representations"]) == {"a/first", "a/last", "b/last"}
    assert run("replay", "layers.json").exit_code == 0
    np.savez("b.npz", last=np.random.default_rng(1).normal(size=(40, 3)))
    assert run("replay", "layers.json").exit_code == 1


def test_weights_and_frameworks(recorded):
    torch = pytest.importorskip("torch")
    (recorded / "net.py").write_text("import torch\n\n\ndef make():\n    return torch.nn.Linear(4, 3)\n")
    np.save("x.npy", np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32))
    model, shown = "torch:./net.py:make", ("--inputs", "x.npy")
    for command in ("compare", "diff", "inputs"):
        recipe = recorded / f"{command}.json"
        layer = "--layer" if command == "inputs" else "--layers"
        result = run(command, model, model, *shown, layer, "(output)", "--recipe", recipe)
        assert recipe.exists(), result.output
        written = json.loads(recipe.read_text())
        assert written["software"]["torch"] == torch.__version__
        assert written["weights"]
        assert all(len(digest) == 32 for digest in written["weights"].values())


def python_results():
    x, y = np.load("x.npy"), np.load("y.npy")
    return {
        "compare": similitude.compare(x, y, ["cka", "procrustes"]),
        "pairwise": similitude.pairwise({"one": x, "two": y}, ["cka", "rsa"]),
        "contributions": similitude.contributions(x, y, "mutual_knn"),
    }


@pytest.mark.parametrize("verb", ["compare", "pairwise", "contributions"])
def test_results_in_python(recorded, verb):
    np.save("x.npy", np.load("a.npz")["first"])
    np.save("y.npy", np.load("b.npz")["first"])
    result = python_results()[verb]
    result.to_recipe("python.json")
    assert run("replay", "python.json", "y.npy", "x.npy").exit_code == 0
    assert "n = " not in json.loads((recorded / "python.json").read_text())["methods"]
    changed(recorded / "python.json", result={"values": {"cka": 0.5}, "value": 0.5})
    assert run("replay", "python.json", "x.npy", "y.npy").exit_code == 1
    missing = run("replay", "python.json", "x.npy")
    assert missing.exit_code == 2
    assert "No file has the content of" in missing.output
    assert "FILE..." in run("replay", "python.json").output


def test_what_has_no_recipe(recorded):
    x = np.load("a.npz")["first"]
    with pytest.raises(InputError, match="not known what was compared"):
        similitude.diff_weights({"w": x}, {"w": 2 * x}).to_recipe("weights.json")
    similitude.diff(x, 2 * x).to_recipe("diff.json")
    assert "cannot be replayed" in " ".join(run("replay", "diff.json", "a.npz").output.split())
    run("compare", "a.npz", "b.npz", "--recipe", "recipe.json")
    assert run("replay", "recipe.json", "a.npz").exit_code == 2


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
