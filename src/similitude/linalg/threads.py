"""Threads of the linear algebra library, which the sums of its products depend on in their last bits."""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager

import scipy.linalg.lapack  # noqa: F401  # its library is to be there when libraries are looked up
from threadpoolctl import ThreadpoolController

__all__ = ["limit_threads"]


def limit_threads(count: int = 1) -> AbstractContextManager[object]:
    """Give linear algebra this many threads for a while, in the whole process."""
    return _controller().limit(limits=count)


@functools.cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # looks for libraries, which takes a millisecond
