"""A bar, or the user's own function, that shows how far something is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["showing"]


@contextmanager
def showing(
    progress: bool | Callable[..., Any] | None, count: int | None, label: str
) -> Iterator[Callable[[int], None]]:
    """Show progress within a block.

    Parameters
    ----------
    progress
        True for a bar with the time left, a function of (done, count), or nothing.
    count
        Number of steps, if it is known.
    label
        What the bar is called.

    Yields
    ------
    callable
        To be called with the number of steps done.
    """
    if callable(progress):
        yield lambda done: progress(done, count)
    elif not progress:
        yield lambda done: None
    else:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        with Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        ) as bar:
            task = bar.add_task(label, total=count)
            yield lambda done: bar.update(task, completed=done)
