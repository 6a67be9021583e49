"""Where tiles are worked on: in this process, in threads, in processes, or on a Dask cluster.

All are executors as of PEP 3148, so that the engine knows one way to hand out work: ``submit``, and futures.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
import re
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from similitude.engine.ledger import Entry
from similitude.engine.plan import Instructions, Plan, Tile
from similitude.engine.tiles import Workspace
from similitude.errors import FileError, InputError, SimilitudeWarning, require
from similitude.factors.memory import give_back
from similitude.linalg.threads import limit_threads
from similitude.representations.representation import Representation

__all__ = ["Pool", "Reference", "cores", "held_interrupts", "open_pool", "parse_executor", "side_by_side"]

_WORTH_A_THREAD = 100_000
"""Entries of representations from which starting threads pays."""

_WORTH_GIVING_BACK = 1 << 27
"""Bytes of factors from which what they leave behind is returned to the system."""

T = TypeVar("T")
R = TypeVar("R")


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Reference:
    """A representation that lies in a file, as it is sent to a worker: a few hundred bytes, whatever its size.

    Parameters
    ----------
    file, offset, dtype, shape, order
        Where the array lies.
    model, layer
        Its label.
    content_hash
        Its hash, which the driver has computed.
    made_by
        Representation or RDM.
    """

    file: str
    offset: int
    dtype: str
    shape: tuple[int, ...]
    order: str
    model: str
    layer: str
    content_hash: str
    made_by: type[Representation] = Representation

    @classmethod
    def of(cls, representation: Representation, spool: Path) -> Reference:
        """Reference to the file that an array is mapped from; arrays in memory are written to `spool` first."""
        values = representation.values
        label = (representation.model, representation.layer, representation.content_hash)
        if not isinstance(values, np.memmap) or _offset(values) is None:
            file = spool / f"{representation.content_hash}.npy"
            if not file.exists():
                np.save(file, values)
            values = np.load(file, mmap_mode="r")
        order = "C" if values.flags.c_contiguous else "F"
        return cls(
            str(values.filename),
            _offset(values) or 0,
            values.dtype.str,
            values.shape,
            order,
            *label,
            type(representation),
        )

    def open(self) -> Representation:
        """Map the file."""
        try:
            order = "C" if self.order == "C" else "F"
            values = np.memmap(self.file, self.dtype, "r", self.offset, self.shape, order)
        except (OSError, ValueError) as error:
            raise FileError(
                f"A worker cannot read {self.file} ({error}). Workers need the same files as the driver."
            ) from error
        found = self.made_by(values, model=self.model, layer=self.layer)
        found.__dict__["content_hash"] = self.content_hash
        return found


def _offset(values: np.memmap) -> int | None:
    """Where in its file an array starts; None if it is not mapped from one in a single piece."""
    memory = getattr(values, "_mmap", None)
    if memory is None or not (values.flags.c_contiguous or values.flags.f_contiguous):
        return None
    # A part of a mapped array still tells the offset of the whole, so go by addresses.
    start = values.offset - values.offset % mmap.ALLOCATIONGRANULARITY
    return start + values.ctypes.data - np.frombuffer(memory, np.uint8).ctypes.data


@dataclass
class Pool:
    """An executor with what the engine must know of it.

    Parameters
    ----------
    workers
        Number of tiles that are worked on at a time.
    start
        Makes the executor, and makes it again after a worker died.
    work
        What is submitted for a tile, with its arguments.
    """

    workers: int
    start: Callable[[], Executor]
    work: Callable[[Tile], tuple[Any, ...]]

    def __post_init__(self) -> None:
        """Start it."""
        self.executor = self.start()

    def submit(self, tile: Tile) -> Future[list[Entry]]:
        """Hand a tile to a worker."""
        with held_interrupts():
            return self.executor.submit(*self.work(tile))

    def restart(self) -> None:
        """Put a new executor in the place of one that broke."""
        self.executor.shutdown(wait=False, cancel_futures=True)
        self.executor = self.start()


def parse_executor(spec: str) -> tuple[str, str]:
    """Kind of an executor, and what follows its colon; see `open_pool`.

    Raises
    ------
    InputError
        Another text.
    """
    if not re.fullmatch(r"threads|serial|processes(:[1-9]\d*)?|dask(:.+)?", spec):
        raise InputError(
            f"Unknown executor {spec!r}. Known: threads, serial, processes, processes:N, dask, dask:tcp://host:port."
        )
    kind, _, detail = spec.partition(":")
    return kind, detail


@contextmanager
def open_pool(spec: str, plan: Plan) -> Iterator[Pool]:
    """Pool for a plan.

    Parameters
    ----------
    spec
        ``"threads"`` (of one BLAS thread each), ``"serial"``, ``"processes"`` or ``"processes:N"``, ``"dask"`` for a
        cluster on this machine, or the address of a Dask scheduler, ``"dask:tcp://host:8786"``.
    plan
        What the workers will compute.

    Raises
    ------
    InputError
        Another text.
    MissingDependency
        Dask is not installed.
    """
    kind, detail = parse_executor(spec)
    if kind in ("serial", "threads"):
        with _local(1 if kind == "serial" else plan.workers, plan) as pool:
            yield pool
    elif kind == "processes":
        workers = int(detail or plan.workers)
        context = multiprocessing.get_context("spawn")  # a fork of a process with BLAS threads can hang
        with _references(plan, workers) as work:
            pool = Pool(workers, lambda: ProcessPoolExecutor(workers, context, _ignore_interrupts), work)
            try:
                yield pool
            finally:
                pool.executor.shutdown(cancel_futures=True)
    else:
        distributed = require("distributed", extra="cluster")
        local = {"n_workers": plan.workers, "threads_per_worker": 1, "dashboard_address": None}
        with distributed.Client(**({"address": detail} if detail else local)) as client:
            workers = max(1, len(client.scheduler_info()["workers"]))
            with _references(plan, workers) as work:
                yield Pool(workers, lambda: client.get_executor(pure=False, retries=3), work)


def side_by_side(function: Callable[[T], R], items: Sequence[T], size: int) -> list[R]:
    """Results of a function for a few items, a thread each where there is enough to do for that.

    Parameters
    ----------
    function, items
        What to do, and with what. Decompositions gain more from this than from several threads each.
    size
        Number of entries of all arrays concerned.
    """
    with limit_threads():
        if cores() == 1 or len(items) == 1 or size < _WORTH_A_THREAD:
            return [function(item) for item in items]
        with ThreadPoolExecutor(cores()) as executor:
            return list(executor.map(function, items))


@contextmanager
def _local(workers: int, plan: Plan) -> Iterator[Pool]:
    """Threads share one workspace."""
    workspace, roots = Workspace(replace(plan.instructions, threads=workers)), dict(enumerate(plan.roots))
    with limit_threads(), ThreadPoolExecutor(workers) as executor:
        try:
            yield Pool(workers, lambda: executor, lambda tile: (workspace.run, tile, roots))
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise
    workspace.clear()
    if plan.bytes > _WORTH_GIVING_BACK:
        give_back()


@contextmanager
def _references(plan: Plan, workers: int) -> Iterator[Callable[[Tile], tuple[Any, ...]]]:
    """Work for other processes, to which arrays go as references to files."""
    instructions = replace(plan.instructions, memory=plan.held // workers)
    with tempfile.TemporaryDirectory(prefix="similitude-") as spool:
        references = [Reference.of(root, Path(spool)) for root in plan.roots]
        yield lambda tile: (_work_on, spool, instructions, tile, {i: references[i] for i in tile.roots})


@contextmanager
def held_interrupts() -> Iterator[None]:
    """Hold back Ctrl-C for as long as processes are started, which inherit that: they die of it in no import."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ignore_interrupts() -> None:
    """Ctrl-C reaches all processes of a terminal; the driver alone decides what comes of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


_workspaces: dict[str, Workspace] = {}
"""In a worker process: the workspace of the run in progress, whose factors serve its next tiles."""


def _work_on(run: str, instructions: Instructions, tile: Tile, references: Mapping[int, Reference]) -> list[Entry]:
    if run not in _workspaces:
        _workspaces.clear()
        _workspaces[run] = Workspace(instructions)
    with limit_threads(), warnings.catch_warnings():
        warnings.simplefilter("ignore", SimilitudeWarning)
        return _workspaces[run].run(tile, references)
