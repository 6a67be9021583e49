"""`similitude check`: hold a measure to what it declares."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from similitude.cli.console import stdout
from similitude.measures import get_measures
from similitude.testing import ReportCard, check_measure

__all__ = ["command"]


def command(
    measures: Annotated[
        list[str],
        typer.Argument(
            help="Ids of measures: a name, package.module:function, or ./file.py:function.",
            show_default=False,
        ),
    ],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random data.")] = 0,
) -> None:
    """Check that a measure does what it declares, and print its report card.

    Exit code 1 if any check fails.

    Examples: `similitude check cka`, `similitude check ./my_measure.py:my_function`.
    """
    console = stdout()
    cards = [check_measure(measure, seed) for measure in get_measures(measures)]
    for card in cards:
        console.print(_table(card))
    if not all(card.passed for card in cards):
        raise typer.Exit(1)


def _table(card: ReportCard) -> Table:
    verdict = "passes" if card.passed else f"fails {len(card.failures)} of {len(card.checks)} checks"
    table = Table(title=f"{card.measure} {verdict}", title_justify="left", box=None, pad_edge=False)
    for heading in ("check", "outcome", "detail"):
        table.add_column(heading)
    styles = {"passed": "green", "failed": "bold red", "skipped": "dim"}
    for check in card.checks:
        table.add_row(check.name, Text(check.outcome, style=styles[check.outcome]), check.detail)
    return table
