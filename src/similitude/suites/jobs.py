"""Independent jobs in several processes, each on one thread and with portable arithmetic."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from similitude.engine.executors import held_interrupts
from similitude.errors import SimilitudeError, require
from similitude.suites.portable import environment, prepare_torch

__all__ = ["Job", "Workers", "start_workers"]

Job = Callable[[], Any]
"""A function without arguments that can be pickled."""


class Workers:
    """Worker processes that are started by `start_workers`."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    def run(self, jobs: Sequence[Job], finished: Callable[[int], None] = lambda done: None) -> list[Any]:
        """Run jobs that do not need each other, and return their results in the order of the jobs.

        Parameters
        ----------
        jobs
            What to run.
        finished
            Called at the start and after each job with the number of jobs that are done.

        Raises
        ------
        SimilitudeError
            A process was killed from outside.
        """
        finished(0)
        with held_interrupts():
            futures = [self._pool.submit(job) for job in jobs]
        try:
            for number, future in enumerate(as_completed(futures), start=1):
                future.result()
                finished(number)
        except BrokenProcessPool:
            raise SimilitudeError(
                "A process that trains networks was killed, perhaps for lack of memory. Finished networks are kept: "
                "run the command again, with fewer --workers if memory is short."
            ) from None
        return [future.result() for future in futures]


@contextmanager
def start_workers(count: int) -> Iterator[Workers]:
    """Start processes that end with the block, or with this process.

    What a job computes depends on neither the number of processes nor the one that runs it.
    """
    loky = require("loky", extra="models")
    pool = loky.ProcessPoolExecutor(
        count, initializer=_start_worker, initargs=(os.getpid(),), env=environment(), timeout=None
    )
    try:
        yield Workers(pool)
    except BaseException:
        pool.shutdown(kill_workers=True)
        raise
    pool.shutdown()


def _start_worker(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl-C the parent speaks, and ends the workers
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    prepare_torch()


def _end_with(parent: int) -> None:
    """End a worker whose parent was killed; it would wait for work for ever."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
