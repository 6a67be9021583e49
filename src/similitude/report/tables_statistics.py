"""The table of statistics: one row a subtask, functionality and measure, with intervals, tests and places."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import pandas as pd

from similitude.benchmark.results import Results
from similitude.errors import InputError
from similitude.report.numbers import number, probability
from similitude.report.tables import Layout

__all__ = ["as_csv", "lay_out_statistics"]


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
    header = ["subtask", "functionality", "measure", "ρ", "95 % interval", "p", "p, Holm", "place"]
    header += ["τ", "95 % interval", "every reference", "within depth", "bad", "pairs", "failed"]
    rho, tau = (frame[frame["statistic"] == s].reset_index(drop=True) for s in ("spearman", "kendall"))
    of_tau = {(r["subtask"], r["functionality"], r["measure"]): r for r in tau.to_dict("records")}
    rows, best = [], []
    for r in rho.to_dict("records"):
        group = rho[(rho["subtask"] == r["subtask"]) & (rho["functionality"] == r["functionality"])]
        t = of_tau[r["subtask"], r["functionality"], r["measure"]]
        rows.append([str(r["subtask"]), str(r["functionality"]), str(r["measure"]), *_cells(r, t)])
        best.append({3} if r["estimate"] == group["estimate"].max() else set())
    return Layout(header, rows, best, [], _notes(results.provenance.get("resamples")))


def as_csv(layout: Layout) -> str:
    """The cells of a table, comma separated; ``results.csv`` of the run has them as numbers."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([layout.header, *layout.rows, *layout.foot])
    return text.getvalue()


def _cells(rho: Mapping[Any, Any], tau: Mapping[Any, Any]) -> list[str]:
    within = number(rho["within"])
    if pd.notna(rho["within_p"]):
        within += f" (p {probability(rho['within_p'])})"
    place = "—" if pd.isna(rho["rank"]) else f"{rho['rank']:.0f} [{rho['rank_low']:.0f}–{rho['rank_high']:.0f}]"
    return [
        number(rho["estimate"]),
        _interval(rho["ci_low"], rho["ci_high"]),
        probability(rho["p"]),
        probability(rho["p_holm"]),
        place + ("=" if rho["equivalent"] else ""),
        number(tau["estimate"]),
        _interval(tau["ci_low"], tau["ci_high"]),
        f"{number(rho['every'])} {_interval(rho['every_low'], rho['every_high'])}",
        within,
        number(rho["bad_frac"]),
        str(int(rho["n_pairs"])),
        str(int(rho["n_failed"])),
    ]


def _notes(resamples: int | None) -> list[str]:
    drawn = f"; {resamples:,} resamples" if resamples else ""
    return [
        "ρ, τ: against the best model, averaged over reference layers. Intervals: expanded percentile bootstrap over "
        f"models{drawn}. p: one-sided, models permuted; Holm over the whole table.",
        "place: 1 is best, with interval; = shares its place with measures that order all pairs identically.",
        "every reference: ρ averaged over every model as the reference, jackknife interval. within depth: ρ within one "
        "layer (or deletion level), where depth explains nothing. bad: share of pairs that look close and are far "
        "apart in function.",
    ]


def _interval(low: float, high: float) -> str:
    return f"[{number(low)}, {number(high)}]" if pd.notna(low) else "—"
