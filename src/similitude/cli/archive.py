"""`similitude archive`: make an example of the published archive, or import the real one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from similitude.cli.console import Home, note, progress_bars, stderr
from similitude.errors import InputError
from similitude.measures.parse import split_ids
from similitude.suites import Site
from similitude.suites.base import resolve_home
from similitude.suites.published.convert import import_archive
from similitude.suites.published.example import ExampleSize, make_example
from similitude.suites.published.reproduce import PARTIAL_EXIT_CODE
from similitude.suites.published.suite import SUITE, population_name

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Import the released archive of Ding et al. 2021, or make a small example of it.",
)

_DEFAULT = ExampleSize()


@app.command("make-example")
def make_example_command(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    width: Annotated[int, typer.Option(help="Number of features of each representation.")] = _DEFAULT.width,
    tokens: Annotated[int, typer.Option(help="Number of inputs.")] = _DEFAULT.tokens,
    deleted: Annotated[
        str | None,
        typer.Option(help="Deletion grid, e.g. 0,4,8,15; must include 0.", show_default="five levels over the width"),
    ] = None,
    layers: Annotated[int, typer.Option(help="Layers of the base and feather models.")] = _DEFAULT.layers,
    medium_layers: Annotated[int, typer.Option(help="Layers in pretrain_finetune.")] = _DEFAULT.medium_layers,
    base: Annotated[int, typer.Option(help="Base seeds.")] = _DEFAULT.base,
    feather: Annotated[int, typer.Option(help="Feather models.")] = _DEFAULT.feather,
    pretraining: Annotated[int, typer.Option(help="Pretraining seeds in pretrain_finetune.")] = _DEFAULT.pretraining,
    finetuning: Annotated[int, typer.Option(help="Fine-tuning seeds in pretrain_finetune.")] = _DEFAULT.finetuning,
    seed: Annotated[int, typer.Option(help="The same seed gives the same archive.")] = 0,
    distances: Annotated[
        bool, typer.Option(help="Compute the distance files too; all pairs, which takes most of the time.")
    ] = True,
) -> None:
    """Write a small synthetic archive in the layout of the released one."""
    size = ExampleSize(
        width=width,
        tokens=tokens,
        layers=layers,
        medium_layers=medium_layers,
        base=base,
        feather=feather,
        pretraining=pretraining,
        finetuning=finetuning,
        deleted=() if deleted is None else _grid(deleted),
    )
    with progress_bars() as bars:
        make_example(
            folder,
            size,
            seed=seed,
            distances=distances,
            progress=bars.tell,
        )
    note(f"An example archive is in {folder}. Try: similitude reproduce {folder}")


def _grid(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise InputError(f"--deleted {text!r} is not numbers separated by commas, such as 0,4,8,15.") from None


@app.command("import")
def import_command(
    archive: Annotated[Path, typer.Argument(help="The archive: a folder, .tar or .tar.gz.")],
    subtasks: Annotated[
        list[str] | None, typer.Option(help="Subtasks; repeat, or separate with commas.", show_default="all")
    ] = None,
    home: Home = None,
) -> None:
    """Copy the archive's networks into population folders, for `similitude run published`.

    A killed import resumes where it stopped. Exit code 1 if something could not be imported.
    """
    site = Site(resolve_home(home))
    with progress_bars() as bars:
        faults = import_archive(
            archive,
            lambda subtask: SUITE.folder(site, population_name(subtask)),
            None if subtasks is None else [name for entry in subtasks for name in split_ids(entry)],
            progress=bars.tell,
        )
    note(f"Imported into {SUITE.folder(site, '')}. Next: similitude run published")
    for fault in (fault for of_subtask in faults.values() for fault in of_subtask):
        stderr.print(f"fault: {fault}", style="yellow", markup=False, soft_wrap=True)
    if any(faults.values()):
        raise typer.Exit(PARTIAL_EXIT_CODE)
