import numpy as np
import pandas as pd
import pytest

from similitude.benchmark.intuitive.scores import sensitivity
from similitude.errors import InputError
from similitude.measures import get_measure
from similitude.report.figures_grading import agreement, forest, ranks
from similitude.report.figures_networks import mds_map, place_networks, sensitivity_curves
from similitude.report.style import MUTED, save


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "measure": ["cka", "procrustes", "random", "constant"],
            "every": [0.5, 0.55, 0.0, np.nan],
            "every_low": [0.4, 0.45, -0.1, np.nan],
            "every_high": [0.6, 0.65, 0.1, np.nan],
            "tells": [True, True, False, False],
            "leading": [False, True, False, False],
            "estimate": [0.6, 0.7, -0.1, np.nan],
            "ci_low": [0.4, 0.5, -0.3, np.nan],
            "ci_high": [0.8, 0.85, 0.2, np.nan],
            "rank": [2.0, 1.0, 3.0, 4.0],
            "rank_low": [1.0, 1.0, 3.0, 4.0],
            "rank_high": [2.0, 2.0, 3.0, 4.0],
            "n_failed": [0, 2, 0, 0],
        }
    )


def labels(axes):
    return [t.get_text() for t in axes.get_yticklabels()]


def test_forest_orders_measures_and_shows_intervals_and_failures(table):
    axes = forest(table, title="suite/task").axes[0]
    assert labels(axes) == ["procrustes (2 failed)", "cka", "random", "constant"]
    best, every = (collection.get_segments()[1] for collection in axes.collections)
    np.testing.assert_allclose([best[0][0], best[1][0]], [0.4, 0.8])
    np.testing.assert_allclose([every[0][0], every[1][0]], [0.4, 0.6])
    looks = [(label.get_fontweight(), label.get_color()) for label in axes.get_yticklabels()]
    assert looks[:3] == [("bold", "black"), ("normal", "black"), ("normal", MUTED)]
    assert axes.get_xlim()[0] < -0.3
    assert "undefined" in axes.texts[0].get_text()


def test_ranks_put_the_first_place_on_top(table):
    axes = ranks(table, title="suite/task").axes[0]
    assert labels(axes)[0] == "procrustes"
    assert axes.get_ylim()[0] > axes.get_ylim()[1]


def test_agreement_has_a_fixed_scale():
    names = ["cka", "random"]
    figure = agreement(pd.DataFrame([[1, 0.1], [0.1, 1]], names, names), title="all pairs")
    image = figure.axes[0].images[0]
    assert image.get_clim() == (-1.0, 1.0)
    assert min(image.cmap(image.norm(0.0))[:3]) > 0.95  # unrelated is white


def test_sensitivity_curves_mark_detection(tmp_path):
    shares = np.array([0.0, 0.5, 1.0])
    found = sensitivity(shares, np.tile([0.0, 0.2, 1.0], (4, 3, 1)), np.full((4, 4, 3), 0.6))
    figure = sensitivity_curves({"cka": found}, ["a", "b", "c"], models=4, n=100, title="nets")
    stars = [line for line in figure.axes[0].lines if line.get_marker() == "*"]
    np.testing.assert_allclose([star.get_xdata()[0] for star in stars], 75)
    files = save(figure, tmp_path / "curves")
    assert {f.suffix for f in files} == {".png", ".pdf"}
    assert all(f.stat().st_size > 1000 for f in files)


def test_map_recovers_a_plane():
    points = np.random.default_rng(0).normal(size=(12, 2))
    distances = np.linalg.norm(points[:, None] - points, axis=-1)
    found, stress = place_networks(distances, get_measure("norm_difference"))
    assert stress < 1e-6
    np.testing.assert_allclose(np.linalg.norm(found[:, None] - found, axis=-1), distances, atol=1e-6)


def test_map_lowers_stress_step_by_step():
    points = np.random.default_rng(1).normal(size=(15, 6))
    distances = np.linalg.norm(points[:, None] - points, axis=-1)
    stress = [place_networks(distances, get_measure("norm_difference"), steps)[1] for steps in (0, 1, 10, 300)]
    assert stress == sorted(stress, reverse=True)
    assert stress[0] > stress[-1] + 0.01


def test_map_refuses_what_is_no_metric():
    with pytest.raises(InputError, match="not a metric"):
        place_networks(np.zeros((3, 3)), get_measure("cka"))
    with pytest.raises(InputError, match="failed"):
        place_networks(np.full((3, 3), np.nan), get_measure("norm_difference"))


def test_map_says_its_stress():
    distances = 1 - np.eye(5)
    figure = mds_map(
        distances, get_measure("norm_difference"), list("abcde"), range(5), title="nets", functionality="accuracy"
    )
    assert "stress ." in figure.axes[0].get_xlabel()
    assert len(figure.axes[0].texts) == 5


def test_networks_in_one_place_share_a_label():
    figure = mds_map(np.zeros((3, 3)), get_measure("norm_difference"), ["one", "two", "three"], title="nets")
    assert [text.get_text() for text in figure.axes[0].texts] == ["one\ntwo\nthree"]
    assert "stress .000" in figure.axes[0].get_xlabel()


def test_a_stem_with_a_dot_is_kept(tmp_path):
    figure = ranks(pd.DataFrame({"measure": ["cka"], "rank": 1.0, "rank_low": 1.0, "rank_high": 1.0}), title="one")
    assert [f.name for f in save(figure, tmp_path / "recall@0.5")] == ["recall@0.5.png", "recall@0.5.pdf"]
    assert [f.name for f in save(figure, tmp_path / "ranks.pdf")] == ["ranks.png", "ranks.pdf"]
