"""Threads of the linear algebra library, which the sums of its products depend on in their last bits."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import scipy.linalg.lapack  # noqa: F401  # its library is to be there when libraries are looked up
from threadpoolctl import ThreadpoolController

__all__ = ["limit_threads", "map_in_order"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def limit_threads(count: int = 1) -> AbstractContextManager[object]:
    """Give linear algebra this many threads for a while, in the whole process."""
    try:
        return _controller().limit(limits=count)
    except UnicodeDecodeError:  # some releases read the paths of all files in use as UTF-8, which a path need not be
        return nullcontext()


@functools.cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # looks for libraries, which takes a millisecond


def map_in_order(function: Callable[[Item], Result], items: Sequence[Item], threads: int) -> Iterator[Result]:
    """Yield the function of each item, in the order of the items; several are worked on at once."""
    if threads == 1 or len(items) == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(threads) as executor:
        yield from executor.map(function, items)
