"""`similitude challenge`: does a new measure do better where the others fail?"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.table import Table

from similitude.benchmark.challenge import CHALLENGE, contest, leaderboard_row
from similitude.benchmark.evaluate import Evaluation
from similitude.benchmark.families import family_of
from similitude.cli.build import build_choices
from similitude.cli.console import Home, JsonOutput, Workers, make_folder, note, progress_bars, stdout
from similitude.errors import InputError
from similitude.measures import DEFAULT_MEASURES, get_measures
from similitude.measures.parse import split_ids
from similitude.representations.tables import plain_records, write_csv
from similitude.representations.text import json_text
from similitude.runs.grade import Run, choose
from similitude.suites import Scale, Site
from similitude.suites.base import resolve_home

__all__ = ["SEEDS", "command"]

SEEDS = 1_000_000
"""Number of seeds that networks may be drawn from."""

_PUBLISHED = 100
"""Seeds below this one are kept for networks that are documented and replicated."""


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SUITE or SUBTASK]...", help="Where to grade; by default all suites."),
    ] = None,
    measures: Annotated[
        list[str] | None, typer.Option("--measures", "-m", help="The new measures: ./file.py:function, or ids.")
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option(help="The established measures.", show_default="those of the paper")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the underlying run.")] = Path(
        "results-challenge"
    ),
    scale: Annotated[Scale, typer.Option(help="Size of the populations.")] = "embedded",
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=SEEDS - 1,
            help="Seed of the networks. Give the one that an earlier challenge named to go on with it; 0 for the "
            "documented networks, which a measure may have been fitted to.",
            show_default="a fresh one",
        ),
    ] = None,
    resamples: Annotated[int, typer.Option(min=100, help="Bootstrap resamples of models.")] = 2000,
    workers: Workers = 2,
    home: Home = None,
    json: JsonOutput = False,
) -> None:
    """Grade new measures, each against the best established one, with a paired interval for the difference.

    Networks are trained from a fresh seed, which no measure can have been fitted to.
    """
    if not measures:
        raise InputError("Name the new measure: --measures ./my_measure.py:function.")
    new = get_measures(measures)
    established = [m for m in get_measures(against or DEFAULT_MEASURES) if str(m) not in set(map(str, new))]
    drawn = _PUBLISHED + secrets.randbelow(SEEDS - _PUBLISHED) if seed is None else seed
    site = Site(resolve_home(home), scale, drawn, workers)
    choices = choose(names or [], site)
    for choice in choices:
        if drawn and not choice.suite.has_draws:
            raise InputError(
                f"The networks of {choice.suite.name!r} are given, and no seed gives others. Use --seed 0."
            )
    make_folder(out)
    note(f"Seed {drawn}. To go on with it, or to repeat it: --seed {drawn}.")
    graded = Run(choices, [*established, *new], out=out, resamples=resamples)
    with progress_bars() as bars:
        build_choices(choices, bars)
        for choice in choices:
            graded.grade(choice, bars)
    evaluation = graded.evaluation()
    rows = contest(evaluation, [str(m) for m in new])
    write_csv(rows, out / "challenge.csv")
    families = {subtask.id: family_of(subtask) for choice in choices for subtask in choice.subtasks}
    lines = [leaderboard_row(rows, evaluation, str(m), families, drawn) for m in new]
    digests = _digests(measures)
    if json:
        content = {"seed": drawn, "rows": plain_records(rows), "leaderboard": lines, "sha256": digests}
        typer.echo(json_text(content))
    else:
        _print(rows, lines)
    for name, digest in digests.items():
        note(f"SHA-256 of {name}: {digest}")
    note(f"The run behind it is in {out}.")
    _stop_on_failures(evaluation)


def _digests(measures: Sequence[str]) -> dict[str, str]:
    """Digests of the files that measures are in, by which a file is known that was published before a seed."""
    addresses = [address for given in measures for address in split_ids(given)]
    named = dict.fromkeys(address.rpartition(":")[0].partition("(")[0] for address in addresses)
    files = [Path(name) for name in named if name.endswith(".py")]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()}


def _print(rows: pd.DataFrame, lines: list[str]) -> None:
    console = stdout()
    table = Table("measure", "subtask", "functionality", "ρ", "best other", "its ρ", "difference", "95 % interval")
    for row in rows.sort_values("challenge", ascending=False, kind="stable").to_dict("records"):
        table.add_row(
            row["measure"],
            row["subtask"] + (" (challenge)" if row["challenge"] else ""),
            row["functionality"],
            f"{row['rho']:.3f}",
            str(row["best"]),
            f"{row['rho_best']:.3f}",
            f"{row['difference']:+.3f}",
            f"{row['ci_low']:+.3f} to {row['ci_high']:+.3f}",
        )
    console.print(table)
    console.print(
        f"Challenge: no other measure reaches ρ = {CHALLENGE}. For a leaderboard: measure, mean over families of "
        "questions with its 95 % interval, places left open, challenges reached, better than the best other, worse, "
        "worst value, seed, version.",
        style="dim",
        markup=False,
    )
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def _stop_on_failures(evaluation: Evaluation) -> None:
    if len(evaluation.failures):
        note(f"{len(evaluation.failures)} values failed, the first: {evaluation.failures['reason'].iloc[0]}")
        raise typer.Exit(1)
