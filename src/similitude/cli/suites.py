"""`similitude suites`: what there is to run."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
import typer
from rich.table import Table

from similitude.cli.build import build_suite
from similitude.cli.console import PIPE_WIDTH, Home, JsonOutput, progress_bars, stdout
from similitude.errors import InputError
from similitude.report.evidence import RELIABLE
from similitude.report.terminal import show_gates
from similitude.representations.text import json_text
from similitude.suites import SUITES, Scale, Site
from similitude.suites.base import resolve_home

__all__ = ["command"]


def command(
    suite: Annotated[str | None, typer.Argument(help="Name of one suite.", show_default="all")] = None,
    describe: Annotated[
        bool,
        typer.Option(
            "--describe", help="Show how far each functionality spreads over the networks, and how reliable that is."
        ),
    ] = False,
    scale: Annotated[Scale, typer.Option(help="How large the populations are that --describe is about.")] = "embedded",
    json: JsonOutput = False,
    home: Home = None,
) -> None:
    """List suites and subtasks, or describe what their networks can do.

    Examples: `similitude suites`, `similitude suites synthetic --describe --scale quick`.
    """
    names = list(SUITES) if suite is None else [suite]
    if describe:
        site = Site(resolve_home(home), scale)
        if suite is None:
            names = [name for name in SUITES if SUITES[name].is_built(site)]
        if not names:
            raise InputError(f"No suite is built at the {scale} scale. Name one, and it is built first.")
        frames, gates = [], []
        with progress_bars() as bars:
            for name in names:
                build_suite(SUITES[name], site, bars)
                frames.append(SUITES[name].describe(site))
                gates.append(SUITES[name].gates(site))
        described, shown = pd.concat(frames, ignore_index=True), pd.concat(gates, ignore_index=True)
        if json:
            typer.echo(described.to_json(orient="records", indent=1))
            return
        _print_description(described)
        if len(shown):
            console = stdout(PIPE_WIDTH)
            console.print(show_gates(shown, console.width))
        return
    rows = [(name, s) for name in names for s in SUITES[name].subtasks()]
    if json:
        listing = [
            {
                "suite": name,
                "subtask": s.id,
                "varies": s.varies,
                "functionalities": [f.name for f in s.functionalities],
                "description": s.description,
            }
            for name, s in rows
        ]
        typer.echo(json_text(listing))
        return
    table = Table("subtask", "varies", "functionalities", "what it asks")
    for _, s in rows:
        table.add_row(s.id, s.varies, "\n".join(f.name for f in s.functionalities), s.description)
    stdout().print(table)


def _print_description(frame: pd.DataFrame) -> None:
    table = Table(*frame.columns, "")
    for row in frame.to_dict("records"):
        weak = row["reliability"] < RELIABLE
        cells = [f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()]
        table.add_row(*("" if c == "nan" else c for c in cells), "† weak" if weak else "")
    console = stdout()
    console.print(table)
    console.print(
        "sd, min, max: over all scores of the functionality. reliability: split-half over test items, over models; "
        f"below {RELIABLE} part of the spread is noise of the test items.",
        style="dim",
        markup=False,
    )
