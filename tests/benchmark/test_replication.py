"""Verdicts in two draws of networks."""

import numpy as np
import pandas as pd
import pytest

from similitude.benchmark.evaluate import Evaluation
from similitude.benchmark.replication import replicated_estimates, replicated_verdicts
from similitude.benchmark.results import Results


def evaluation(rows, differences):
    """Intervals of half-width .1; a value that is a tuple names its own (value, low, high)."""
    frame, compared = [], []
    for functionality, measure, value in rows:
        value, low, high = value if isinstance(value, tuple) else (value, value - 0.1, value + 0.1)
        frame.append(
            {
                "subtask": "s/t",
                "functionality": functionality,
                "measure": measure,
                "statistic": "spearman",
                **{"every": value, "every_low": low, "every_high": high, "tells": low > 0},
                **{"estimate": value / 2, "ci_low": -1.0, "ci_high": 1.0},
            }
        )
        frame.append({**frame[-1], "statistic": "kendall", "every": -1.0})
    for functionality, first, second, value, distinct in differences:
        compared.append(
            {
                "subtask": "s/t",
                "functionality": functionality,
                "statistic": "spearman",
                **{"first": first, "second": second, "distinct": distinct},
                **{"every_difference": value, "every_low": value - 0.1, "every_high": value + 0.1},
            }
        )
    none = pd.DataFrame()
    return Evaluation(Results(pd.DataFrame(frame), {}), none, {}, pd.DataFrame(compared), none, 0, 0)


ORIGINAL = evaluation(
    [("f", "a", 0.5), ("f", "b", 0.3), ("f", "c", 0.05), ("g", "a", 0.4), ("g", "b", -0.4)],
    [("f", "a", "b", 0.2, True), ("f", "b", "c", 0.05, False), ("g", "b", "a", -0.8, True)],
)
OTHER = evaluation(
    [("f", "a", 0.4), ("f", "b", 0.02), ("f", "c", 0.6), ("g", "a", -0.5), ("g", "b", (np.nan, np.nan, np.nan))],
    [("f", "b", "a", -0.3, True), ("f", "b", "c", -0.4, True), ("g", "b", "a", 0.3, True)],
)


def test_each_verdict_is_looked_up_in_the_replication():
    found = replicated_verdicts(ORIGINAL, OTHER)
    assert found[["functionality", "kind", "measure", "other", "outcome"]].to_numpy().tolist() == [
        ["f", "tracks", "a", "", "holds"],
        ["f", "tracks", "b", "", "undecided"],
        ["g", "tracks", "a", "", "reversed"],
        ["f", "beats", "a", "b", "holds"],
        ["g", "beats", "a", "b", "reversed"],
    ]
    beats = found[(found["kind"] == "beats") & (found["functionality"] == "f")].iloc[0]
    assert (beats["value"], beats["value_replication"]) == pytest.approx((0.2, 0.3))
    assert (beats["low_replication"], beats["high_replication"]) == pytest.approx((0.2, 0.4))


def test_what_the_replication_lacks_is_not_graded():
    lacking = evaluation([("f", "a", 0.4)], [("f", "a", "c", 0.1, False)])
    found = replicated_verdicts(ORIGINAL, lacking).set_index(["functionality", "kind", "measure"])["outcome"]
    assert found["f", "tracks", "a"] == "holds"
    assert found["f", "tracks", "b"] == found["f", "beats", "a"] == "not graded"


def test_both_estimates_of_both_draws_stand_beside_each_other():
    found = replicated_estimates(ORIGINAL, OTHER).set_index(["functionality", "measure"])
    assert len(found) == 5
    row = found.loc[("f", "b")]
    assert (row["every"], row["every_replication"]) == (0.3, 0.02)
    assert (row["estimate"], row["estimate_replication"]) == (0.15, 0.01)
    assert np.isnan(found.loc[("g", "b"), "every_replication"])


def test_no_verdict_leaves_an_empty_table():
    nothing = evaluation([("f", "a", 0.05)], [("f", "a", "b", 0.0, False)])
    assert replicated_verdicts(nothing, OTHER).empty
