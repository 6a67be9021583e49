"""Distances, correlations and their inner products: the ways that share work give what the plain ones give."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from similitude import compare, get_measure
from similitude.factors.distances import Cosines, Dissimilarities, StandardisedRDM
from similitude.factors.dots import dots
from similitude.factors.pair import Side

METRICS = {
    "correlation": "correlation",
    "cosine": "cosine",
    "squared_euclidean": "sqeuclidean",
    "euclidean": "euclidean",
}


@pytest.mark.parametrize("offset", [0.0, 0.5, 1e3, 1e6])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("kind", METRICS)
def test_rdm_is_that_of_scipy_with_and_without_the_cosines(rng, kind, scale, offset):
    values = scale * (rng.normal(size=(150, 12)) + offset)
    # Differences of rows, and of features, are exact to eps times the offset; cosines near 1 are not to more than eps.
    expected = pdist(values, METRICS[kind])
    floor = 1e-14 if kind == "cosine" else 0.0
    tolerance = 1e-12 + 1e-15 * offset
    for known in (False, True):
        side = Side.of(values)
        if known:
            side[Cosines()]
        np.testing.assert_allclose(side[Dissimilarities(kind)], expected, rtol=tolerance, atol=floor)


def test_cosines_are_symmetric_and_those_of_scipy(rng):
    values = rng.normal(size=(300, 7))
    cosines = Cosines()(Side.of(values))
    assert np.array_equal(cosines, cosines.T)
    np.testing.assert_allclose(cosines[np.triu_indices(300, 1)], 1.0 - pdist(values, "cosine"), atol=1e-14)


def test_rows_that_are_zero_or_equal_stay_so_with_the_cosines(rng):
    values = rng.normal(size=(40, 6))
    values[3] = 0.0
    values[8] = values[5]
    side = Side.of(values)
    side[Cosines()]
    assert np.count_nonzero(side[Dissimilarities("euclidean")] == 0.0) == 1
    np.testing.assert_allclose(side[Dissimilarities("euclidean")], pdist(values), rtol=1e-12)


def test_ranks_leave_an_rdm_that_others_read_as_it_is(rng):
    values = rng.normal(size=(50, 6))
    side = Side.of(values)
    before = side[Dissimilarities("euclidean")].copy()
    side[StandardisedRDM("euclidean", ranked=True)]
    assert np.array_equal(side[Dissimilarities("euclidean")], before)


def test_all_ways_to_compare_an_rdm_together_give_what_they_give_alone(rng):
    x, y = rng.normal(size=(2, 60, 8))
    ids = [f"rsa(compare={how},rdm={rdm})" for how in ("spearman", "pearson", "cosine") for rdm in METRICS]
    for name, value in compare(x, y, [*ids, "uniformity_difference", "distance_correlation"]).items():
        assert value == pytest.approx(get_measure(name)(x, y), abs=1e-13)


def test_dots_of_many_pairs_are_those_of_each_alone(rng):
    arrays = [rng.normal(size=(150, 200)) for _ in range(4)]
    pairs = [(x, y) for x in arrays for y in arrays]
    assert dots(pairs) == [dots([pair])[0] for pair in pairs]
    assert dots(pairs) == pytest.approx([np.vdot(x, y) for x, y in pairs], rel=1e-12)
