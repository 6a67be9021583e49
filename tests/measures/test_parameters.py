"""What a measure declares of its parameters is checked where it is made, and told where it is explained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest

from similitude import measure
from similitude.errors import InputError
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.describe import describe
from similitude.measures.parameters import domains, parameter

if TYPE_CHECKING:
    from somewhere import Unknown


@dataclass(frozen=True)
class Example(Measure):
    """An example."""

    way: Literal["up", "down"] = "up"
    either: Literal["a"] | None = None
    k: int = parameter(3, at_least=2, at_most=9)
    share: float = parameter(0.5, above=0, at_most=1)
    limit: float | None = parameter(None, above=0)
    free: float = 1.0
    foreign: Unknown = 1  # pyright: ignore

    name = "example"
    declares = Properties("similarity", (0.0, 1.0), True, invariant(""), "", "")

    def score(self, pair):
        return 1.0


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"way": "left"}, "way must be 'up' or 'down', not 'left'"),
        ({"way": None}, "way must be 'up' or 'down', not None"),
        ({"either": "b"}, "either must be 'a' or none, not 'b'"),
        ({"k": 1}, "k must be a whole number between 2 and 9, not 1"),
        ({"k": 2.5}, "k must be a whole number between 2 and 9, not 2.5"),
        ({"k": "2"}, "k must be a whole number between 2 and 9, not '2'"),
        ({"share": 0}, "share must be above 0 and at most 1, not 0"),
        ({"share": float("nan")}, "share must be above 0 and at most 1, not nan"),
        ({"limit": -0.5}, "limit must be positive or none, not -0.5"),
    ],
)
def test_values_outside_a_domain_are_refused(wrong, rule):
    with pytest.raises(InputError) as caught:
        Example(**wrong)
    assert str(caught.value) == f"example: {rule}."


def test_values_within_are_taken_as_they_are():
    taken = Example("down", "a", 9, np.float32(1), 1e-300, -7.0)
    assert (taken.k, taken.limit, taken.free) == (9, 1e-300, -7.0)
    assert Example().id == "example"
    assert set(domains(Example)) == {"way", "either", "k", "share", "limit"}


def test_a_description_says_what_values_can_be_given():
    explained = {name: meaning for name, _, meaning in describe(Example()).explained()}
    assert explained["way"] == "Must be 'up' or 'down'."
    assert explained["limit"] == "Must be positive or none."
    assert explained["free"] == ""


def test_a_function_can_list_options_too():
    @measure(kind="similarity")
    def chosen(X, Y, how: Literal["mean", "sum"] = "mean"):
        return float(getattr(np, how)(X * Y))

    with pytest.raises(InputError, match="how must be 'mean' or 'sum', not 'max'"):
        type(chosen)(how="max")
