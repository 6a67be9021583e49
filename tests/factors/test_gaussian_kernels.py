"""Inner products of Gaussian kernels are those of the centred matrices, whatever else is computed with them."""

from __future__ import annotations

import numpy as np
import pytest

from similitude import get_measure
from similitude.errors import MeasureError
from similitude.factors.gaussian_kernels import GaussianKernels
from similitude.factors.kernels import MedianDistance
from similitude.factors.pair import Pair, Side

BANDWIDTHS = (0.05, 0.7, 10.0)


def draw(n, widths, seed=0):
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(n, 3))
    return [signal @ rng.normal(size=(3, d)) + rng.normal(size=(n, d)) for d in widths]


def centred_kernels(x):
    squares = ((x[:, None] - x[None]) ** 2).sum(axis=2)
    median = np.median(np.sqrt(squares[np.triu_indices(len(x), 1)]))
    H = np.eye(len(x)) - 1 / len(x)
    return [H @ np.exp(-squares / (2 * (w * median) ** 2)) @ H for w in BANDWIDTHS]


@pytest.mark.parametrize("n", [2, 5, 60, 250])
def test_they_are_those_of_centred_matrices(n):
    x, y = draw(n, (4, 7))
    found = Pair(Side.of(x), Side.of(y))[GaussianKernels(BANDWIDTHS)]
    K, L = centred_kernels(x), centred_kernels(y)
    for products, left, right in ((found.xy, K, L), (found.xx, K, K), (found.yy, L, L)):
        expected = [np.sum(a * b) for a, b in zip(left, right, strict=True)]
        np.testing.assert_allclose(products, expected, rtol=1e-10)


def test_many_pairs_and_threads_change_no_bit():
    sides = [Side.of(x) for x in draw(250, (4, 7, 5, 9))]
    cross = GaussianKernels(BANDWIDTHS)
    pairs = [Pair(x, y) for x in sides for y in sides]
    for threads in (1, 3):
        for pair, together in zip(pairs, cross.of_many(pairs, threads), strict=True):
            alone = cross(Pair(pair.x, pair.y))
            assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_a_swapped_pair_has_its_products_exchanged():
    x, y = (Side.of(x) for x in draw(40, (6, 4)))
    pair = Pair(x, y)
    found, swapped = pair[GaussianKernels(BANDWIDTHS)], pair.swapped[GaussianKernels(BANDWIDTHS)]
    assert np.array_equal(found.xx, swapped.yy)
    assert np.array_equal(found.xy, swapped.xy)


@pytest.mark.parametrize("n", [2, 3, 4, 31])
def test_the_median_distance_is_the_median(n):
    (x,) = draw(n, (3,))
    distances = [np.linalg.norm(x[i] - x[j]) for i in range(n) for j in range(i)]
    assert Side.of(x)[MedianDistance()] == pytest.approx(np.median(distances), rel=1e-14)


@pytest.mark.parametrize("id", ["multiscale_cka", "cka(kernel=rbf)"])
def test_inputs_that_are_mostly_the_same_have_no_bandwidth(id):
    x, y = draw(30, (3, 4))
    x[:25] = x[0]
    with pytest.raises(MeasureError, match="Remove duplicate inputs"):
        get_measure(id)(x, y)
