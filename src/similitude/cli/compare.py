"""`similitude compare`: how alike are two representations?"""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from similitude.cli.console import JsonOutput, MeasureIds, stdout
from similitude.engine import compare
from similitude.measures import get_measure
from similitude.representations import Representation, load_array

__all__ = ["command"]


def command(
    first: Annotated[Path, typer.Argument(help="Array file (.npy), n inputs x features.")],
    second: Annotated[Path, typer.Argument(help="Array file (.npy) of the same n inputs, in the same order.")],
    measures: MeasureIds = None,
    json: JsonOutput = False,
) -> None:
    """Compare two representations of the same inputs."""
    x, y = (Representation(load_array(file), model=str(file)) for file in (first, second))
    values = compare(x, y, measures)
    if json:
        rows = [{"measure": m, "value": v, "kind": get_measure(m).properties().kind} for m, v in values.items()]
        typer.echo(json_module.dumps({"first": str(first), "second": str(second), "n": x.n, "values": rows}, indent=1))
        return
    table = Table("measure", "value", "kind", title=f"{first} against {second}, n = {x.n:,}, d = {x.d:,} and {y.d:,}")
    for measure, value in values.items():
        table.add_row(measure, f"{value:.6g}", get_measure(measure).properties().kind)
    stdout().print(table)
