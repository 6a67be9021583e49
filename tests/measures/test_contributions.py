"""Contributions of single inputs add up to the value."""

import numpy as np
import pytest

from similitude.errors import MeasureError
from similitude.factors.pair import Pair, Side
from similitude.measures import get_measure, get_measures
from similitude.measures.catalogue import MEASURES
from similitude.representations import RDM, Representation

VARIANTS = [
    spelling
    for name in MEASURES
    for measure in get_measures([name])
    if measure.contributes
    for spelling in (name, *(f"{name}({variant})" for variant in measure.variants))
]
NOT_SUMS = ("kendall", "tau_a")


def sides(rng, n=60, widths=(6, 9), dtype=np.float64):
    shared = rng.normal(size=(n, 5))
    return [(shared @ rng.normal(size=(5, d)) + 0.5 * rng.normal(size=(n, d)) + 0.3).astype(dtype) for d in widths]


def found(spelling, x, y):
    measure = get_measure(spelling)
    pair = Pair(Side.of(x, "first"), Side.of(y, "second"))
    return measure.contributions(pair), measure(x, y)


def test_which_measures_have_them():
    families = {name.partition("(")[0] for name in VARIANTS}
    assert families >= {
        "cka", "nbs", "procrustes", "procrustes_size_and_shape", "mean_cca", "mean_squared_cca", "linear_regression",
        "rsa", "jaccard", "mutual_knn", "rank_similarity", "second_order_cosine", "distance_correlation",
    }  # fmt: skip


@pytest.mark.parametrize("spelling", VARIANTS)
@pytest.mark.parametrize("shape", [(60, (6, 9)), (60, (9, 6)), (15, (30, 40))], ids=["narrow", "turned", "wide"])
def test_they_add_up_to_the_value(spelling, shape, rng):
    if "cca" in spelling or "linear_regression" in spelling:
        shape = (60, shape[1]) if shape[1][0] < 20 else (60, (20, 10))
    x, y = sides(rng, *shape)
    if any(word in spelling for word in NOT_SUMS):
        with pytest.raises(MeasureError, match="no contributions"):
            found(spelling, x, y)
        return
    terms, value = found(spelling, x, y)
    assert terms.shape == (len(x),)
    assert terms.sum() == pytest.approx(value, abs=1e-10)
    assert np.ptp(terms) > 0


@pytest.mark.parametrize("spelling", [v for v in VARIANTS if not any(word in v for word in NOT_SUMS)])
def test_inputs_in_another_order_keep_theirs(spelling, rng):
    x, y = sides(rng)
    order = rng.permutation(len(x))
    terms, again = found(spelling, x, y)[0], found(spelling, x[order], y[order])[0]
    np.testing.assert_allclose(again, terms[order], atol=1e-10)


def test_by_their_definitions(rng):
    x, y = sides(rng)
    x, y = x - x.mean(0), y - y.mean(0)
    k, l = x @ x.T, y @ y.T  # noqa: E741
    expected = (k * l).sum(1) / (np.linalg.norm(k) * np.linalg.norm(l))
    np.testing.assert_allclose(found("cka", x, y)[0], expected, atol=1e-12)
    x, y = x / np.linalg.norm(x), y / np.linalg.norm(y)
    wide = np.pad(x, ((0, 0), (0, 3)))
    left, _, right = np.linalg.svd(y.T @ wide)
    np.testing.assert_allclose(found("procrustes", x, y)[0], ((y @ left @ right - wide) ** 2).sum(1), atol=1e-12)


def test_rdms_single_precision_and_far_from_one(rng):
    x, y = sides(rng, dtype=np.float32)
    terms, value = found("cka", x, y)
    assert terms.sum() == pytest.approx(value, abs=1e-10)
    for spelling in ("procrustes_size_and_shape", "rsm_norm_difference"):
        terms, value = found(spelling, 1e140 * sides(rng)[0], 1e140 * sides(rng)[1])
        assert terms.sum() == pytest.approx(value, rel=1e-10)
    distances = [np.abs(side[:, :1] - side[:, 0]) for side in sides(rng)]
    terms, value = found("rsa", *(RDM(d) for d in distances))
    assert terms.sum() == pytest.approx(value, abs=1e-10)
    view = Representation(sides(rng)[0]).truncate(3)
    terms, value = found("cka", view, sides(rng)[1])
    assert terms.sum() == pytest.approx(value, abs=1e-10)


def test_measures_that_are_no_sums_say_so(rng):
    with pytest.raises(MeasureError, match="imd is no sum over inputs"):
        found("imd", *sides(rng))
