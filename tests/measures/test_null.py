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
    "multiscale_cka",
    "multiscale_cka(smallest=0.2,largest=2,steps=4)",
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


def of_kernels(*kernels):
    """Centred kernel matrices, each of length 1."""
    n = len(kernels[0])
    centring = np.eye(n) - 1 / n
    centred = [centring @ kernel @ centring for kernel in kernels]
    return np.array([kernel / np.linalg.norm(kernel) for kernel in centred])


def linear(x):
    x = x - x.mean(axis=0)
    return x @ x.T


def u_centred(gram):
    n = len(gram)
    gram = gram - np.diag(np.diag(gram))
    sums = gram.sum(axis=0)
    gram = gram - (sums + sums[:, None]) / (n - 2) + sums.sum() / ((n - 1) * (n - 2))
    gram = gram - np.diag(np.diag(gram))
    return gram / np.linalg.norm(gram)


def distances(x):
    return np.sqrt(((x[:, None] - x) ** 2).sum(axis=2))


def gaussian(x):
    units = distances(x) / np.median(distances(x)[np.triu_indices(len(x), 1)])
    return [np.exp(-0.5 * (units / w) ** 2) for w in np.geomspace(0.2, 2, 4)]


def standardised(entries):
    upper = entries[np.triu_indices(len(entries), 1)]
    found = (entries - upper.mean()) / (upper.std() * math.sqrt(2 * upper.size))
    return found - np.diag(np.diag(found))


MATRICES = {
    "cka": lambda x: of_kernels(linear(x)),
    "cka(debiased=true)": lambda x: u_centred(linear(x))[None],
    "cka(kernel=rbf,bandwidth=0.2)": lambda x: of_kernels(gaussian(x)[0]),
    "multiscale_cka(smallest=0.2,largest=2,steps=4)": lambda x: of_kernels(*gaussian(x)) / 2,
    "distance_correlation": lambda x: of_kernels(distances(x)),
    "rsa(rdm=euclidean,compare=pearson)": lambda x: standardised(distances(x))[None],
}
"""Matrices of a side whose inner products add up to the value, or its square; by definition."""


@pytest.mark.parametrize("id", MATRICES)
@pytest.mark.parametrize("n", [6, 7, 8])
def test_moments_are_those_of_all_permutations_of_the_matrices(id, n):
    for shape in ("d < n", "d > n"):
        x, y = data(n, shape, seed=n)
        a, b = MATRICES[id](x), MATRICES[id](y)
        form = get_measure(id).closed_form()
        value = get_measure(id)(x, y)
        assert np.vdot(a, b) == pytest.approx(value**2 if form.rooted else value, abs=1e-12)
        orders = np.array(list(permutations(range(n))))
        values = sum(b[:, orders[:, i], orders[:, j]].T @ a[:, i, j] for i in range(n) for j in range(n))
        null = form.null(Pair(Side.of(x), Side.of(y)))
        assert (null.mean, null.sd) == pytest.approx((values.mean(), values.std()), abs=1e-10), shape
        # Values that hardly vary are known to few digits more than they vary by.
        rounding = 100 * np.finfo(float).eps * np.abs(values).max() / values.std()
        assert null.skewness == pytest.approx(stats.skew(values), abs=1e-10 + rounding), shape


@pytest.mark.parametrize(
    ("widths", "dtype", "count"),
    [((20, 30), np.float64, 100_000), ((300, 250), np.float32, 5_000), ((30, 300), np.float64, 20_000)],
)
def test_many_permutations(widths, dtype, count):
    """Of linear CKA at n = 200, as ||X' P Y||^2 in single precision."""
    n, rng = 200, np.random.default_rng(0)
    x, y = (rng.exponential(size=(n, d)).astype(dtype) for d in widths)
    pair = Pair(Side.of(x), Side.of(y))
    null = get_measure("cka").closed_form().null(pair)
    for found, expected in zip(pair[LinearInvariants()][0], MatrixInvariants(Gram())(pair.x), strict=True):
        assert found == pytest.approx(expected, rel=1e-9)
    (x, norm_x), (y, norm_y) = ((side - side.mean(axis=0), np.linalg.norm(linear(side))) for side in (x, y))
    x, y = x.T.astype(np.float32), y.astype(np.float32)
    values = np.empty(count)
    for i in range(0, count, 100):
        orders = rng.permuted(np.tile(np.arange(n), (100, 1)), axis=1)
        values[i : i + 100] = ((x @ y[orders]) ** 2).sum(axis=(1, 2)) / (norm_x * norm_y)
    assert null.mean == pytest.approx(values.mean(), abs=4 * values.std() / count**0.5)
    assert null.sd == pytest.approx(values.std(), rel=4 / (2 * count) ** 0.5 * 1.5)
    assert null.skewness == pytest.approx(stats.skew(values), abs=6 * (6 / count) ** 0.5)
    levels = np.array([0.5, 0.9, 0.95, 0.99])
    below = [np.mean(values <= null.quantile(level)) for level in levels]
    assert below == pytest.approx(levels, abs=0.004 + 2 / count**0.5)


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


KINDS = {
    "flat": lambda x, rng: x,
    "decaying": lambda x, rng: x / np.arange(1, x.shape[1] + 1),
    "of very different lengths": lambda x, rng: x * np.exp(rng.normal(size=(len(x), 1))),
    "one far out": lambda x, rng: np.concatenate([30 * x[:1], x[1:]]),
    "two alike and far out": lambda x, rng: np.concatenate([10 * x[:1], 10 * x[:1], x[2:]]),
    "rectified": lambda x, rng: np.maximum(x, 0),
    "ten clusters": lambda x, rng: 0.3 * x + rng.normal(size=(10, x.shape[1]))[rng.integers(10, size=len(x))],
    "small clusters": lambda x, rng: 0.3 * x + rng.normal(size=(60, x.shape[1]))[rng.integers(60, size=len(x))],
    "sparse": lambda x, rng: np.abs(x) * (rng.random(x.shape) < 0.02),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("d", [20, 600])
@pytest.mark.parametrize("id", ["cka", "distance_correlation", "multiscale_cka"])
def test_of_many_inputs_only_the_skewness_is_estimated(id, d, kind, monkeypatch):
    """Mean and standard deviation are exact; what the estimate does to p is bounded here, far into the tail."""
    n, rng = 400, np.random.default_rng(0)
    x, y = (KINDS[kind](rng.normal(size=(n, d)), rng) for _ in "xy")
    form = get_measure(id).closed_form()

    def found(exact_up_to):
        for module in ("invariants", "linear_invariants", "gaussian_invariants"):
            monkeypatch.setattr(f"similitude.factors.{module}.EXACT", exact_up_to)
        return form.null(Pair(Side.of(x), Side.of(y)))

    exact, estimated = found(n), found(n - 1)
    assert (estimated.mean, estimated.sd) == pytest.approx((exact.mean, exact.sd), rel=1e-9)
    assert estimated.skewness != exact.skewness
    for z, bound in ((1.7, 0.02), (3.0, 0.05), (5.0, 0.25)):
        value = math.sqrt(exact.mean + z * exact.sd) if exact.rooted else exact.mean + z * exact.sd
        assert estimated.p(value) == pytest.approx(exact.p(value), rel=bound), z


def test_one_hot_rows_are_the_worst_case(monkeypatch):
    """Few pairs of inputs that are alike make the skewness, and not all of them are looked at."""
    n, rng = 400, np.random.default_rng(0)
    x, y = (np.eye(300)[rng.integers(300, size=n)] for _ in "xy")
    form = get_measure("cka").closed_form()
    estimated = form.null(Pair(Side.of(x), Side.of(y)))
    monkeypatch.setattr("similitude.factors.linear_invariants.EXACT", n)
    exact = form.null(Pair(Side.of(x), Side.of(y)))
    assert estimated.skewness == pytest.approx(exact.skewness, rel=0.3)
    for z, bound in ((1.7, 0.05), (3.0, 0.3)):
        assert estimated.p(exact.mean + z * exact.sd) == pytest.approx(exact.p(exact.mean + z * exact.sd), rel=bound), z
