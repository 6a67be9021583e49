"""Layers are matched by name, by order, or by alignment."""

import itertools

import numpy as np
import pytest

from similitude.differences.matching import align_in_order, match_names, match_order
from similitude.errors import InputError


def test_wrappers_do_not_count():
    inner = ["embed", "layer.0", "layer.1"]
    assert match_names(inner, [f"bert.{name}" for name in inner]) == [(name, f"bert.{name}") for name in inner]
    assert match_names([f"module.{name}" for name in inner], inner) == [(f"module.{name}", name) for name in inner]
    assert match_names(inner, ["other"]) == []


def test_the_first_way_that_fits():
    assert match_order(["a", "b"], ["b", "c", "d"]) == ("name", [("b", "b")])
    assert match_order(["a", "b"], ["c", "d"]) == ("order", [("a", "c"), ("b", "d")])
    assert match_order(["a", "b"], ["c", "d", "e"]) is None
    assert match_order(["a"], ["a"], "alignment") is None
    assert match_order(["a", "b"], ["b", "a"], "order") == ("order", [("a", "b"), ("b", "a")])
    with pytest.raises(InputError, match="in common"):
        match_order(["a"], ["b"], "name")


def test_no_monotone_alignment_is_better(rng):
    for shape in ((3, 3), (4, 2), (3, 5)):
        similarity = rng.random(shape)
        pairs = align_in_order(similarity)
        assert all(a < c and b < d for (a, b), (c, d) in itertools.pairwise(pairs))
        best = max(
            sum(similarity[i, j] for i, j in zip(rows, columns, strict=True))
            for size in range(1, min(shape) + 1)
            for rows in itertools.combinations(range(shape[0]), size)
            for columns in itertools.combinations(range(shape[1]), size)
        )
        assert sum(similarity[i, j] for i, j in pairs) == pytest.approx(best)


def test_what_is_not_known_is_not_similar():
    assert align_in_order(np.array([[np.nan, 0.2], [0.3, np.nan]])) in ([(1, 0)], [(0, 1)])
