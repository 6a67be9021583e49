"""The numbers that the paper's authors, or an independent rerun on their data, have printed."""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from importlib.resources import files

__all__ = ["SOURCES", "PublishedValue", "published_value", "published_values"]

SOURCES = {
    "code": "printed by the authors' code on the released archive (github.com/js-d/sim_metric, arXiv:2108.01661)",
    "rerun": "printed by an independent public rerun on the released archive",
}
"""What is said of a value's source."""


@dataclass(frozen=True)
class PublishedValue:
    """A number as it was printed.

    Parameters
    ----------
    value
        Its text, so that its digits are known: ``".862"``.
    source
        A key of `SOURCES`.
    comparable
        False where the parameters of the measure were not stated.

    Examples
    --------
    >>> PublishedValue(".862", "rerun").agrees(0.8621), PublishedValue(".862", "rerun").agrees(0.8631)
    (True, False)
    """

    value: str
    source: str
    comparable: bool = True

    def agrees(self, estimate: float) -> bool:
        """Whether an estimate agrees to all the digits printed."""
        digits = len(self.value.partition(".")[2])
        return abs(estimate - float(self.value)) <= 0.5 * 10.0**-digits + 1e-12


@functools.cache
def published_values() -> dict[tuple[str, str, str, str], PublishedValue]:
    """All of them, by subtask, functionality, measure id and statistic."""
    with (files("similitude.suites.published") / "published_values.csv").open(encoding="utf-8") as handle:
        return {
            (row["subtask"], row["functionality"], row["measure"], row["statistic"]): PublishedValue(
                row["value"], row["source"], row["comparable"] == "yes"
            )
            for row in csv.DictReader(handle)
        }


def published_value(subtask: str, functionality: str, measure: str, statistic: str) -> PublishedValue | None:
    """The published value of a row of the results; None if none is known."""
    return published_values().get((subtask, functionality, measure, statistic))
