"""Values by measure, found by any spelling of a measure's id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from similitude.errors import SimilitudeError
from similitude.measures import Measure, get_measure

__all__ = ["Values"]


class Values(dict[str, Any]):
    """Canonical id to value; other spellings of an id, and measures themselves, find the same value.

    Parameters
    ----------
    values
        Value of each measure, NaN where it failed.
    failures
        Measure id to reason.

    Examples
    --------
    >>> values = Values({"rsa": 0.5}, {})
    >>> values["rsa(rdm=correlation,compare=spearman)"], "rsa(compare=kendall)" in values
    (0.5, False)
    """

    def __init__(self, values: Mapping[str, Any], failures: Mapping[str, str]) -> None:
        super().__init__(values)
        self.failures = dict(failures)

    def __missing__(self, key: str | Measure) -> Any:
        canonical = _canonical(key)
        if canonical is None or canonical == key:
            raise KeyError(key)
        return self[canonical]

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or super().__contains__(_canonical(key))

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value of a measure, or `default` where it was not asked for."""
        return self[key] if self.__contains__(key) else default


def _canonical(key: object) -> str | None:
    try:
        return str(get_measure(key)) if isinstance(key, str | Measure) else None
    except SimilitudeError:
        return None
