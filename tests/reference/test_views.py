"""A truncated view is measured as its coordinates are, whatever the rank and type of what was cut."""

from __future__ import annotations

import numpy as np
import pytest

from catalogue import ON_NOISE, QUICK
from similitude import Representation, compare, get_measure
from similitude.errors import MeasureError

N = 40


def draw(n, d, rank, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, rank)) @ rng.normal(size=(rank, d)) + rng.normal(size=d)


KINDS = {
    "full rank": lambda: draw(N, 7, 7, 0),
    "low rank": lambda: draw(N, 9, 4, 0),
    "low rank in single precision": lambda: draw(N, 9, 4, 0).astype(np.float32),
    "low rank, far": lambda: draw(N, 9, 4, 0) + 1e4,
    "wide, of low rank": lambda: draw(N, 60, 5, 0),
    "wide": lambda: draw(N, 60, 60, 0),
}
IDS = [
    *(id for id in QUICK if id in ON_NOISE and id not in ("random", "concentricity_difference")),
    *("rtd", "rsa(rdm=cosine)"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("id", IDS)
def test_a_view_is_measured_like_its_coordinates(id, kind):
    measure = get_measure(id)
    view, other = Representation(KINDS[kind]()).truncate(5), draw(N, 6, 6, 1)
    alone = Representation(np.array(view.values))
    expected = measure(alone, other), measure(other, alone), measure(alone, alone)
    found = measure(view, other), measure(other, view), measure(view, view)
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-10)
    assert compare(view, other, [id, "cka", "mean_cca", "rsa"])[id] == pytest.approx(expected[0], rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_of_more_components_than_the_rank_has_as_many_as_that(kind):
    values = KINDS[kind]()
    rank = np.linalg.matrix_rank(np.float64(values) - np.float64(values).mean(axis=0), rtol=1e-6)
    assert Representation(values).truncate(min(values.shape)).values.shape[1] == min(rank, *values.shape)


def test_a_view_is_centred_and_has_no_cosine_with_its_mean():
    view = Representation(KINDS["low rank"]()).truncate(6)
    for side in (view, view.values):
        with pytest.raises(MeasureError, match="centred"):
            get_measure("concentricity_difference")(side, draw(N, 6, 6, 1))
