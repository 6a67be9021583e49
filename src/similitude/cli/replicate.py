"""`similitude replicate`: do verdicts hold on independent networks?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from similitude.cli.build import SCALES_HELP, build_choices
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
from similitude.errors import InputError
from similitude.measures import get_measures
from similitude.report.replication import Replication, both_values, verdict_text
from similitude.representations.text import json_text
from similitude.runs.grade import choose
from similitude.runs.replicate import replicate
from similitude.suites import Scale, Site
from similitude.suites.base import resolve_home

__all__ = ["command"]


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SUITE|SUBTASK]...", help="What to replicate.", show_default="all suites that are trained"
        ),
    ] = None,
    measures: MeasureIds = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for verdicts and estimates.")] = Path(
        "results-replication"
    ),
    scale: Annotated[Scale, typer.Option(help=SCALES_HELP)] = "embedded",
    draw: Annotated[int, typer.Option(min=1, help="Number of the independent draw of seeds.")] = 1,
    halves: Annotated[
        bool, typer.Option("--halves", help="Split the documented networks into halves instead of training others.")
    ] = False,
    resamples: Annotated[int, typer.Option(min=100, help="Number of bootstrap resamples of models.")] = 2000,
    workers: Workers = 2,
    json: JsonOutput = False,
    home: Home = None,
) -> None:
    """Train networks from other seeds, grade the measures on them too, and say which verdicts hold.

    Example: `similitude replicate vision/ood -m cka,procrustes --draw 1`.
    """
    tested = get_measures(measures)
    sites = [Site(resolve_home(home), scale, drawn, workers) for drawn in (0, 0 if halves else draw)]
    if scale == "quick":
        raise InputError("The quick scale is a smoke test and supports no verdict. Choose a larger --scale.")
    originals, replications = (choose(names or [], site) for site in sites)
    for choice in originals:
        if not choice.suite.has_draws and not halves:
            raise InputError(f"The networks of {choice.suite.name!r} are given; there are no others to replicate with.")
    make_folder(out)
    with progress_bars() as bars:
        for choices in (originals, replications):
            build_choices(choices, bars)
        # Populations that are built may decide the subtasks of their suite.
        originals, replications = (choose(names or [], site) for site in sites)
        found = replicate(originals, replications, tested, progress=bars, resamples=resamples)
    found.write(out)
    if json:
        typer.echo(json_text(found.record()))
    else:
        _print(found)
    note(f"Verdicts and estimates are in {out}.")
    if found.failed:
        note(f"{found.failed} values failed; they are left out.")
        raise typer.Exit(1)


_STYLES = {"holds": "bold", "reversed": "red"}


def _print(found: Replication) -> None:
    console = stdout()
    if len(found.verdicts):
        table = Table("row", "verdict", "original", "replication", "outcome")
        for row in found.verdicts.to_dict("records"):
            table.add_row(
                Text(f"{row['subtask']}, {row['functionality']}"),
                Text(verdict_text(row)),
                *both_values(row),
                Text(row["outcome"], style=_STYLES.get(row["outcome"], "dim")),
            )
        console.print(table)
    for line in found.sentences():
        console.print(line, markup=False)
