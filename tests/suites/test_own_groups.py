"""Somebody's own groups of networks: graded, and every misfit of folder and table named; tests chosen by name."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from similitude.benchmark import Monotonicity, Pairing, Separation, Subtask, evaluate
from similitude.benchmark.questions import named_tests
from similitude.benchmark.results import read_results
from similitude.benchmark.statistics.mean_ranks import mean_ranks
from similitude.benchmark.statistics.separation import separations
from similitude.cli.main import app
from similitude.errors import InputError, UnknownName
from similitude.measures import get_measure, get_measures
from similitude.report.findings import findings
from similitude.report.tables import as_markdown, lay_out
from similitude.runs.grade import Choice, of_tests
from similitude.suites import SUITES, Site
from similitude.suites.own.suite import OwnSuite

MODELS = [f"net{i}" for i in range(9)]
GROUPS = [group for group in "abc" for _ in range(3)]


@pytest.fixture(scope="module")
def arrays():
    """Three groups around three points, in the last layer only."""
    rng = np.random.default_rng(0)
    centres = {group: rng.normal(size=(40, 5)) for group in "abc"}
    early = rng.normal(size=(40, 5))
    return {
        model: {
            "early": early + rng.normal(size=(40, 5)),
            "late": centres[group] + 0.3 * rng.normal(size=(40, 5)),
        }
        for model, group in zip(MODELS, GROUPS, strict=True)
    }


@pytest.fixture
def folder(tmp_path, arrays):
    path = tmp_path / "mine"
    path.mkdir()
    for model, layers in arrays.items():
        np.savez(path / f"{model}.npz", **layers)
    return path


def write(path, networks, groups, columns=("network", "group")):
    pd.DataFrame(dict(zip(columns, (networks, groups), strict=True))).to_csv(path / "groups.csv", index=False)
    return path / "groups.csv"


def run(*arguments):
    return CliRunner().invoke(app, ["run", *map(str, arguments)])


def test_the_command_separates_own_groups(folder, tmp_path, arrays):
    table, out = write(tmp_path, MODELS[::-1], GROUPS[::-1]), tmp_path / "out"
    measures = ("-m", "procrustes,norm_difference")
    result = run(folder, "--groups", table, "--out", out, "--home", tmp_path / "home", *measures)
    assert result.exit_code == 0, result.output
    found = pd.read_csv(out / "results.csv").set_index("measure")
    procrustes = get_measure("procrustes")
    matrix = [[procrustes(arrays[a]["late"], arrays[b]["late"]) for b in MODELS] for a in MODELS]
    expected = separations(np.array(matrix)[None, None], tuple(GROUPS))
    assert found.loc["procrustes", "estimate"] == expected.auprc[0] == 1
    assert found.loc["procrustes", "p"] == pytest.approx(1 / 280)
    assert found.loc["procrustes", "every"] == 1
    assert found.loc["procrustes", "violation"] == 0
    assert set(found["statistic"]) == {"separation"}
    assert set(found["n_models"]) == {9}
    assert "mine/groups: 9 models in 3 groups" in result.stdout
    assert "AUPRC corrected for chance" in result.stdout
    pairs = pd.read_csv(out / "pairs.csv")
    assert len(pairs) == 72
    assert pairs["difference"].sum() == 54
    again = read_results(out)
    assert "AUPRC above chance 1.000" in " ".join(findings(again, None))
    assert "own groups" in as_markdown(lay_out(again))
    report = CliRunner().invoke(app, ["report", str(out), "--statistics", "--format", "csv"])
    assert report.exit_code == 0, report.output
    for option in (["--html", str(tmp_path / "page.html")], ["--figures", str(tmp_path / "figures")]):
        report = CliRunner().invoke(app, ["report", str(out), *option])
        assert report.exit_code == 0, report.output
    assert (tmp_path / "figures" / "mine-groups-group-forest.png").exists()


@pytest.mark.parametrize(
    ("networks", "groups", "error", "text"),
    [
        (MODELS[:8], GROUPS[:8], InputError, "no row for 1 of the networks, the first 'net8'"),
        ([*MODELS, "net9"], [*GROUPS, "c"], UnknownName, "no network 'net9' in mine. Did you mean"),
        ([*MODELS, "net0"], [*GROUPS, "b"], InputError, "1 network.s. more than once, the first 'net0'"),
        (MODELS, ["a"] * 8 + ["b"], InputError, "Group 'b' has one model"),
        (MODELS, ["a"] * 9, InputError, "All models are in one group"),
        (MODELS, [*GROUPS[:8], ""], InputError, "row 9 of the table has no group"),
    ],
)
def test_tables_that_do_not_fit(networks, groups, error, text, folder, tmp_path):
    with pytest.raises(error, match=text):
        OwnSuite(folder, groups=write(tmp_path, networks, groups))
    if len(set(networks)) == len(networks):
        with pytest.raises(error, match=text):
            OwnSuite(folder, groups=dict(zip(networks, groups, strict=True)))


def test_columns_of_the_table(folder, tmp_path):
    with pytest.raises(InputError, match="needs the columns 'network' and 'group'; its columns are 'net', 'group'"):
        OwnSuite(folder, groups=write(tmp_path, MODELS, GROUPS, ("net", "group")))
    (subtask,) = OwnSuite(folder, groups=write(tmp_path, MODELS, GROUPS, ("Model", "Group"))).subtasks()
    assert (subtask.id, subtask.test, subtask.question) == ("mine/groups", "groups", Separation("group", "own groups"))


def test_groups_stand_beside_scores(folder, tmp_path):
    scores = tmp_path / "scores.csv"
    pd.DataFrame({"model": MODELS, "accuracy": np.linspace(0.5, 0.9, 9)}).to_csv(scores, index=False)
    suite = OwnSuite(folder, scores, groups=dict(zip(MODELS, GROUPS, strict=True)))
    assert [s.id for s in suite.subtasks()] == ["mine/models", "mine/groups"]
    evaluation = evaluate(suite.subtasks(), suite.populations(Site(tmp_path)), get_measures(["cka"]), resamples=100)
    alone = evaluate(suite.subtasks()[:1], suite.populations(Site(tmp_path)), get_measures(["cka"]), resamples=100)
    both = evaluation.results.frame
    expected = alone.results.frame.drop(columns="seconds")
    same = both[both["functionality"] == "accuracy"].reset_index(drop=True)[expected.columns]
    pd.testing.assert_frame_equal(same, expected, check_dtype=False)


def test_networks_left_out_may_be_named(folder, tmp_path):
    (folder / "net8.npz").write_bytes(b"nothing")
    suite = OwnSuite(folder, groups=write(tmp_path, MODELS, GROUPS))
    assert set(suite.left_out) == {"net8"}
    assert len(suite.populations(Site(tmp_path))["mine/groups"].models) == 8


def test_groups_need_a_folder(tmp_path):
    result = run("synthetic", "--groups", write(tmp_path, MODELS, GROUPS))
    assert result.exit_code == 2
    assert "--groups goes with one folder" in result.output


def test_layers_of_one_model(folder, tmp_path, arrays):
    rng = np.random.default_rng(1)
    for i in range(4):
        steps = [rng.normal(size=(40, 5)) for _ in range(5)]
        np.savez(tmp_path / "mine" / f"net{i}.npz", **{f"l{k}": np.sum(steps[: k + 1], axis=0) for k in range(5)})
    for i in range(4, 9):
        (folder / f"net{i}.npz").unlink()
    suite = OwnSuite(folder, groups=dict.fromkeys(MODELS[:2], "a") | dict.fromkeys(MODELS[2:4], "b"))
    question = Subtask(
        "mine/layers", "mine/groups", "layer", (), Pairing("layers"), question=Monotonicity(), test="layers"
    )
    measures = get_measures(["procrustes", "cka"])
    evaluation = evaluate([question, *suite.subtasks()], suite.populations(Site(tmp_path)), measures)
    found = evaluation.results.frame
    row = found[(found["subtask"] == "mine/layers") & (found["measure"] == "procrustes")].iloc[0]
    assert row["statistic"] == "monotonicity"
    assert row["n_pairs"] == 4 * 5 * 4
    assert row["every"] > 0.8
    assert row["violation"] < 0.2
    assert len(evaluation.pairs[evaluation.pairs["subtask"] == "mine/layers"]) == 80
    assert "Of layers" in " ".join(lay_out(evaluation.results).notes)
    tests = evaluation.results.by_test()
    assert set(tests["test"]) <= {"all", "layers", "groups"}


def test_tests_by_name():
    known = ("labels_own", "labels_shared", "shortcut")
    assert named_tests(["labels", "shortcut"], known) == known
    assert named_tests(["labels_shared"], known) == ("labels_shared",)
    with pytest.raises(UnknownName, match=r"no test 'labls'\. Did you mean 'labels'"):
        named_tests(["labls"], known)


def test_tests_are_chosen_across_suites(tmp_path):
    site = Site(tmp_path)
    suites = [SUITES[name] for name in ("vision", "language", "synthetic")]
    choices = [Choice(suite, site, suite.subtasks()) for suite in suites]
    kept = of_tests(choices, ["accuracy"])
    assert [choice.suite.name for choice in kept] == ["vision", "language"]
    assert {s.test for choice in kept for s in choice.subtasks} == {"accuracy"}
    with pytest.raises(InputError, match=r"None of the subtasks belongs to the test groups\. They belong to probes"):
        of_tests(choices, ["groups"])
    result = run("--test", "acuracy", "--home", tmp_path)
    assert result.exit_code == 2
    assert "Did you mean 'accuracy'" in result.output
    result = run("synthetic", "--test", "accuracy", "--home", tmp_path)
    assert "They belong to no test" in result.output


def test_a_subtask_says_what_does_not_fit():
    with pytest.raises(InputError, match="the pairing 'models'"):
        Subtask("x/y", "x", "condition", (), Pairing("layers"), question=Separation())
    with pytest.raises(UnknownName, match="'shortcut'"):
        Subtask("x/y", "x", "condition", (), Pairing("models"), question=Separation(), test="shortcuts")


def test_mean_ranks_by_test_are_weighted(folder, tmp_path):
    """A test of one row weighs as much as a test of two, and modalities as much as each other."""
    suite = OwnSuite(folder, groups=dict(zip(MODELS, GROUPS, strict=True)))
    measures = get_measures(["procrustes", "norm_difference", "rsa"])
    (one,) = suite.subtasks()
    two = replace(one, id="mine/shortcut", test="shortcut", pairing=Pairing("models", ("early",)))
    three = replace(one, id="mine/again", test="shortcut", modality="vision")
    evaluation = evaluate([one, two, three], suite.populations(Site(tmp_path)), measures)
    frame = evaluation.results.frame.assign(apart=True)
    ranks = frame.pivot(index="measure", columns="subtask", values="every_rank")
    found = replace(evaluation.results, frame=frame).by_test().set_index(["test", "measure"])
    for measure in ranks.index:
        of = ranks.loc[measure]
        expected = (0.5 * (of["mine/groups"] + of["mine/shortcut"]) + of["mine/again"]) / 2
        assert found.loc[("all", measure), "mean_rank"] == pytest.approx(expected)
        shortcut = (of["mine/shortcut"] + of["mine/again"]) / 2
        assert found.loc[("shortcut", measure), "mean_rank"] == pytest.approx(shortcut)
    assert json.loads(json.dumps(evaluation.results.records()))


def test_mean_ranks_use_the_values_of_one_statistic(folder, tmp_path):
    scores = tmp_path / "scores.csv"
    pd.DataFrame({"model": MODELS, "accuracy": np.linspace(0.5, 0.9, 9) ** 2}).to_csv(scores, index=False)
    suite, measures = OwnSuite(folder, scores), get_measures(["procrustes", "norm_difference", "rsa"])
    results = evaluate(suite.subtasks(), suite.populations(Site(tmp_path)), measures, resamples=100).results
    results = replace(results, frame=results.frame.assign(apart=True))
    assert results.leave_one_out is not None
    alone = results.leave_one_out[results.leave_one_out["statistic"] == "spearman"]
    frame = results.frame[results.frame["statistic"] == "spearman"]
    expected = mean_ranks(frame, alone)
    found = results.summary()[expected.columns].reindex(expected.index)
    pd.testing.assert_frame_equal(found, expected)
    assert not np.allclose(mean_ranks(frame, results.leave_one_out), expected)


def test_the_published_protocol_shows_auprc_alone(folder, tmp_path):
    suite = OwnSuite(folder, groups=dict(zip(MODELS, GROUPS, strict=True)))
    found = evaluate(
        suite.subtasks(), suite.populations(Site(tmp_path)), get_measures(["cka", "rsa"]), protocol="published"
    ).results
    assert "tells" not in found.frame
    assert found.frame["estimate"].notna().all()
    layout = lay_out(found)
    assert "Of groups: AUPRC. " in layout.notes[0]
    assert "(" not in layout.rows[0][-1]
