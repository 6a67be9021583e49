"""Numbers for people: three digits, powers of ten where they say something, and no rounding errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

import similitude
from similitude.report.numbers import quantity, unit_of


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.55e-30, 1.0, ".000"),
        (-3e-17, 1.0, ".000"),
        (8e-9, 1.0, "8e-09"),
        (8e-9, 1e6, ".000"),
        (1.55e-30, 0.0, "1.55e-30"),
        (1.55e-30, 1e-25, "1.55e-30"),
        (-2e-4, 1.0, "−0.0002"),
        (0.25, 1.0, ".250"),
        (0.0, 0.0, ".000"),
        (math.nan, 1.0, "—"),
    ],
)
def test_rounding_errors_are_zero_beside_their_unit(value, unit, text):
    assert quantity(value, unit) == text


def test_the_unit_is_the_end_of_the_range_or_the_largest_value():
    assert unit_of((0.0, math.pi / 2), [5.0]) == math.pi / 2
    assert unit_of((-1.0, 0.5)) == 1.0
    assert unit_of((0.0, math.inf), [[3.0, -4.0], [math.nan, math.inf]]) == 4.0
    assert unit_of((0.0, math.inf)) == 0.0


def test_self_distances_print_as_zero_and_keep_their_values():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 8))
    turned = x @ np.linalg.qr(rng.normal(size=(8, 8)))[0]
    values = similitude.compare(x, turned, "procrustes,orthogonal_procrustes")
    assert all(0 < value < 1e-14 for value in values.values())
    assert repr(values).count(" .000 ") == values._repr_html_().count(">.000<") == 2
    measures = "procrustes,procrustes_size_and_shape,rsm_norm_difference"
    table = similitude.pairwise({"x": x, "turned": turned, "other": rng.normal(size=(60, 8))}, measures)
    assert "e-" not in repr(table)
    assert (table.frame.loc[table.frame["first"] != table.frame["second"], "procrustes"] > 0).all()
    drawn = [text.get_text() for text in table.plot(annotate=True).axes[0].texts]
    assert drawn.count(".000") == 5


def test_tiny_distances_of_tiny_data_are_kept():
    x, y = 1e-20 * np.random.default_rng(0).normal(size=(2, 30, 3))
    assert "e-" in repr(similitude.compare(x, y, "procrustes_size_and_shape"))
    assert "e-" in repr(similitude.pairwise([x, y], "procrustes_size_and_shape"))
