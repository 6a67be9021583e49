"""`similitude challenge`: does a new measure do better where the others fail?"""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.table import Table

from similitude.benchmark.challenge import CHALLENGE, contest, leaderboard_row
from similitude.benchmark.evaluate import Evaluation
from similitude.cli.build import build_choices
from similitude.cli.console import Home, JsonOutput, Workers, make_folder, note, progress_bars, stdout
from similitude.errors import InputError
from similitude.measures import DEFAULT_MEASURES, get_measures
from similitude.representations.tables import write_csv
from similitude.representations.text import json_text
from similitude.runs.grade import Run, choose
from similitude.suites import Scale, Site
from similitude.suites.base import resolve_home

__all__ = ["command"]


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SUITE or SUBTASK]...", help="Where to grade; by default all suites."),
    ] = None,
    measures: Annotated[
        list[str] | None, typer.Option("--measures", "-m", help="The new measures: ./file.py:function, or ids.")
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option(help="The established measures.", show_default="those of the paper")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the underlying run.")] = Path(
        "results-challenge"
    ),
    scale: Annotated[Scale, typer.Option(help="Size of the populations.")] = "embedded",
    resamples: Annotated[int, typer.Option(min=100, help="Bootstrap resamples of models.")] = 2000,
    workers: Workers = 2,
    home: Home = None,
    json: JsonOutput = False,
) -> None:
    """Grade new measures, each against the best established one, with a paired interval for the difference."""
    if not measures:
        raise InputError("Name the new measure: --measures ./my_measure.py:function.")
    new = get_measures(measures)
    established = [m for m in get_measures(against or DEFAULT_MEASURES) if str(m) not in set(map(str, new))]
    site = Site(resolve_home(home), scale, workers=workers)
    choices = choose(names or [], site)
    make_folder(out)
    graded = Run(choices, [*established, *new], out=out, resamples=resamples)
    with progress_bars() as bars:
        build_choices(choices, bars)
        for choice in choices:
            graded.grade(choice, bars)
    evaluation = graded.evaluation()
    rows = contest(evaluation, [str(m) for m in new])
    write_csv(rows, out / "challenge.csv")
    lines = [leaderboard_row(rows, evaluation, str(m)) for m in new]
    if json:
        records = json_module.loads(rows.to_json(orient="records"))
        typer.echo(json_text({"rows": records, "leaderboard": lines}))
    else:
        _print(rows, lines)
    note(f"The run behind it is in {out}.")
    _stop_on_failures(evaluation)


def _print(rows: pd.DataFrame, lines: list[str]) -> None:
    console = stdout()
    table = Table("measure", "subtask", "functionality", "ρ", "best other", "its ρ", "difference", "95 % interval")
    for row in rows.sort_values("challenge", ascending=False, kind="stable").to_dict("records"):
        table.add_row(
            row["measure"],
            row["subtask"] + (" (challenge)" if row["challenge"] else ""),
            row["functionality"],
            f"{row['rho']:.3f}",
            str(row["best"]),
            f"{row['rho_best']:.3f}",
            f"{row['difference']:+.3f}",
            f"{row['ci_low']:+.3f} to {row['ci_high']:+.3f}",
        )
    console.print(table)
    console.print(
        f"Challenge: no other measure reaches ρ = {CHALLENGE}. For a leaderboard: measure, challenges reached, better "
        "than the best other, worse, mean rank, worst ρ, version.",
        style="dim",
        markup=False,
    )
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def _stop_on_failures(evaluation: Evaluation) -> None:
    if len(evaluation.failures):
        note(f"{len(evaluation.failures)} values failed, the first: {evaluation.failures['reason'].iloc[0]}")
        raise typer.Exit(1)
