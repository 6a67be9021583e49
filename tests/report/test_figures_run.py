import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from similitude.benchmark.evaluate import evaluate
from similitude.benchmark.statistics.agreement import agreement
from similitude.benchmark.subtask import GradingData, Variant
from similitude.measures import get_measures
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
