"""`similitude compare --chance`, as a user would call it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from similitude import compare, compare_models, pairwise
from similitude.cli.main import app


def run(*arguments):
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    z = rng.normal(size=(40, 3))
    networks = {
        name: {f"l{i}": i * z @ rng.normal(size=(3, 8)) + rng.normal(size=(40, 8)) for i in range(3)} for name in "abc"
    }
    for name, layers in networks.items():
        np.savez(f"{name}.npz", **layers)
    np.save("x.npy", networks["a"]["l2"])
    np.save("y.npy", networks["b"]["l2"])
    return networks


def test_json_and_csv(files):
    result = run("a.npz", "b.npz", "-m", "cka,rsa", "--chance", "--json", "--csv", "o.csv")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    frame = pd.read_csv("o.csv")
    expected = pairwise(files["a"], "cka,rsa", others=files["b"], chance=True)
    for entry, row in zip(content["values"], expected.chance.to_dict("records"), strict=True):
        assert entry["measure"] == row["measure"]
        for name in ("value", "chance", "sd", "z", "p", "calibrated"):
            assert entry[name] == pytest.approx(row[name])
        assert entry["null"] == "exact"
    assert frame["rsa p"].tolist() == pytest.approx([e["p"] for e in content["values"] if e["measure"] == "rsa"])
    assert [row["measure"] for row in content["largest"]] == ["cka", "rsa"]
    assert content["largest"][0]["null"] == "bound"
    plain = json.loads(run("a.npz", "b.npz", "-m", "cka", "--json").stdout)
    assert set(plain["values"][0]) == {"first", "second", "measure", "value"}
    assert "largest" not in plain


def test_two_arrays(files):
    printed = run("x.npy", "y.npy", "-m", "cka,procrustes", "--chance", "--permutations", 19).stdout
    assert {"chance", "z", "p"} <= set(printed.split())
    content = json.loads(
        run("x.npy", "y.npy", "-m", "cka,procrustes", "--chance", "--permutations", 19, "--json").stdout
    )
    expected = compare(np.load("x.npy"), np.load("y.npy"), "cka,procrustes", chance=True, permutations=19).to_frame()
    assert [entry["p"] for entry in content["values"]] == pytest.approx(expected["p"].tolist())
    assert [entry["null"] for entry in content["values"]] == ["exact", "permutation"]


def test_a_matrix_marks_what_is_within_chance(files):
    printed = run("a.npz", "b.npz", "-m", "cka", "--chance").stdout
    table = pairwise(files["a"], "cka", others=files["b"], chance=True)
    within = int(table.within_chance("cka").to_numpy().sum())
    assert 0 < within < 9
    assert printed.count("~") == within + 1  # and once in the title
    assert "the most alike of 9 pairs" in " ".join(printed.split())
    assert "would be" not in run("a.npz", "b.npz", "-m", "cka", "--chance").stderr  # the warning is answered
    assert "~" not in run("a.npz", "b.npz", "-m", "cka").stdout


def test_the_largest_of_shuffled_maps(files):
    content = json.loads(run("a.npz", "b.npz", "-m", "cka", "--chance", "--permutations", 19, "--json").stdout)
    assert content["largest"][0]["null"] == "permutation"
    assert content["largest"][0]["p"] == 0.05
    assert content["values"][0]["null"] == "exact"


def test_figures_and_a_map(files, tmp_path):
    result = run("a.npz", "b.npz", "c.npz", "-m", "cka", "--chance", "--figure", "f.svg", "--map", "m.svg")
    assert result.exit_code == 0, result.output
    assert "hatched: within chance" in (tmp_path / "f.svg").read_text().replace("&#10;", "\n")
    assert (tmp_path / "f-calibrated.svg").exists()
    assert (tmp_path / "m.svg").exists()


def test_bad_requests(files, tmp_path):
    assert run("a.npz", "b.npz", "--permutations", 5).exit_code == 2
    np.save("few.npy", np.eye(3))
    np.save("others.npy", np.arange(9.0).reshape(3, 3) ** 2)
    result = run("few.npy", "others.npy", "-m", "cka", "--chance")
    assert result.exit_code == 2
    assert "Chance needs at least 4 inputs" in result.output


def test_a_calibrated_map(files):
    content = json.loads(run("a.npz", "b.npz", "-m", "calibrated(of=rsa)", "--json").stdout)
    expected = pairwise(files["a"], "rsa", others=files["b"], chance=True).chance["calibrated"]
    assert [entry["value"] for entry in content["values"]] == pytest.approx(expected.tolist())


def test_two_models():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    networks = [torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)) for _ in "ab"]
    table = compare_models(*networks, torch.randn(60, 4), layers=["0", "2"], chance=True)
    assert (table.matrix("cka", "p") < 0.01).all(axis=None)
    assert table.largest["pairs"].tolist() == [4]
