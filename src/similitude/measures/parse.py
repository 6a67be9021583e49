"""Ids of measures as text: ``name(parameter=value,...)``."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable
from typing import Any
from weakref import WeakValueDictionary

from similitude.addresses import load
from similitude.errors import InputError, UnknownName, suggestion
from similitude.measures.base import Measure
from similitude.measures.catalogue import DEFAULT_MEASURES, MEASURES, RDM_MEASURES
from similitude.measures.function import FunctionMeasure
from similitude.representations.rdm import RDM

__all__ = ["every_measure", "get_measure", "get_measures", "parse_measure", "remember", "split_ids"]

_ID = re.compile(r"\s*(?P<name>[^()=,]+?)\s*(?:\((?P<parameters>.*)\))?\s*", re.DOTALL)


_MADE: WeakValueDictionary[str, Measure] = WeakValueDictionary()
"""Measures that hold data, by the ids that stand for them while they exist."""


_OF_DATA = {"deconfounded": "similitude.deconfounded(measure, inputs), or compare --confounder FILE"}
"""Measures that text alone cannot name, and what makes them."""


def split_ids(text: str) -> list[str]:
    """Split at the commas that stand outside parentheses.

    Examples
    --------
    >>> split_ids("cka,pwcca(lost=drop), procrustes")
    ['cka', 'pwcca(lost=drop)', 'procrustes']
    """
    parts, depth, start = [], 0, 0
    for i, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]


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


def remember(measure: Measure) -> Measure:
    """Make the id of a measure that holds data, such as a confounder, mean this one as long as it exists."""
    return _MADE.setdefault(str(measure), measure)


def every_measure() -> list[Measure]:
    """Return the whole catalogue: every measure that has a name, with its defaults and with the settings it declares.

    Examples
    --------
    >>> len(every_measure()) >= 40
    True
    """
    named = [get_measure(name) for name in MEASURES]
    settings = [f"{measure.name}({setting})" for measure in named for setting in measure.variants]
    return get_measures([*named, *settings])


def parse_measure(text: str) -> Measure:
    """Measure of an id; see `similitude.get_measure`."""
    if (made := _MADE.get(text)) is not None:
        return made
    match = _ID.fullmatch(text)
    if match is None:
        raise InputError(f"{text!r} is not a measure id. Write name or name(parameter=value,...), e.g. cka.")
    if maker := _OF_DATA.get(match["name"]):
        raise UnknownName(f"{text} is not known here: it holds data. Use {maker}.")
    measure = _class_of(match["name"])
    parameters: dict[str, Any] = {}
    fields = {field.name: field for field in dataclasses.fields(measure)}
    for item in split_ids(match["parameters"] or ""):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or key not in fields:
            hint = suggestion(key, fields) if fields else "It takes none."
            raise InputError(f"{text}: {match['name']} has no parameter {key!r}. {hint}")
        parameters[key] = _convert(value, fields[key].default, f"{text}: {key}")
    return measure(**parameters)


def _class_of(name: str) -> type[Measure]:
    found = _at(name) if ":" in name else _registered(name)
    return type(found) if isinstance(found, Measure) else found


def _at(address: str) -> Measure | type[Measure]:
    """Measure, or class of measures, at ``package.module:name`` or ``./file.py:name``."""
    found = load(address, _is_measure)
    if not _is_measure(found):
        raise InputError(
            f"{address} is not a measure but a {type(found).__name__}. Say what it measures with the decorator: "
            "@similitude.measure(kind='similarity' or 'dissimilarity', ...) above a function of two arrays."
        )
    return found


def _is_measure(value: Any) -> bool:
    return isinstance(value, Measure) or (isinstance(value, type) and issubclass(value, Measure))


@functools.cache
def _registered(name: str) -> Measure | type[Measure]:
    entry = MEASURES[name]
    return entry.renamed(name) if isinstance(entry, FunctionMeasure) else entry


def _convert(value: str, default: Any, where: str) -> Any:
    """Text to the type of the parameter's default; a default of None takes a number or text."""
    lowered = value.lower()
    try:
        if isinstance(default, bool):
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[lowered]
        if isinstance(default, int):
            return int(value)
        if isinstance(default, float):
            return float(value)
    except (KeyError, ValueError):
        kind = {bool: "true or false", int: "a whole number", float: "a number"}[type(default)]
        raise InputError(f"{where} must be {kind}, not {value!r}.") from None
    if default is None:
        return None if lowered == "none" else _number(value)
    return value


def _number(value: str) -> float | int | str:
    for convert in (int, float):
        try:
            return convert(value)
        except ValueError:
            continue
    return value
