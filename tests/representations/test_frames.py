"""Rows of data frames are matched by their index."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from similitude import compare, get_measure
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
