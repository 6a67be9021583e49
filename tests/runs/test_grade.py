"""A run that grades suite by suite: what is there after each, and that the parts make the whole."""

import json

import pandas as pd
import pytest

from similitude import get_measures
from similitude.benchmark import evaluate
from similitude.benchmark.evaluate import combine
from similitude.benchmark.results import read_results
from similitude.report.evidence import read_grades
from similitude.report.tables import lay_out
from similitude.runs.grade import Choice, Run, choose
from similitude.suites import SUITES, Site

MEASURES = get_measures(["cka", "procrustes", "random"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("home"), "quick")
    SUITES["synthetic"].build(site)
    return site


@pytest.fixture(scope="module")
def halves(site):
    (whole,) = choose(["synthetic"], site)
    return [Choice(whole.suite, site, (subtask,)) for subtask in whole.subtasks[:2]]


def test_the_results_so_far_are_there_after_each_suite(halves, site, tmp_path):
    run = Run(halves, MEASURES, out=tmp_path / "out", resamples=200)
    first, second = (choice.subtasks[0].id for choice in halves)
    assert set(run.grade(halves[0]).frame["subtask"]) == {first}
    assert set(pd.read_csv(tmp_path / "out/results.csv")["subtask"]) == {first}
    assert set(run.grade(halves[1]).frame["subtask"]) == {second}
    assert set(pd.read_csv(tmp_path / "out/results.csv")["subtask"]) == {first, second}
    assert {row.subtask for row in lay_out(run.evaluation().results).grades.rows} == {first, second}
    figures = {file.name for file in (tmp_path / "out/figures").glob("*.png")}
    assert {name.split("-")[1] for name in figures if name.startswith("synthetic-")} >= {
        subtask.partition("/")[2] for subtask in (first, second)
    }


def test_suite_by_suite_gives_the_bytes_of_all_at_once(halves, site, tmp_path):
    together = Choice(halves[0].suite, site, tuple(s for choice in halves for s in choice.subtasks))
    for choices, out in ((halves, "parts"), ([together], "whole")):
        run = Run(choices, MEASURES, out=tmp_path / out, resamples=200)
        for choice in choices:
            run.grade(choice)
    written = {file.name for file in (tmp_path / "whole").iterdir() if file.is_file()}
    for name in written - {"results.json", "results.csv"}:
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    tables = [pd.read_csv(tmp_path / out / "results.csv").drop(columns="seconds") for out in ("parts", "whole")]
    pd.testing.assert_frame_equal(*tables)
    provenance = [json.loads((tmp_path / out / "results.json").read_text())["provenance"] for out in ("parts", "whole")]
    assert provenance[0] == provenance[1]


def test_parts_put_together_are_adjusted_for_all_tests(halves, site):
    populations = halves[0].suite.populations(site)
    subtasks = [choice.subtasks[0] for choice in halves]
    tests = len(MEASURES) * sum(len(subtask.functionalities) for subtask in subtasks)
    whole = evaluate(subtasks, populations, MEASURES, resamples=200)
    parts = [evaluate([subtask], populations, MEASURES, resamples=200, tests=tests) for subtask in subtasks]
    found = combine(parts)
    pd.testing.assert_frame_equal(
        found.results.frame.drop(columns="seconds"), whole.results.frame.drop(columns="seconds")
    )
    alone = pd.concat([part.results.frame for part in parts])["p_holm"]
    assert (alone.dropna() < whole.results.frame["p_holm"].dropna().to_numpy()).any()
    assert list(found.grading) == list(whole.grading)


def test_a_finished_run_says_what_its_rows_are_called(halves, site, tmp_path):
    run = Run(halves, MEASURES, out=tmp_path / "out", resamples=200)
    for choice in halves:
        run.grade(choice)
    subtask = halves[0].subtasks[0]
    row = next(r for r in read_grades(read_results(tmp_path / "out")).rows if r.subtask == subtask.id)
    functionality = next(f for f in subtask.functionalities if f.name == row.functionality)
    assert (row.label, row.difference) == (str(functionality), functionality.difference)
    assert (row.varies, row.description) == (subtask.varies, subtask.description)
