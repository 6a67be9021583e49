"""Memory that measures need, estimated before anything is computed, and the memory that there is."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
from pathlib import Path

from similitude.factors.base import Factor, Use, reading

__all__ = ["MEMORY", "check_fits", "gigabytes", "give_back", "machine_memory", "needed"]

MEMORY = 2 << 30
"""Bytes for representations and all that is computed of them, unless told otherwise."""

_LIMITS = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")


@functools.cache
def machine_memory() -> float:
    """Return the bytes of memory of this machine, or of the container; infinite where the system does not tell."""
    known = [float("inf")]
    with contextlib.suppress(AttributeError, ValueError, OSError):  # not a POSIX system
        known.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for file in _LIMITS:
        with contextlib.suppress(OSError, ValueError):  # no such file, or "max" in it
            known.append(float(file.read_text()))
    return min(known)


def give_back() -> None:
    """Return freed memory to the system, which the GNU C library otherwise keeps: each later run would add to it."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


@functools.lru_cache(maxsize=1024)
def needed(uses: tuple[Use, ...], n: int, d: int) -> int:
    """Return the bytes that one representation takes, about, with the factors and its half of the crosses of a measure.

    Parameters
    ----------
    uses
        Factors and crosses; see `Measure.uses`.
    n, d
        Numbers of inputs and of features.
    """
    read = reading(uses, lambda cross: cross.chosen(n, d, d))
    crosses = sum(cross.cost(n, d, d).bytes for cross in read.crosses)
    return max(8 * n * d, int(sum(factor.cost(n, d).bytes for factor in read.factors) + crosses / 2))


def check_fits(factor: Factor, n: int, d: int) -> None:
    """Refuse a factor of n inputs and d features that this machine clearly cannot hold.

    Asking for the memory would not tell: some systems grant any amount, and end the process that uses it.

    Raises
    ------
    MemoryError
        It takes more than `machine_memory`.
    """
    size = factor.cost(n, d).bytes
    if size > machine_memory():
        raise MemoryError(f"{factor} takes about {gigabytes(size)}.")


def gigabytes(count: float) -> str:
    """Return a number of bytes in words.

    Examples
    --------
    >>> gigabytes(3.2e13), gigabytes(2.5e9), gigabytes(8e4)
    ('32,000 GB', '2.5 GB', '8e-05 GB')
    """
    return f"{count / 1e9:,.0f} GB" if count >= 1e10 else f"{count / 1e9:.2g} GB"
