"""`similitude measures`: what there is to compare with, and what one measure is."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer
from rich.table import Table

from similitude.cli.console import JsonOutput, stdout
from similitude.measures import MEASURES, Measure, get_measure
from similitude.measures.describe import Description, describe, interval, letters
from similitude.representations.text import json_text

__all__ = ["command"]


def command(
    measure: Annotated[
        str | None,
        typer.Argument(
            help="Explain this one: an id, package.module:function, or ./file.py:function.",
            show_default="list all",
        ),
    ] = None,
    json: JsonOutput = False,
) -> None:
    """List the measures with their direction, range, invariances and source; or explain one.

    Examples: `similitude measures`, `similitude measures cka`.
    """
    if measure is not None:
        _explain(describe(get_measure(measure)), json)
        return
    rows = [_row(get_measure(name)) for name in MEASURES]
    if json:
        typer.echo(json_text(rows))
        return
    table = Table()
    for heading in rows[0]:
        table.add_column(heading, no_wrap=heading == "measure")
    for row in rows:
        table.add_row(*("yes" if v is True else "no" if v is False else str(v) for v in row.values()))
    console = stdout()
    console.print(table)
    console.print(
        "Invariances: P permutation of features, O orthogonal, S scaling, T translation, L invertible linear; "
        "first argument / second where they differ. `similitude measures NAME` explains one.",
        style="dim",
    )


def _row(measure: Measure) -> dict[str, str | bool]:
    declared = measure.properties()
    return {
        "measure": str(measure),
        "kind": declared.kind,
        "range": interval(declared),
        "invariances": letters(declared),
        "symmetric": declared.symmetric,
        "metric": declared.is_metric,
        "reference": declared.reference,
    }


def _explain(description: Description, json: bool) -> None:
    if json:
        typer.echo(json_text(dataclasses.asdict(description)))
        return
    console = stdout()
    console.print(description.id, style="bold", highlight=False)
    console.print(description.summary, markup=False, soft_wrap=False)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column()
    for heading, text in description.facts:
        table.add_row(heading, text)
    for name, default, meaning in description.explained():
        table.add_row(f"{name}={default}", meaning.replace("``", ""))
    console.print(table)
