"""Measures by name: how two representations are compared."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from similitude.errors import InputError
from similitude.measures.base import Invariance, Measure
from similitude.measures.catalogue import BUILT_IN, DEFAULT_MEASURES, MEASURES, RDM_MEASURES
from similitude.measures.function import measure
from similitude.measures.parse import parse_measure, split_ids
from similitude.measures.significance import chance_notes, significance
from similitude.representations.rdm import RDM

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
        A parameter that the measure does not have, or a value it does not take; or a function that declares nothing.

    Examples
    --------
    >>> str(get_measure("pwcca( lost = zero )"))
    'pwcca'
    """
    if isinstance(measure, Measure):
        return measure
    if isinstance(measure, str):
        return parse_measure(measure)
    if callable(measure):
        name = getattr(measure, "__name__", type(measure).__name__)
        raise InputError(
            f"The function {name} does not say whether larger values mean more alike. Declare it: "
            "similitude.measure(kind='similarity')(f), or kind='dissimilarity'; it is a measure then."
        )
    raise InputError(f"{measure!r} is not a measure. Give an id such as 'cka', or what similitude.measure returns.")


def get_measures(
    measures: str | Measure | Iterable[str | Measure] | None, compared: Iterable[Any] = ()
) -> list[Measure]:
    """Measures of ids, separated by commas outside parentheses; none twice.

    Parameters
    ----------
    measures
        Ids and measures; None for the default ones: those of Ding et al. 2021, or rsa if an RDM is compared.
    compared
        What will be compared.
    """
    if measures is None:
        measures = RDM_MEASURES if any(isinstance(entry, RDM) for entry in compared) else DEFAULT_MEASURES
    if isinstance(measures, str) or not isinstance(measures, Iterable):
        measures = [measures]
    found: dict[str, Measure] = {}
    for entry in measures:
        for item in split_ids(entry) if isinstance(entry, str) else [entry]:
            found.setdefault(str(measure := get_measure(item)), measure)
    if not found:
        raise InputError("No measure was named. `similitude measures` lists them.")
    return list(found.values())
