"""Inputs that differ are found, told apart, and compared with chance."""

import numpy as np
import pandas as pd
import pytest

import similitude
from similitude.errors import InputError, MeasureError, ShapeMismatch, SimilitudeError


def alike(rng, n=120, d=12):
    x = rng.normal(size=(n, d)) * np.geomspace(1, 0.3, d)
    return x, x @ np.linalg.qr(rng.normal(size=(d, d)))[0] + 0.02 * rng.normal(size=(n, d))


@pytest.mark.parametrize(
    "measure", ["cka", "rsa(rdm=euclidean,compare=pearson)", "procrustes", "mutual_knn", "mean_cca"]
)
def test_inputs_that_were_exchanged_are_found(measure, rng):
    x, y = alike(rng)
    y[[3, 17, 40]] = y[[17, 40, 3]]
    found = similitude.contributions(x, y, measure)
    assert set(found.top(3)["id"]) == {3, 17, 40}
    assert found.value == pytest.approx(similitude.compare(x, y, measure)[measure], abs=1e-10)
    assert found.inputs["contribution"].sum() == pytest.approx(found.value, abs=1e-10)
    rest = found.inputs.drop([3, 17, 40])
    assert (rest["p"] <= 0.1).mean() > 0.9
    assert found.inputs.loc[[3, 17, 40], "p"].median() > 0.1


@pytest.mark.parametrize("measure", ["cka", "cka(kernel=rbf)", "rsa", "mutual_knn", "mean_squared_cca", "nbs"])
def test_differences_of_a_similarity_add_up_to_what_is_missing(measure, rng):
    x, y = alike(rng)
    found = similitude.contributions(x, y, measure, permutations=0)
    assert found.inputs["difference"].sum() == pytest.approx(1 - found.value, abs=1e-10)
    if measure != "nbs":
        assert found.inputs["difference"].min() > -1e-12


def test_kinds_of_difference(rng):
    centres = 3 * rng.normal(size=(6, 12))
    x = np.repeat(centres, 20, axis=0) + rng.normal(size=(120, 12))
    y = x + 0.02 * rng.normal(size=x.shape)
    y[5] *= 12
    y[7] = y[100] + 0.1
    y[40:60] += 2.5
    kinds = similitude.contributions(x, y, "procrustes", permutations=0).inputs["kind"]
    assert kinds[5] == "outlier"
    assert kinds[7] == "lost neighbours"
    assert (kinds[40:60] == "shift").mean() > 0.8


def test_groups(rng):
    x, y = alike(rng)
    y[:30] = rng.permutation(y[:30])
    groups = ["exchanged"] * 30 + ["left"] * 90
    found = similitude.contributions(x, y, "cka", groups=groups, permutations=0)
    table = found.groups.set_index("group")
    assert list(found.groups["group"]) == ["exchanged", "left"]
    assert table["difference"].sum() == pytest.approx(1 - found.value, abs=1e-10)
    assert table.loc["exchanged", "p"] < 0.01
    assert table.loc["left", "p"] > 0.5
    named = similitude.contributions(
        similitude.Representation(x, ids=[f"i{k}" for k in range(120)]), y,
        groups={f"i{k}": group for k, group in enumerate(groups)}, permutations=0,
    )  # fmt: skip
    pd.testing.assert_frame_equal(named.groups, found.groups)


def test_no_group_differs_by_chance(rng):
    ps = []
    for _ in range(40):
        x, y = alike(rng, n=60)
        y += 0.2 * rng.normal(size=y.shape)
        found = similitude.contributions(x, y, groups=rng.integers(0, 3, size=60), permutations=0)
        ps.append(found.groups["p"].iloc[0])
    assert 0.2 < np.mean(ps) < 0.6  # the smallest of three, roughly


def test_rdms(rng):
    x, y = alike(rng)
    distances = [np.linalg.norm(side[:, None] - side, axis=2) for side in (x, y)]
    found = similitude.contributions(*map(similitude.RDM, distances), "rsa", permutations=3)
    assert found.inputs["length_x"].isna().all()
    assert found.inputs["kept"].mean() > 0.5


def test_what_is_refused(rng):
    x, y = alike(rng)
    with pytest.raises(MeasureError, match="no sum over inputs"):
        similitude.contributions(x, y, "imd")
    with pytest.raises(ShapeMismatch):
        similitude.contributions(x, y[:50])
    with pytest.raises(InputError, match="5 groups for 120"):
        similitude.contributions(x, y, groups=range(5))
    with pytest.raises(InputError, match="have no group"):
        similitude.contributions(x, y, groups={"0": "a"})
    with pytest.raises(InputError, match="3 ids"):
        similitude.contributions(x, y, ids=["a", "b", "c"])


FAMILIES = [
    "cka", "cka(debiased=true)", "cka(kernel=rbf)", "rsa", "rsa(rdm=euclidean,compare=spearman)",
    "rsa(rdm=squared_euclidean,compare=cosine)", "distance_correlation", "rsm_norm_difference", "jaccard", "mutual_knn",
    "rank_similarity", "second_order_cosine", "procrustes", "orthogonal_procrustes", "angular_procrustes",
    "procrustes_size_and_shape", "nbs", "mean_cca", "mean_squared_cca", "linear_regression",
]  # fmt: skip


def extremes(rng):
    x, y = alike(rng, n=40, d=6)
    low = rng.normal(size=(40, 2)) @ rng.normal(size=(2, 9))
    return {
        "scales": (1e100 * x, 1e-100 * y),
        "scales of features": (x * np.geomspace(1e-8, 1e8, 6), y),
        "scales of inputs": (x * np.geomspace(1e-6, 1e6, 40)[:, None], y),
        "a large mean": (x + 1e6, y - 1e6),
        "ties": (rng.integers(0, 3, size=(40, 4)).astype(float), np.eye(5)[rng.integers(0, 5, size=40)]),
        "duplicates": (np.repeat(x[:20], 2, axis=0), y),
        "low rank": (low, low @ rng.normal(size=(9, 9))),
        "fewer inputs than features": (rng.normal(size=(15, 40)), rng.normal(size=(15, 30))),
        "the same": (x, x.copy()),
        "single precision": (x.astype(np.float32), y.astype(np.float32)),
    }


@pytest.mark.filterwarnings("ignore")  # of ties, and of chance with few inputs
@pytest.mark.parametrize("measure", FAMILIES)
def test_contributions_add_up_to_the_value_whatever_the_data(measure, rng):
    tried = 0
    for name, (x, y) in extremes(rng).items():
        try:
            value = similitude.compare(x, y, measure)[measure]
        except SimilitudeError:  # not defined for these data, which contributions say as well
            with pytest.raises(SimilitudeError):
                similitude.contributions(x, y, measure, permutations=0)
            continue
        found = similitude.contributions(x, y, measure, permutations=0)
        assert found.inputs["contribution"].sum() == pytest.approx(value, rel=1e-10, abs=1e-10), name
        assert found.value == pytest.approx(value, rel=1e-10, abs=1e-10), name
        tried += 1
    assert tried >= 7


def test_a_contact_sheet(rng):
    x, y = alike(rng)
    y[[9, 40]] = y[[40, 9]]
    found = similitude.contributions(x, y, groups=["a", "b"] * 60, permutations=0)
    for images in (
        rng.random((120, 8, 8)),
        rng.random((120, 3, 8, 6)),
        rng.integers(0, 256, (120, 5, 7, 3), dtype=np.uint8),
        [rng.random((4 + i % 3, 5)) for i in range(120)],
    ):
        figure = found.sheet(images, top=7)
        assert {axes.get_title().partition(",")[0] for axes in figure.axes[:2]} == {"9", "40"}
        assert [len(axes.images) for axes in figure.axes] == [1] * 7 + [0] * 3
    shown = np.asarray(found.sheet(np.arange(120)[:, None, None] + np.eye(4), top=1).axes[0].images[0].get_array())
    assert (shown.min(), shown.max()) == (0, 1)
    with pytest.raises(InputError, match="5 images for 120"):
        found.sheet(np.zeros((5, 8, 8)))
    with pytest.raises(InputError, match="An image of shape"):
        found.sheet(np.zeros((120, 8, 8, 8)))


def test_how_it_looks(rng):
    x, y = alike(rng)
    y[9] = rng.normal(size=12)
    found = similitude.contributions(x, y, groups=["a", "b"] * 60)
    assert repr(found).startswith("cka = ")
    assert "<table" in found._repr_html_()
    figure = found.plot(top=5)
    named, ordered, groups = figure.axes
    assert named.get_yticklabels()[0].get_text() == "9"
    curve = np.asarray(ordered.lines[0].get_ydata(), float)
    assert curve[-1] == pytest.approx(1 - found.value, abs=1e-9)
    assert len(groups.patches) == 2
