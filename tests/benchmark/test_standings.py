"""Verdicts on families, and whether they hold in other networks."""

import numpy as np
import pandas as pd
import pytest

from similitude.benchmark.results import Results
from similitude.benchmark.standings import Standings, family_standings, no_verdicts, replicated_standings
from similitude.errors import InputError


def standings(values):
    """Family "layers": value per measure, with intervals of half-width .1; all above .1 tell."""
    table = pd.DataFrame(
        [
            {"family": "layers", "measure": m, "estimate": v, "low": v - 0.1, "high": v + 0.1, "tells": v > 0.1}
            for m, v in values.items()
        ]
    )
    names = list(values)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    differences = pd.DataFrame(
        [
            {
                **{"family": "layers", "first": a, "second": b, "difference": values[a] - values[b]},
                **{"low": values[a] - values[b] - 0.1, "high": values[a] - values[b] + 0.1},
                "distinct": abs(values[a] - values[b]) > 0.15,
            }
            for a, b in pairs
        ]
    )
    return Standings(table, differences)


def test_each_verdict_is_looked_up_in_the_other_half():
    found = replicated_standings(standings({"a": 0.5, "b": 0.2, "c": 0.7}), standings({"a": 0.6, "b": 0.05, "c": 0.3}))
    outcomes = found.set_index(["kind", "measure", "other"])["outcome"].to_dict()
    assert outcomes == {
        ("tells", "a", ""): "holds",
        ("tells", "b", ""): "undecided",
        ("tells", "c", ""): "holds",
        ("beats", "a", "b"): "holds",
        ("beats", "c", "a"): "reversed",
        ("beats", "c", "b"): "holds",
    }
    row = found.set_index(["kind", "measure", "other"]).loc[("beats", "c", "a")]
    assert (row["value"], row["value_replication"]) == pytest.approx((0.2, -0.3))
    assert (row["low_replication"], row["high_replication"]) == pytest.approx((-0.4, -0.2))


def test_what_the_other_half_lacks_is_not_graded():
    other = standings({"a": 0.5, "b": np.nan, "c": 0.4})
    found = replicated_standings(standings({"a": 0.5, "b": 0.2, "c": 0.4}), other)
    assert found.set_index(["kind", "measure", "other"])["outcome"][("tells", "b", "")] == "not graded"
    assert list(no_verdicts()) == list(found)


def test_standings_need_a_family_and_values_without_each_unit():
    frame = pd.DataFrame({"subtask": ["s/t"], "functionality": ["f"], "measure": ["a"], "statistic": ["spearman"]})
    with pytest.raises(InputError, match="without each model"):
        family_standings(Results(frame, {}), {"s/t": "layers"})
    with pytest.raises(InputError, match="belongs to a family"):
        family_standings(Results(frame, {}, frame), {"s/t": ""})
