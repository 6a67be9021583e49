"""Ctrl-C: at once while there is nothing to keep, in order while a command works."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["ending_at_once", "interruptible"]

_EXIT_CODE = 130


def _end(signum: int, frame: Any) -> None:
    """End the process here: an exception would be lost, or printed, by an import that it passes through."""
    os.write(2, b"Interrupted.\n")
    os._exit(_EXIT_CODE)


@contextmanager
def _handled_by(handler: Callable[[int, Any], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # signals go to the main thread alone
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Let Ctrl-C end the process with one line: for imports and parsing, before there is any work to keep."""
    with _handled_by(_end):
        yield


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

    with _handled_by(interrupt):
        yield lambda: came
