"""Assertions for the tests of networks."""

from __future__ import annotations

from typing import Any

from similitude.differences.diff import diff
from similitude.differences.divergence import Divergence

__all__ = ["assert_same_network"]


def assert_same_network(first: Any, second: Any, inputs: Any = None, **options: Any) -> Divergence:
    """Assert that two builds of a network agree within tolerance, layer by layer.

    Parameters
    ----------
    first, second, inputs, options
        See `similitude.diff`.

    Returns
    -------
    Divergence
        What was found, for further assertions.

    Raises
    ------
    AssertionError
        They diverge; the message names the layer and has the table.

    Examples
    --------
    >>> import numpy as np
    >>> saved = {"block": np.random.default_rng(0).normal(size=(50, 8))}
    >>> assert_same_network(saved, saved).verdict
    'equal'
    """
    __tracebackhide__ = True  # pytest shows the line of the test
    found = diff(first, second, inputs, **options)
    if not found.same:
        raise AssertionError(repr(found))
    return found
