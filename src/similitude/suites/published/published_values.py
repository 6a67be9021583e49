"""The numbers that the paper's authors, or independent reruns on their data, have printed."""

from __future__ import annotations

import functools
from importlib.resources import files

import pandas as pd

__all__ = ["SOURCES", "agrees", "published_value", "published_values"]

SOURCES = {
    "code": "printed by the authors' code on the released archive (github.com/js-d/sim_metric, arXiv:2108.01661)",
    "rerun": "printed by an independent public rerun on the released archive",
}
"""What the column `source` says."""


@functools.cache
def published_values() -> pd.DataFrame:
    """Columns subtask, functionality, measure, statistic, value (as text, so that its digits are known), source, and
    comparable: "no" where the parameters of the measure were not stated.
    """
    with (files("similitude.suites.published") / "published_values.csv").open(encoding="utf-8") as handle:
        return pd.read_csv(handle, dtype=str)


def published_value(subtask: str, functionality: str, measure: str, statistic: str) -> pd.Series | None:
    """The row of a published value; None if none is known."""
    table = published_values()
    wanted = {"subtask": subtask, "functionality": functionality, "measure": measure, "statistic": statistic}
    for column, value in wanted.items():
        table = table[table[column] == value]
    return None if table.empty else table.iloc[0]


def agrees(estimate: float, published: str) -> bool:
    """Whether an estimate agrees with a printed value to all the digits printed.

    Examples
    --------
    >>> agrees(0.8621, ".862"), agrees(0.8631, ".862")
    (True, False)
    """
    digits = len(published.partition(".")[2])
    return abs(estimate - float(published)) <= 0.5 * 10.0**-digits + 1e-12
