"""Every measure agrees with its plain definition to 1e-10, whatever the scale, offset or width."""

import dataclasses
import inspect

import definitions
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue import EVERY
from similitude.errors import MeasureError
from similitude.measures import get_measure

EVERY_BUT_CHANCE = [id for id in EVERY if id != "random"]


def definition(measure):
    return getattr(definitions, measure.name)


def parameters(measure):
    return {field.name: getattr(measure, field.name) for field in dataclasses.fields(measure)}


@st.composite
def pairs(draw, measure):
    """Two related matrices, each at its own scale and offset, of unequal widths."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = getattr(definition(measure), "inputs", None) or draw(st.integers(16, 30))
    widths = draw(st.integers(3, 5)), draw(st.integers(3, 5))
    signal = rng.normal(size=(n, 2))
    powers = st.integers(-6, 6) if getattr(definition(measure), "scales", True) else st.just(0)
    offsets = st.sampled_from([0.0, 1.0, 30.0])
    return [
        10.0 ** draw(powers) * (signal @ rng.normal(size=(2, d)) + rng.normal(size=(n, d)) + draw(offsets))
        for d in widths
    ]


def agree(measure, X, Y, tolerance=1e-10):
    expected = definition(measure)(X, Y, **parameters(measure))
    if np.isnan(expected):
        with pytest.raises(MeasureError):
            measure(X, Y)
        return
    value = measure(X, Y)
    low, high = measure.properties().bounds
    unit = abs(expected) if np.isinf([low, high]).any() else max(abs(expected), 1e-2)
    assert abs(value - expected) <= tolerance * unit, f"{value!r} instead of {expected!r}"


@pytest.mark.parametrize("id", EVERY_BUT_CHANCE)
def test_agrees_with_its_definition(id):
    measure = get_measure(id)

    @settings(max_examples=12, deadline=None, derandomize=True)
    @given(pairs(measure))
    def run(pair):
        agree(measure, *pair)

    run()


@pytest.mark.parametrize("id", EVERY_BUT_CHANCE)
def test_agrees_with_its_definition_in_single_precision(id):
    measure = get_measure(id)
    rng = np.random.default_rng(3)
    n = getattr(definition(measure), "inputs", None) or 24
    signal = rng.normal(size=(n, 2))
    X, Y = ((signal @ rng.normal(size=(2, d)) + rng.normal(size=(n, d)) + 0.5).astype(np.float32) for d in (4, 5))
    expected = definition(measure)(X.astype(float), Y.astype(float), **parameters(measure))
    assert measure(X, Y) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_topology_divergence_agrees_with_its_definition(seed):
    rng = np.random.default_rng(seed)
    X, Y = 1e3 * rng.normal(size=(9, 3)), rng.normal(size=(9, 2)) + 5
    agree(get_measure("rtd"), X, Y)


def test_every_measure_and_variant_has_a_definition_here():
    for id in EVERY_BUT_CHANCE:
        measure = get_measure(id)
        assert set(parameters(measure)) <= set(inspect.signature(definition(measure)).parameters), id
