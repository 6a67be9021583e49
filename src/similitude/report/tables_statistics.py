"""The table of statistics: one row per subtask, functionality and measure, with intervals, tests and places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from similitude.benchmark.results import CORRELATIONS, Results, answering
from similitude.errors import InputError
from similitude.report.evidence import read_grades
from similitude.report.numbers import interval, number, probability
from similitude.report.tables import Layout

__all__ = ["lay_out_statistics"]

_HEADER = (
    *("subtask", "functionality", "measure"),
    *("ρ", "95 % interval", "place", "p"),
    *("ρ, best reference", "interval, best reference", "place, best reference", "p, best reference", "p, Holm"),
    *("τ", "interval, τ", "τ, best reference", "within depth", "bad", "pairs", "failed"),
)
_OF_OTHERS = ("AUPRC", "interval, AUPRC", "AUPRC by chance", "violated")
"""Further columns where rows are of groups or layers."""

_ESTIMATE = 3
"""Column of the estimate that verdicts rest on."""


def lay_out_statistics(results: Results) -> Layout:
    """Arrange what the statistics say of every measure; the forms are those of `similitude.report.tables`.

    Parameters
    ----------
    results
        Grades by the corrected protocol.

    Raises
    ------
    InputError
        The run kept no statistics, as by the published protocol.
    """
    frame = results.frame
    if "rank" not in frame:
        raise InputError("This run has no intervals or ranks; run again with --protocol corrected.")
    grades = read_grades(results)
    cells_of = {(row.subtask, row.functionality, m): cell for row in grades.rows for m, cell in row.cells.items()}
    keys = ["subtask", "functionality", "measure"]
    tau = frame[frame["statistic"] == "kendall"].set_index(keys).to_dict("index")
    rows, states = [], []
    others = any(row.statistic not in CORRELATIONS for row in grades.rows)
    header = [*_HEADER, *_OF_OTHERS] if others else list(_HEADER)
    if others:
        header[_ESTIMATE] = "ρ or AUPRC above chance"
    for found in answering(frame).to_dict("records"):
        key = (str(found["subtask"]), str(found["functionality"]), str(found["measure"]))
        correlated = found["statistic"] in CORRELATIONS
        cells = _cells(found, tau[key]) if correlated else _cells_of_others(found)
        rows.append([*key, *cells, *["—"] * (len(header) - len(key) - len(cells))])
        states.append({_ESTIMATE: cells_of[key].state})
    notes = _notes(results.provenance.get("resamples"))
    if others:
        notes.append(
            "Of groups: AUPRC corrected for chance, its interval over models drawn anew within their groups, p by "
            "relabelling models; violated: share of (pair within, pair across) in which the pair across is at most as "
            "dissimilar. Of layers: mean ρ with layer distance; violated: share of triples of layers."
        )
    return Layout(header, rows, states, [], notes, grades, texts=3)


def _cells_of_others(found: Mapping[Any, Any]) -> list[str]:
    """Cells of a row of groups or layers; there is no best reference and no τ."""
    separated = found["statistic"] == "separation"
    return [
        number(found["every"]),
        interval(found["every_low"], found["every_high"]),
        _place(found["every_rank"]) + ("=" if found["equivalent"] else ""),
        probability(found["p"]),
        *["—"] * 4,
        probability(found["p_holm"]),
        *["—"] * 5,
        str(int(found["n_pairs"])),
        str(int(found["n_failed"])),
        number(found["estimate"]) if separated else "—",
        interval(found["ci_low"], found["ci_high"]) if separated else "—",
        number(found["chance"]) if separated else "—",
        number(found["violation"]),
    ]


def _cells(rho: Mapping[Any, Any], tau: Mapping[Any, Any]) -> list[str]:
    within = number(rho["within"])
    if pd.notna(rho["within_p"]):
        within += f" (p {probability(rho['within_p'])})"
    return [
        number(rho["every"]),
        interval(rho["every_low"], rho["every_high"]),
        _place(rho.get("every_rank")) + ("=" if rho["equivalent"] else ""),
        probability(rho.get("every_p")),
        number(rho["estimate"]),
        interval(rho["ci_low"], rho["ci_high"]),
        _place(rho["rank"], rho["rank_low"], rho["rank_high"]),
        probability(rho["p"]),
        probability(rho["p_holm"]),
        number(tau["every"]),
        interval(tau["every_low"], tau["every_high"]),
        number(tau["estimate"]),
        within,
        number(rho["bad_frac"]),
        str(int(rho["n_pairs"])),
        str(int(rho["n_failed"])),
    ]


def _place(rank: float | None, low: float | None = None, high: float | None = None) -> str:
    if rank is None or pd.isna(rank):
        return "—"
    return f"{rank:.0f}" if low is None or high is None or pd.isna(low) else f"{rank:.0f} [{low:.0f}–{high:.0f}]"


def _notes(resamples: int | None) -> list[str]:
    drawn = f", {resamples:,} resamples" if resamples else ""
    return [
        "ρ, τ: averaged over every model as the reference, with jackknife intervals over models; verdicts rest on them."
        " Best reference: the best model alone is the reference, averaged over reference layers; expanded percentile "
        f"bootstrap over models{drawn}.",
        "p: one-sided, models permuted; Holm: of the best reference, adjusted over the whole table. Place: 1 is best; "
        "= shares its place with measures that order all pairs identically.",
        "Within depth: ρ within one layer (or deletion level), where depth explains nothing. Bad: share of pairs that "
        "look close and are far apart in function.",
    ]
