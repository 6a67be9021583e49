"""`similitude build`: train the networks of a suite."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from similitude.cli.console import Home, note, progress_bars, resolve_home
from similitude.suites import SUITES, Scale, Suite

__all__ = ["build_suite", "command"]


def build_suite(suite: Suite, home: Path, scale: Scale, workers: int, **options: Any) -> None:
    """Build what is missing, with a bar a population."""
    if suite.is_built(home, scale):
        return
    with progress_bars() as bars:
        suite.build(
            home,
            scale,
            progress=lambda what, done, total: bars(what)(done, total),
            workers=workers,
            **options,
        )


def command(
    suite: Annotated[str, typer.Argument(help="Name of the suite; `similitude suites` lists them.")],
    scale: Annotated[
        Scale,
        typer.Option(
            help="How large: a cut of a minute (quick), minutes on two cores (embedded), or the paper's size (paper)."
        ),
    ] = "embedded",
    cifar10: Annotated[
        Path | None,
        typer.Option(help="Folder of CIFAR-10's python batches, for `vision --scale paper`.", file_okay=False),
    ] = None,
    cifar10c: Annotated[
        Path | None,
        typer.Option(help="Folder of CIFAR-10-C's arrays, for `vision --scale paper`.", file_okay=False),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that train, one thread each.")] = 2,
    home: Home = None,
) -> None:
    """Train a suite's networks; what is there already is kept, so that a killed build continues where it was.

    Examples: `similitude build vision`, `similitude build vision --scale paper --cifar10 ./cifar-10-batches-py`.
    """
    place = resolve_home(home)
    chosen = SUITES[suite]
    options = {name: value for name, value in (("cifar10", cifar10), ("cifar10c", cifar10c)) if value is not None}
    build_suite(chosen, place, scale, workers, **options)
    note(f"{suite} ({scale}) is built in {place / 'populations' / scale}.")
