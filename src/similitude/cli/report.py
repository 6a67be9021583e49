"""`similitude report`: a finished run as a page, or as a table again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from similitude.benchmark.results import load_grading, read_results
from similitude.cli.console import PIPE_WIDTH, note, print_sentences, stdout
from similitude.report.figures_run import draw_grades
from similitude.report.findings import findings
from similitude.report.page import write_page
from similitude.report.tables import as_csv, as_latex, as_markdown, lay_out
from similitude.report.tables_statistics import lay_out_statistics
from similitude.report.terminal import as_rich, show_gates, show_statistics

__all__ = ["command"]


_FORMS = {"markdown": as_markdown, "latex": as_latex, "csv": as_csv}


def command(
    run: Annotated[Path, typer.Argument(help="Folder that `similitude run --out` wrote.", file_okay=False)],
    html: Annotated[Path | None, typer.Option("--html", help="Write one page with everything in it here.")] = None,
    figures: Annotated[
        Path | None,
        typer.Option("--figures", help="Draw forest, ranks, agreement and map of networks into this folder."),
    ] = None,
    statistics: Annotated[
        bool, typer.Option("--statistics", help="Intervals, tests and places, one row per measure.")
    ] = False,
    form: Annotated[
        Literal["terminal", "markdown", "latex", "csv"], typer.Option("--format", help="Of the table on stdout.")
    ] = "terminal",
) -> None:
    """Show a finished run again, from its files alone: no network is trained or loaded."""
    if html is not None:
        note(f"{write_page(run, html)} opens in any browser, without a network.")
    results = read_results(run)
    if figures is not None:
        files = draw_grades(results, load_grading(run / "grading.npz"), figures)
        note(f"{len(files)} files are in {figures}.")
    if html is not None or figures is not None:
        return
    layout = lay_out_statistics(results) if statistics else lay_out(results)
    if form != "terminal":
        typer.echo(_FORMS[form](layout), nl=False)
        return
    console = stdout(PIPE_WIDTH)
    if statistics:
        console.print(show_statistics(layout, console.width))
        return
    console.print(as_rich(layout, console.width))
    console.print()
    if results.gates is not None:
        console.print(show_gates(results.gates, console.width))
        console.print()
    print_sentences(console, findings(results, str(run)))
