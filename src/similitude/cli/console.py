"""Where the command line writes: results to stdout, all else to stderr."""

from __future__ import annotations

import os
import re
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from similitude.errors import InputError, SimilitudeWarning
from similitude.representations.names import printable

__all__ = [
    "PIPE_WIDTH",
    "Bars",
    "Draw",
    "Home",
    "JsonOutput",
    "MeasureIds",
    "Workers",
    "make_folder",
    "measures_option",
    "memory_option",
    "note",
    "parse_numbers",
    "parse_size",
    "print_sentences",
    "progress_bars",
    "show_warnings",
    "stderr",
    "stdout",
]


class _Console(Console):
    """Prints text as it is: without markup, and with characters that steer a terminal written out."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **settings)

    def render_str(self, text: str, **settings: Any) -> Text:
        """Text of a message, a cell or a title: all text that is printed passes here, except `Text`s."""
        return super().render_str(printable(text, keep="\n\t"), **settings)

    def on_broken_pipe(self) -> None:
        """Raise: rich would end the process with an exit code of 1."""
        raise BrokenPipeError


stderr = _Console(stderr=True)


PIPE_WIDTH = 100
"""Width of a table of grades where no terminal limits it: the same in every pipe, and readable in a pager."""


def stdout(piped: int = 200) -> Console:
    """Return the console of results; `piped` is its width where no terminal limits it."""
    return _Console() if sys.stdout.isatty() or "COLUMNS" in os.environ else _Console(width=piped)


def print_sentences(console: Console, sentences: Sequence[str]) -> None:
    """Print sentences, each on lines of its own."""
    for sentence in sentences:
        for line in textwrap.wrap(sentence, console.width, break_long_words=False, break_on_hyphens=False):
            console.print(line, soft_wrap=True)


Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        envvar="SIMILITUDE_HOME",
        help="Folder where populations and finished values are kept.",
        show_default="the user's cache folder",
    ),
]
Workers = Annotated[int, typer.Option(min=1, help="Number of processes that train, with one thread each.")]
Draw = Annotated[
    int, typer.Option(min=0, help="Number of an independent draw of seeds; the documented networks are draw 0.")
]
JsonOutput = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on stdout.")]


def measures_option(default: str = "those of the paper") -> Any:
    """Option of measure ids; `default` says in words which there are without it."""
    return typer.Option(
        "--measures",
        "-m",
        help="Measure ids; repeat, or separate with commas. `similitude measures` lists them.",
        show_default=default,
    )


def memory_option(default: int) -> Any:
    """Option of a size of memory; `default` in bytes."""
    return typer.Option(
        "--memory",
        metavar="SIZE",
        help="Approximate memory limit for representations and what is computed from them, such as 2GB or 512MiB.",
        show_default=f"{default / 2**30:g}GiB",
    )


MeasureIds = Annotated[list[str] | None, measures_option()]

_UNITS = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_UNITS |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}


def parse_size(text: str | None, default: int) -> int:
    """Bytes of a text such as ``2GB`` or ``512MiB``; the default for None.

    Raises
    ------
    InputError
        Another text, a number without a unit, or less than a megabyte.
    """
    if text is None:
        return default
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z]+)", text.strip().lower())
    if match is None or match[2] not in _UNITS:
        raise InputError(f"--memory {text}: write a number and a unit, such as 2GB, 1.5GiB or 512MB.")
    size = int(float(match[1]) * _UNITS[match[2]])
    if size < 10**6:
        raise InputError(f"--memory {text}: that is {size:,} bytes; give 1MB at least.")
    return size


def parse_numbers(text: str | None, option: str) -> list[float] | None:
    """Numbers of an option, with commas between them; None for None."""
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"{option} {text}: write one number per channel, with commas between them.") from None


def make_folder(folder: Path) -> None:
    """Make a folder of results, before anything is computed that could not be written.

    Raises
    ------
    InputError
        It cannot be made, or not be written into.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be made: {error.strerror}. Name another one.") from None
    if not os.access(folder, os.W_OK):
        raise InputError(f"The folder {folder} cannot be written into. Name another one.")


def note(text: str) -> None:
    """Tell a person something that is not a result."""
    stderr.print(text, style="dim", markup=False, soft_wrap=True)


def show_warnings() -> None:
    """Print our warnings as one line each, without source code."""
    plain = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: object, **more: object) -> None:
        if issubclass(category, SimilitudeWarning):
            stderr.print(f"warning: {message}", style="yellow", markup=False, soft_wrap=True)
        else:
            plain(message, category, *where, **more)  # type: ignore[arg-type]

    warnings.showwarning = show


_COUNTED = 0.9
"""Share of a step that its bars count; statistics and figures may follow the last of them."""


class Bars:
    """Bars with an estimate on stderr: call with a label, then the result with finished and total.

    With `steps`, there is one more bar over all steps of a command; those of a step go when it ends.
    """

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._bars: dict[str, TaskID] = {}
        self._overall: TaskID | None = None
        self._done = 0.0
        self._weight = 0.0

    def __call__(self, label: str) -> Callable[[int, int], None]:
        def advance(finished: int, total: int) -> None:
            if label not in self._bars:
                self._bars[label] = self._shown.add_task(printable(label), total=total, count="")
            self._shown.update(self._bars[label], completed=finished, total=total, count=f"{finished}/{total}")
            if self._overall is not None:
                # A bar that starts late takes the step back; the bar over all of them never goes back.
                started = [self._shown.tasks[self._shown.task_ids.index(bar)] for bar in self._bars.values()]
                share = sum(bar.completed for bar in started) / max(1.0, sum(bar.total or 0 for bar in started))
                self._tell(max(self._done + _COUNTED * self._weight * share, self._completed()))

        return advance

    def tell(self, what: str, finished: int, total: int) -> None:
        """Advance the bar of what is built, as `similitude.suites.base.BuildProgress`."""
        self(what)(finished, total)

    def steps(self, total: float) -> None:
        """Show one bar over steps whose expected durations sum to a total."""
        self._overall = self._shown.add_task("", total=max(total, 1e-9), count="0%")

    @contextmanager
    def step(self, label: str, duration: float) -> Iterator[None]:
        """Do a step of some expected duration, in the unit of the total."""
        assert self._overall is not None
        self._weight = duration
        self._shown.update(self._overall, description=printable(label))
        yield
        for bar in self._bars.values():
            self._shown.remove_task(bar)
        self._bars.clear()
        self._done += duration
        self._tell(self._done)

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Take the bars off the screen while results are printed."""
        self._shown.stop()
        yield
        self._shown.start()

    def _completed(self) -> float:
        assert self._overall is not None
        return self._shown.tasks[self._shown.task_ids.index(self._overall)].completed

    def _tell(self, completed: float) -> None:
        assert self._overall is not None
        total = self._shown.tasks[self._shown.task_ids.index(self._overall)].total or 1.0
        self._shown.update(self._overall, completed=completed, count=f"{completed / total:.0%}")


@contextmanager
def progress_bars() -> Iterator[Bars]:
    """Show bars until the block ends."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[count]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=stderr,
        speed_estimate_period=300,
    ) as shown:
        yield Bars(shown)
