"""`similitude replay`: run a recipe again, and say whether the numbers agree."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer

from similitude.cli.console import JsonOutput, stdout
from similitude.errors import FileError, InputError
from similitude.representations.files import load_representations
from similitude.runs.provenance import software
from similitude.runs.recipe import Recipe, disagreements
from similitude.runs.record import COMMANDS, recompute

__all__ = ["command"]

_REPLAYED = ("compare", "diff", "inputs", "layers")
_SHOWN = 10


def command(
    recipe: Annotated[Path, typer.Argument(help="A file that `--recipe` or `to_recipe` wrote.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files or folders of the arrays, for a recipe written in Python.", show_default=False),
    ] = None,
    tolerance: Annotated[float, typer.Option(min=0, help="Difference that is tolerated.")] = 1e-9,
    json: JsonOutput = False,
) -> None:
    """Run a recipe again, and say whether files and numbers are still the same.

    Names of files are looked up from the current folder. Exit code 0 if all numbers agree, 1 if not, 2 if the recipe
    cannot be run. A recipe may name Python files of models, which are run: replay recipes that you trust.
    """
    found = Recipe.read(recipe)
    if found.command in COMMANDS:
        if not files:
            raise InputError(
                f"{recipe} is a recipe of {found.command} in Python. Name the files of the arrays that were compared: "
                f"similitude replay {recipe} FILE..."
            )
        result = recompute(found, [x for path in files for x in load_representations(path).values()])
    elif found.command in _REPLAYED:
        if files:
            raise InputError(f"{recipe} names its files itself. Leave {files[0]} out.")
        result = _run(found, recipe)
    else:
        raise FileError(
            f"{recipe} is a recipe of {found.command!r:.40}, which cannot be replayed. Those of {', '.join(_REPLAYED)} "
            f"and {', '.join(COMMANDS)} can be."
        )
    changed = found.changed_files()
    differences = list(disagreements(found.result, result, tolerance))
    now = software(found.software)
    versions = {
        name: [found.software.get(name), now.get(name)]
        for name in dict.fromkeys([*found.software, *now])
        if found.software.get(name) != now.get(name)
    }
    if json:
        content = {"agrees": not differences, "differences": differences, "files": changed, "software": versions}
        typer.echo(json_module.dumps(content, indent=1))
    else:
        _print(differences, changed, versions)
    if differences:
        raise typer.Exit(1)


def _run(recipe: Recipe, path: Path) -> Any:
    """What the command prints now."""
    command = importlib.import_module(f"similitude.cli.{recipe.command}").command
    known = inspect.signature(command).parameters
    parameters = {name: value for name, value in recipe.parameters.items() if name in known}
    if parameters.keys() != recipe.parameters.keys():
        unknown = sorted(recipe.parameters.keys() - parameters.keys())
        raise FileError(f"{path} has parameters that {recipe.command} does not take: {', '.join(unknown)}.")
    for name, value in parameters.items():
        if isinstance(value, str) and "Path" in str(known[name].annotation):
            parameters[name] = Path(value)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(typer.Exit):
        command(**parameters, json=True)
    return json_module.loads(printed.getvalue())


def _print(differences: list[str], changed: list[str], versions: dict[str, list[str | None]]) -> None:
    console = stdout()
    for name in changed:
        console.print(f"{name} is missing or has changed.")
    for name, (before, now) in versions.items():
        console.print(f"{name}: {before} before, {now} now.")
    if not differences:
        console.print("All numbers agree.")
        return
    console.print(f"{len(differences)} place(s) differ:")
    for line in differences[:_SHOWN]:
        console.print(f"  {line}")
    if len(differences) > _SHOWN:
        console.print(f"  and {len(differences) - _SHOWN} more, with --json.")
