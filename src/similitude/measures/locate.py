"""Measures outside this package, by address."""

from __future__ import annotations

from typing import Any

from similitude.addresses import load
from similitude.errors import InputError
from similitude.measures.base import Measure

__all__ = ["locate"]


def locate(address: str) -> Measure | type[Measure]:
    """Return the measure, or class of measures, at ``package.module:name`` or ``./file.py:name``.

    Raises
    ------
    SimilitudeError
        See `similitude.addresses.load`.
    InputError
        What is there is not a measure.
    """
    found = load(address, _is_measure)
    if _is_measure(found):
        return found
    raise InputError(
        f"{address} is not a measure but a {type(found).__name__}. Say what it measures with the decorator: "
        "@similitude.measure(kind='similarity' or 'dissimilarity', ...) above a function of two arrays."
    )


def _is_measure(value: Any) -> bool:
    return isinstance(value, Measure) or (isinstance(value, type) and issubclass(value, Measure))
