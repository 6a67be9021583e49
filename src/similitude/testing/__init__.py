"""Checks that a measure does what it declares: for the measures that ship, and for anyone's."""

from __future__ import annotations

from similitude.testing.card import Check, ReportCard, check_measure
from similitude.testing.networks import assert_same_network

__all__ = ["Check", "ReportCard", "assert_same_network", "check_measure"]
