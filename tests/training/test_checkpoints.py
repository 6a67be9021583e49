"""Checkpoints in the order of their steps, in Python and on the command line."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import similitude
from similitude.cli.main import app
from similitude.errors import FileError, InputError, ShapeMismatch

STEPS = (1000, 200, 30)


def run(*arguments):
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Representations of two layers at three steps, drifting from one to another."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    start, end = rng.normal(size=(2, 2, 60, 5))
    layers = {}
    for step in STEPS:
        share = step / 1000
        values = (1 - share) * start + share * end
        layers[step] = {"first": values[0], "second": values[1]}
        np.savez(f"net-{step}.npz", **layers[step])
    return layers


def test_curves_of_saved_representations(saved):
    files = [f"net-{step}.npz" for step in STEPS]
    found = similitude.compare_checkpoints(files, ["cka", "procrustes"])
    assert found.references == ("net-1000",)
    for (measure, _), layer in zip(found.compared, ("first", "second"), strict=True):
        table = found.table(measure)
        assert list(table.index) == sorted(STEPS)
        expected = similitude.compare(saved[30][layer], saved[1000][layer], measure)[measure]
        assert table.loc[30, layer] == pytest.approx(expected)
    first = similitude.compare_checkpoints(files, reference="first").table()
    assert first.loc[30].tolist() == pytest.approx([1, 1])
    previous = similitude.compare_checkpoints(files, reference="previous", order="given", layers="second")
    assert previous.frame["checkpoint"].tolist() == ["net-200", "net-30"]
    assert previous.counted == "checkpoint"
    assert previous.to_frame()["layer"].unique().tolist() == ["second"]


def test_intervals_are_those_of_interval(saved):
    given = {f"step-{step}": layers for step, layers in saved.items()}
    frame = similitude.compare_checkpoints(given, intervals=True, layers="first").to_frame().set_index("step")
    expected = similitude.interval(saved[200]["first"], saved[1000]["first"], "cka")
    assert frame.loc[200, ["low", "high"]].tolist() == pytest.approx([expected["low"][0], expected["high"][0]])


def test_the_command_line(saved):
    files = [f"net-{step}.npz" for step in STEPS]
    result = run(*files, "--order", "step", "-m", "cka", "--figure", "curve.png", "--csv", "values.csv", "--json")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    expected = similitude.compare_checkpoints(files).to_frame()
    pd.testing.assert_frame_equal(pd.DataFrame(content["values"]), expected)
    pd.testing.assert_frame_equal(pd.read_csv("values.csv"), expected)
    assert content["kinds"] == {"cka": "similarity"}
    from matplotlib.image import imread

    assert imread("curve.png").std() > 0.01
    printed = run(*files, "--order", "step", "--reference", "previous").stdout
    assert "cka (similarity) with previous over training steps, n = 60" in printed
    for option in ("--within", "--chance"):
        refused = run(*files, "--order", "step", option)
        assert refused.exit_code == 2
        assert f"{option} is not for checkpoints" in refused.stderr
    assert "add --order" in run(*files, "--reference", "first").stderr
    assert "step, name, given" in run(*files, "--order", "size").stderr
    assert "first, last, previous" in run(*files, "--order", "step", "--reference", "best").stderr


def test_a_recipe_of_checkpoints_is_replayed(saved):
    files = [f"net-{step}.npz" for step in STEPS]
    assert run(*files, "--order", "step", "--recipe", "recipe.json").exit_code == 0
    replayed = CliRunner().invoke(app, ["replay", "recipe.json"])
    assert replayed.exit_code == 0, replayed.output


def test_layers_that_some_checkpoint_lacks(saved):
    np.savez("net-5.npz", first=saved[30]["first"], third=saved[30]["first"])
    found = similitude.compare_checkpoints(["net-5.npz", "net-30.npz"])
    assert found.frame["layer"].unique().tolist() == ["first"]
    assert found.left_out.keys() == {"second", "third"}
    result = run("net-5.npz", "net-30.npz", "--order", "step")
    assert result.exit_code == 1
    assert "net-30 has no such layer" in result.stdout


def test_what_cannot_be_compared(saved):
    with pytest.raises(InputError, match="two checkpoints or more; there are 1"):
        similitude.compare_checkpoints(["net-30.npz"])
    with pytest.raises(InputError, match="no layer in common"):
        similitude.compare_checkpoints({"step-1": {"a": saved[30]["first"]}, "step-2": {"b": saved[30]["first"]}})
    with pytest.raises(ShapeMismatch, match=r"60 inputs and .* 50"):
        similitude.compare_checkpoints({"s1": {"a": saved[30]["first"]}, "s2": {"a": saved[30]["first"][:50]}})
    with pytest.raises(InputError, match="batch_size: for networks that run"):
        similitude.compare_checkpoints(["net-30.npz", "net-200.npz"], batch_size=3)
    with pytest.raises(InputError, match="has no layer 'frist'"):
        similitude.compare_checkpoints(["net-30.npz", "net-200.npz"], layers="frist")
    with pytest.raises(FileError, match=r"net-7\.npz"):
        similitude.compare_checkpoints(["net-30.npz", "net-7.npz"])


MODEL = """
import torch

def build():
    return torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3))
"""


def test_files_of_weights(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(MODEL)
    build: dict = {}
    exec(MODEL, build)
    torch.manual_seed(0)
    networks = {step: build["build"]() for step in STEPS}
    for step, network in networks.items():
        folder = tmp_path / f"step-{step}"
        folder.mkdir()
        torch.save({"state": network.state_dict(), "optimizer": [torch.ones(3)]}, folder / "weights.pt")
    inputs = torch.randn(50, 6)
    np.save("probe.npy", inputs.numpy())
    files = [f"step-{step}/weights.pt" for step in STEPS]
    model = build["build"]()
    before = [p.clone() for p in model.parameters()]
    found = similitude.compare_checkpoints(files, model=model, inputs=inputs, layers=["0", "2"])
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))
    layers = [similitude.extract(networks[step], inputs, "0")["0"] for step in (200, 1000)]
    assert found.table().loc[200, "0"] == pytest.approx(similitude.compare(*layers, "cka")["cka"])
    assert found.references == ("step-1000/weights",)
    model = ["--model", "torch:./net.py:build", "--inputs", "probe.npy", "-l", "0", "-l", "2"]
    result = run(*files, *model, "--order", "step", "--json")
    assert result.exit_code == 0, result.output
    frame = pd.DataFrame(json.loads(result.stdout)["values"])
    pd.testing.assert_frame_equal(frame, found.to_frame())
    matrix = run(*files[:2], *model, "--json")
    assert len(json.loads(matrix.stdout)["values"]) == 4
    assert "--model is for files of weights" in run("torch:./net.py:build", files[0], *model).stderr
    with pytest.raises(InputError, match="A model runs on inputs"):
        similitude.compare_checkpoints(files, model=build["build"]())
    torch.save({"a": networks[30].state_dict(), "b": networks[30].state_dict()}, "twice.pt")
    with pytest.raises(FileError, match="holds weights of the model 2 times: a, b"):
        similitude.compare_checkpoints(["twice.pt", files[0]], model=networks[30], inputs=inputs, order="given")
