"""One row of the results in sentences: what was found, how sure it is, and of how many models."""

from __future__ import annotations

from collections.abc import Sequence

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
    if not tracking:
        who = "No measure tracks" if len(row.cells) > 1 else f"{listed(list(row.cells))} does not track"
        below = " or lies below it" if row.measures("against") else ""
        return f"{who} this: every interval includes 0{below}."
    top = max(leading or tracking, key=lambda measure: row.cells[measure].value)
    closest = f"{symbol} = {graded(row, top)}"
    if len(row.cells) == 1:
        return f"{top} tracks this: {closest}."
    if not leading:
        who = f"{_some(tracking)} {_verb(tracking, 'track')} this"
        return f"{who}, but none of them can be told to lead ({top}: {closest})."
    if len(leading) == 1:
        return f"{top} tracks this best: {closest}."
    return f"{_some(leading)} track this, and none of them is distinguishably better than another ({top}: {closest})."


def _others(row: Row) -> list[str]:
    sentences = []
    worse = row.measures("tells") if row.measures("leading") else []
    if worse:
        sentences.append(f"{_some(worse)} {_verb(worse, 'track')} it too, distinguishably less well.")
    undecided = row.measures("undecided") if row.tracked else []
    if undecided:
        sentences.append(f"Undecided, since the interval includes 0: {_some(undecided)}.")
    against = row.measures("against")
    if against:
        sentences.append(
            f"Inverted, since the interval lies below 0: {_some(against)}, larger for models that function more alike."
        )
    if row.tracked and not row.apart and len(row.cells) > 1:
        sentences.append("The row cannot tell measures apart, so it counts in no mean rank.")
    return sentences


def _sure(row: Row) -> str:
    groups = f" in {row.groups} groups, which are resampled first" if row.groups is not None else ""
    return f"95 % intervals over {row.models} models{groups}, averaged over every model as the reference."


def _verb(subjects: Sequence[str], verb: str) -> str:
    return verb + "s" * (len(subjects) == 1)
