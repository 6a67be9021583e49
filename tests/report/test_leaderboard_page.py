"""The page and the figures of a leaderboard, from tables made up here; driven in a browser where there is one."""

import json
import re
from itertools import pairwise

import chromium
import numpy as np
import pandas as pd
import pytest

from similitude.benchmark.combination import Combination
from similitude.report.decisions import combination_text, decide, decision_text
from similitude.report.figures_leaderboard import heat_map, pareto, pareto_front, place_diagram
from similitude.report.leaderboard import Leaderboard

MEASURES = ("cka", "procrustes", "random", "</script><b>odd")


def standings(estimates=(0.6, 0.55, 0.02, None), family="layers", confirmed=True):
    rows = []
    for k, (measure, value) in enumerate(zip(MEASURES, estimates, strict=True)):
        tells = value is not None and value > 0.1
        value = np.nan if value is None else value
        rows.append(
            {
                "family": family, "measure": measure, "estimate": value, "low": value - 0.1, "high": value + 0.1,
                "tells": tells, "rank": k + 1, "rank_low": 1 if tells else k + 1, "rank_high": 2 if tells else k + 1,
                "better": 0, "worse": 2, "distinct": 2, "leading": tells, "failed": int(np.isnan(value)), "rows": 5,
                "subtasks": 2, "units": 40, "seconds": 0.01 * (3 - k), "confirmed": tells and confirmed,
                "distinct_in_both": 1, "failed_pairs": 0,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def board(**changes):
    table = pd.concat([standings(), standings((0.2, 0.1, 0.0, 0.05), "failure")], ignore_index=True)
    rows = pd.DataFrame(
        [
            {
                "family": "layers", "subtask": subtask, "functionality": "f", "measure": measure,
                "every": value, "every_low": value - 0.1, "every_high": value + 0.1,
            }
            for subtask, shift in (("a/b", 0.0), ("a/c", 0.2), ("d/e", -0.1))
            for measure, value in zip(MEASURES, (0.5 + shift, 0.4 + shift, 0.01, np.nan), strict=True)
        ]
    )  # fmt: skip
    verdict = {"family": "layers", "kind": "beats", "measure": "cka", "other": "random", "value": 0.5}
    verdict |= {"low": 0.4, "high": 0.6}
    verdicts = pd.DataFrame([verdict | {"outcome": "holds"}, verdict | {"other": "procrustes", "outcome": "undecided"}])
    given = {
        "standings": table, "differences": pd.DataFrame(), "rows": rows, "verdicts": verdicts,
        "row_verdicts": verdicts, "combination": Combination(("cka", "random"), 0.5, 0.4, -0.1, -0.2, 0.0),
        "provenance": {"measures": 4, "too_slow": {"rtd": 21.0}, "limit": 1.0},
        "failures": pd.DataFrame(columns=["subtask", "measure", "pairs", "reason"]), "computed": 1, "reused": 2,
    }  # fmt: skip
    return Leaderboard(**(given | changes))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("leaderboard")
    board().write(folder)
    return folder


def test_the_page_is_one_file_and_names_are_text(written):
    text = (written / "index.html").read_text()
    assert not re.search(r"""(src|href)=["'](?!#|data:)""", text)
    assert "http" not in re.sub(r"http://www\.w3\.org/2000/svg", "", text)
    assert "</script><b>" not in text


def test_advice_takes_evidence_that_holds():
    found = decide(standings()).iloc[0]
    assert (found["advice"], found["ties"], found["cheapest"]) == ("cka", 1, "procrustes")
    assert decision_text(found.to_dict()) == (
        ".600 [.500, .700] (40 networks or groups, 2 subtasks); 1 more qualifies, the cheapest procrustes"
    )
    for table, reason in (
        (standings(confirmed=False), "both halves"),
        (standings((0.29, 0.2, 0.0, None)), "less than .300"),
        (standings().assign(tells=False), "not above 0"),
    ):
        found = decide(table).iloc[0]
        assert found["advice"] == "no measure tells; measure the behaviour"
        assert reason in found["reason"]
        assert found["measure"] == "cka"


def test_larger_means_that_one_half_does_not_confirm_are_said():
    table = standings()
    table["confirmed"] = table["measure"] != "cka"
    found = decide(table).iloc[0]
    assert (found["advice"], found["larger"], found["largest"]) == ("procrustes", 1, "cka")
    assert decision_text(found.to_dict()).endswith("; larger, but not confirmed in both halves: cka (.600)")
    table.loc[table["measure"] == "cka", "confirmed"] = True
    assert decide(table).iloc[0]["larger"] == 0


def test_no_measure_is_named_where_all_reach_the_end_of_the_scale():
    found = decide(standings((1.0, 0.995, 0.99, None))).iloc[0]
    assert found["advice"] == "almost any measure tells; choose by other needs"
    assert "median measure reaches .990" in decision_text(found.to_dict())


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Combination(("a", "a", "b"), 0.3, 0.4, 0.1, 0.05, 0.15), "Recommended: 2/3 a + 1/3 b"),
        (Combination(("a", "b"), 0.4, 0.3, -0.1, -0.15, -0.05), "worse than the best single one"),
        (Combination(("a",), 0.3, 0.3, 0.0, 0.0, 0.0), "not shown to beat"),
        (Combination(), "were not tried"),
    ],
)
def test_the_outcome_of_a_combination_is_told_either_way(found, words):
    assert words in combination_text(found)


def test_shares_of_verdicts_that_hold_are_told():
    lines = board().sentences()
    assert any(line.startswith("Of 2 verdicts on a family") and "1 (50%) hold" in line for line in lines)
    assert any("rtd (21.0 s)" in line for line in lines)
    none = board(verdicts=board().verdicts.assign(outcome="not graded"))
    assert any("supports no verdict" in line for line in none.sentences())


def test_emphasis_in_the_text_rests_on_both_halves():
    text = board().as_markdown()
    assert "| **cka** | **.600** |" in text
    assert "| random | (.020) |" in text
    assert "failed on 1 row" in text
    weak = board(standings=standings(confirmed=False)).as_markdown()
    assert "**cka**" not in weak


def test_a_smoke_test_says_so():
    smoke = board(provenance={"measures": 4, "smoke_test": True})
    assert smoke.sentences()[0].startswith("Smoke test")


def test_the_front_is_made_of_measures_that_none_surpasses():
    timed = pd.DataFrame({"seconds": [1, 2, 3, 3, 0.5], "estimate": [0.5, 0.4, 0.6, 0.6, 0.1]})
    assert pareto_front(timed).tolist() == [True, False, True, True, True]


def test_labels_of_measures_that_nearly_coincide_are_one():
    seconds, means = [0.001, 0.01, 0.0101, 0.02], [0.1, 0.3, 0.301, 0.5]
    timed = pd.DataFrame({"seconds": seconds, "estimate": means, "family": "all", "measure": list("abcd")})
    drawn = pareto(timed.assign(low=timed["estimate"] - 0.1, high=timed["estimate"] + 0.1))
    assert [text.get_text() for text in drawn.axes[0].texts] == ["1", "2, 3", "4"]


def test_the_heat_map_is_clustered_and_shows_no_noise():
    rng = np.random.default_rng(0)
    names, questions = [f"m{i}" for i in range(6)], [f"s/{j}" for j in range(5)]
    level = {name: 0.8 if i % 2 else 0.1 for i, name in enumerate(names)}
    records = [
        {"measure": m, "subtask": q, "functionality": "f", "every": level[m] + 0.01 * rng.normal()}
        for m in names
        for q in questions
    ]
    rows = pd.DataFrame(records)
    rows = rows.assign(every_low=rows["every"] - 0.3, every_high=rows["every"] + 0.3)
    axes = next(a for a in heat_map(rows).axes if a.images)
    order = [label.get_text() for label in axes.get_yticklabels()]
    strong = [level[name] > 0.5 for name in order]
    assert sum(a != b for a, b in pairwise(strong)) == 1
    shown = np.asarray(axes.images[0].get_array())
    assert {bool(row.any()) for row, s in zip(shown, strong, strict=True) if s} == {True}
    assert {bool(row.any()) for row, s in zip(shown, strong, strict=True) if not s} == {False}


def test_places_are_bars_in_order():
    axes = place_diagram(standings()).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()][:2] == ["cka", "procrustes"]
    assert axes.get_yticklabels()[3].get_text().endswith("(failed)")
    assert axes.get_yticklabels()[0].get_fontweight() == "bold"
    assert axes.get_yticklabels()[2].get_fontweight() == "normal"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    executable = chromium.find()
    if executable is None:
        pytest.skip("no Chromium here: the page was not driven (install the package chromium)")
    driven = chromium.Browser(executable, tmp_path_factory.mktemp("profile"))
    yield driven
    driven.close()


@pytest.mark.parametrize("width", [1200, 360])
def test_the_page_in_a_browser(browser, written, width):
    browser.screen(width, 800)
    browser.problems.clear()
    browser.requests.clear()
    browser.open(written / "index.html")
    assert browser.problems == []
    assert [r for r in browser.requests if not r.startswith(("file:", "data:"))] == []
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")
    rows = "[...document.querySelectorAll('#places-table tbody tr')].map(r => r.dataset.row)"
    assert browser.evaluate(rows) == list(MEASURES)
    assert "procrustes" not in browser.evaluate("document.querySelector('#verdicts-table').innerText")
    browser.evaluate("document.querySelector('#places-table th[data-key=estimate] button').focus()")
    browser.press("Enter", 13, "\r")
    assert browser.evaluate(rows)[0] == "cka"
    select = "document.querySelector('#pick-family')"
    browser.evaluate(f"{select}.value = {json.dumps('failure')}, {select}.dispatchEvent(new Event('change'))")
    assert "0 verdicts hold" in browser.evaluate("document.querySelector('#verdicts-about').textContent")
    assert browser.evaluate("document.querySelectorAll('#decisions-table tbody tr').length") == 2
