"""The chosen layer, its value on other inputs, and the gap to its value where it was chosen."""

from __future__ import annotations

import numpy as np
import pytest

import similitude
from similitude.errors import InputError, ShapeMismatch, SimilitudeWarning


def network(rng, noises, n=200, d=8):
    target = rng.normal(size=(n, d))
    layers = {f"layer.{i}": target + noise * rng.normal(size=(n, d)) for i, noise in enumerate(noises)}
    return layers, target


@pytest.mark.parametrize("measure", ["cka(debiased=true)", "procrustes"])
def test_the_best_layer_is_found_whatever_the_direction(rng, measure):
    layers, target = network(rng, [3, 0.5, 2])
    found = similitude.choose_layer(layers, target, measure, splits=5)
    assert found.layer == "layer.1"
    assert found.layers["chosen"].tolist() == [0, 1, 0]
    expected = similitude.interval(layers["layer.1"], target, measure)
    row = found.layers.iloc[1]
    for column in ("value", "low", "high", "se"):
        assert row[column] == pytest.approx(expected[column][0])
    # One layer is always chosen: both halves of each split give their value for it.
    assert found.gap == pytest.approx(0, abs=1e-12)
    assert found.high - found.low == pytest.approx(row["high"] - row["low"])


def test_values_are_those_of_the_halves(rng):
    layers, target = network(rng, [2, 2, 2])
    found = similitude.choose_layer(layers, target, splits=3, seed=4)
    numbers = np.random.default_rng([4, 1])
    expected = []
    for _ in range(3):
        order = numbers.permutation(200)
        halves = [np.sort(order[:100]), np.sort(order[100:])]
        values = [
            {name: similitude.compare(x[rows], target[rows], "cka(debiased=true)")["cka(debiased=true)"]
             for name, x in layers.items()}
            for rows in halves
        ]  # fmt: skip
        for one, other in (values, values[::-1]):
            best = max(one, key=one.__getitem__)
            expected.append((best, one[best], other[best]))
    assert found.halves["layer"].tolist() == [best for best, _, _ in expected]
    assert np.allclose(found.halves[["selected", "held_out"]], [row[1:] for row in expected])
    assert found.value == pytest.approx(np.mean([row[2] for row in expected]))
    assert found.gap == pytest.approx(np.mean([row[1] - row[2] for row in expected]))


def test_unrelated_layers_look_related_only_where_they_are_chosen(rng):
    layers = {f"layer.{i}": rng.normal(size=(60, 5)) for i in range(30)}
    found = similitude.choose_layer(layers, rng.normal(size=(60, 5)))
    assert found.selected > 0.1
    assert abs(found.value) < 0.03
    assert found.gap > 0.1
    assert found.low < 0 < found.high
    assert found.layers["value"].max() > 2 * abs(found.value)


def test_the_interval_of_the_reported_value_holds_it(rng):
    """Over draws of layers that are equally good; benchmarks/layer_choice_simulation.py has more."""
    found = []
    for _ in range(40):
        layers, target = network(rng, [2.0] * 6, n=80, d=6)
        found.append(similitude.choose_layer(layers, target, splits=4, resamples=40, workers=1))
    mean = np.mean([one.value for one in found])
    covered = sum(one.low <= mean <= one.high for one in found)
    assert covered >= 34  # 38 expected; fewer than 34 has probability .014 at the nominal level
    naive = [one.layers["value"].max() for one in found]
    assert np.mean(naive) > mean + 0.02


def test_layers_that_cannot_be_compared_are_left_out(rng):
    layers, target = network(rng, [1, 2], n=60)
    layers["constant"] = np.ones((60, 3))
    layers["wide"] = rng.normal(size=(60, 70))
    with pytest.warns(SimilitudeWarning, match=r"layer\(s\) left out, the first: constant"):
        found = similitude.choose_layer(layers, target, "mean_cca", splits=2)
    assert found.left_out.keys() == {"constant", "wide"}
    assert found.layers["layer"].tolist() == ["layer.0", "layer.1"]
    with pytest.raises(InputError, match="no layer to choose"):
        similitude.choose_layer({"constant": np.ones((60, 3))}, target)
    with pytest.raises(InputError, match="at least 40; there are 30"):
        similitude.choose_layer(*network(rng, [1], n=30))
    with pytest.raises(ShapeMismatch):
        similitude.choose_layer(layers, target[:50])
    with pytest.raises(InputError, match="splits must be 1 or more"):
        similitude.choose_layer(layers, target, splits=0)


def test_how_it_looks(rng):
    layers, target = network(rng, [3, 2, 1])
    found = similitude.choose_layer(layers, similitude.Representation(target, model="teacher", layer="last"), splits=2)
    text = repr(found)
    assert "layer.2 is most like teacher/last" in text
    assert "On inputs that did not choose the layer" in text
    figure = found.plot()
    (axes,) = figure.axes
    assert "similarity (larger: more alike)" in axes.get_ylabel()
    assert axes.get_xlabel() == "layer"
    assert "n = 200 inputs" in figure.get_suptitle()
    assert found.to_dict()["held_out"]["gap"] == pytest.approx(found.gap)
    assert "<table" in found._repr_html_()
