"""`similitude inputs`, as a user would call it."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from similitude.cli.main import app


def run(*arguments):
    return CliRunner().invoke(app, ["inputs", *map(str, arguments)])


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x, ids = rng.normal(size=(60, 8)), np.array([f"item{i}" for i in range(60)])
    y = x + 0.01 * rng.normal(size=x.shape)
    y[[4, 9]] = y[[9, 4]]
    np.savez("a.npz", first=x, ids=ids)
    np.savez("b.npz", first=y, ids=ids)
    np.savez("two.npz", first=x, last=y, ids=ids)
    np.save("short.npy", np.eye(5))
    np.save("few.npy", np.zeros((5, 8, 8)))
    pd.DataFrame({"id": ids, "label": ["odd" if i in (4, 9, 11) else "even" for i in range(60)]}).to_csv("labels.csv")
    pd.Series(["a", "b"] * 30, name="x").to_csv("column.csv", index=False)
    return tmp_path


def test_the_list(files):
    result = run("a.npz", "b.npz", "--top", 2, "--csv", "inputs.csv", "--figure", "inputs.png")
    assert result.exit_code == 0, result.output
    assert "item4" in result.output
    assert "item9" in result.output
    assert "item11" not in result.output
    assert len(pd.read_csv("inputs.csv")) == 60
    assert (files / "inputs.png").stat().st_size > 5_000


def test_json(files):
    result = run("a.npz", "b.npz", "-m", "mutual_knn", "--top", 3, "--groups", "labels.csv", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert {row["id"] for row in found["inputs"][:2]} == {"item4", "item9"}
    assert found["groups"][0]["group"] == "odd"
    assert run("a.npz", "b.npz", "--groups", "column.csv", "--json").exit_code == 0


def test_texts_and_images_are_shown(files):
    (files / "texts.txt").write_text("".join(f"sentence number {i}\n" for i in range(60)))
    result = run("a.npz", "b.npz", "--top", 2, "--show", "texts.txt", "--json")
    assert {row["text"] for row in json.loads(result.stdout)["inputs"]} == {"sentence number 4", "sentence number 9"}
    assert "number 4" in " ".join(run("a.npz", "b.npz", "--top", 2, "--show", "texts.txt").output.split())
    np.save("images.npy", np.random.default_rng(0).random((60, 1, 8, 8)))
    result = run("a.npz", "b.npz", "--show", "images.npy", "--sheet", "sheet.png")
    assert result.exit_code == 0, result.output
    assert (files / "sheet.png").stat().st_size > 5_000


def test_images_of_a_folder_are_shown(files):
    pil = pytest.importorskip("PIL.Image")
    (files / "images").mkdir()
    for i in range(60):
        pil.new("RGB", (30 + i, 20), (4 * i, 0, 0)).save(files / "images" / f"{i}.png")
    result = run("a.npz", "b.npz", "--show", "images", "--sheet", "sheet.png")
    assert result.exit_code == 0, result.output
    assert (files / "sheet.png").exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["a.npz", "short.npy"], "60 inputs"),
        (["a.npz", "missing.npz"], "does not exist"),
        (["a.npz", "b.npz", "-m", "imd"], "no sum over inputs"),
        (["a.npz", "b.npz", "--groups", "missing.csv"], "does not exist"),
        (["a.npz", "b.npz", "--layer", "nowhere"], "no layer"),
        (["a.npz", "b.npz", "-m", "cka,rsa"], "one measure"),
        (["a.npz", "b.npz", "--sheet", "x.png"], "--show with a folder of images"),
        (["a.npz", "b.npz", "--sheet", "x.png", "--show", "a.npz"], "holds no images"),
        (["a.npz", "b.npz", "--sheet", "x.png", "--show", "few.npy"], "5 images"),
        (["a.npz", "b.npz", "--show", "missing.txt"], "missing.txt"),
        (["a.npz", "hf:nowhere"], "there must be something to show it"),
    ],
)
def test_bad_input(files, arguments, text):
    result = run(*arguments)
    assert result.exit_code == 2
    assert text in " ".join(result.output.split())


def test_the_last_layer_is_taken(files):
    result = run("two.npz", "b.npz", "--json", "--layer", "last", "--other-layer", "first")
    assert json.loads(result.stdout)["value"] == pytest.approx(1)
    assert json.loads(run("two.npz", "b.npz", "--json").stdout)["first"] == "two/last"


def test_models(files):
    pytest.importorskip("torch")
    (files / "networks.py").write_text(
        "import torch\n\n\ndef a():\n    torch.manual_seed(0)\n    return torch.nn.Linear(8, 4)\n"
        "\n\ndef b():\n    torch.manual_seed(1)\n    return torch.nn.Linear(8, 4)\n"
    )
    np.save("x.npy", np.load("a.npz")["first"].astype(np.float32))
    result = run("torch:./networks.py:a", "torch:./networks.py:b", "--inputs", "x.npy", "--json", "--layer", "(output)")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["n"] == 60
