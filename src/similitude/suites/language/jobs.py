"""Independent jobs by several processes, each on one thread."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait

from threadpoolctl import threadpool_limits

from similitude.errors import SimilitudeError, require

__all__ = ["Job", "run_jobs"]

Job = Callable[[], None]


def run_jobs(jobs: Sequence[Job], finished: Callable[[int], None], workers: int) -> None:
    """Run jobs that do not need each other.

    Parameters
    ----------
    jobs
        Functions without arguments that can be pickled.
    finished
        Called at the start and after each job with the number of those that are done.
    workers
        Number of processes; with 1 the jobs run in this one. Every job has one thread, so that results do not depend on
        the number of workers.

    Raises
    ------
    SimilitudeError
        A process was killed from outside.
    """
    finished(0)
    if workers == 1:
        for number, job in enumerate(jobs, start=1):
            _on_one_thread(job)
            finished(number)
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker)
    try:
        futures = [pool.submit(_on_one_thread, job) for job in jobs]
        for number, future in enumerate(as_completed(futures), start=1):
            future.result()
            finished(number)
    except BrokenProcessPool:
        raise SimilitudeError(
            "A process that trains models was killed, perhaps for lack of memory. Finished models are kept: run the "
            "command again, with fewer --workers if memory is short."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _on_one_thread(job: Job) -> None:
    torch = require("torch", extra="models")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            job()
    finally:
        torch.set_num_threads(threads)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # on Ctrl-C go silently; the parent speaks
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
