"""What somebody's networks predict: graded by the plain rule, and every misfit of the files named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

from similitude.benchmark import calibration_error
from similitude.cli.main import app
from similitude.errors import FileError, InputError, UnknownName
from similitude.measures import get_measure
from similitude.measures.functional import jsd
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


@pytest.mark.parametrize(
    ("file", "content", "error", "text"),
    [
        ("net3.npz", None, FileError, "net3.npz does not exist"),
        ("labels.npz", None, FileError, "labels.npz does not exist"),
        ("net9.npz", {"test": np.eye(3)}, UnknownName, "no model 'net9'"),
        ("net3.npz", {"tset": np.full((90, 3), 1 / 3)}, InputError, "the same test sets: test, tset"),
        ("net3.npz", {"test": np.full((80, 3), 1 / 3)}, InputError, "90 test items x 3 classes"),
        ("net3.npz", {"test": np.full((90, 2), 1 / 2)}, InputError, "90 test items x 3 classes"),
        ("net3.npz", {"test": np.full((90, 4), 1 / 4)}, InputError, "3 classes for 'net0' and 4 for 'net3'"),
        ("net3.npz", {"test": np.ones((90, 3))}, InputError, "softmax"),
        ("net3.npz", {"test": np.full((90, 3), np.nan)}, InputError, "softmax"),
        ("net3.npz", {}, FileError, "no arrays"),
        ("net3.npz", b"PK\x03\x04 torn", FileError, "not a .npz file"),
        ("net3.npz", {"test": np.full((90, 3), None)}, FileError, "holds Python objects"),
        ("labels.npz", {"test": np.ones(90)}, InputError, "whole numbers"),
        ("labels.npz", {"test": np.full(90, -1)}, InputError, "whole numbers"),
    ],
)
def test_files_that_do_not_fit(file, content, error, text, folder, predictions):
    if content is None:
        (predictions / file).unlink()
    elif isinstance(content, bytes):
        (predictions / file).write_bytes(content)
    else:
        np.savez(predictions / file, **content)
    with pytest.raises(error, match=text):
        OwnSuite(folder, predictions=predictions)


def test_predictions_need_a_folder_of_networks(predictions):
    result = CliRunner().invoke(app, ["run", "synthetic", "--predictions", str(predictions)])
    assert result.exit_code == 2
    assert "--predictions goes with one folder" in result.output
