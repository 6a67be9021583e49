"""`similitude report`: a finished run as a page, or as a table again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from similitude.benchmark.results import read_results
from similitude.cli.console import note, stdout
from similitude.report.page import write_page
from similitude.report.tables import as_rich, lay_out

__all__ = ["command"]


def command(
    run: Annotated[Path, typer.Argument(help="Folder that `similitude run --out` wrote.")],
    html: Annotated[Path | None, typer.Option("--html", help="Write one page with everything in it here.")] = None,
) -> None:
    """Show a finished run again, from its files alone: no network is trained or loaded."""
    if html is not None:
        note(f"{write_page(run, html)} opens in any browser, without a network.")
        return
    console = stdout()
    layout = lay_out(read_results(run))
    console.print(as_rich(layout, console.width))
    for line in layout.notes:
        console.print(line, style="dim", markup=False)
