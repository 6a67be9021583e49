"""`similitude diff`, as a user would call it."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from similitude.cli.main import app


def run(*arguments):
    return CliRunner().invoke(app, ["diff", *map(str, arguments)])


@pytest.fixture
def saved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    layers = {f"block{i}": rng.normal(size=(40, 5)).astype(np.float32) for i in (1, 2, 10)}
    np.savez("before.npz", **layers)
    np.savez("again.npz", **{name: values * np.float32(1 + 1e-4) for name, values in layers.items()})
    layers["block2"] = layers["block2"] * np.float32(1 + 2e-4)
    np.savez("after.npz", **layers)
    np.save("short.npy", np.eye(7))
    return tmp_path


def test_saved_outputs(saved):
    result = run("before.npz", "after.npz", "--csv", "layers.csv", "--figure", "depth.png")
    assert result.exit_code == 1
    assert "before and after first differ at block2" in result.output
    assert list(pd.read_csv("layers.csv")["layer"]) == ["block1", "block2", "block10"]
    assert (saved / "depth.png").stat().st_size > 10_000
    assert run("before.npz", "before.npz").exit_code == 0
    assert run("before.npz", "after.npz", "--fail-above", 1e-3).exit_code == 0
    assert run("before.npz", "after.npz", "--fail-above", 1e-4).exit_code == 1
    assert run("before.npz", "after.npz", "--noise-from", "again.npz").exit_code == 0


def test_json_is_all_there_is_on_stdout(saved):
    result = run("before.npz", "after.npz", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["verdict"], found["first"]) == (1, "diverged", "block2")
    assert [row["beyond"] for row in found["layers"]] == [False, True, False]
    assert found["layers"][0]["sqnr"] is None
    assert found["layers"][1]["relative"] == pytest.approx(2e-4, rel=1e-2)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["before.npz", "missing.npz"], "does not exist"),
        (["before.npz", "short.npy"], "40 inputs"),
        (["before.npz", "hf:nowhere"], "is a model and"),
        (["before.npz", "after.npz", "--inputs", "short.npy"], "--inputs has nothing to act on"),
        (["before.npz", "after.npz", "--noise-from", "dtype"], "another run"),
        (["before.npz", "after.npz", "--match", "luck"], "Choose one of"),
        (["before.npz", "after.npz", "--figure", "depth.xyz"], "unsupported figure format"),
        (["before.npz", "after.npz", "--model", "hf:nowhere"], "hf:nowhere"),
        (["before.npz"], "Missing argument"),
    ],
)
def test_bad_input(saved, arguments, text):
    if "hf:nowhere" in arguments:
        pytest.importorskip("transformers")
    result = run(*arguments)
    assert result.exit_code == 2
    assert text in " ".join(result.output.replace("│", " ").split())


NETWORKS = """
import torch


def before():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.LayerNorm(16), torch.nn.Linear(16, 3))


def after():
    network = before()
    network[1].eps = 1e-4
    return network
"""


@pytest.fixture
def networks(saved):
    torch = pytest.importorskip("torch")
    (saved / "networks.py").write_text(NETWORKS)
    np.save("inputs.npy", np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32))
    scope: dict = {}
    exec(NETWORKS, scope)
    state = scope["before"]().state_dict()
    torch.save(state, "base.pt")
    state["2.bias"][0] += 1
    torch.save(state, "tuned.pt")
    return saved


def test_models(networks):
    models = "torch:./networks.py:before", "torch:./networks.py:after"
    result = run(*models, "--inputs", "inputs.npy", "--noise-from", "batch,threads")
    assert result.exit_code == 1
    assert "before and after first differ at 1 " in result.output
    assert "eps=0.0001" in result.output
    assert run(models[0], models[0], "--inputs", "inputs.npy").exit_code == 0
    assert run(*models, "--inputs", "inputs.npy", "--layers", "0").exit_code == 0
    assert run(*models).exit_code == 2
    assert run(*models, "--inputs", "inputs.npy", "--noise-from", "luck").exit_code == 2
    assert run(*models, "--inputs", "inputs.npy", "--layers", "nowhere").exit_code == 2


def test_weights(networks):
    result = run("base.pt", "tuned.pt", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["first"] == "2.bias"
    assert run("base.pt", "base.pt", "--recipe", "weights.json").exit_code == 0
    methods = json.loads((networks / "weights.json").read_text())["methods"]
    assert methods.startswith("We compared the weights of 1:base and 2:base entry by entry. Values were computed")
    model = "--model", "torch:./networks.py:before", "--inputs", "inputs.npy"
    loaded = run("base.pt", "tuned.pt", *model, "--json")
    assert json.loads(loaded.stdout)["first"] == "2"
    assert run("base.pt", "before.npz", *model).exit_code == 2
    assert run("base.pt", "tuned.pt", "--figure", "x.png").exit_code == 2
