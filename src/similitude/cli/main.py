"""The `similitude` command."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import similitude
from similitude.cli import (
    archive,
    build,
    challenge,
    check,
    compare,
    doctor,
    intuitive,
    measures,
    replicate,
    report,
    reproduce,
    run,
    suites,
)
from similitude.cli.console import show_warnings, stderr
from similitude.errors import SimilitudeError

__all__ = ["app", "main"]


_INTERRUPTED = "Interrupted; finished networks and values are kept. Run again to continue."


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C raise KeyboardInterrupt once, and tell whether it came: whatever fails afterwards fails because of it.

    A second Ctrl-C while workers are stopped is ignored, so that they can be.
    """
    came = False

    def interrupt(signum: int, frame: Any) -> None:
        nonlocal came
        if not came:
            came = True
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGINT, before)


class _Group(TyperGroup):
    """Turns our errors into one line and an exit code."""

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
                f"internal error: {type(error).__name__}: {error}\nThis is a fault of similitude, not of your data. "
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
    epilog="Exit codes: 0 done; 1 done, but some values failed; 2 bad input; 70 a fault of ours; 130 interrupted.",
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


app.command("run")(run.command)
app.command("build")(build.command)
app.command("compare")(compare.command)
app.command("measures")(measures.command)
app.command("suites")(suites.command)
app.command("check")(check.command)
app.command("challenge")(challenge.command)
app.command("doctor")(doctor.command)
app.command("report")(report.command)
app.command("intuitive")(intuitive.command)
app.command("replicate")(replicate.command)
app.command("reproduce")(reproduce.command)
app.add_typer(archive.app, name="archive")


def main() -> None:
    """Entry point."""
    try:
        app()
    except BrokenPipeError:  # `similitude ... | head`
        sys.stderr.close()
        sys.exit(0)
    except KeyboardInterrupt:  # before or after the command itself
        sys.stderr.write(f"{_INTERRUPTED}\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
