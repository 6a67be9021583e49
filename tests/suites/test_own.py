"""Somebody's own networks: graded like those that ship, and every misfit of folder and table named."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from typer.testing import CliRunner

from similitude.benchmark.grading import GradingData
from similitude.cli.main import app
from similitude.errors import DegeneratePopulation, FileError, InputError, UnknownName
from similitude.measures import get_measure
from similitude.representations import ModelRecord, PopulationWriter, Score
from similitude.suites.base import Site
from similitude.suites.own.suite import OwnSuite

MODELS = [f"net{i}" for i in range(8)]
LAYERS = ("early", "late")


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(0)
    base = {layer: rng.normal(size=(60, 5)) for layer in LAYERS}
    return {m: {k: v + 0.2 * i * rng.normal(size=v.shape) for k, v in base.items()} for i, m in enumerate(MODELS)}


@pytest.fixture
def folder(tmp_path, arrays):
    path = tmp_path / "mine"
    path.mkdir()
    for model, layers in arrays.items():
        np.savez(path / f"{model}.npz", **layers)
    return path


def write(path, **columns):
    pd.DataFrame(columns).to_csv(path / "scores.csv", index=False)
    return path / "scores.csv"


SKILL = [0.9 - 0.05 * i for i in range(8)]


def run(*arguments):
    return CliRunner().invoke(app, ["run", *map(str, arguments)])


def test_the_command_gives_the_published_rule(folder, tmp_path, arrays):
    table = write(tmp_path, model=MODELS, accuracy=SKILL, speed=SKILL[::-1])
    out = tmp_path / "out"
    result = run(folder, "--scores", table, "--out", out, "--home", tmp_path / "home", "-m", "cka", "--resamples", 100)
    assert result.exit_code == 0, result.output
    assert "mine/models" in result.stdout
    found = pd.read_csv(out / "results.csv")
    row = found[(found["statistic"] == "spearman") & (found["functionality"] == "accuracy")].iloc[0]
    cka = get_measure("cka")
    expected = [
        stats.spearmanr(
            [1 - cka(arrays["net0"][layer], arrays[m][layer]) for m in MODELS[1:]],
            [abs(SKILL[0] - s) for s in SKILL[1:]],
        ).statistic
        for layer in LAYERS
    ]
    assert row["estimate"] == pytest.approx(np.mean(expected))
    assert row["estimate"] > 0.8


def test_scores_of_layers_and_deletions(folder, tmp_path):
    suite = OwnSuite(
        folder,
        write(
            tmp_path,
            model=np.repeat(MODELS, 2),
            layer=LAYERS * 8,
            probe=np.linspace(0, 1, 16),
        ),
    )
    (subtask,) = suite.subtasks()
    assert (subtask.id, subtask.pairing.against, subtask.functionalities[0].per) == ("mine/layers", "layers", "layer")
    suite = OwnSuite(
        folder,
        write(
            tmp_path,
            model=np.repeat(MODELS, 4),
            layer=np.tile(["early", "early", "late", "late"], 8),
            deleted=[0, 3] * 16,
            functionality="probe",
            value=np.linspace(0, 1, 32),
        ),
    )
    assert [s.id for s in suite.subtasks()] == ["mine/deletions"]
    assert suite.describe(Site(folder))["n_models"].tolist() == [8]


def test_a_population_folder_with_scores_of_its_own(tmp_path, arrays):
    writer = PopulationWriter(tmp_path / "pop", "pop", LAYERS, [str(i) for i in range(60)])
    for model, skill in zip(MODELS, SKILL, strict=True):
        writer.write(ModelRecord(model, arrays[model], scores=[Score("accuracy", skill)]))
    result = run(
        tmp_path / "pop", "--out", tmp_path / "out", "--home", tmp_path / "home", "-m", "cka", "--resamples", 100
    )
    assert result.exit_code == 0, result.output
    assert np.isnan(OwnSuite(tmp_path / "pop").describe(Site(tmp_path))["reliability"]).all()


def test_a_folder_a_model(tmp_path, arrays):
    for model, layers in arrays.items():
        (tmp_path / "mine" / model).mkdir(parents=True)
        for layer, values in layers.items():
            np.save(tmp_path / "mine" / model / f"{layer}.npy", values)
    suite = OwnSuite(tmp_path / "mine", write(tmp_path, model=MODELS, accuracy=SKILL))
    population = suite.populations(Site(tmp_path))["mine"]
    assert population.layers == LAYERS
    np.testing.assert_array_equal(population.representation("net3", "late").values, arrays["net3"]["late"])


@pytest.mark.parametrize(
    ("columns", "error", "text"),
    [
        ({"model": [*MODELS[:7], "net9"], "accuracy": SKILL}, UnknownName, "net9"),
        ({"model": MODELS[:7], "accuracy": SKILL[:7]}, InputError, "no row for 1 of the models, the first 'net7'"),
        ({"network": MODELS, "accuracy": SKILL}, InputError, "no column 'model'"),
        ({"model": MODELS}, InputError, "no column of a functionality"),
        ({"model": MODELS, "functionality": ["a"] * 8}, InputError, "'value'"),
        ({"model": MODELS, "accuracy": ["good", *SKILL[1:]]}, InputError, "'good', not a finite number"),
        ({"model": [*MODELS, "net0"], "accuracy": [*SKILL, 0.1]}, InputError, "twice"),
        ({"model": MODELS, "accuracy": [0.5] * 8}, DegeneratePopulation, "0.5 for all"),
        ({"model": MODELS, "accuracy": [None] * 8}, InputError, "holds no scores"),
        ({"model": MODELS, "loss (lower is beter)": SKILL}, InputError, r"Write 'NAME \(lower is better\)'"),
        ({"model": MODELS, "loss (smaller is better)": SKILL}, InputError, r"Write 'NAME \(lower is better\)'"),
        ({"model": MODELS, "(lower is better)": SKILL}, InputError, "not understood"),
        ({"model": MODELS, "loss (lower is better)": SKILL, "loss": SKILL}, InputError, "has both"),
        ({"model": MODELS, "loss": SKILL, "lower_is_better": [True] * 8}, InputError, "'loss \\(lower is better\\)'"),
        ({"model": MODELS, "accuracy": [np.inf, *SKILL[1:]]}, InputError, "'inf', not a finite number"),
        ({"model": MODELS, "layer": ["late"] * 8, "deleted": 0.5, "p": SKILL}, InputError, "not a whole number"),
        ({"model": [*MODELS, None], "accuracy": [*SKILL, 0.1]}, InputError, "row 9 of the table has no model"),
        ({"model": MODELS, "Unnamed: 0": range(8), "accuracy": SKILL}, InputError, "index=False"),
        ({"model": MODELS, "layer": ["erly"] * 8, "probe": SKILL}, UnknownName, "early"),
    ],
)
def test_tables_that_do_not_fit(columns, error, text, folder, tmp_path):
    with pytest.raises(error, match=text):
        OwnSuite(folder, write(tmp_path, **columns))


@pytest.mark.parametrize("layout", ["wide", "long"])
@pytest.mark.parametrize("direction", ["lower is better", "Lower_is_better", "higher is better"])
def test_the_reference_of_a_loss_is_the_network_with_least(layout, direction, folder, tmp_path):
    name = f"loss ({direction})"
    wide = {"model": MODELS, name: SKILL, "accuracy": SKILL}
    if layout == "long":
        wide = {"model": MODELS * 2, "functionality": [name] * 8 + ["accuracy"] * 8, "value": SKILL * 2}
    suite = OwnSuite(folder, write(tmp_path, **wide))
    (subtask,) = suite.subtasks()
    population = suite.populations(Site(tmp_path))["mine"]
    best = {}
    for functionality in subtask.functionalities:
        data = GradingData.of(population, functionality, subtask.pairing)
        best[functionality.name] = data.models[data.merit[0].argmax()]
    assert best == {"loss": "net0" if direction.startswith("higher") else "net7", "accuracy": "net0"}


def test_a_remark_that_is_no_direction_stays_in_the_name(folder, tmp_path):
    suite = OwnSuite(folder, write(tmp_path, model=MODELS, **{"accuracy (lower half)": SKILL}))
    assert [f.name for f in suite.subtasks()[0].functionalities] == ["accuracy (lower half)"]


def test_folders_that_do_not_fit(folder, tmp_path):
    with pytest.raises(InputError, match="--scores"):
        OwnSuite(folder)
    with pytest.raises(FileError, match="not a folder"):
        OwnSuite(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="no networks"):
        OwnSuite(tmp_path / "empty")
    (tmp_path / "strangers").mkdir()
    for i in range(3):
        np.savez(tmp_path / f"strangers/net{i}.npz", **{f"layer{i}": np.eye(60, 3)})
    with pytest.raises(InputError, match="no layer in common"):
        OwnSuite(tmp_path / "strangers")
    with pytest.raises(FileError, match="does not exist"):
        OwnSuite(folder, tmp_path / "absent.csv")


def _damage(file, layers):
    file.write_bytes(b"PK, and then nothing")
    return "is not a .npz file"


def _without_a_layer(file, layers):
    np.savez(file, early=layers["early"])
    return "no layer 'late'"


def _constant(file, layers):
    np.savez(file, early=layers["early"], late=np.ones((60, 3)))
    return "every feature is constant"


def _holes(file, layers):
    np.savez(file, early=layers["early"], late=np.full((60, 3), np.nan))
    return "NaN"


def _other_inputs(file, layers):
    np.savez(file, **{layer: values[:50] for layer, values in layers.items()})
    return "60 inputs"


@pytest.mark.parametrize("spoil", [_damage, _without_a_layer, _constant, _holes, _other_inputs])
@pytest.mark.parametrize("which", [0, 3])
def test_one_network_that_cannot_be_graded_costs_only_itself(spoil, which, folder, tmp_path, arrays):
    table = write(tmp_path, model=MODELS, accuracy=SKILL)
    options = "--scores", table, "--home", tmp_path / "home", "-m", "cka", "--resamples", 100
    spoiled = MODELS[which]
    reason = spoil(folder / f"{spoiled}.npz", arrays[spoiled])
    result = run(folder, *options, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 1, result.output
    left_out = json.loads(result.stdout)["provenance"]["left_out"]
    assert list(left_out) == [f"mine/{spoiled}"]
    assert reason in left_out[f"mine/{spoiled}"]
    assert f"Left out: mine/{spoiled}" in result.stderr
    (folder / f"{spoiled}.npz").unlink()
    write(tmp_path, model=[m for m in MODELS if m != spoiled], accuracy=[s for s in SKILL if s != SKILL[which]])
    whole = run(folder, *options, "--out", tmp_path / "whole")
    assert whole.exit_code == 0, whole.output
    assert (tmp_path / "out/results.csv").read_bytes() == (tmp_path / "whole/results.csv").read_bytes()


def test_a_layer_that_most_networks_do_not_have_costs_only_itself(folder, tmp_path, arrays):
    for model, layers in arrays.items():
        np.savez(folder / f"{model}.npz", **layers, flat=np.ones((60, 3)))
    np.savez(folder / "net7.npz", **arrays["net7"], own=arrays["net7"]["late"])
    layers = [layer for layer in (*LAYERS, "flat") for _ in MODELS]
    suite = OwnSuite(folder, write(tmp_path, model=MODELS * 3, layer=layers, probe=SKILL * 3))
    population = suite.populations(Site(tmp_path))["mine"]
    assert population.layers == LAYERS
    assert population.models == tuple(MODELS)
    assert set(suite.left_out) == {"*/flat", "*/own"}
    assert "constant" in suite.left_out["*/flat"]


def test_a_damaged_network_of_a_population_folder(tmp_path, arrays):
    writer = PopulationWriter(tmp_path / "pop", "pop", LAYERS, [str(i) for i in range(60)])
    for model, skill in zip(MODELS, SKILL, strict=True):
        writer.write(ModelRecord(model, arrays[model], scores=[Score("accuracy", skill)]))
    next((tmp_path / "pop").rglob("net3/late*")).write_bytes(b"nothing")
    suite = OwnSuite(tmp_path / "pop")
    assert set(suite.left_out) == {"net3"}
    assert "net3" not in suite.populations(Site(tmp_path))["pop"].models


def test_scores_need_a_folder(tmp_path):
    result = run("synthetic", "--scores", write(tmp_path, model=MODELS, accuracy=SKILL))
    assert result.exit_code == 2
    assert "--scores goes with one folder" in result.output
