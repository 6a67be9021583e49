"""Values without each input are exact, and the doctor names the inputs that decide one."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist

from similitude import RDM, MeasureError, Representation, SimilitudeWarning, get_measure, leave_one_out
from similitude.doctor.findings import Specimen, examine_pair

CLOSED = [
    *("cka", "cka(debiased=true)", "distance_correlation", "rsa(compare=pearson)", "rsa(rdm=cosine,compare=cosine)"),
    *("rsa(rdm=euclidean,compare=pearson)", "rsa(rdm=euclidean,compare=whitened_cosine)"),
]


def data(widths=(3, 5), n=15, outlier=8.0):
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(n, d)) + 2 for d in widths)
    y[:, :3] += x[:, :3]
    x[4] *= outlier
    return x, y


def one_by_one(value, x, y):
    return [value(np.delete(x, i, axis=0), np.delete(y, i, axis=0)) for i in range(len(x))]


@pytest.mark.parametrize("widths", [(3, 5), (40, 7), (40, 50)])
@pytest.mark.parametrize("id", CLOSED)
def test_without_each_input(id, widths):
    x, y = data(widths)
    table = leave_one_out(x, y, id)
    np.testing.assert_allclose(table[id], one_by_one(get_measure(id), x, y), rtol=1e-9, atol=1e-11)
    assert table.whole[id] == pytest.approx(get_measure(id)(x, y), rel=1e-12)


@pytest.mark.parametrize("debiased", [False, True])
def test_a_gaussian_kernel_keeps_its_width(debiased):
    x, y = data()
    widths = [np.median(pdist(v)) for v in (x, y)]

    def value(a, b):
        # As a multiple of the median of what is left, which differs for the two sides.
        kernels = [
            np.exp(-(((v[:, None] - v[None]) ** 2).sum(-1)) / (2 * w**2)) for v, w in zip((a, b), widths, strict=True)
        ]
        n = len(a)
        if debiased:
            for k in kernels:
                np.fill_diagonal(k, 0)

            def hsic(k, m):
                corner = k.sum() * m.sum() / ((n - 1) * (n - 2))
                return np.trace(k @ m) + corner - 2 * (k.sum(0) @ m.sum(0)) / (n - 2)
        else:
            h = np.eye(n) - 1 / n

            def hsic(k, m):
                return np.trace(h @ k @ h @ m)

        k, m = kernels
        return hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m))

    id = f"cka(kernel=rbf,debiased={str(debiased).lower()})"
    np.testing.assert_allclose(leave_one_out(x, y, id).iloc[:, 0], one_by_one(value, x, y), rtol=1e-9)


def test_rows_are_named_and_sorted():
    x, y = data(n=30)
    ids = [f"input {i}" for i in range(30)]
    table = leave_one_out(Representation(x, ids=ids), y, ["cka", "distance_correlation"])
    assert table.index[4] == "input 4"
    changes = table.changes()
    assert changes.index[0] == "input 4"
    assert changes["cka"].iloc[0] == pytest.approx(table["cka"]["input 4"] - table.whole["cka"])
    largest = changes.abs().max(axis=1)
    assert (np.diff(largest) <= 0).all()
    rdms = leave_one_out(RDM(pdist(x)), pd.DataFrame(y), "distance_correlation")
    np.testing.assert_allclose(rdms["distance_correlation"], table["distance_correlation"], rtol=1e-9)


def test_where_nothing_is_left():
    x, y = np.zeros((2, 20, 3))
    x[5] = 1
    y[5] = [1, 2, 3]
    y[6] = 1e-3
    assert np.flatnonzero(leave_one_out(x, y)["cka"].isna()).tolist() == [5]


def test_measures_without_a_closed_form():
    x, y = data()
    with pytest.raises(MeasureError, match="jaccard has no closed form"):
        leave_one_out(x, y, "jaccard")
    with pytest.warns(SimilitudeWarning, match="1 of 2 measures failed: rsa"):
        table = leave_one_out(x, y, ["cka", "rsa"])
    assert list(table.columns) == ["cka"]
    assert list(table.failures) == ["rsa"]


def outlying(rows, by=30.0, n=200):
    rng = np.random.default_rng(1)
    z = rng.normal(size=(n, 4))
    x, y = (z @ rng.normal(size=(4, 6)) + 0.3 * rng.normal(size=(n, 6)) for _ in range(2))
    y[rows] += by * rng.normal(size=(len(rows), 1)) * rng.normal(size=6)
    return outliers(x, y)


def outliers(x, y):
    return [finding for finding in examine_pair(Specimen("x", x), Specimen("y", y)) if finding.check == "outliers"]


def test_the_doctor_names_the_inputs_that_decide():
    assert outlying([]) == []
    one = {name: finding for finding in outlying([7]) for name in finding.numbers if name in CLOSED}
    assert set(one) == {"cka", "rsa(rdm=euclidean,compare=pearson)"}
    numbers = one["cka"].numbers
    assert (one["cka"].severity, numbers["row"], numbers["rows"]) == ("warning", 7, [7])
    assert numbers["cka_without"] > numbers["cka"] + 0.3
    assert "without row 7: one input decides it. Look" in one["cka"].text


def test_the_doctor_sees_outliers_behind_each_other():
    rows = list(range(40, 60))
    (finding,) = outlying(rows, by=8)
    assert finding.severity == "note"
    assert len(set(finding.numbers["rows"]) & set(rows)) > 0.7 * len(finding.numbers["rows"])
    assert finding.numbers["cka_without"] > finding.numbers["cka"] + 0.2
    assert "of the rows, those of most variance" in finding.text


@pytest.mark.parametrize(("n", "d"), [(20, 4), (40, 5), (100, 2)])
def test_the_doctor_is_silent_on_few_ordinary_inputs(n, d):
    """Leaving out one of few inputs changes a value, whichever it is."""
    rng = np.random.default_rng(0)
    told = [bool(outliers(rng.normal(size=(n, d)), rng.normal(size=(n, d)))) for _ in range(20)]
    assert sum(told) <= 1
