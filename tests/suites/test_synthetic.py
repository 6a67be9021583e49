"""The synthetic suite: values known in closed form, through every storey."""

import numpy as np
import pytest

from similitude import get_measures
from similitude.benchmark import evaluate
from similitude.suites import SUITES
from similitude.suites.base import Site
from similitude.suites.synthetic import angles


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    SUITES["synthetic"].build(Site(folder, "quick"))
    return folder


@pytest.fixture(scope="module")
def evaluation(home):
    suite = SUITES["synthetic"]
    assert suite.is_built(Site(home, "quick"))
    return evaluate(suite.subtasks(), suite.populations(Site(home, "quick")), get_measures(None))


@pytest.mark.parametrize(
    ("measure", "dissimilarity"),
    [
        ("mean_cca", lambda a: 1 - np.cos(a)),
        ("pwcca", lambda a: 1 - np.cos(a)),
        ("mean_squared_cca", lambda a: np.sin(a) ** 2),
        ("cka", lambda a: np.sin(a) ** 2),
        ("procrustes", lambda a: 2 - 2 * np.cos(a)),
    ],
)
def test_dissimilarities_are_those_of_the_angles(evaluation, measure, dissimilarity):
    data = evaluation.grading["synthetic/angle", "follows"]
    found = data.dissimilarity[measure][:, 0, :, 0]
    assert np.allclose(found, dissimilarity(angles(8)), atol=1e-12)


def test_measures_of_shape_follow_and_the_baselines_do_not(evaluation):
    table = evaluation.results.table()
    follows = table.loc[("synthetic/angle", "follows")]
    for measure in ("mean_cca", "mean_squared_cca", "pwcca", "cka", "procrustes"):
        assert follows[measure] == pytest.approx(1.0)
    assert abs(follows["norm_difference"]) < 0.9
    unrelated = table.loc[("synthetic/angle", "unrelated")]
    assert unrelated["cka"] == pytest.approx(unrelated["procrustes"])
    assert unrelated["cka"] < 0.9


def test_what_a_deletion_leaves_is_whole_for_mean_cca_and_not_for_pwcca(evaluation):
    data = evaluation.grading["synthetic/pc_deletion", "kept"]
    own_copies = {measure: data.dissimilarity[measure][0, 0, 0] for measure in ("mean_cca", "pwcca")}
    assert np.allclose(own_copies["mean_cca"], 0, atol=1e-12)
    assert (np.diff(own_copies["pwcca"]) > 0.01).all()


def test_build_again_adds_nothing(home):
    files = {f: f.stat().st_mtime_ns for f in home.rglob("*") if f.is_file()}
    SUITES["synthetic"].build(Site(home, "quick"))
    assert files == {f: f.stat().st_mtime_ns for f in home.rglob("*") if f.is_file()}


def test_description_has_spread_and_reliability(home):
    described = SUITES["synthetic"].describe(Site(home, "quick")).set_index("functionality")
    assert described.loc["follows", "reliability"] > 0.99
    assert described.loc["follows", "n_models"] == 8
    assert described.loc["follows", "n_items"] == 2000
