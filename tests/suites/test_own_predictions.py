"""What somebody's networks predict: graded by the plain rule, and every misfit of the files named."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

from similitude.benchmark import calibration_error
from similitude.benchmark.functionalities.predictions import jsd
from similitude.cli.main import app
from similitude.errors import FileError, InputError, SimilitudeWarning, UnknownName
from similitude.measures import get_measure
from similitude.suites.base import Site
from similitude.suites.own.suite import OwnSuite

MODELS = [f"net{i}" for i in range(6)]
LABELS = np.arange(90) % 3


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(0)
    base = rng.normal(size=(60, 5))
    return {m: base + 0.3 * i * rng.normal(size=base.shape) for i, m in enumerate(MODELS)}


@pytest.fixture(scope="module")
def probabilities():
    """The later a network, the less it knows."""
    rng = np.random.default_rng(1)
    logits = [np.eye(3)[LABELS] * (5 - 0.7 * i) + rng.normal(size=(90, 3)) for i in range(6)]
    return {m: np.exp(x) / np.exp(x).sum(axis=1, keepdims=True) for m, x in zip(MODELS, logits, strict=True)}


@pytest.fixture
def folder(tmp_path, arrays):
    (tmp_path / "mine").mkdir()
    for model, values in arrays.items():
        np.save(tmp_path / "mine" / f"{model}.npy", values)
    return tmp_path / "mine"


@pytest.fixture
def predictions(tmp_path, probabilities):
    (tmp_path / "predictions").mkdir()
    np.savez(tmp_path / "predictions" / "labels.npz", test=LABELS)
    for model, values in probabilities.items():
        np.savez(tmp_path / "predictions" / f"{model}.npz", test=values)
    return tmp_path / "predictions"


def test_the_command_grades_by_the_published_rule(folder, predictions, tmp_path, arrays, probabilities):
    out = tmp_path / "out"
    arguments = [folder, "--predictions", predictions, "-m", "cka", "--out", out, "--home", tmp_path / "home"]
    result = CliRunner().invoke(app, ["run", *map(str, arguments), "--resamples", "100"])
    assert result.exit_code == 0, result.output
    found = pd.read_csv(out / "results.csv").query("statistic == 'spearman'").set_index("functionality")["estimate"]
    assert list(found.index) == ["accuracy/test", "calibration_error/test", "disagreement/test", "jensen_shannon/test"]
    accuracy = {m: np.mean(p.argmax(axis=1) == LABELS) for m, p in probabilities.items()}
    best = max(MODELS, key=lambda m: accuracy[m])
    others = [m for m in MODELS if m != best]
    cka = get_measure("cka")
    dissimilarity = [1 - cka(arrays[best], arrays[m]) for m in others]
    first = probabilities[best]
    expected = {
        "disagreement/test": [np.mean(first.argmax(1) != probabilities[m].argmax(1)) for m in others],
        "jensen_shannon/test": [jsd(first, probabilities[m]) for m in others],
        "accuracy/test": [accuracy[best] - accuracy[m] for m in others],
    }
    for name, difference in expected.items():
        assert found[name] == pytest.approx(stats.spearmanr(dissimilarity, difference).statistic), name
    errors = {m: calibration_error(p, LABELS) for m, p in probabilities.items()}
    best = min(MODELS, key=lambda m: errors[m])
    expected = [(1 - cka(arrays[best], arrays[m]), errors[m] - errors[best]) for m in MODELS if m != best]
    assert found["calibration_error/test"] == pytest.approx(stats.spearmanr(*zip(*expected, strict=True)).statistic)


def test_predictions_stand_beside_a_table(folder, predictions, tmp_path, probabilities):
    table = tmp_path / "scores.csv"
    pd.DataFrame({"model": MODELS, "speed": range(6)}).to_csv(table, index=False)
    suite = OwnSuite(folder, table, predictions)
    (subtask,) = suite.subtasks()
    names = [f.name for f in subtask.functionalities]
    assert names[0] == "speed"
    assert names[-2:] == ["disagreement/test", "jensen_shannon/test"]
    described = suite.describe(Site(tmp_path)).set_index("functionality")
    assert described.loc["disagreement/test", "n_items"] == 90
    assert described.loc["accuracy/test", "reliability"] > 0
    errors = [calibration_error(p, LABELS) for p in probabilities.values()]
    assert described.loc["calibration_error/test", "mean"] == pytest.approx(np.mean(errors))
    pd.DataFrame({"model": MODELS, "accuracy/test": range(6)}).to_csv(table, index=False)
    with pytest.raises(InputError, match="'accuracy/test' is scored already"):
        OwnSuite(folder, table, predictions)


def test_predictions_stand_beside_scores_of_layers(folder, predictions, tmp_path):
    table = tmp_path / "scores.csv"
    pd.DataFrame({"model": MODELS, "layer": "output", "probe": range(6)}).to_csv(table, index=False)
    models, layers = OwnSuite(folder, table, predictions).subtasks()
    assert len(models.functionalities) == 4
    assert [f.name for f in layers.functionalities] == ["probe"]


UNFIT = [
    (None, "net3.npz does not exist"),
    ({"tset": np.full((90, 3), 1 / 3)}, "the same test sets: test, tset"),
    ({"test": np.full((80, 3), 1 / 3)}, "90 test items x 3 classes"),
    ({"test": np.full((90, 2), 1 / 2)}, "90 test items x 3 classes"),
    ({"test": np.full((90, 4), 1 / 4)}, "has 4 classes; most networks have 3"),
    ({"test": np.ones((90, 3))}, "softmax"),
    ({"test": np.full((90, 3), np.nan)}, "softmax"),
    ({"test": np.full((90, 3), 1j)}, "probabilities are real numbers"),
    ({}, "no arrays"),
    (b"PK\x03\x04 torn", "not a .npz file"),
    ({"test": np.full((90, 3), None)}, "holds Python objects"),
]


@pytest.mark.parametrize(("content", "text"), UNFIT)
def test_an_unfit_file_costs_the_predictions_of_its_network_only(content, text, folder, predictions):
    _replace(predictions / "net3.npz", content)
    suite = OwnSuite(folder, predictions=predictions)
    assert list(suite.left_out) == ["predictions/net3"]
    assert text in suite.left_out["predictions/net3"]
    (population,) = suite.populations(Site(folder)).values()
    assert population.models == tuple(m for m in MODELS if m != "net3")
    (subtask,) = suite.subtasks()
    assert [f.name.partition("/")[0] for f in subtask.functionalities][-2:] == ["disagreement", "jensen_shannon"]


def test_what_is_left_out_is_in_the_tables_the_json_and_the_exit_code(folder, predictions, tmp_path):
    _replace(predictions / "net3.npz", b"torn")
    arguments = [folder, "--predictions", predictions, "-m", "cka", "--out", tmp_path / "out", "--home", tmp_path / "h"]
    result = CliRunner().invoke(app, ["run", *map(str, arguments), "--resamples", "100", "--json"])
    assert result.exit_code == 1
    assert "Left out: mine/predictions/net3: " in result.stderr
    found = json.loads(result.stdout)
    assert "net3.npz" in found["provenance"]["left_out"]["mine/predictions/net3"]
    assert {row["n_models"] for row in found["results"]} == {5}


def test_a_network_without_predictions_keeps_its_scores(folder, predictions, tmp_path):
    table = tmp_path / "scores.csv"
    pd.DataFrame({"model": MODELS, "speed": range(6)}).to_csv(table, index=False)
    _replace(predictions / "net3.npz", None)
    suite = OwnSuite(folder, table, predictions)
    subtasks = {subtask.id: subtask for subtask in suite.subtasks()}
    assert {id: len(subtask.functionalities) for id, subtask in subtasks.items()} == {
        "mine/models": 1,
        "mine/predictions": 4,
    }
    counts = suite.describe(Site(tmp_path)).set_index("functionality")["n_models"]
    assert (counts["speed"], counts["accuracy/test"], counts["jensen_shannon/test"]) == (6, 5, 5)
    arguments = [folder, "--scores", table, "--predictions", predictions, "-m", "cka", "--out", tmp_path / "out"]
    result = CliRunner().invoke(
        app, ["run", *map(str, arguments), "--home", str(tmp_path / "home"), "--resamples", "100"]
    )
    assert result.exit_code == 1, result.output
    found = pd.read_csv(tmp_path / "out" / "results.csv").query("statistic == 'spearman'").set_index("functionality")
    assert (found.loc["speed", "n_models"], found.loc["accuracy/test", "n_models"]) == (6, 5)
    assert found["estimate"].notna().all()


def test_networks_that_cannot_be_compared_may_have_predictions_and_scores(folder, predictions, tmp_path):
    (folder / "net3.npy").write_bytes(b"torn")
    (folder / "net4.npy").unlink()
    (folder / "net4").mkdir()
    (predictions / "._net0.npz").write_bytes(b"left behind by a file manager")
    table = tmp_path / "scores.csv"
    pd.DataFrame({"model": MODELS, "speed": range(6)}).to_csv(table, index=False)
    with pytest.warns(SimilitudeWarning, match="'net4' without representations"):
        suite = OwnSuite(folder, table, predictions)
    assert list(suite.left_out) == ["net3"]
    assert suite.populations(Site(folder))["mine"].models == ("net0", "net1", "net2", "net5")


def test_too_few_predictions_are_told_with_the_first_cause(folder, predictions):
    for model in MODELS[:4]:
        np.savez(predictions / f"{model}.npz", test=np.ones((90, 3)))
    with pytest.raises(InputError, match=r"predictions of 2 networks; grading needs three .*net0.npz: .* softmax"):
        OwnSuite(folder, predictions=predictions)


@pytest.mark.parametrize(
    ("file", "content", "error", "text"),
    [
        ("labels.npz", None, FileError, "labels.npz does not exist"),
        ("labels.npz", {"test": np.ones(90)}, InputError, "whole numbers"),
        ("labels.npz", {"test": np.full(90, -1)}, InputError, "whole numbers"),
        ("net9.npz", {"test": np.eye(3)}, UnknownName, "no model 'net9'"),
    ],
)
def test_files_that_concern_all_networks(file, content, error, text, folder, predictions):
    _replace(predictions / file, content)
    with pytest.raises(error, match=text):
        OwnSuite(folder, predictions=predictions)


def _replace(file, content):
    if content is None:
        file.unlink()
    elif isinstance(content, bytes):
        file.write_bytes(content)
    else:
        np.savez(file, **content)


def test_predictions_need_a_folder_of_networks(predictions):
    result = CliRunner().invoke(app, ["run", "synthetic", "--predictions", str(predictions)])
    assert result.exit_code == 2
    assert "--predictions goes with one folder" in result.output
