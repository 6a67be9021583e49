"""Run all checks on a measure, and say what they found."""

from __future__ import annotations

import html
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from similitude.errors import InputError, MissingDependency, SimilitudeWarning
from similitude.measures import Measure, get_measure
from similitude.testing.checks import CHECKS
from similitude.testing.examine import Examination, Failed, Skipped

__all__ = ["Check", "ReportCard", "check_measure"]


@dataclass(frozen=True)
class Check:
    """One line of a report card."""

    name: str
    outcome: Literal["passed", "failed", "skipped"]
    detail: str = ""


@dataclass(frozen=True)
class ReportCard:
    """All checks of one measure.

    Attributes
    ----------
    measure
        Id of the measure.
    checks
        In the order in which they ran.
    """

    measure: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.failures

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.outcome == "failed")

    def __getitem__(self, name: str) -> Check:
        return next(check for check in self.checks if check.name == name)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def __str__(self) -> str:
        marks = {"passed": "ok  ", "failed": "FAIL", "skipped": "-   "}
        width = max(len(check.name) for check in self.checks)
        lines = [f"{marks[c.outcome]}  {c.name:<{width}}  {c.detail}".rstrip() for c in self.checks]
        count = len(self.failures)
        verdict = "passes" if count == 0 else f"fails {count} of {len(self.checks)} checks"
        return "\n".join([f"{self.measure} {verdict}", *lines])


def check_measure(measure: str | Measure | Callable[..., float], seed: int = 0) -> ReportCard:
    """Hold a measure to every word that it declares.

    Parameters
    ----------
    measure
        A measure, its id, or a function made one by `similitude.measure`.
    seed
        Of the random data.

    Returns
    -------
    ReportCard
        One line per check; ``card.passed`` is False if any failed. A check that raises counts as failed.

    Raises
    ------
    MissingDependency
        The measure needs a package that is not installed.

    Examples
    --------
    >>> check_measure("cka").passed
    True
    """
    if not isinstance(measure, str | Measure):
        raise InputError(f"{measure!r} declares nothing to check. Decorate it: @similitude.measure(kind=...).")
    examination = Examination(get_measure(measure), seed)
    results = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SimilitudeWarning)  # that data are extreme is the point here
        for name, check in CHECKS.items():
            results.append(_run(name, check, examination))
            if name == "value" and results[-1].outcome == "failed":
                break  # nothing further can be learnt
    return ReportCard(str(examination.measure), tuple(results))


def _run(name: str, check: Callable[[Examination], str | None], examination: Examination) -> Check:
    try:
        return Check(name, "passed", check(examination) or "")
    except Skipped as reason:
        return Check(name, "skipped", str(reason))
    except Failed as finding:
        return Check(name, "failed", str(finding))
    except MissingDependency:
        raise  # nothing can be said of the measure on this machine
    except Exception as error:  # whatever a stranger's measure raises is a finding, not a crash of the checks
        return Check(name, "failed", f"raised {type(error).__name__}: {error}")
