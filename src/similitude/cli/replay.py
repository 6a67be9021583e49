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
from similitude.errors import FileError
from similitude.runs.provenance import software
from similitude.runs.recipe import Recipe, disagreements

__all__ = ["command"]

_REPLAYED = ("compare", "inputs")
_SHOWN = 10


def command(
    recipe: Annotated[Path, typer.Argument(help="A file that `--recipe` wrote.")],
    tolerance: Annotated[float, typer.Option(min=0, help="Difference that is tolerated.")] = 1e-9,
    json: JsonOutput = False,
) -> None:
    """Run a recipe again, and say whether files and numbers are still the same.

    Names of files are looked up from the current folder. Exit code 0 if all numbers agree, 1 if not, 2 if the recipe
    cannot be run. A recipe may name Python files of models, which are run: replay recipes that you trust.
    """
    found = Recipe.read(recipe)
    if found.command not in _REPLAYED:
        raise FileError(f"{recipe} is a recipe of the command {found.command!r:.40}, which cannot be replayed.")
    changed = found.changed_files()
    result = _run(found, recipe)
    differences = list(disagreements(found.result, result, tolerance))
    now = software()
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
