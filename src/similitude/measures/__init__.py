"""Measures by name: how two representations are compared."""

from __future__ import annotations

from collections.abc import Iterable

from similitude.errors import InputError
from similitude.measures.base import Invariance, Measure
from similitude.measures.catalogue import BUILT_IN, DEFAULT_MEASURES, MEASURES
from similitude.measures.function import measure
from similitude.measures.parse import parse_measure, split_ids
from similitude.measures.permutation import chance_notes, significance

__all__ = [
    "BUILT_IN",
    "DEFAULT_MEASURES",
    "MEASURES",
    "Invariance",
    "Measure",
    "chance_notes",
    "get_measure",
    "get_measures",
    "measure",
    "significance",
]


def get_measure(measure: str | Measure) -> Measure:
    """Measure by its id, e.g. ``"cka"`` or ``"pwcca(lost=drop)"``.

    Raises
    ------
    UnknownName
        No such measure; the nearest names are given.
    InputError
        A parameter that the measure does not have, or a value it does not take.

    Examples
    --------
    >>> str(get_measure("pwcca( lost = zero )"))
    'pwcca'
    """
    return measure if isinstance(measure, Measure) else parse_measure(measure)


def get_measures(measures: str | Measure | Iterable[str | Measure] | None) -> list[Measure]:
    """Measures of ids, separated by commas outside parentheses; none twice; None for the default ones."""
    if measures is None:
        measures = DEFAULT_MEASURES
    if isinstance(measures, str | Measure):
        measures = [measures]
    found: dict[str, Measure] = {}
    for entry in measures:
        for item in [entry] if isinstance(entry, Measure) else split_ids(entry):
            found.setdefault(str(measure := get_measure(item)), measure)
    if not found:
        raise InputError("No measure was named. `similitude measures` lists them.")
    return list(found.values())
