"""Features without a counterpart stay without a match."""

from __future__ import annotations

import numpy as np
import pytest

from similitude import align, get_measure
from similitude.errors import InputError

N, SHARED, NOISE = 200, 30, 20


@pytest.fixture
def sides():
    """Two sides that share features, shuffled, beside some of their own."""
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(N, SHARED))
    return [
        np.concatenate([shared + 0.1 * rng.normal(size=shared.shape), rng.normal(size=(N, extra))], axis=1)
        for extra in (NOISE, 3 * NOISE)
    ]


def test_noise_is_left_out(sides):
    part = SHARED / (SHARED + 3 * NOISE)
    matched = align(*sides, f"partial_soft_matching(mass={part})")
    i, j = matched.matches.T
    assert (i < SHARED).mean() > 0.9
    agree = matched.masses @ (i == j)
    assert agree > 0.55  # of mass 1 / 50 per feature of one side, 1 / 90 finds a place on the other
    assert get_measure(f"partial_soft_matching(mass={part})")(*sides) > 0.95
    assert get_measure("partial_soft_matching(mass=1)")(*sides) < 0.7


def test_the_more_is_matched_the_less_alike():
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(2, 40, 9))
    values = [get_measure(f"partial_soft_matching(mass={mass})")(X, Y) for mass in (0.05, 0.2, 0.5, 0.9, 1.0)]
    assert (np.diff(values) < 0).all()
    hard = get_measure("hard_correlation_match")(X, Y)
    assert values[-1] == pytest.approx(hard, abs=1e-12)  # of equal widths
    best = np.corrcoef(X.T, Y.T)[:9, 9:].max()
    assert values[0] == pytest.approx(best, abs=1e-12)  # less than one feature


@pytest.mark.parametrize("mass", [0, 1.5, -1])
def test_the_mass_is_a_share(mass):
    with pytest.raises(InputError, match="mass"):
        get_measure(f"partial_soft_matching(mass={mass})")
