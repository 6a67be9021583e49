"""Each ailment is found, and health is not called an ailment."""

from __future__ import annotations

import numpy as np
import pytest

from similitude.doctor.findings import Specimen, examine, examine_array, examine_pair
from similitude.doctor.rows import match_p_value

RNG = np.random.default_rng(0)
N, D = 300, 6
SHARED = RNG.normal(size=(N, 4))
START = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def same_numbers_whatever_ran_before():
    RNG.bit_generator.state = START


def healthy(d=D):
    return SHARED @ RNG.normal(size=(4, d)) + 0.3 * RNG.normal(size=(N, d))


def checks(values, ids=None):
    return {(f.severity, f.check) for f in examine_array(Specimen("x", np.asarray(values), ids))}


def pair_checks(x, y, ids_x=None, ids_y=None):
    return {(f.severity, f.check) for f in examine_pair(Specimen("x", x, ids_x), Specimen("y", y, ids_y))}


def test_healthy_data_have_no_findings():
    assert examine([Specimen("x", healthy()), Specimen("y", healthy()), Specimen("z", healthy(12))]) == []


def changed(change):
    x = healthy()
    return change(x)


def put(x, where, value):
    x[where] = value
    return x


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda x: put(x, (7, 2), np.nan), ("error", "finite")),
        (lambda x: put(x, (7, 2), np.inf), ("error", "finite")),
        (lambda x: x[:, :, None], ("error", "shape")),
        (lambda x: x[:1], ("error", "shape")),
        (lambda x: x.astype(str), ("error", "type")),
        (lambda x: np.ones_like(x), ("error", "constant")),
        (lambda x: x.astype(np.float16), ("note", "type")),
        (lambda x: (x > 0).astype(int), ("warning", "type")),
        (lambda x: put(x, slice(280, 300), 0), ("warning", "padding")),
        (lambda x: put(x, slice(10, 50), x[10]), ("warning", "duplicates")),
        (lambda x: put(x, 10, x[11]), ("note", "duplicates")),
        (lambda x: put(x, (slice(None), 1), 0), ("note", "dead")),
        (lambda x: put(x, (slice(None), slice(1, 5)), 0), ("warning", "dead")),
        (lambda x: put(x, (slice(None), 1), 3), ("note", "constant")),
        (lambda x: x * np.array([1000, 1, 1, 1, 1, 1]) ** np.ones(6), ("note", "scale")),
        (
            lambda x: x @ np.diag([100] + [1.0] * 11) if x.shape[1] == 12 else np.hstack([100 * x[:, :1], *[x] * 3]),
            ("warning", "dominant"),
        ),
        (lambda x: put(x, 5, 300), ("warning", "outliers")),
        (lambda x: x + 100, ("note", "offset")),
        (lambda x: (x + 1e6).astype(np.float32), ("warning", "offset")),
        (lambda x: x * 1e-7, ("note", "scale")),
        (lambda x: x[:5], ("warning", "width")),
        (lambda x: x[:40], ("note", "width")),
        (lambda x: x[:20] @ np.ones((6, 30)) + x[:20, :1] @ np.arange(30)[None], ("note", "width")),
    ],
)
def test_ailments_of_one_array(change, expected):
    x = healthy()
    if expected == ("note", "scale") and np.abs(change(x)).max() > 1:
        x = x * 1e4
    assert expected in checks(change(x))


def test_positions_are_told():
    x = healthy()
    x[[3, 9], 2] = np.nan
    (finding,) = examine_array(Specimen("x", x))
    assert finding.numbers["rows"] == [3, 9]
    assert "row 3, feature 2" in finding.text


def test_ids_that_fit_the_other_axis():
    ids = tuple(str(i) for i in range(D))
    (finding,) = [f for f in examine_array(Specimen("x", healthy(), ids)) if f.check == "orientation"]
    assert "transpose" in finding.text


def test_pairs():
    x, y = healthy(), healthy(9)
    ids = tuple(str(i) for i in range(N))
    assert pair_checks(x, y, ids, ids) == set()
    assert pair_checks(x, y, ids, ids[::-1]) == {("error", "inputs")}
    assert pair_checks(x, y, ids, tuple(f"b{i}" for i in range(N))) == {("error", "inputs")}
    assert pair_checks(x, y[:200]) == {("error", "inputs")}
    shuffled = [pair_checks(x, y[RNG.permutation(N)]) for _ in range(20)]
    assert shuffled.count({("warning", "inputs")}) >= 15  # one in twenty passes by chance
    assert pair_checks(x, x[RNG.permutation(N)]) == {("error", "inputs")}
    assert pair_checks(x, x) == set()
    assert ("warning", "chance") in pair_checks(RNG.normal(size=(20, 300)), RNG.normal(size=(20, 300)))
    outlying = [put(v, 4, 60) for v in (x.copy(), y.copy())]
    assert ("warning", "outliers") in pair_checks(*outlying)


@pytest.mark.parametrize("exponent", [-498, -30, 498])
def test_pairs_are_looked_at_in_their_own_unit(exponent):
    x, y = healthy(), np.ldexp(healthy(12), exponent)
    shuffled, outlier = RNG.permutation(N), np.where(np.arange(N)[:, None] == 3, 1e3, 1.0)
    far = np.ldexp(x, exponent)
    assert not pair_checks(far, y)
    assert pair_checks(far, far[shuffled]) == {("error", "inputs")}
    assert ("warning", "inputs") in pair_checks(far[shuffled], y)
    assert ("warning", "outliers") in pair_checks(far * outlier, y)


@pytest.mark.parametrize(
    ("shapes", "hint"),
    [(((5, 30), (8, 30)), "transposes"), (((30, 5), (8, 30)), "features x inputs"), (((30, 5), (20, 4)), "")],
)
def test_orientation_of_pairs(shapes, hint):
    x, y = (Specimen(name, RNG.normal(size=shape)) for name, shape in zip("xy", shapes, strict=True))
    (finding,) = examine_pair(x, y)
    assert hint in finding.text
    assert bool(hint) == ("inputs?" in finding.text)


def test_the_match_holds_its_level():
    values = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(30, 4)), rng.normal(size=(30, 4))
        values.append(match_p_value(x - x.mean(axis=0), y - y.mean(axis=0), permutations=39))
    assert 0.01 <= np.mean(np.array(values) <= 0.05) <= 0.1


def test_the_severest_come_first_and_unfit_arrays_are_not_paired():
    x = healthy()
    x[0, 0] = np.nan
    found = examine([Specimen("bad", x), Specimen("offset", healthy() + 100), Specimen("fine", healthy())])
    assert [f.severity for f in found] == ["error", "note"]
