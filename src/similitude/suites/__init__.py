"""The populations and subtasks that ship, by name."""

from __future__ import annotations

from similitude.registry import Registry
from similitude.suites.base import SCALES, Scale, Site, Suite, built

__all__ = ["SCALES", "SUITES", "Scale", "Site", "Suite", "built"]

SUITES: Registry[Suite] = Registry("suite", group="similitude.suites")
SUITES.register("synthetic", "similitude.suites.synthetic:SUITE")
SUITES.register("vision", "similitude.suites.vision.suite:SUITE")
SUITES.register("language", "similitude.suites.language.suite:SUITE")
SUITES.register("published", "similitude.suites.published.suite:SUITE")
