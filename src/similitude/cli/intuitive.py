"""`similitude intuitive`: specificity and sensitivity beside the benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table
from rich.text import Text

from similitude.cli.build import build_suite
from similitude.cli.console import (
    Home,
    JsonOutput,
    MeasureIds,
    Workers,
    make_folder,
    note,
    progress_bars,
    stdout,
)
from similitude.measures import get_measures
from similitude.report.intuitive import IntuitiveReport
from similitude.representations.text import json_text
from similitude.runs.intuitive import run_intuitive
from similitude.suites import SUITES, Scale, Site
from similitude.suites.base import resolve_home

__all__ = ["command"]


def command(
    suite: Annotated[str, typer.Argument(help="Name of the suite; `similitude suites` lists them.")],
    measures: MeasureIds = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for tables, verdicts and figures; omit to write nothing."),
    ] = None,
    json: JsonOutput = False,
    scale: Annotated[Scale, typer.Option(help="Size of the populations.")] = "embedded",
    models: Annotated[int, typer.Option(min=2, help="Number of networks that the tests compare.")] = 6,
    workers: Workers = 2,
    home: Home = None,
) -> None:
    """Does a measure find the same layer in another network, notice what is deleted, and does that settle anything?

    Example: `similitude intuitive vision -m cka,orthogonal_procrustes -o intuitive`.
    """
    site = Site(resolve_home(home), scale, workers=workers)
    chosen = SUITES[suite]
    tested = get_measures(measures)  # before networks are trained for minutes
    if out is not None:
        make_folder(out)
    with progress_bars() as bars:
        build_suite(chosen, site, bars)
        report = run_intuitive(chosen, site, tested, models=models, progress=bars)
    if out is not None:
        report.write(out)
        note(f"Tables, verdicts and figures are in {out}.")
    if json:
        typer.echo(json_text(report.record()))
    else:
        _print(report)
    failed = sum(t.failed for t in report.study.tested)
    if failed:
        note(f"{failed} values failed; tests that needed them are undefined.")
        raise typer.Exit(1)


def _print(report: IntuitiveReport) -> None:
    console = stdout()
    study = report.study
    for tested in study.tested:
        words = tested.verdict
        console.print(Text.assemble((str(tested.measure), "bold"), f" {words.summary}"))
        console.print(f"  invariant to {words.invariant_to}", style="dim", markup=False)
        console.print(f"  misses {words.misses or 'nothing asked for here'}", style="dim", markup=False)
        console.print(f"  over-reacts to {words.overreacts or 'nothing asked for here'}", style="dim", markup=False)
    table = Table(
        "measure",
        *("layer identified", "depth outweighs seed", "seed's share", f"deletion noticed, {study.layers[-1]}"),
        *("probe then (full)", "mean rank", "worst ρ"),
        title=f"{report.suite}: {len(study.models)} networks of {len(study.layers)} layers, n = {study.n:,} rows",
        title_justify="left",
    )
    for row in report.table().to_dict("records"):
        detected, low, high = (_percent(row[k], never=True) for k in ("detected", "detected_low", "detected_high"))
        table.add_row(
            row["measure"],
            _percent(row["identification"]),
            _percent(row["depth_over_seed"]),
            _percent(row["seed_share"]),
            f"{detected} \\[{low}, {high}]",
            f"{_percent(row['probe_detected'])} ({_percent(row['probe_full'])})",
            _number(row["mean_rank"], 1),
            _number(row["worst"], 3),
        )
    console.print(table)
    console.print(
        "Specificity: larger is better in the first two columns, smaller in the third. Sensitivity: the share of "
        "components that can go before the distance exceeds that of two seeds, smaller is more sensitive. Benchmark: "
        "mean rank over the suite's subtasks (1 is best), and the worst ρ.",
        style="dim",
        markup=False,
    )
    console.print(report.claim, markup=False)


def _percent(value: float, never: bool = False) -> str:
    if np.isnan(value):
        return "—"
    return "never" if never and np.isinf(value) else f"{value:.0%}"


def _number(value: float, digits: int) -> str:
    return "—" if np.isnan(value) else f"{value:.{digits}f}"
