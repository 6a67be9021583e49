"""The table of statistics: one row per subtask, functionality and measure, with intervals, tests and places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from similitude.benchmark.results import Results
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
    cells = {(row.subtask, row.functionality, m): cell for row in grades.rows for m, cell in row.cells.items()}
    keys = ["subtask", "functionality", "measure"]
    tau = frame[frame["statistic"] == "kendall"].set_index(keys).to_dict("index")
    rows, states = [], []
    for rho in frame[frame["statistic"] == "spearman"].to_dict("records"):
        key = (str(rho["subtask"]), str(rho["functionality"]), str(rho["measure"]))
        rows.append([*key, *_cells(rho, tau[key])])
        states.append({_ESTIMATE: cells[key].state})
    return Layout(list(_HEADER), rows, states, [], _notes(results.provenance.get("resamples")), grades, texts=3)


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
