"""`similitude reproduce`: the published table, from its archive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from similitude.cli.console import JsonOutput, MeasureIds, note, progress_bars, stderr, stdout
from similitude.errors import InputError
from similitude.measures.parse import split_ids
from similitude.representations.text import json_text, write_text
from similitude.runs.provenance import command_line, software
from similitude.runs.reproduction import lay_out_reproduction
from similitude.suites.published.layout import LAYOUT
from similitude.suites.published.reproduce import PARTIAL_EXIT_CODE, reproduce

__all__ = ["command"]


def command(
    archive: Annotated[
        Path | None, typer.Argument(help="The archive sim_metric_resources: a folder, .tar or .tar.gz.")
    ] = None,
    subtasks: Annotated[
        list[str] | None,
        typer.Option(
            help="SUBTASK or SUBTASK/FUNCTIONALITY; repeat, or separate with commas.", show_default="all of the paper"
        ),
    ] = None,
    measures: MeasureIds = None,
    recompute: Annotated[
        bool, typer.Option("--recompute", help="Compute dissimilarities from the embeddings, by any measure.")
    ] = False,
    all_pairs: Annotated[
        bool, typer.Option("--all-pairs", help="With --recompute: all pairs, not only those that are correlated.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for results, pairs and recomputed distances.")
    ] = None,
    json: JsonOutput = False,
    layout: Annotated[bool, typer.Option("--layout", help="Show how the archive is laid out, and stop.")] = False,
) -> None:
    """Grade measures on the released archive of Ding et al. 2021, as published and corrected.

    Exit code 1 if something is missing, damaged or inconsistent, so that the result is partial.
    """
    if layout:
        typer.echo(LAYOUT, nl=False)
        return
    if archive is None:
        raise InputError("Name the archive: similitude reproduce ARCHIVE. --layout shows what it holds.")
    if all_pairs and not recompute:
        raise InputError("--all-pairs goes with --recompute; without it, stored distances are read.")
    made_with = software()
    with progress_bars() as bars:
        found = reproduce(
            archive,
            None if subtasks is None else [name for entry in subtasks for name in split_ids(entry)],
            measures,
            from_embeddings=recompute,
            every_pair=all_pairs,
            progress=bars.tell,
            version=made_with["similitude"],
            provenance={"command": command_line(), **made_with},
        )
    table = lay_out_reproduction(found)
    if json:
        typer.echo(json_text(found.results.records()))
    else:
        console = stdout()
        for part in table.as_rich(console.width):
            console.print(part)
        for line in table.footnotes:
            console.print(line, style="dim", markup=False, soft_wrap=True)
    if out is not None:
        found.write(out)
        write_text(out / "table.md", table.as_markdown())
        note(f"Results, pairs and tables are in {out}.")
    for line in found.notes:
        note(f"note: {line}")
    for fault in found.faults:
        stderr.print(f"fault: {fault}", style="yellow", markup=False, soft_wrap=True)
    if found.faults:
        stderr.print("The result is partial.", style="yellow")
        raise typer.Exit(PARTIAL_EXIT_CODE)
