"""A stream gives the value of the whole arrays, whatever the batches, however it is merged."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from similitude import compare
from similitude.engine.streaming import Stream
from similitude.errors import InputError, MeasureError, ShapeMismatch

MOMENTS = ["cka", "cka(debiased=true)", "procrustes", "angular_procrustes", "nbs", "procrustes_size_and_shape"]
TRIANGLE = ["mean_cca", "mean_squared_cca", "pwcca", "svcca(components=4)", "linear_regression", "gulp", "shape_metric"]


def data(n=700, offset=0.0, dx=9, dy=13, seed=0):
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n, 6)) * [100, 30, 10, 3, 1, 0.1]
    x = base @ rng.normal(size=(6, dx)) + 0.5 * rng.normal(size=(n, dx)) + offset
    y = np.maximum(base @ rng.normal(size=(6, dy)), 0) + 0.3 * rng.normal(size=(n, dy)) - 2 * offset
    return x, y


def streamed(measures, x, y, batch):
    stream = Stream(measures)
    for start in range(0, len(x), batch):
        stream.update(x[start : start + batch], y[start : start + batch])
    return stream


@pytest.fixture(autouse=True)
def small_buffers(monkeypatch):
    """So that a few hundred rows fill them several times."""
    begin = Stream._begin
    monkeypatch.setattr(Stream, "_begin", lambda self, widths: (begin(self, widths), _shorten(self))[0])


def _shorten(stream):
    stream._buffer = stream._buffer[:128]


@pytest.mark.parametrize("measures", [MOMENTS, TRIANGLE, MOMENTS + TRIANGLE], ids=["moments", "triangle", "both"])
@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_is_the_value_of_the_whole_arrays(measures, offset):
    x, y = data(offset=offset)
    expected = compare(x, y, measures)
    for batch in (1, 7, 128, 700):
        found = streamed(measures, x, y, batch).result()
        assert list(found) == list(expected)
        np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=1e-9)


@pytest.mark.parametrize("measures", [["cka", "procrustes"], ["mean_cca", "cka(debiased=true)"]])
def test_batch_size_changes_not_one_bit(measures):
    x, y = data()
    assert len({tuple(streamed(measures, x, y, batch).result().values()) for batch in (1, 33, 500, 700)}) == 1


@pytest.mark.parametrize("measures", [MOMENTS, TRIANGLE])
def test_merged_in_any_order_after_travelling(measures):
    x, y = data(offset=50.0)
    x += np.linspace(0, 300, len(x))[:, None]  # so that the parts have other means
    expected = list(compare(x, y, measures).values())
    parts = [streamed(measures, x[i:j], y[i:j], 50) for i, j in ((0, 90), (90, 91), (91, 500), (500, 700))]
    for order in ((0, 1, 2, 3), (3, 1, 0, 2)):
        total = Stream(measures)
        for i in order:
            total.merge(pickle.loads(pickle.dumps(parts[i])))
        assert total.n == 700
        np.testing.assert_allclose(list(total.result().values()), expected, rtol=1e-9)
    both = streamed(measures, x[:300], y[:300], 64).merge(streamed(measures, x[300:], y[300:], 64))
    np.testing.assert_allclose(list(both.result().values()), expected, rtol=1e-9)


def test_half_precision_is_taken_note_of():
    torch = pytest.importorskip("torch")
    x, y = (torch.tensor(side, dtype=torch.bfloat16) for side in data())
    for measure in ("cka", "mean_cca"):
        assert streamed(measure, x, y, 100).result() == pytest.approx(compare(x, y, measure), rel=1e-9)


def test_a_result_on_the_way_does_not_disturb():
    x, y = data()
    stream = streamed("cka,mean_cca", x[:333], y[:333], 50)
    assert stream.result() == pytest.approx(compare(x[:333], y[:333], "cka,mean_cca"), rel=1e-9)
    stream.update(x[333:], y[333:])
    assert stream.result() == pytest.approx(compare(x, y, "cka,mean_cca"), rel=1e-9)


def test_ill_conditioned_data_keep_their_correlations():
    """Covariances would square the condition number of 1e7 and lose all digits of the smallest direction."""
    rng = np.random.default_rng(1)
    z = rng.normal(size=(2000, 8))
    x = z * np.logspace(0, -7, 8) @ np.linalg.qr(rng.normal(size=(8, 8)))[0]
    y = z + 0.5 * rng.normal(size=z.shape)
    assert streamed("mean_cca", x, y, 100).result() == pytest.approx(compare(x, y, "mean_cca"), rel=1e-8)


def test_low_rank_behind_an_offset_is_found():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(500, 3)) @ rng.normal(size=(3, 10)) + 1e4
    y = rng.normal(size=(500, 4))
    assert streamed("mean_cca", x, y, 60).result() == pytest.approx(compare(x, y, "mean_cca"), rel=1e-8)


@pytest.mark.filterwarnings("ignore::similitude.SimilitudeWarning")  # chance
def test_fewer_inputs_than_features():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(20, 40)), rng.normal(size=(20, 30))
    assert streamed("cka,procrustes", x, y, 6).result() == pytest.approx(compare(x, y, "cka,procrustes"), rel=1e-9)
    with pytest.raises(MeasureError, match="rank 19 on 20 inputs"):
        streamed("mean_cca", x, y, 6).result()


def test_what_cannot_be_streamed_says_so():
    for measure in ("rsa", "jaccard", "random", "ridge_regression", "soft_matching"):
        with pytest.raises(InputError, match=f"{measure}.* needs all inputs at once"):
            Stream(measure)


def test_bad_batches_say_what_is_wrong():
    x, y = data()
    stream = Stream("cka")
    with pytest.raises(InputError, match="seen 0 inputs"):
        stream.result()
    with pytest.raises(ShapeMismatch, match="5 inputs on the first side and 6"):
        stream.update(x[:5], y[:6])
    stream.update(x[:5], y[:5])
    with pytest.raises(ShapeMismatch, match="widths 13 and 9"):
        stream.update(y[:5], x[:5])
    with pytest.raises(InputError, match="NaN"):
        stream.update(x[:1] * np.nan, y[:1])
    with pytest.raises(InputError, match="same measures"):
        stream.merge(Stream("procrustes"))
    with pytest.raises(InputError, match="constant"):
        Stream("cka").update(np.ones((9, 2)), y[:9]).result()
    assert stream.n == 5
