"""`similitude leaderboard`: which measure for what, and how sure is that?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from similitude.benchmark.standings import confirm
from similitude.cli.build import SCALES_HELP, build_choices
from similitude.cli.console import (
    Draw,
    Home,
    JsonOutput,
    Workers,
    make_folder,
    memory_option,
    note,
    parse_size,
    print_sentences,
    progress_bars,
    stdout,
)
from similitude.engine.executors import parse_executor
from similitude.errors import InputError
from similitude.factors.memory import MEMORY
from similitude.measures import every_measure, get_measures
from similitude.report.decisions import decision_text
from similitude.report.leaderboard import Leaderboard, confirmation_sentence, read_run
from similitude.representations.tables import write_csv
from similitude.representations.text import json_text
from similitude.runs.grade import choose
from similitude.runs.leaderboard import Options, make_leaderboard
from similitude.runs.provenance import command_line
from similitude.suites import SUITES, Scale, Site
from similitude.suites.base import resolve_home

__all__ = ["command"]


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SUITE|SUBTASK]...",
            help="What to grade on; names are listed by `similitude suites`.",
            show_default="all suites that a run has by default, and networks of packages that are there",
        ),
    ] = None,
    measures: Annotated[
        list[str] | None,
        typer.Option(
            "--measures",
            "-m",
            help="More measures, such as your own: ./file.py:function, or ids; repeat, or separate with commas.",
            show_default="the catalogue alone",
        ),
    ] = None,
    only: Annotated[bool, typer.Option("--only", help="Grade the measures of --measures only.")] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for tables, figures and the page.")] = Path(
        "leaderboard"
    ),
    scale: Annotated[Scale, typer.Option(help=SCALES_HELP)] = "standard",
    draw: Draw = 0,
    built: Annotated[
        bool, typer.Option("--built", help="Train nothing: grade on the networks that are there already.")
    ] = False,
    pairs: Annotated[
        int | None,
        typer.Option(
            min=100,
            help="Most pairs of representations per subtask and measure: networks beyond those that make so many, the "
            "last ones of a population or of each of its groups, are left out.",
            show_default="all",
        ),
    ] = None,
    inputs: Annotated[
        int | None,
        typer.Option(
            min=50,
            help="Most inputs on which networks are compared: a random sample, the same for all.",
            show_default="all",
        ),
    ] = None,
    limit: Annotated[
        float, typer.Option(min=0.001, help="Seconds per pair from which a measure is left out and named.")
    ] = 1.0,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Say which verdicts of another leaderboard, of other --draw, hold here, on the subtasks that both "
            "graded; replication.csv has them all.",
        ),
    ] = None,
    workers: Workers = 2,
    memory: Annotated[str | None, memory_option(MEMORY)] = None,
    executor: Annotated[
        str,
        typer.Option(help="Where values are computed: threads, serial, processes:N, dask, dask:tcp://host:8786."),
    ] = "threads",
    home: Home = None,
    json: JsonOutput = False,
) -> None:
    """Grade the whole catalogue of measures, and say which one to use for what.

    Finished values are kept, so that a killed run goes on where it stopped.

    Verdicts are put to other networks by `--draw 1 --against leaderboard`, where `leaderboard` is the folder of draw 0.

    Examples: `similitude leaderboard --scale embedded`, `similitude leaderboard graphs -m ./mine.py:my_measure`.
    """
    if only and not measures:
        raise InputError("--only takes --measures: name the measures that are to be graded.")
    own = get_measures(measures) if measures else []
    graded = own if only else get_measures([*every_measure(), *own])
    other = read_run(against) if against else None
    allowed = parse_size(memory, MEMORY)
    try:
        parse_executor(executor)
    except InputError:
        raise InputError(
            f"--executor {executor}: write threads, serial, processes, processes:N, dask or dask:tcp://host:port."
        ) from None
    site = Site(resolve_home(home), scale, draw, workers)
    names = names or _default(site)
    choices = choose(names, site)
    if other is not None and not {s.id for c in choices for s in c.subtasks} & set(other.frame["subtask"]):
        raise InputError(f"{against} has none of the subtasks {', '.join(names)}. Name some that both are about.")
    make_folder(out)
    options = Options(pairs, inputs, limit, command=command_line(), memory=allowed, executor=executor)
    with progress_bars() as bars:
        if not built:
            build_choices(choices, bars)
        # Populations that are built may decide the subtasks of their suite.
        board = make_leaderboard(choose(names, site), graded, out, options, bars)
    board.write(out)
    found = None
    if other is not None:
        families = dict(zip(board.rows["subtask"], board.rows["family"], strict=True))
        found = confirm(other, read_run(out), families)
        write_csv(found.verdicts, out / "replication.csv", float_format="%.6g")
        write_csv(found.families, out / "replication_families.csv", float_format="%.6g")
    if json:
        typer.echo(json_text(board.record()))
    else:
        _print(board)
    note(f"{board.computed} values computed, {board.reused} reused. Tables, figures and index.html are in {out}.")
    if found is not None and against is not None:
        note(confirmation_sentence(found, against))
    if missing := board.provenance["without_networks"]:
        note(f"Left out, since there are no networks: {', '.join(missing)}.")
    if len(board.failures):
        note(
            f"{board.failures['pairs'].sum()} pairs failed; failures.csv names them. The first: "
            f"{board.failures['reason'].iloc[0]}"
        )
        raise typer.Exit(1)


def _default(site: Site) -> list[str]:
    """Suites that are trained, and the networks of installed packages where they were built."""
    return [
        name for name in SUITES if SUITES[name].by_default or (name == "packages" and SUITES[name].populations(site))
    ]


def _print(board: Leaderboard) -> None:
    console = stdout(120)
    table = Table("question", "use", "evidence")
    for row in board.decisions.to_dict("records"):
        table.add_row(row["question"], row["advice"], decision_text(row))
    console.print(table)
    print_sentences(console, board.sentences())
