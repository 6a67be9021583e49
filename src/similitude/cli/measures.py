"""`similitude measures`: what there is to compare with."""

from __future__ import annotations

import json as json_module

import typer
from rich.table import Table

from similitude.cli.console import JsonOutput, stdout
from similitude.measures import MEASURES, get_measure

__all__ = ["command"]


def command(json: JsonOutput = False) -> None:
    """List the measures with their direction, invariances and source."""
    rows = []
    for name in MEASURES:
        declared = get_measure(name).properties()
        letters = "".join(sorted(i.value for i in declared.invariances.both))
        rows.append(
            {
                "measure": name,
                "kind": declared.kind,
                "invariances": letters,
                "symmetric": declared.symmetric,
                "metric": declared.is_metric,
                "reference": declared.reference,
            }
        )
    if json:
        typer.echo(json_module.dumps(rows, indent=1, ensure_ascii=False))
        return
    table = Table("measure", "kind", "invariances", "symmetric", "metric", "reference")
    for row in rows:
        table.add_row(*("yes" if v is True else "no" if v is False else str(v) for v in row.values()))
    console = stdout()
    console.print(table)
    console.print(
        "Invariances: P permutation of features, O orthogonal, S scaling, T translation, L invertible linear.",
        style="dim",
    )
