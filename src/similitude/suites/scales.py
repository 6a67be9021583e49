"""Sizes of the populations that suites build."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

__all__ = ["SCALES", "Scale"]

Scale = Literal["quick", "first", "embedded", "standard", "paper"]
"""Size of the populations, from a smoke test to the size of the paper; see `SCALES`."""

SCALES: Mapping[Scale, str] = {
    "quick": "smoke test: a minute, values mean nothing",
    "first": "a first result: about ten minutes on two cores",
    "embedded": "all subtasks: about an hour on two cores",
    "standard": "the size that the documented verdicts rest on",
    "paper": "the size of the paper: days",
}
"""What each scale is for."""
