"""What the checks found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Check", "Failed", "ReportCard", "Skipped"]

Outcome = Literal["passed", "failed", "skipped"]


class Failed(Exception):
    """Raised inside a check: the measure does not do what it declares; the message says how that was seen."""


class Skipped(Exception):
    """Raised inside a check that does not apply; the message says why."""


@dataclass(frozen=True)
class Check:
    """One line of a report card."""

    name: str
    outcome: Outcome
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

    def __str__(self) -> str:
        marks = {"passed": "ok  ", "failed": "FAIL", "skipped": "-   "}
        width = max(len(check.name) for check in self.checks)
        lines = [f"{marks[c.outcome]}  {c.name:<{width}}  {c.detail}".rstrip() for c in self.checks]
        count = len(self.failures)
        verdict = "passes" if count == 0 else f"fails {count} of {len(self.checks)} checks"
        return "\n".join([f"{self.measure} {verdict}", *lines])
