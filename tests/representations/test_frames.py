"""Rows of data frames are matched by their index."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from similitude import compare, get_measure, pairwise, significance
from similitude.errors import ShapeMismatch


def test_rows_of_frames_are_matched_by_their_index(rng):
    first = pd.DataFrame(rng.normal(size=(60, 4)))
    second = first @ rng.normal(size=(4, 3)) + rng.normal(size=(60, 3))
    expected = get_measure("cka")(first.to_numpy(), second.to_numpy())
    shuffled = second.sample(frac=1, random_state=0)
    assert get_measure("cka")(first.to_numpy(), shuffled.to_numpy()) != pytest.approx(expected, abs=0.05)
    for value in (get_measure("cka")(first, shuffled), compare(first, shuffled, "cka")["cka"]):
        assert value == pytest.approx(expected, abs=1e-12)


def test_frames_of_other_rows_are_refused(rng):
    first = pd.DataFrame(rng.normal(size=(10, 4)))
    other = first.set_axis(np.arange(5, 15))
    with pytest.raises(ShapeMismatch, match="to_numpy"):
        compare(first, other, "cka")


def test_frames_are_matched_wherever_they_are_compared(rng):
    first = pd.DataFrame(rng.normal(size=(60, 4)))
    second = first @ rng.normal(size=(4, 3)) + rng.normal(size=(60, 3))
    shuffled, backwards = second.sample(frac=1, random_state=0), first[::-1]
    expected = get_measure("cka")(first, second)
    for table in (
        pairwise([first, shuffled], "cka"),
        pairwise([first], "cka", others=[backwards, shuffled]),
        pairwise({"a": backwards, "b": shuffled}, "cka"),
        pairwise([backwards], "cka", others={"x": second, "y": shuffled}),
    ):
        assert table.frame["cka"].iloc[1] == pytest.approx(expected, abs=1e-12)
    frame = significance(first, shuffled, "cka", permutations=2)
    assert frame["value"][0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("call", [pairwise, lambda frames, ids: significance(*frames, ids, permutations=2)])
def test_frames_of_other_rows_are_refused_wherever_they_are_compared(call, rng):
    first = pd.DataFrame(rng.normal(size=(10, 4)))
    repeated = first.set_axis([0] * 10)
    for other in (first.set_axis(np.arange(5, 15)), repeated, first[:9]):
        with pytest.raises(ShapeMismatch, match="to_numpy"):
            call([first, other], "cka")
