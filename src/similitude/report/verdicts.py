"""One row of the results in sentences: what was found, how sure it is, and of how many models."""

from __future__ import annotations

from collections.abc import Sequence

from similitude.benchmark.results import CORRELATIONS
from similitude.report.evidence import Row
from similitude.report.numbers import interval, number

__all__ = ["graded", "listed", "row_verdict"]

_MOST = 7
"""Most measures that a sentence names."""


def row_verdict(row: Row, reason: str = "", symbol: str = "ρ") -> list[str]:
    """Sentences that are true of a row.

    Parameters
    ----------
    row
        One subtask and functionality.
    reason
        Why a run has no verdicts, as `similitude.report.evidence.why_no_emphasis` gives it.
    symbol
        Name of the correlation.
    """
    if row.smoke:
        return ["Smoke test: values mean nothing."]
    if not row.judged:
        return [reason or "There are no intervals to judge by, so nothing can be said of any measure."]
    failed = [measure for measure, cell in row.cells.items() if cell.failed or cell.state == "missing"]
    symbol = symbol if row.statistic in CORRELATIONS else row.symbol
    sentences = [_found(row, symbol), *_others(row), _sure(row)]
    if failed:
        sentences.append(f"{_some(failed)} failed on some pairs.")
    if row.weak:
        sentences.append(
            "Part of the spread over models is noise of the test items (split-half reliability below .9), which "
            "weakens every correlation."
        )
    return sentences


def graded(row: Row, measure: str) -> str:
    """The estimate that a verdict rests on, with its interval."""
    cell = row.cells[measure]
    return f"{number(cell.value)} {interval(cell.low, cell.high)}"


def listed(names: Sequence[str]) -> str:
    """Names as a sentence lists them."""
    if len(names) < 2:
        return "".join(names)
    return ", ".join(names[:-1]) + " and " + names[-1]


def _some(measures: Sequence[str]) -> str:
    """All of a few measures, and the number of those that would make a sentence unreadable."""
    if len(measures) <= _MOST:
        return listed(measures)
    return f"{', '.join(measures[: _MOST - 1])} and {len(measures) - _MOST + 1} others"


def _found(row: Row, symbol: str) -> str:
    leading, tracking = row.measures("leading"), row.measures("leading", "tells")
    verb, what = _DOES.get(row.statistic, ("track", "this"))
    if not tracking:
        who = f"No measure {verb}s" if len(row.cells) > 1 else f"{listed(list(row.cells))} does not {verb}"
        below = " or lies below it" if row.measures("against") else ""
        return f"{who} {what}: every interval includes 0{below}."
    top = max(leading or tracking, key=lambda measure: row.cells[measure].value)
    closest = f"{symbol} = {graded(row, top)}"
    if len(row.cells) == 1:
        return f"{top} {verb}s {what}: {closest}."
    if not leading:
        who = f"{_some(tracking)} {_verb(tracking, verb)} {what}"
        return f"{who}, but none of them can be told to lead ({top}: {closest})."
    if len(leading) == 1:
        return f"{top} {verb}s {what} best: {closest}."
    return (
        f"{_some(leading)} {verb} {what}, and none of them is distinguishably better than another ({top}: {closest})."
    )


def _others(row: Row) -> list[str]:
    sentences = []
    verb, what = _DOES.get(row.statistic, ("track", "it"))
    worse = row.measures("tells") if row.measures("leading") else []
    if worse:
        sentences.append(f"{_some(worse)} {_verb(worse, verb)} {what} too, distinguishably less well.")
    undecided = row.measures("undecided") if row.tracked else []
    if undecided:
        sentences.append(f"Undecided, since the interval includes 0: {_some(undecided)}.")
    against = row.measures("against")
    if against:
        larger = _INVERTED.get(row.statistic, "larger for models that function more alike")
        sentences.append(f"Inverted, since the interval lies below 0: {_some(against)}, {larger}.")
    if row.saturated:
        sentences.append("Measures reach the end of the scale: nothing is left to tell them apart.")
    if row.tracked and not row.apart and len(row.cells) > 1:
        sentences.append("The row cannot tell measures apart, so it counts in no mean rank.")
    return sentences


_DOES = {"separation": ("separate", "the groups"), "monotonicity": ("follow", "the order of layers")}
"""Statistic to a verb and its object; the others track a functionality."""

_INVERTED = {
    "separation": "larger within groups than across",
    "monotonicity": "larger for nearer layers",
}


def _sure(row: Row) -> str:
    if row.statistic == "separation":
        return f"95 % intervals over {row.models} models, drawn anew within the {row.groups} groups."
    if row.statistic == "monotonicity":
        return f"95 % intervals over {row.models} models."
    groups = f" in {row.groups} groups, which are resampled first" if row.groups is not None else ""
    return f"95 % intervals over {row.models} models{groups}, averaged over every model as the reference."


def _verb(subjects: Sequence[str], verb: str) -> str:
    return verb + "s" * (len(subjects) == 1)
