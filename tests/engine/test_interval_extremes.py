"""Intervals and leave-one-out on data at the limits: numbers that are finite, or errors that say why there are none."""

import numpy as np
import pytest

from similitude import SimilitudeWarning, get_measure, interval, leave_one_out
from similitude.engine.intervals import FEWEST

IDS = [
    *("cka", "cka(debiased=true)", "cka(kernel=rbf)", "distance_correlation", "rsa(rdm=euclidean,compare=pearson)"),
    *("nbs", "procrustes", "orthogonal_procrustes", "angular_procrustes", "procrustes_size_and_shape"),
    *("mean_cca", "mean_squared_cca", "linear_regression", "jaccard", "mutual_knn", "rsa", "cknna"),
]
CLOSED = [id for id in IDS[:5] if "rbf" not in id]
"""But for a kernel whose width depends on all inputs."""


def extremes():
    rng = np.random.default_rng(0)
    n = FEWEST + 4
    z = rng.normal(size=(n, 3))
    x, y = (z @ rng.normal(size=(3, d)) + 0.5 * rng.normal(size=(n, d)) for d in (4, 5))
    low = [z[:, part] @ rng.normal(size=(2, 6)) for part in (slice(0, 2), slice(1, 3))]
    rotation = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    return {
        "fewest": (x[:FEWEST], y[:FEWEST]),
        "one-hot": (np.eye(4)[rng.integers(0, 4, n)], np.eye(3)[rng.integers(0, 3, n)]),
        "integers": (np.round(x), np.round(y)),
        "duplicates": (np.repeat(x[: n // 2], 2, axis=0), np.repeat(y[: n // 2], 2, axis=0)),
        "rank 2 of 6": (low[0], y),
        "both of rank 2": tuple(low),
        "one feature": (x[:, :1], y),
        "one feature each": (x[:, :1], y[:, :1]),
        "more features than inputs": (rng.normal(size=(n, 60)), rng.normal(size=(n, 80))),
        "the same": (x, x.copy()),
        "rotated": (x, x @ rotation),
        "a constant feature": (np.c_[x, np.ones(n)], y),
        "an offset": (x + 1e6, y),
        "single precision": (x.astype(np.float32), y.astype(np.float32)),
    }


UNDEFINED = {
    "one feature": {"rsa"},
    "one feature each": {"rsa"},
    "more features than inputs": {"mean_cca", "mean_squared_cca", "linear_regression"},
}
"""Measures without a value: no correlation of one feature, no correlations with fewer inputs than features."""


@pytest.mark.filterwarnings("ignore::similitude.SimilitudeWarning")
@pytest.mark.parametrize("case", extremes())
def test_ends_are_finite_or_there_is_a_reason(case):
    x, y = extremes()[case]
    z = y + 0.1 * np.random.default_rng(1).normal(size=y.shape)
    for than in (None, z):
        table = interval(x, y, IDS, than=than, resamples=3)
        assert set(table.failures) == UNDEFINED.get(case, set())
        for row in table.to_dict("records"):
            ends = [row[name] for name in ("low", "value" if than is None else "difference", "high")]
            if row["measure"] in table.failures:
                assert np.isnan(ends).all()
                assert len(table.failures[row["measure"]]) > 40
            else:
                assert np.isfinite([*ends, row["se"]]).all()
                assert ends == sorted(ends)
                assert row["se"] >= 0


@pytest.mark.parametrize("scale", [1e-100, 1e-6, 1e6, 1e100])
def test_errors_do_not_depend_on_scale(scale):
    x, y = extremes()["integers"]
    plain, scaled = interval(x, y, IDS, resamples=3), interval(scale * x, scale * y, IDS, resamples=3)
    factor = np.where(plain["measure"] == "procrustes_size_and_shape", scale, 1.0)
    np.testing.assert_allclose(scaled["se"], factor * plain["se"], rtol=1e-9)
    np.testing.assert_allclose(leave_one_out(scale * x, y, CLOSED), leave_one_out(x, y, CLOSED), rtol=1e-9)


def test_where_one_input_decides_there_is_no_interval():
    x, y = np.zeros((2, 30, 3))
    x[5] = 1
    y[5] = [1, 2, 3]
    y[6] = 1e-3
    with pytest.warns(SimilitudeWarning, match="Input 5 alone decides the value"):
        table = interval(x, y, "cka")
    assert np.isnan(table["se"][0])
    assert np.isnan(leave_one_out(x, y)["cka"][5])


@pytest.mark.parametrize("case", ["one-hot", "duplicates", "both of rank 2", "one feature", "a constant feature"])
@pytest.mark.parametrize("id", CLOSED)
def test_without_each_of_extreme_inputs(id, case):
    x, y = extremes()[case]
    found = leave_one_out(x, y, id)[id]
    expected = [get_measure(id)(np.delete(x, i, axis=0), np.delete(y, i, axis=0)) for i in range(len(x))]
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)
