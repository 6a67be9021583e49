"""The packages suite: networks that nobody trained for this benchmark."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, ClassVar

from similitude.benchmark.subtask import Subtask
from similitude.errors import MissingDependency, SimilitudeWarning
from similitude.suites.base import Site, Suite
from similitude.suites.packages.ani import ANI
from similitude.suites.packages.mhc import MHC, MHC_ALL
from similitude.suites.packages.source import Source
from similitude.suites.shipped import Package

__all__ = ["SUITE", "PackagesSuite"]


class PackagesSuite(Suite):
    """Populations of networks that packages of the package index ship; none is trained here, none is passed on.

    Parameters
    ----------
    sources
        Where the populations come from.
    """

    name: ClassVar[str] = "packages"
    description: ClassVar[str] = "Networks that packages of the package index ship; they must be downloaded."
    by_default: ClassVar[bool] = False
    has_draws: ClassVar[bool] = False

    def __init__(self, sources: tuple[Source, ...] = (MHC, MHC_ALL, ANI)) -> None:
        self.sources = sources

    def subtasks(self) -> tuple[Subtask, ...]:
        """Return the subtasks of each source."""
        return tuple(subtask for source in self.sources for subtask in source.subtasks)

    def folder(self, site: Site, population: str) -> Path:
        """Return the folder of a population, the same at all scales but the quick one."""
        scale = "quick" if site.scale == "quick" else "all"
        return site.home / "populations" / self.name / scale / population

    def build(self, site: Site, populations: Collection[str] | None = None, **options: Any) -> None:
        """Run the networks of packages that are there, and keep their representations.

        Populations whose package is not there are left out (see `unavailable`), unless it is all of them.

        Raises
        ------
        MissingDependency
            None of the packages is there, or h5py is not.
        FileError
            A package is not what was tested.
        """
        self.refuse(options)
        absent = self.unavailable(site, populations)
        if absent and len(absent) == len(self._asked(populations)):
            raise MissingDependency(" ".join(dict.fromkeys(absent.values())))
        present = [s for s in self._missing(site, populations) if s.population not in absent]
        for package in dict.fromkeys(source.package for source in present):
            warnings.warn(package.terms, SimilitudeWarning, stacklevel=2)
        for source in present:
            source.build(self.folder(site, source.population), site.scale, site.downloads, site.progress)

    def is_built(self, site: Site, populations: Collection[str] | None = None) -> bool:
        """Return whether all networks are there, run by the present recipe."""
        return not self._missing(site, populations)

    def packages(self, populations: Collection[str] | None = None) -> tuple[Package, ...]:
        """Return the packages whose networks some populations, by default all, consist of."""
        return tuple(dict.fromkeys(source.package for source in self._asked(populations)))

    def unavailable(self, site: Site, populations: Collection[str] | None = None) -> Mapping[str, str]:
        """Return those of some populations that are not built and whose package is not there, each with the reason."""
        found = {}
        for source in self._missing(site, populations):
            try:
                source.package.open(site.downloads)
            except MissingDependency as error:
                found[source.population] = str(error)
        return found

    def _asked(self, populations: Collection[str] | None) -> list[Source]:
        return [s for s in self.sources if populations is None or s.population in populations]

    def _missing(self, site: Site, populations: Collection[str] | None) -> list[Source]:
        asked = self._asked(populations)
        return [s for s in asked if not s.is_complete(self.folder(site, s.population), site.scale)]


SUITE = PackagesSuite()
