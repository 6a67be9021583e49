"""Every measure holds at every scale of either argument, from 1e-150 to 1e150."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from catalogue import EVERY, ON_NOISE
from similitude import Representation, compare, get_measure, measure, pairwise, significance
from similitude.engine import Stream, score_pairs
from similitude.engine.streaming import can_stream, several_passes
from similitude.errors import InputError, MeasureError, SimilitudeWarning
from similitude.measures import Invariance
from similitude.measures.gulp import GULP
from similitude.measures.regression import RidgeRegression
from similitude.measures.shape import ShapeMetric

N = 40
SIZES = ["procrustes_size_and_shape", "shape_metric(alpha=0,angular=false)", "shape_metric(angular=false)"]
SIZES += ["rsm_norm_difference", "soft_matching", "permutation_procrustes", "magnitude_difference", "norm_difference"]
"""Measures whose value is multiplied by what both arguments are multiplied by."""

FREE = [id for id in ON_NOISE if Invariance.SCALING in get_measure(id).properties().invariances.both]
FREE += [f"rsa(rdm={rdm},compare={how})" for rdm in ("cosine", "euclidean") for how in ("pearson", "kendall", "cosine")]
FREE += ["rsa(rdm=squared_euclidean)", "svcca(components=3)"]
FREE = list(dict.fromkeys(FREE))
"""Measures that do not change."""

EXPONENTS = [(498, 498), (-498, -498), (-495, 498), (497, 0), (0, -333), (-70, 65)]
"""Powers of two for either side: 1e150 is about 2^498."""

DATA = {
    "tall": lambda rng: (rng.normal(size=(N, 6)) + 1, rng.normal(size=(N, 8)) - 1),
    "wide": lambda rng: (rng.normal(size=(N, 60)), rng.normal(size=(N, 50)) + 0.5),
    "classes": lambda rng: (np.eye(5)[np.arange(N) % 5], np.eye(4)[np.arange(N) * 2 // 3 % 4]),
}
NARROW = {id for id in EVERY if "rank below" in get_measure(id).properties().needs}
NARROW |= {"svcca", "shape_metric(alpha=0,angular=false)"}
"""Measures that are not defined where features outnumber inputs."""


def cases(ids):
    return pytest.mark.parametrize(
        ("id", "kind"), [(id, kind) for id in ids for kind in DATA if kind != "wide" or id not in NARROW]
    )


def sides(kind):
    return DATA[kind](np.random.default_rng(0))


def value(id, x, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SimilitudeWarning)
        return get_measure(id)(x, y)


@cases(FREE)
def test_what_does_not_depend_on_scale_is_the_same_bit_by_bit(id, kind):
    x, y = sides(kind)
    expected = value(id, x, y), value(id, y, x)
    for a, b in EXPONENTS:
        scaled = np.ldexp(x, a), np.ldexp(y, b)
        assert (value(id, *scaled), value(id, *scaled[::-1])) == expected, (a, b)


@cases(SIZES)
def test_sizes_are_multiplied_bit_by_bit(id, kind):
    x, y = sides(kind)
    for apart in (0, 3, -2):
        expected = value(id, np.ldexp(x, apart), y)
        for exponent in (497, -497, 70, -333):
            found = value(id, np.ldexp(x, apart + exponent), np.ldexp(y, exponent))
            assert found == math.ldexp(expected, exponent), (apart, exponent)


@pytest.mark.parametrize("id", SIZES)
def test_the_larger_side_decides_a_size(id):
    x, y = sides("tall")
    for a, b in [(-498, 498), (100, -20), (0, 400), (-400, 0)]:
        scaled = np.ldexp(x, a), np.ldexp(y, b)
        small = np.ldexp(scaled[a > b], -60)
        other = (scaled[0], small) if a > b else (small, scaled[1])
        assert value(id, *scaled) == pytest.approx(value(id, *other), rel=1e-14)
        assert 0 < value(id, *scaled) < math.inf


@pytest.mark.parametrize("id", SIZES)
def test_a_size_beyond_doubles_is_infinite_and_not_wrong(id):
    x, y = sides("tall")
    expected = value(id, x, 0.5 * y)
    found = value(id, np.ldexp(x, 1021), np.ldexp(0.5 * y, 1021))
    assert found == (math.inf if expected >= 8 else pytest.approx(math.ldexp(expected, 1021)))


@pytest.mark.parametrize("exponent", [-498, -70, 70, 498])
@pytest.mark.parametrize("kind", ["tall", "classes"])
def test_what_scale_changes_is_changed_as_parameters_in_its_unit_would(kind, exponent):
    x, y = sides(kind)
    large, far = (np.ldexp(side, exponent) for side in (x, y))
    unit = math.ldexp(1.0, max(-2 * exponent, -1000))
    if math.isfinite(0.1 * unit):
        assert GULP(ridge=0.1)(large, far) == pytest.approx(GULP(ridge=0.1 * unit)(x, y), rel=1e-12)
        assert RidgeRegression()(x, far) == pytest.approx(RidgeRegression(alpha=unit)(x, y), rel=1e-9, abs=1e-12)
    for alpha in (0.3, 0.9):
        odds = alpha / (1 - alpha)
        share = 1 / (1 + math.ldexp(1 / odds, -exponent))
        for angular in (True, False):
            scale = 1 if angular else math.ldexp(1.0, exponent)
            expected = scale * ShapeMetric(share, angular)(x, y)
            assert ShapeMetric(alpha, angular)(large, far) == pytest.approx(expected, rel=1e-9)


def test_uniformity_is_in_the_units_of_the_data():
    x, y = sides("tall")
    uniformity = get_measure("uniformity_difference")
    near, far = np.ldexp(x, -498), np.ldexp(y, 498)
    assert uniformity(near, far) == uniformity(far, near) == pytest.approx(math.log(N), rel=1e-12)
    assert uniformity(near, np.ldexp(y, -300)) == uniformity(far, np.ldexp(x, 300)) == 0.0


@pytest.mark.parametrize("id", [*FREE, *SIZES, "ridge_regression", "gulp(ridge=0.1)", "shape_metric(alpha=0.5)"])
def test_features_of_very_different_scale_hide_none(id):
    x, y = sides("tall")
    if "correlation_match" in id or "partial_soft" in id:
        rng = np.random.default_rng(1)
        spread = [np.ldexp(side, rng.integers(-498, 498, side.shape[1])) for side in (x, y)]
        assert value(id, *spread) == pytest.approx(value(id, x, y), rel=1e-12)
        return
    wide, blank = (np.concatenate([np.ldexp(x[:, :3], 497), np.ldexp(x[:, 3:], -498) * on], axis=1) for on in (1, 0))
    assert value(id, wide, y) == pytest.approx(value(id, blank, y), rel=1e-12)
    assert value(id, y, wide) == pytest.approx(value(id, y, blank), rel=1e-12)


BY_ROWS = ["rsa", "rsa(rdm=cosine)", "rsa(rdm=cosine,compare=kendall)", "jaccard", "mutual_knn", "rank_similarity"]


@pytest.mark.parametrize("id", [*BY_ROWS, "second_order_cosine"])
def test_inputs_of_very_different_scale_hide_none(id):
    x, y = sides("wide")
    exponents = np.random.default_rng(1).integers(-498, 498, (N, 1))
    assert value(id, np.ldexp(x, exponents), y) == value(id, x, y)


def test_short_rows_have_the_cosine_of_their_direction():
    x, y = sides("tall")
    short = np.where(np.arange(N)[:, None] < 2, np.ldexp(x, -300), x)
    # So short that they do not turn the rotation: a hundredth of that is as good.
    expected = value("aligned_cosine", np.where(np.arange(N)[:, None] < 2, x * 1e-7, x), y)
    assert value("aligned_cosine", short, y) == pytest.approx(expected, abs=1e-6)


SINGLE = [(121, 121), (-124, 120), (0, -123)]


@pytest.mark.filterwarnings("ignore::similitude.errors.SimilitudeWarning")
@cases([*FREE, *SIZES])
def test_single_precision_near_its_limits(id, kind):
    x, y = (side.astype(np.float32) for side in sides(kind))
    for a, b in SINGLE:
        narrow = np.ldexp(x, a), np.ldexp(y, b)
        assert narrow[0].dtype == np.float32
        doubles = [side.astype(float) for side in narrow]
        assert compare(*narrow, [id, "cka"])[id] == pytest.approx(value(id, *map(_of_single, doubles)), rel=1e-12), (
            a,
            b,
        )


def _of_single(values):
    """Doubles that count as stored in single precision, which sets the tolerance for their rank."""
    found = Representation(values)
    found.precision = float(np.finfo(np.float32).eps)
    return found


LINEAR = [id for id in [*FREE, *SIZES] if can_stream(get_measure(id)) and not several_passes(get_measure(id))]
ROUTED = [
    "cka",
    "procrustes",
    "mean_cca",
    "pwcca",
    "rsa",
    "soft_matching",
    "cka(kernel=rbf)",
    "jaccard",
    "gulp(ridge=0.1)",
]
ROUTED += ["procrustes_size_and_shape", "ridge_regression", "rsm_norm_difference"]


@pytest.mark.parametrize(("a", "b"), EXPONENTS)
@pytest.mark.parametrize("kind", ["tall", "classes"])
@pytest.mark.filterwarnings("ignore::similitude.errors.SimilitudeWarning")
def test_all_routes_give_the_value_of_the_measure_alone(kind, a, b):
    x, y = sides(kind)
    x, y = np.ldexp(x, a), np.ldexp(y, b)
    expected = {id: value(id, x, y) for id in ROUTED}
    assert compare(x, y, ROUTED) == pytest.approx(expected, rel=1e-12)
    table = pairwise([x, y], ROUTED)
    assert table.frame.loc[1, ROUTED].to_dict() == pytest.approx(expected, rel=1e-12)
    frame = significance(x, y, ROUTED, permutations=3).set_index("measure")
    assert frame["value"].to_dict() == pytest.approx(expected, rel=1e-12)
    plain = significance(*sides(kind), FREE[:6], permutations=20)
    for column in ("value", "chance", "sd", "z", "p"):
        found = significance(x, y, FREE[:6], permutations=20)[column]
        assert found.to_numpy() == pytest.approx(plain[column].to_numpy(), rel=1e-12, nan_ok=True)


@pytest.mark.parametrize(("a", "b"), EXPONENTS)
@pytest.mark.parametrize("id", LINEAR)
@pytest.mark.filterwarnings("ignore::similitude.errors.SimilitudeWarning")
def test_streams_hold_at_every_scale(id, a, b):
    x, y = sides("tall")
    far = np.ldexp(x, a), np.ldexp(y, b)
    expected = get_measure(id)(*far)

    def streamed(pairs):
        found = Stream(id)
        for one, other in pairs:
            found.update(one, other)
        return found

    parts = [tuple(side[start : start + 7] for side in far) for start in range(0, N, 7)]
    assert streamed(parts).result()[id] == pytest.approx(expected, rel=1e-11)
    merged = streamed(parts[:2]).merge(streamed(parts[2:]))
    assert merged.result()[id] == pytest.approx(expected, rel=1e-11)
    # The first inputs are a tiny part of the rest.
    growing = [np.where(np.arange(N)[:, None] < 10, np.ldexp(side, -300), side) for side in (x, y)]
    parts = [tuple(np.ldexp(side[start : start + 10], 200) for side in growing) for start in range(0, N, 10)]
    expected = get_measure(id)(*(np.ldexp(side, 200) for side in growing))
    assert streamed(parts[:1]).merge(streamed(parts[1:])).result()[id] == pytest.approx(expected, rel=1e-11)
    wide = [np.tile(side, (60, 1)) for side in far]
    table = pairwise(wide[:1], id, others=wide[1:], memory=1000)
    assert table.frame[id][0] == pytest.approx(get_measure(id)(*wide), rel=1e-11)


@pytest.mark.parametrize("exponent", [-120, 0, 120])
def test_stacked_kernels_of_single_precision_hold(exponent):
    rng = np.random.default_rng(0)
    arrays = [np.ldexp(rng.normal(size=(24, 200)), exponent - i).astype(np.float32) for i in range(5)]
    pairs = [(Representation(x), Representation(y)) for x in arrays for y in arrays]
    found = score_pairs(pairs, [get_measure("cka(debiased=true)"), get_measure("norm_difference")]).values
    expected = [[value(id, x, y) for id in ("cka(debiased=true)", "norm_difference")] for x in arrays for y in arrays]
    assert found[:, 0] == pytest.approx(np.array(expected)[:, 0], abs=1e-5)
    assert found[:, 1] == pytest.approx(np.array(expected)[:, 1], rel=1e-5, abs=1e-5 * math.ldexp(1.0, exponent))


def test_views_keep_the_unit_of_their_parent():
    x, y = sides("tall")
    for id in ("cka", "mean_cca", "norm_difference", "rsa(rdm=euclidean)", "aligned_cosine"):
        far, near = Representation(np.ldexp(x, 480)).truncate(3), Representation(x).truncate(3)
        unit = math.ldexp(1.0, 480) if id == "norm_difference" else 1.0
        expected = unit * value(id, near, y)
        assert value(id, far, np.ldexp(y, 480)) == pytest.approx(expected, rel=1e-12)
        assert value(id, Representation(np.array(far.values)), np.ldexp(y, 480)) == pytest.approx(expected, rel=1e-12)


def test_gradients_hold_at_every_scale():
    torch = pytest.importorskip("torch")
    x, y = sides("tall")
    plain = torch.tensor(x, requires_grad=True)
    expected = get_measure("cka")(plain, y)
    expected.backward()
    for exponent in (-400, 400):
        far = torch.tensor(np.ldexp(x, exponent), requires_grad=True)
        found = get_measure("cka")(far, np.ldexp(y, -exponent))
        found.backward()
        assert found.detach() == expected.detach()
        np.testing.assert_allclose(np.ldexp(far.grad.numpy(), exponent), plain.grad.numpy(), rtol=1e-12)


@measure(kind="dissimilarity", invariances="")
def largest_sum(X, Y):
    return np.abs(X).max() + np.abs(Y).max()


def test_a_function_sees_the_data_as_they_were_given():
    x, y = sides("tall")
    assert largest_sum(np.ldexp(x, 400), y) == np.abs(np.ldexp(x, 400)).max() + np.abs(y).max()
    view = Representation(np.ldexp(x, 400)).truncate(2)
    assert largest_sum(view, y) == pytest.approx(np.abs(view.values).max(), rel=1e-12)


def test_the_random_baseline_is_that_of_the_data():
    x, y = (np.ldexp(side, 300) for side in sides("tall"))
    assert significance(x, y, "random", permutations=2)["value"][0] == get_measure("random")(x, y)


@pytest.mark.parametrize("exponent", [-498, 498])
def test_tiny_and_huge_data_are_refused_for_the_right_reason(exponent):
    x = np.ldexp(np.ones((N, 3)), exponent)
    with pytest.raises(InputError, match="constant"):
        get_measure("cka")(x, sides("tall")[0])
    wide = np.ldexp(np.random.default_rng(0).normal(size=(N, 60)), exponent)
    with pytest.raises(MeasureError, match="rank 39 on 40 inputs"):
        get_measure("mean_cca")(wide, sides("tall")[0])
