"""A run in three plain sentences: what was found, how sure it is, and where to look next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from similitude.benchmark.results import CORRELATIONS, Results
from similitude.report.evidence import Grades, Row, read_grades, strongest
from similitude.report.numbers import places
from similitude.report.verdicts import graded, listed

__all__ = ["findings"]

_BY_CHANCE = 0.025
"""Share of cells without any relation whose 95 % interval lies above 0 nevertheless."""


def findings(results: Results, folder: str | None = "results", names: Sequence[str] = ()) -> list[str]:
    """Three sentences that are true of these results.

    Parameters
    ----------
    results
        The grades.
    folder
        Where the run was written, for the commands of the last sentence; None to leave those commands out.
    names
        Names of suites or subtasks that the run was of, for the commands of the last sentence.
    """
    grades = read_grades(results)
    if not grades.rows:
        return [
            "Nothing was graded.",
            "So nothing can be said of any measure.",
            "`similitude suites` lists what can be.",
        ]
    judged = [row for row in grades.rows if row.judged]
    if not judged:
        return _without_verdicts(grades, results, folder, names)
    return [_found(grades, judged), _sure(grades, judged), _next(judged, folder)]


def _without_verdicts(grades: Grades, results: Results, folder: str | None, names: Sequence[str]) -> list[str]:
    rerun = " ".join(["similitude run", *names])
    table = f"; the table is in {folder}/table.md" if folder else ""
    if all(row.smoke for row in grades.rows):
        return [
            f"Smoke test: everything ran, on {_rows(grades.rows)}, and the values mean nothing.",
            "Networks this few and this small learn next to nothing, so no measure can be told from another.",
            f"Next: `{rerun}` without --quick grades measures on real populations.",
        ]
    firsts = Counter(m for row in grades.rows for m in _highest(row))
    most = max(firsts.values(), default=0)
    winners = [measure for measure in grades.measures if most and firsts[measure] == most]
    found = (
        f"{listed(winners)} {_have(winners)} the highest ρ with the best model as the reference on {most} of "
        f"{_rows(grades.rows)}."
        if winners and len(grades.measures) > 1
        else f"{listed(grades.measures)} {_have(grades.measures)} a ρ above 0 with the best model as the reference on "
        f"{sum(any(c.value > 0 for c in row.cells.values()) for row in grades.rows)} of {_rows(grades.rows)}."
    )
    published = results.provenance.get("protocol") == "published"
    return [
        found,
        f"How sure this is cannot be said: {'the published protocol' if published else 'this run'} has no intervals by "
        "which measures could be told apart.",
        f"Next: `{rerun}{' --protocol corrected' if published else ''}` gives intervals and verdicts{table}.",
    ]


def _found(grades: Grades, judged: Sequence[Row]) -> str:
    tracked = [row for row in judged if row.tracked]
    total = _rows(judged)
    if len(grades.measures) == 1:
        (measure,) = grades.measures
        if not tracked:
            return f"{measure} tracks none of {total}: every interval includes 0 or lies below it."
        top = max(tracked, key=lambda row: row.cells[measure].value)
        closest = f"{_name(top)} ({top.symbol} {graded(top, measure)})"
        return f"{measure} tracks {len(tracked)} of {total}, most closely {closest}."
    if not tracked:
        return f"No measure tracks any of {total}: every interval includes 0 or lies below it."
    leads = Counter(measure for row in tracked for measure in row.measures("leading"))
    most = max(leads.values(), default=0)
    leaders = [measure for measure in grades.measures if most and leads[measure] == most]
    start = f"At least one measure tracks {len(tracked)} of {total}"
    if not leaders:
        return f"{start}, but none of them can be told to lead."
    if len(leaders) > 3:
        return f"{start}, but {len(leaders)} measures are among the best equally often, on {most}."
    return f"{start}; {listed(leaders)} {'is' if len(leaders) == 1 else 'are'} among the best most often, on {most}."


def _sure(grades: Grades, judged: Sequence[Row]) -> str:
    cells = [cell for row in judged for cell in row.cells.values() if cell.state != "missing"]
    telling = sum(cell.state in ("leading", "tells") for cell in cells)
    sizes = sorted({row.models for row in judged})
    models = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    by_chance = _BY_CHANCE * len(cells)
    expected = "less than one" if by_chance < 1 else f"about {by_chance:.0f}"
    averaged = "averaged over every model as the reference"
    if any(row.statistic not in CORRELATIONS for row in judged):
        averaged = "each row by its own statistic"
    text = (
        f"Verdicts rest on 95 % intervals over {models} models, {averaged}: {telling} "
        f"of {len(cells)} value{'s' * (len(cells) != 1)} lie{'s' * (telling == 1)} clearly above 0, where chance alone "
        f"would give {expected}"
    )
    ranked = {m: s for m, s in grades.standings.items() if s.low == s.low}
    if len(ranked) > 1 and len(grades.measures) > 1:
        first = min(ranked, key=lambda m: ranked[m].mean_rank)
        rivals = [m for m in ranked if m != first and ranked[m].low <= ranked[first].high]
        ends = places(ranked[first].low, ranked[first].high)
        text += f"; the best mean rank is {ranked[first].mean_rank:.1f} [{ends}], by {first}" + (
            f", and the intervals of {len(rivals)} other{'s' * (len(rivals) != 1)} overlap it" if rivals else ""
        )
    missing = sum(cell.failed > 0 or cell.state == "missing" for row in judged for cell in row.cells.values())
    if missing:
        text += f"; {missing} value{'s' * (missing != 1)} {'are' if missing != 1 else 'is'} missing pairs that failed"
    smoke = [row for row in grades.rows if row.smoke]
    if smoke:
        text += f"; {_rows(smoke)} of a smoke test count{'s' * (len(smoke) == 1)} for nothing"
    return f"{text}."


def _next(judged: Sequence[Row], folder: str | None) -> str:
    look = f"; `similitude report {folder} --html {folder}/report.html` opens every row on one page" if folder else ""
    found = strongest(judged)
    if found is None:
        return f"Next: more networks make intervals narrower{look}."
    top, measure = found
    left = [row for row in judged if not row.tracked]
    rest = f", and {_rows(left)} that no measure tracks may need more networks" if left else ""
    value = f"{measure}, {top.symbol} {graded(top, measure)}"
    return f"Next: look at {_name(top)}, where the evidence is strongest ({value}){rest}{look}."


def _highest(row: Row) -> list[str]:
    values = {m: round(cell.value, 3) for m, cell in row.cells.items() if cell.value == cell.value}
    return [m for m, value in values.items() if value == max(values.values())]


def _name(row: Row) -> str:
    return f"{row.subtask}, {row.label}"


def _rows(rows: Sequence[Row]) -> str:
    """Number of rows, which are functionalities unless some are groups or layers."""
    if all(row.statistic in CORRELATIONS for row in rows):
        return f"{len(rows)} functionalit{'y' if len(rows) == 1 else 'ies'}"
    return f"{len(rows)} row{'s' * (len(rows) != 1)}"


def _have(measures: Sequence[str]) -> str:
    return "has" if len(measures) == 1 else "have"
