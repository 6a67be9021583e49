"""Moments over permutations in closed form: against all permutations of few inputs, and many of more."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from similitude import get_measure
from similitude.errors import InputError
from similitude.factors.invariants import MatrixInvariants
from similitude.factors.linear import Gram
from similitude.factors.linear_invariants import LinearInvariants
from similitude.factors.pair import Pair, Side
from similitude.measures import BUILT_IN, get_measures
from similitude.measures.null import Null

RSA = [
    f"rsa(rdm={rdm},compare={how})"
    for rdm, how in (
        *(("euclidean", "pearson"), ("correlation", "spearman"), ("squared_euclidean", "rho_a"), ("cosine", "cosine")),
        *(("euclidean", "whitened_cosine"), ("euclidean", "whitened_pearson")),
    )
]
EXACT = [
    "cka",
    "cka(debiased=true)",
    "cka(kernel=rbf)",
    "cka(kernel=rbf,bandwidth=0.5,debiased=true)",
    "distance_correlation",
    *RSA,
]
SHAPES = {
    "d < n": (3, 4, 0.0, 1.0),
    "d > n": (12, 15, 0.0, 1.0),
    "both, far from the origin": (3, 12, 1e3, 1.0),
    "tiny": (4, 5, 0.3e-150, 1e-150),
}


def data(n, shape="d < n", seed=0):
    p, q, offset, scale = SHAPES[shape]
    rng = np.random.default_rng(seed)
    return [scale * rng.exponential(size=(n, d)) + offset for d in (p, q)]


def statistics(measure, x, y, orders):
    """Of the value, or of its square where that is what has a closed form."""
    values = np.array([measure(x, y[list(order)]) for order in orders])
    return values**2 if measure.closed_form().rooted else values


def test_these_are_all_measures_of_a_closed_form():
    ids = [*BUILT_IN, *EXACT]
    families = {m.name for m in get_measures(ids) if m.closed_form() is not None}
    assert families == {m.name for m in get_measures(EXACT)}
    assert get_measure("rsa(compare=kendall)").closed_form() is None


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("id", EXACT)
@pytest.mark.parametrize("n", [4, 5, 6])
def test_moments_are_those_of_all_permutations(id, shape, n):
    measure, (x, y) = get_measure(id), data(n, shape)
    values = statistics(measure, x, y, permutations(range(n)))
    null = measure.closed_form().null(Pair(Side.of(x), Side.of(y)))
    tolerance = 1e-10 * (1e3 if shape.startswith("both") else 1)  # the data themselves have fewer digits
    assert null.mean == pytest.approx(values.mean(), abs=tolerance)
    assert null.sd == pytest.approx(values.std(), abs=tolerance)
    if values.std() > 1e-3:
        assert null.skewness == pytest.approx(stats.skew(values), abs=10 * tolerance)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("id", "n"),
    [*((id, 7) for id in EXACT), ("cka", 8), ("cka(debiased=true)", 8), ("rsa(rdm=euclidean,compare=pearson)", 8)],
)
def test_moments_are_those_of_all_permutations_of_more_inputs(id, n):
    measure = get_measure(id)
    for shape in ("d < n", "d > n") if n == 7 else ("d < n",):
        x, y = data(n, shape, seed=n)
        values = statistics(measure, x, y, permutations(range(n)))
        null = measure.closed_form().null(Pair(Side.of(x), Side.of(y)))
        found = null.mean, null.sd, null.skewness
        assert found == pytest.approx((values.mean(), values.std(), stats.skew(values)), abs=1e-10), shape


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("widths", [(20, 30), (300, 250), (30, 300)])
def test_many_permutations(dtype, widths):
    """Of linear CKA, by products of kernel matrices: 10^5 in a second or two."""
    n, rng = 200, np.random.default_rng(0)
    x, y = (rng.exponential(size=(n, d)).astype(dtype) for d in widths)
    pair = Pair(Side.of(x), Side.of(y))
    null = get_measure("cka").closed_form().null(pair)
    k, other = pair.x[Gram()], pair.y[Gram()]
    for found, expected in zip(pair[LinearInvariants()][0], MatrixInvariants(Gram())(pair.x), strict=True):
        assert found == pytest.approx(expected, rel=1e-9)
    norms = np.linalg.norm(k) * np.linalg.norm(other)
    count = 20_000
    values = np.empty(count)
    for i in range(count):
        order = rng.permutation(n)
        values[i] = np.vdot(k, other[order][:, order]) / norms
    assert null.mean == pytest.approx(values.mean(), abs=4 * values.std() / count**0.5)
    assert null.sd == pytest.approx(values.std(), rel=4 / (2 * count) ** 0.5 * 1.5)
    assert null.skewness == pytest.approx(stats.skew(values), abs=6 * (6 / count) ** 0.5)
    levels = np.array([0.5, 0.9, 0.95, 0.99])
    below = [np.mean(values <= null.quantile(level)) for level in levels]
    assert below == pytest.approx(levels, abs=0.012)


def test_tails_are_those_of_pearson_type_iii():
    for skewness in (-1.3, -0.2, -1e-7, 0.0, 0.4, 2.5):
        null = Null(0.3, 0.1, skewness, 500)
        law = stats.pearson3(skewness, 0.3, 0.1)
        for z in (-2.0, 0.0, 1.0, 3.0):
            value = 0.3 + 0.1 * z
            assert null.z(value) == pytest.approx(z)
            assert null.p(value) == pytest.approx(law.sf(value), rel=1e-6, abs=1e-12)
        for level in (0.05, 0.5, 0.95, 0.999):
            assert null.quantile(level) == pytest.approx(law.ppf(level), rel=1e-6)
            assert null.p(null.quantile(level)) == pytest.approx(1 - level, rel=1e-6)


def test_the_value_given_is_one_of_all_permutations():
    null = Null(0.0, 0.1, -2.0, 5)
    assert null.p(5.0) == pytest.approx(1 / math.factorial(5))


def test_what_does_not_vary_is_never_significant():
    null = Null(1.0, 1e-12, 0.0, 10)
    assert (null.p(1.0), math.isnan(null.z(1.0)), null.quantile(0.95)) == (1.0, True, 1.0)


def test_a_root_has_the_tails_of_its_square():
    null = Null(0.25, 0.05, 0.5, 100, rooted=True)
    assert null.chance == 0.5
    assert null.p(0.6) == Null(0.25, 0.05, 0.5, 100).p(0.36)
    assert null.quantile(0.95) ** 2 == pytest.approx(Null(0.25, 0.05, 0.5, 100).quantile(0.95))


@pytest.mark.parametrize("id", EXACT)
def test_too_few_inputs(id):
    x, y = data(3)
    with pytest.raises(InputError, match="Chance needs at least 4 inputs"):
        get_measure(id).closed_form().null(Pair(Side.of(x), Side.of(y)))


def test_sums_over_pairs_of_many_inputs_are_estimated(monkeypatch):
    """Of which the moments are hardly changed: skewness of independent data to a percent or so."""
    rng = np.random.default_rng(0)
    x, y = (np.maximum(rng.normal(size=(1200, 30)) @ rng.normal(size=(30, 30)), 0) for _ in "ab")
    form = get_measure("cka").closed_form()
    exact = form.null(Pair(Side.of(x), Side.of(y)))
    monkeypatch.setattr("similitude.factors.invariants._SAMPLED", 300)
    estimated = form.null(Pair(Side.of(x), Side.of(y)))
    assert (estimated.mean, estimated.sd) == pytest.approx((exact.mean, exact.sd), rel=1e-9)
    assert estimated.skewness != exact.skewness
    assert estimated.skewness == pytest.approx(exact.skewness, rel=0.02)
