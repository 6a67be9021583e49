"""Values that a shell completes: measures, suites, subtasks and scales, without loading what computes with them."""

# No `from __future__ import annotations`: typer reads the annotations of functions that are made here.

from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from similitude.measures.catalogue import MEASURES
from similitude.suites import SCALES, SUBTASKS, SUITES

__all__ = ["completing"]

Completer = Callable[[str], list[str]]


def _starting(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _measures(incomplete: str) -> list[str]:
    """Ids of measures; after a comma, of the next one."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _starting(MEASURES, last)]


def _scales(incomplete: str) -> list[str]:
    return _starting(SCALES, incomplete)


def _suites(incomplete: str) -> list[str]:
    return _starting(SUITES, incomplete)


def _subtasks(incomplete: str) -> list[str]:
    """Suites, and once one is begun its subtasks."""
    suite, slash, _ = incomplete.partition("/")
    if slash:
        return _starting([f"{suite}/{subtask}" for subtask in SUBTASKS.get(suite, ())], incomplete)
    found = _suites(incomplete)
    return [f"{name}/{subtask}" for name in found for subtask in SUBTASKS.get(name, ())] + found


def _published(incomplete: str) -> list[str]:
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _starting(SUBTASKS["published"], last)]


def _nothing(incomplete: str) -> list[str]:
    return []


_ARGUMENTS: dict[str, Completer] = {
    "run": _subtasks,
    "challenge": _subtasks,
    "leaderboard": _subtasks,
    "replicate": _subtasks,
    "build": _suites,
    "suites": _suites,
    "intuitive": _suites,
    "check": _measures,
    "cite": _measures,
    "measures": _measures,
    "compare": _nothing,
    "diff": _nothing,
    "inputs": _nothing,
    "layers": _nothing,
    "reproduce": _nothing,
}
"""Command to what its arguments are; where nothing is completed, the shell completes files."""

_OPTIONS = {"--measures", "-m", "--against", "--scale", "--subtasks"}


def completing(command: str, args: list[str], load: Callable[[], Any]) -> TyperCommand | None:
    """Return a command of the arguments and options whose values are completed, quickly to load.

    None where the command itself is needed: for another one, and after an option that only it knows.

    Parameters
    ----------
    command
        Name of the command.
    args
        Words before the one that is completed.
    load
        Gives the command itself, which knows the names of all options.
    """
    if command not in _ARGUMENTS or any(arg.startswith("-") and arg not in _OPTIONS for arg in args):
        return None

    class Light(TyperCommand):
        def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
            itself = load()
            own = itself.make_context(command, [], parent=ctx.parent, resilient_parsing=True)
            return itself.shell_complete(own, incomplete)

    def light(
        values: Annotated[list[str] | None, typer.Argument(autocompletion=_ARGUMENTS[command])] = None,
        measures: Annotated[
            list[str] | None, typer.Option("--measures", "-m", "--against", autocompletion=_measures)
        ] = None,
        scale: Annotated[str | None, typer.Option(autocompletion=_scales)] = None,
        subtasks: Annotated[list[str] | None, typer.Option("--subtasks", autocompletion=_published)] = None,
    ) -> None: ...

    alone = typer.Typer(add_completion=False)
    alone.command(command, cls=Light)(light)
    found = typer.main.get_command(alone)
    return found if isinstance(found, TyperCommand) else None
