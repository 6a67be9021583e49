"""Parameters of measures: the values that each can take, declared where it is defined and checked in one place."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from similitude.errors import InputError

__all__ = ["Domain", "check_parameters", "domains", "parameter"]


@dataclass(frozen=True)
class Domain:
    """Values that a parameter can take.

    Parameters
    ----------
    options
        The values, where they can be listed.
    at_least, above, at_most
        Limits of a number; None where there is none.
    whole
        Whether only whole numbers are allowed.
    optional
        Whether None is allowed too.
    """

    options: tuple[Any, ...] = ()
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    whole: bool = False
    optional: bool = False

    def __contains__(self, value: Any) -> bool:
        if value is None:
            return self.optional
        if self.options:
            return value in self.options
        if not isinstance(value, int if self.whole else Real):
            return False
        number = float(value)
        return (
            (self.at_least is None or number >= self.at_least)
            and (self.above is None or number > self.above)
            and (self.at_most is None or number <= self.at_most)
        )

    def __str__(self) -> str:
        """Return what must hold, as it follows "must be" in a message."""
        return self._rule() + (" or none" if self.optional else "")

    def _rule(self) -> str:
        if self.options:
            *others, last = (repr(option) for option in self.options)
            return f"{', '.join(others)} or {last}" if others else last
        if self.at_least is not None and self.at_most is not None:
            limits = f"between {self.at_least:g} and {self.at_most:g}"
        elif self.above == 0 and self.at_most is None and not self.whole:
            limits = "positive"
        else:
            named = {"above": self.above, "at least": self.at_least, "at most": self.at_most}
            limits = " and ".join(f"{word} {limit:g}" for word, limit in named.items() if limit is not None)
            return f"a whole number of {limits}" if self.whole else limits
        return f"a whole number {limits}" if self.whole else limits


def parameter(
    default: Any, *, at_least: float | None = None, above: float | None = None, at_most: float | None = None
) -> Any:
    """Return the field of a number with limits: ``k: int = parameter(10, at_least=1)``.

    Parameters
    ----------
    default
        Default value; None is always allowed where it is the default.
    at_least, above, at_most
        Limits, of which `above` alone is not reached itself.
    """
    limits = {"at_least": at_least, "above": above, "at_most": at_most}
    return dataclasses.field(default=default, metadata={"limits": limits})


@functools.cache
def domains(measure: type[Any]) -> Mapping[str, Domain]:
    """Return the domain of each parameter of a class of measures that has limits or is annotated with a Literal."""
    found = {field.name: _domain(measure, field) for field in dataclasses.fields(measure)}
    return {name: domain for name, domain in found.items() if domain is not None}


def check_parameters(measure: Any) -> None:
    """Refuse a value outside the domain of its parameter.

    Raises
    ------
    InputError
        The message says what the parameter must be.
    """
    for name, domain in domains(type(measure)).items():
        value = getattr(measure, name)
        if value not in domain:
            shown = f"{value:g}" if isinstance(value, float) else repr(value)
            raise InputError(f"{measure.name}: {name} must be {domain}, not {shown}.")


def _domain(measure: type[Any], field: dataclasses.Field[Any]) -> Domain | None:
    annotation = _annotation(measure, field.name)
    kinds = (annotation,) if get_origin(annotation) is Literal else (get_args(annotation) or (annotation,))
    optional = field.default is None or NoneType in kinds
    options = tuple(option for kind in kinds if get_origin(kind) is Literal for option in get_args(kind))
    if options:
        return Domain(options, optional=optional)
    if "limits" in field.metadata:
        return Domain(**field.metadata["limits"], whole=int in kinds or type(field.default) is int, optional=optional)
    return None


def _annotation(measure: type[Any], name: str) -> Any:
    """Return the annotation of a parameter, or None where it names something that exists for type checkers only."""
    owner = next(ancestor for ancestor in measure.__mro__ if name in inspect.get_annotations(ancestor))
    annotation = inspect.get_annotations(owner)[name]
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, vars(sys.modules[owner.__module__]))
    except NameError:
        return None
