"""Every measure agrees with its plain definition to 1e-10, whatever the scale, offset or width."""

import dataclasses

import definitions
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from similitude.measures import MEASURES, get_measure
from similitude.measures.parse import split_ids

# Ids with the parameters that matter; every name of the catalogue appears at least once (see the last test).
IDS = """
cka, cka(debiased=true), cka(kernel=rbf), cka(kernel=rbf,bandwidth=0.4,debiased=true), mean_cca,
mean_squared_cca, pwcca, pwcca(lost=drop), svcca, svcca(variance=0.7), svcca(components=2), gulp,
gulp(ridge=0.1), nbs, procrustes, orthogonal_procrustes, angular_procrustes, procrustes_size_and_shape,
aligned_cosine, shape_metric, shape_metric(alpha=0), shape_metric(alpha=0.3),
shape_metric(alpha=0.3,angular=false), shape_metric(alpha=0,angular=false), shape_metric(angular=false),
linear_regression, ridge_regression, ridge_regression(alpha=0.1,folds=3), rsa, rsa(compare=pearson),
rsa(rdm=euclidean), rsa(rdm=euclidean,compare=kendall), rsa(rdm=squared_euclidean,compare=pearson),
rsa(rdm=cosine,compare=cosine), rsa(compare=rho_a), rsa(rdm=cosine,compare=tau_a),
rsa(rdm=euclidean,compare=whitened_cosine), rsa(compare=whitened_pearson),
rsm_norm_difference, distance_correlation, jaccard, jaccard(k=3),
second_order_cosine, second_order_cosine(k=4,of=similarity), rank_similarity, rank_similarity(k=5),
mutual_knn, mutual_knn(k=2), cknna, cknna(k=5,debiased=false), hard_correlation_match, soft_correlation_match,
soft_matching, permutation_procrustes, eigenspace_overlap, magnitude_difference, concentricity_difference,
uniformity_difference, imd, imd(t=1), norm_difference
"""
TESTED_APART = {"random", "rtd"}
SCALE_SENSITIVE = {"ridge_regression", "gulp", "uniformity_difference", "shape_metric"}


def parameters(measure):
    return {field.name: getattr(measure, field.name) for field in dataclasses.fields(measure)}


@st.composite
def pairs(draw, measure=None):
    """Two related matrices, each at its own scale and offset, of unequal widths."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(16, 30))
    widths = draw(st.integers(3, 5)), draw(st.integers(3, 5))
    signal = rng.normal(size=(n, 2))
    sensitive = measure is not None and measure.name in SCALE_SENSITIVE
    powers = st.just(0) if sensitive else st.integers(-6, 6)
    offsets = st.sampled_from([0.0, 1.0, 30.0])
    return [
        10.0 ** draw(powers) * (signal @ rng.normal(size=(2, d)) + rng.normal(size=(n, d)) + draw(offsets))
        for d in widths
    ]


def agree(measure, X, Y, tolerance=1e-10):
    expected = getattr(definitions, measure.name)(X, Y, **parameters(measure))
    value = measure(X, Y)
    low, high = measure.properties().bounds
    unit = abs(expected) if np.isinf([low, high]).any() else max(abs(expected), 1e-2)
    assert abs(value - expected) <= tolerance * unit, f"{value!r} instead of {expected!r}"


@pytest.mark.parametrize("id", split_ids(IDS))
def test_agrees_with_its_definition(id):
    measure = get_measure(id)

    @settings(max_examples=12, deadline=None, derandomize=True)
    @given(pairs(measure))
    def run(pair):
        agree(measure, *pair)

    run()


@pytest.mark.parametrize("id", split_ids(IDS))
def test_agrees_with_its_definition_in_single_precision(id):
    measure = get_measure(id)
    rng = np.random.default_rng(3)
    signal = rng.normal(size=(24, 2))
    X, Y = ((signal @ rng.normal(size=(2, d)) + rng.normal(size=(24, d)) + 0.5).astype(np.float32) for d in (4, 5))
    expected = getattr(definitions, measure.name)(X.astype(float), Y.astype(float), **parameters(measure))
    assert measure(X, Y) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_topology_divergence_agrees_with_its_definition(seed):
    rng = np.random.default_rng(seed)
    X, Y = 1e3 * rng.normal(size=(9, 3)), rng.normal(size=(9, 2)) + 5
    agree(get_measure("rtd"), X, Y)


def test_every_measure_has_a_definition_here():
    tested = {get_measure(id).name for id in split_ids(IDS)}
    assert tested | TESTED_APART == set(MEASURES)
