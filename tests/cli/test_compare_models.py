"""`similitude compare` of networks that are run, as a user would call it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from similitude.cli.main import app

N = 40


def run(*arguments):
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


@pytest.fixture
def models(tmp_path, monkeypatch, rng):
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(
        "import torch\n"
        "def make(seed):\n"
        "    torch.manual_seed(seed)\n"
        "    return torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))\n"
        "def first(): return make(0)\n"
        "def second(): return make(1)\n"
    )
    np.save("inputs.npy", rng.normal(size=(N, 4)).astype(np.float32))
    np.save("many.npy", rng.normal(size=(60_000, 4)).astype(np.float32))
    return "torch:./nets.py:first", "torch:./nets.py:second", "--layers", "*", "--json", "--inputs"


def test_models_by_reference(models):
    result = run(*models, "inputs.npy")
    assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)["values"]) == 9
    assert "--inputs" in run("torch:./nets.py:first", "--within").output


def test_little_memory_gives_the_same_values(models):
    expected, found = (
        json.loads(run(*models, "many.npy", "--batch-size", 5000, "-m", "cka,mean_cca", "--memory", size).stdout)[
            "values"
        ]
        for size in ("2GB", "1.5MB")
    )
    for one, other in zip(expected, found, strict=True):
        assert other == {**one, "value": pytest.approx(one["value"], abs=1e-9)}


def test_a_folder_is_gone_on_with(models, tmp_path):
    once = run(*models, "inputs.npy", "--folder", "kept")
    assert once.exit_code == 0, once.output
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {"torch-.-nets.py-first", "torch-.-nets.py-second"}
    assert run(*models, "inputs.npy", "--folder", "kept").stdout == once.stdout
    other = run(*models, "many.npy", "--folder", "kept")
    assert other.exit_code == 2
    assert "other inputs and batches" in other.output
    (tmp_path / "taken").touch()
    assert run(*models, "inputs.npy", "--folder", "taken/below").exit_code == 2


def test_a_factory_that_gives_another_network_each_time(models, tmp_path):
    (tmp_path / "random.py").write_text("import torch\ndef net(): return torch.nn.Sequential(torch.nn.Linear(4, 5))\n")
    result = run(*["torch:./random.py:net"] * 2, "--inputs", "inputs.npy", "--folder", "kept", "-l", "*", "--json")
    assert result.exit_code == 0, result.output
    values = {entry["measure"]: entry["value"] for entry in json.loads(result.stdout)["values"]}
    assert 0.1 < values["cka"] < 0.999


def test_a_random_network_is_refused_unless_the_self_test_is_left_out(models, tmp_path):
    (tmp_path / "random.py").write_text(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.a, self.b = torch.nn.Linear(4, 5), torch.nn.Linear(5, 3)\n"
        "    def forward(self, x):\n"
        "        return self.b(torch.nn.functional.dropout(self.a(x), 0.5))\n"
    )
    asked = "torch:./random.py:Net", "torch:./nets.py:first", "--inputs", "inputs.npy", "-l", "*", "--json"
    refused = run(*asked)
    assert refused.exit_code == 2
    assert "--no-self-test" in refused.output
    assert run(*asked, "--no-self-test").exit_code == 0


def test_axes_that_are_stated(models):
    assert run(*models, "inputs.npy", "--axes", "nd").exit_code == 0
    wrong = run(*models, "inputs.npy", "--axes", "0=nq")
    assert wrong.exit_code == 2
    assert "one letter per axis" in wrong.output


def test_layers_of_the_other_networks(models):
    asked = run(
        *models[:2], "-l", "0", "--other-layers", "0", "--other-layers", "2", "--json", "--inputs", "inputs.npy"
    )
    assert asked.exit_code == 0, asked.output
    pairs = [(entry["first"], entry["second"]) for entry in json.loads(asked.stdout)["values"]]
    assert pairs == [("first/0", "second/0"), ("first/0", "second/2")]


def test_ids_and_labels_of_inputs_are_carried_along(models, rng):
    frame = pd.DataFrame(rng.normal(size=(N, 4)), columns=list("pqrs")).assign(
        id=[f"k{i}" for i in range(N)], label=["u", "v"] * 20
    )
    frame.to_csv("table.csv", index=False)
    content = json.loads(run(*models, "table.csv").stdout)
    assert content["ids"] == [f"k{i}" for i in range(N)]
    assert content["labels"] == ["u", "v"] * 20
