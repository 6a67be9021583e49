"""What conditions did to networks, carried from the populations to everything that a run leaves."""

import json
import re
from dataclasses import replace

import pandas as pd
import pytest
from rich.console import Console

pytest.importorskip("torch")

from similitude import get_measures
from similitude.benchmark.results import read_results
from similitude.report.page import page
from similitude.report.terminal import show_gates
from similitude.runs.grade import Run, choose
from similitude.suites import SUITES, Site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("home"), "quick", workers=1)
    SUITES["graphs"].build(site, ["graphs_gcn_labels_own"])
    return site


@pytest.fixture(scope="module")
def out(site, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    (choice,) = choose(["graphs/labels_own"], site)
    Run([choice], get_measures(["cka", "random"]), out=folder, resamples=100).grade(choice)
    return folder


@pytest.fixture(scope="module")
def gates(site):
    return SUITES["graphs"].gates(site)


def test_a_run_keeps_them_in_every_form(out, gates):
    assert set(gates["group"]) == {"0% random", "50% random", "100% random"}
    assert (gates["networks"] == 2).all()
    pd.testing.assert_frame_equal(read_results(out).gates, gates)
    pd.testing.assert_frame_equal(pd.read_csv(out / "gates.csv"), gates)


def test_they_are_shown_on_the_page_and_in_the_terminal(out, gates):
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page(out), flags=re.DOTALL)
    shown = json.loads(data)["gates"]
    assert shown["header"] == list(gates.columns)
    assert [row[:3] for row in shown["rows"]] == gates[["subtask", "group", "figure"]].to_numpy().tolist()
    console = Console(width=100)
    with console.capture() as capture:
        console.print(show_gates(gates, 100))
    for row in gates.to_dict("records"):
        line = rf"{row['group']} \(2\) +{row['figure']} +{row['required']}"
        assert re.search(line, capture.get()), row


def test_results_without_them_leave_none(out, tmp_path):
    read_results(out).write(tmp_path)
    assert (tmp_path / "gates.csv").exists()
    replace(read_results(out), gates=None).write(tmp_path)
    assert not (tmp_path / "gates.csv").exists()
    assert read_results(tmp_path).gates is None
