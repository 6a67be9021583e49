"""A divergence in words, as a table, and as a figure."""

import numpy as np
import pytest

import similitude
from similitude.report.divergence import told


@pytest.fixture
def found():
    rng = np.random.default_rng(0)
    saved = {f"block{i}": rng.normal(size=(40, 6)) for i in range(5)}
    changed = saved | {"block3": saved["block3"] * 1.01, "block4": saved["block4"] * 1.1}
    return similitude.diff(saved, changed, names=("old", "<new>"))


def test_words(found):
    text = repr(found)
    assert text.startswith("Diverged: old and <new> first differ at block3 (relative error .010")
    assert "block4" in text
    page = found._repr_html_()
    assert "&lt;new&gt;" in page
    assert "<new>" not in page
    same = similitude.diff({"x": np.eye(4)}, {"x": np.eye(4)})
    assert told(same)[0] == "Equal: first and second agree in every entry."


def test_the_figure_shows_the_curve(found):
    figure = found.plot()
    errors, alike = figure.axes
    curve = next(line for line in errors.lines if line.get_label() == "relative error")
    np.testing.assert_allclose(np.asarray(curve.get_ydata(), float)[3:], [0.01, 0.1], rtol=1e-9)
    assert [label.get_text() for label in alike.get_xticklabels()] == list(found.layers["layer"])
    assert "first differ at block3" in figure.get_suptitle()


def test_the_frame_is_a_copy(found):
    frame = found.to_frame()
    frame["relative"] = 0.0
    assert found.layers["relative"].max() == pytest.approx(0.1)
