import numpy as np
import pandas as pd
import pytest
from made import ROWS, made_results
from scipy.stats import spearmanr

from similitude.benchmark.evaluate import evaluate
from similitude.benchmark.grading import GradingData
from similitude.benchmark.statistics.agreement import agreement
from similitude.benchmark.subtask import Variant
from similitude.measures import get_measures
from similitude.report import figures_grading
from similitude.report.figures_run import draw_grades
from similitude.suites import SUITES
from similitude.suites.base import Site


def test_agreement_against_a_loop():
    rng = np.random.default_rng(0)
    d = {name: rng.random((2, 5, 5, 3)) for name in ("a", "b")}
    d["a"][0, 1, 2, 0] = np.nan
    d["flat"] = np.ones((2, 5, 5, 3))
    same = np.array([[True, False, False], [False, False, True]])
    of_layer = (Variant("x"), Variant("y"), Variant("z"))
    data = GradingData(tuple("abcde"), ("x", "z"), (of_layer, of_layer), np.zeros((2, 5)), np.zeros((2, 5, 3)), same, d)
    found = agreement(data)
    expected = []
    for g in range(2):
        for r in range(5):
            used = np.ones((5, 3), dtype=bool)
            used[r, same[g]] = False
            used &= np.isfinite(d["a"][g, r])
            expected.append(spearmanr(d["a"][g, r][used], d["b"][g, r][used])[0])
    assert found.loc["a", "b"] == pytest.approx(np.mean(expected))
    assert found.loc["a", "a"] == pytest.approx(1)
    assert np.isnan(found.loc["flat", "a"])


def test_agreement_is_drawn_once_for_all_that_share_their_pairs(tmp_path, monkeypatch):
    results = made_results(("cka", "pwcca"))
    rng = np.random.default_rng(0)
    shared, other = ({m: rng.random((1, 5, 5, 1)) for m in ("cka", "pwcca")} for _ in range(2))
    grading = {
        key: GradingData(
            tuple("abcde"), ("x",), ((Variant("x"),),), np.zeros((1, 5)), np.zeros((1, 5, 1)), np.ones((1, 1), bool),
            other if key == ROWS[0] else shared,
        )
        for key in ROWS
    }  # fmt: skip
    draw, titles = figures_grading.agreement, []
    monkeypatch.setattr(
        figures_grading, "agreement", lambda matrix, title: titles.append(title) or draw(matrix, title=title)
    )
    files = {f.name for f in draw_grades(results, grading, tmp_path) if f.suffix == ".png"}
    assert {name for name in files if "agreement" in name} == {
        "vision-seed_layer-agreement.png",
        "vision-ood-agreement.png",
    }
    assert titles[0].startswith("vision/seed_layer, probe")
    assert all(subtask in titles[1] and functionality in titles[1] for subtask, functionality in ROWS[1:])


def test_agreement_of_unrelated_measures_is_neutral():
    figure = figures_grading.agreement(pd.DataFrame([[1.0, 0.0], [0.0, 1.0]], ["a", "b"], ["a", "b"]), title="t")
    image = figure.axes[0].images[0]
    neutral = image.cmap(image.norm(0.0))[:3]
    assert min(neutral) > 0.95
    assert image.norm.vmin == -image.norm.vmax


def test_all_figures_of_a_run(tmp_path):
    suite = SUITES["synthetic"]
    suite.build(Site(tmp_path, "quick"))
    measures = get_measures(["cka", "orthogonal_procrustes"])
    found = evaluate(suite.subtasks()[:1], suite.populations(Site(tmp_path, "quick")), measures, resamples=100)
    files = draw_grades(found.results, found.grading, tmp_path / "figures")
    names = {f.name for f in files}
    assert {f"synthetic-angle-follows-{kind}.png" for kind in ("forest", "ranks", "map")} <= names
    assert {name for name in names if "agreement" in name} == {
        "synthetic-angle-agreement.png",
        "synthetic-angle-agreement.pdf",
    }
    assert "overview.png" in names
    assert all(f.exists() for f in files)
    (tmp_path / "figures" / "mine.png").write_text("")
    fewer = {key: data for key, data in found.grading.items() if key[1] == "unrelated"}
    kept = draw_grades(found.results, fewer, tmp_path / "figures")
    left = {f.name for f in (tmp_path / "figures").iterdir() if not f.name.startswith(".")}
    assert left == {f.name for f in kept} | {"mine.png"}
    bare = found.results.frame.assign(ci_low=np.nan)
    again = draw_grades(type(found.results)(pd.DataFrame(bare), {}), found.grading, tmp_path / "bare")
    assert not any("forest" in f.name for f in again)
