"""The `similitude` command."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import similitude
from similitude.cli.commands import COMMANDS, OnDemand
from similitude.cli.console import show_warnings, stderr
from similitude.cli.interrupts import ending_at_once, interruptible
from similitude.errors import SimilitudeError

__all__ = ["app", "main"]


_INTERRUPTED = "Interrupted; finished networks and values are kept. Run again to continue."


class _Group(TyperGroup):
    """Imports commands when they are run, and turns our errors into one line and an exit code."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, summary in COMMANDS.items():
            self.add_command(OnDemand(name, help=summary, rich_markup_mode=self.rich_markup_mode))

    def invoke(self, ctx: Any) -> Any:
        try:
            with interruptible() as interrupted:
                return self._invoke(ctx, interrupted)
        except KeyboardInterrupt:
            stderr.print(_INTERRUPTED, style="yellow")
            raise typer.Exit(130) from None

    def _invoke(self, ctx: Any, interrupted: Callable[[], bool]) -> Any:
        try:
            return super().invoke(ctx)
        except SimilitudeError as error:
            if interrupted():  # a worker that was interrupted looks to others like one that died
                raise KeyboardInterrupt from None
            stderr.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
            raise typer.Exit(error.exit_code) from None
        except (typer.Exit, BrokenPipeError):
            raise
        except MemoryError:
            stderr.print("error: out of memory. Compare fewer representations at a time.", style="red")
            raise typer.Exit(2) from None
        except Exception as error:
            if interrupted():
                raise KeyboardInterrupt from None
            if "SIMILITUDE_DEBUG" in os.environ or type(error).__module__.startswith("typer"):
                raise
            if isinstance(error, OSError) and (error.filename is not None or error.errno == errno.ENOSPC):
                where = f"{error.filename}: " if error.filename is not None else ""
                stderr.print(f"error: {where}{error.strerror}", style="red", markup=False, soft_wrap=True)
                raise typer.Exit(2) from None
            stderr.print(
                f"internal error: {type(error).__name__}: {error}\nThis is a bug in similitude, not in your data. "
                "Set SIMILITUDE_DEBUG=1 to see where it happened, and please report it.",
                style="red",
                markup=False,
            )
            raise typer.Exit(70) from None


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Compare neural-network representations, and grade the measures that do so.",
    epilog="Exit codes: 0 done; 1 done, but some values failed; 2 bad input; 70 a bug in similitude; 130 interrupted.",
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"similitude {similitude.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    show_warnings()


def main() -> None:
    """Entry point."""
    try:
        with ending_at_once():
            app()
    except BrokenPipeError:  # `similitude ... | head`
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
