"""Rounding decides nothing: values on data full of ties, and small distances, are stable and those of definitions."""

from __future__ import annotations

import re
from typing import get_args

import definitions
import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import kendalltau, spearmanr

from catalogue import ON_NOISE
from similitude import compare, get_measure
from similitude.errors import MeasureError, SimilitudeWarning
from similitude.factors.distances import Dissimilarities
from similitude.factors.pair import Side
from similitude.measures.rsa import Comparison

N = 60
METRICS_OF_RSA = ("spearman", "kendall", "pearson", "cosine")
METRICS = {
    "correlation": "correlation",
    "cosine": "cosine",
    "euclidean": "euclidean",
    "squared_euclidean": "sqeuclidean",
}
IDS = [
    *(id for id in ON_NOISE if id != "random"),
    *(f"rsa(rdm={rdm},compare={how})" for rdm in METRICS for how in get_args(Comparison)),
    "cknna(k=3)",
]


def classes(count, step, n=N):
    return np.eye(count)[np.arange(n) * step // 3 % count]


def rotation(d, seed):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]


def integers(d, seed):
    return np.random.default_rng(seed).integers(0, 3, size=(N, d))


CASES = {
    "classes": lambda: (classes(5, 1), classes(4, 2)),
    "rotated classes": lambda: (classes(5, 1) @ rotation(5, 0), classes(4, 2) @ rotation(4, 1)),
    "integers": lambda: (integers(4, 0), integers(3, 1)),
    "fractions": lambda: (integers(6, 0) / 3, integers(5, 1) / 7),
    "far integers": lambda: (integers(4, 0) + 1e3, integers(3, 1) - 1e3),
    "duplicates": lambda: (
        np.random.default_rng(0).normal(size=(20, 6))[np.arange(N) % 20],
        np.random.default_rng(1).normal(size=(15, 5))[np.arange(N) % 15],
    ),
}


@pytest.fixture(params=CASES)
def tied(request):
    return [np.asarray(side, float) for side in CASES[request.param]()]


@pytest.mark.parametrize("id", IDS)
@pytest.mark.filterwarnings("ignore:svcca.* have equal variance")
def test_the_last_bits_of_tied_data_do_not_matter(tied, id):
    measure = get_measure(id)
    value = measure(*tied)
    # The root of a covariance that is zero.
    tolerance = 1e-7 if id == "distance_correlation" else 1e-10
    for seed in range(3):
        rng = np.random.default_rng(seed)
        moved = [x + 2e-16 * np.linalg.norm(x, axis=1)[:, None] * rng.normal(size=x.shape) for x in tied]
        assert measure(*moved) == pytest.approx(value, rel=0, abs=tolerance)


@pytest.mark.parametrize("rdm", METRICS)
@pytest.mark.parametrize("n", [20, 60, 400])
def test_tied_dissimilarities_share_a_rank(n, rdm):
    x, y = classes(5, 3, n), classes(5, 3, n) * (1 + np.arange(n) % 2)[:, None]
    first, second = (np.round(pdist(side, METRICS[rdm]), 9) for side in (x, y))
    if rdm not in ("correlation", "cosine"):
        x, y = x @ rotation(5, 0) + 3, y @ rotation(5, 1) - 1
    assert get_measure(f"rsa(rdm={rdm})")(x, y) == pytest.approx(spearmanr(first, second)[0], abs=1e-12)
    expected = kendalltau(first, second)[0]
    assert get_measure(f"rsa(rdm={rdm},compare=kendall)")(x, y) == pytest.approx(expected, abs=1e-12)
    if n <= 60:
        for how in ("rho_a", "tau_a"):
            expected = definitions.compare_rdms(first, second, how)
            assert get_measure(f"rsa(rdm={rdm},compare={how})")(x, y) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("id", ["rsa(rdm=cosine)", "jaccard", "mutual_knn", "second_order_cosine", "rank_similarity"])
def test_a_large_common_mean_does_not_hide_how_directions_differ(id):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, N, 5))
    near, far = (get_measure(id)(offset + x / 1024, offset + y / 1024) for offset in (1e3, 1e4))
    assert near == pytest.approx(far, abs=1e-3)
    if id != "second_order_cosine":
        assert far < 0.9


OF_ROWS = ["jaccard", "mutual_knn", "rank_similarity", "cknna", "imd", "rsa(rdm=euclidean)"]
OF_ROWS += [f"rsa(rdm={rdm},compare={how})" for rdm in ("cosine", "correlation") for how in METRICS_OF_RSA]


@pytest.mark.parametrize("id", OF_ROWS)
@pytest.mark.parametrize("offset", [1e7, 1e9, 1e11, 1e12, 1e13, 1e14, 5e14])
def test_a_common_mean_that_hides_all_differences_is_refused(id, offset):
    x, y = np.random.default_rng(0).normal(size=(2, N, 8))
    measure = get_measure(id)
    found = compare_or_fail(measure, x + offset, y + offset)
    if isinstance(found, MeasureError):
        assert offset > 1e8  # where nothing is lost yet
        assert re.search("[Cc]entre the features|all correlation", str(found))
    else:
        assert found == pytest.approx(measure(x + 1e6, y + 1e6), abs=0.05)


def compare_or_fail(measure, x, y):
    try:
        return measure(x, y)
    except MeasureError as error:
        return error


def test_inputs_that_are_equally_far_apart_have_no_neighbours():
    with pytest.raises(MeasureError, match="no nearest neighbours"):
        get_measure("jaccard")(np.eye(N), integers(4, 0))


@pytest.mark.parametrize("id", IDS)
def test_rounding_takes_no_value_beyond_its_bounds(id):
    measure = get_measure(id)
    low, high = measure.properties().bounds
    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=(N, 3 + seed % 5))
        for y in (x, 3 * x, x @ rotation(x.shape[1], seed), x + 1):
            if id != "rtd" or seed == 0:
                assert low <= measure(x, y) <= high


@pytest.mark.parametrize("kind", ["cosine", "correlation"])
def test_small_angles_keep_their_digits(kind):
    rng = np.random.default_rng(0)
    base, steps = rng.normal(size=7), rng.normal(size=(40, 7))
    values = base + np.geomspace(1e-10, 1e-2, 40)[:, None] * steps
    long = values.astype(np.longdouble)
    long -= long.mean(axis=1, keepdims=True) if kind == "correlation" else 0
    unit = long / np.sqrt((long**2).sum(axis=1, keepdims=True))
    exact = [((unit[i] - unit[j]) ** 2).sum() / 2 for i in range(40) for j in range(i + 1, 40)]
    found = Dissimilarities(kind)(Side.of(values))
    np.testing.assert_allclose(np.sqrt(found), np.sqrt(np.array(exact, float)), rtol=1e-12, atol=1e-15)


DISTANCES = [
    *("orthogonal_procrustes", "angular_procrustes", "procrustes_size_and_shape"),
    *("shape_metric", "shape_metric(angular=false)", "shape_metric(alpha=0)", "shape_metric(alpha=0,angular=false)"),
]


@pytest.mark.parametrize("id", DISTANCES)
@pytest.mark.parametrize("d", [8, 30])
def test_small_distances_keep_their_leading_digits(id, d):
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 80, d)) + 2
    turned = rotation(d, 3)
    measure = get_measure(id)
    unit = measure(x, x @ turned + 1e-4 * noise) / 1e-4
    assert measure(x, x @ turned) < 1e-13 * unit
    for size in (1e-6, 1e-8, 1e-10):
        assert measure(x, x @ turned + size * noise) == pytest.approx(size * unit, rel=1e-3)
        narrow = np.pad(x, ((0, 0), (0, 2))) @ rotation(d + 2, 4)
        narrow += size * rng.normal(size=narrow.shape)
        if "alpha=0" not in id:
            assert measure(x, narrow) == pytest.approx(measure(narrow, x), rel=1e-3)


@pytest.mark.parametrize("id", ["orthogonal_procrustes", "procrustes_size_and_shape"])
def test_a_small_distance_has_the_gradient_of_its_definition(id):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 4))
    y = x + 1e-6 * rng.normal(size=x.shape)
    tensor = torch.tensor(y, requires_grad=True)
    measure = get_measure(id)
    value = measure(torch.tensor(x), tensor)
    value.backward()
    direction = rng.normal(size=x.shape)
    step = 1e-9
    slope = (measure(x, y + step * direction) - measure(x, y - step * direction)) / (2 * step)
    assert float((tensor.grad.numpy() * direction).sum()) == pytest.approx(slope, rel=1e-3)


def test_svcca_keeps_components_of_equal_variance_together():
    x, y = classes(5, 3), integers(4, 1).astype(float)
    whole = get_measure("svcca(components=4)")(x, y)
    with pytest.warns(SimilitudeWarning, match="4 are kept"):
        cut = compare(x, y, "svcca(components=2)")
    block = get_measure("svcca(components=2)")
    for seed in range(3):
        with pytest.warns(SimilitudeWarning, match="4 are kept"):
            assert block(x @ rotation(5, seed), y) == pytest.approx(cut["svcca(components=2)"], abs=1e-12)
    assert cut["svcca(components=2)"] > whole  # y is still cut to two
