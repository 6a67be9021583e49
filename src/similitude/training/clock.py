"""Keep what is done beside training within a share of the time that training takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from similitude.errors import InputError

__all__ = ["TimeShare"]


class TimeShare:
    """Time spent beside training, as a share of the time of training itself.

    Parameters
    ----------
    share
        Largest share, above 0; None for no limit.
    clock
        Gives the time in seconds.

    Attributes
    ----------
    spent
        Seconds spent so far.
    times
        How often.

    Examples
    --------
    >>> now = iter([0.0, 10.0, 11.0, 15.0, 40.0])  # made, spending from 10 to 11, asked at 15 and at 40
    >>> watch = TimeShare(0.05, lambda: next(now))
    >>> with watch.spending():
    ...     pass
    >>> watch.allows(), watch.allows()
    (False, False)
    >>> watch.spent
    1.0
    """

    def __init__(self, share: float | None, clock: Callable[[], float] = time.perf_counter) -> None:
        if share is not None and not 0 < share <= 1:
            raise InputError(f"budget must be a share of the training time, above 0 and up to 1, not {share!r}.")
        self.share = share
        self.spent = 0.0
        self.times = 0
        self._longest = 0.0
        self._clock = clock
        self._started = clock()

    def allows(self) -> bool:
        """Whether as much as has been spent at most each time fits in the share."""
        if self.share is None or not self.times:
            return True
        training = self._clock() - self._started - self.spent
        return self.spent + self._longest <= self.share * training

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Count the time of a block as spent."""
        began = self._clock()
        try:
            yield
        finally:
            took = self._clock() - began
            self.spent += took
            self._longest = max(self._longest, took)
            self.times += 1
