"""Where the networks of one population come from, and how they become a population."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from similitude.benchmark.subtask import Subtask
from similitude.representations import ModelRecord, PopulationWriter
from similitude.suites.base import made_by, set_aside
from similitude.suites.scales import Scale
from similitude.suites.shipped import Package, ShippedFiles

__all__ = ["Networks", "Source"]


@dataclass(frozen=True)
class Networks:
    """Networks that were read, and what they are shown.

    Parameters
    ----------
    models
        Their names.
    layers
        Names of the layers that are kept.
    ids
        Names of the inputs.
    record
        Function that runs a network, by its name.
    """

    models: Sequence[str]
    layers: Sequence[str]
    ids: Sequence[str]
    record: Callable[[str], ModelRecord]


@dataclass(frozen=True)
class Source:
    """A population of networks that a package ships.

    Parameters
    ----------
    population
        Its name.
    description
        What the networks are.
    package
        Whose they are.
    recipes
        What is done with them at each scale; a scale that is left out has the recipe of ``"embedded"``.
    networks
        Function of the files and a recipe that reads the networks.
    subtasks
        What is asked of measures.
    """

    population: str
    description: str
    package: Package
    recipes: Mapping[Scale, Mapping[str, Any]]
    networks: Callable[[ShippedFiles, Mapping[str, Any]], Networks]
    subtasks: tuple[Subtask, ...] = field(default=())

    def settings(self, scale: Scale) -> dict[str, Any]:
        """Return all that determines the population."""
        return {**self._recipe(scale), "package": {"name": self.package.name, **self.package.provenance}}

    def is_complete(self, folder: Path, scale: Scale) -> bool:
        """Return whether the population is there as a whole; its last file says so."""
        return made_by(folder, self.settings(scale)) and (folder / "complete").is_file()

    def build(self, folder: Path, scale: Scale, downloads: Path, progress: Callable[[str, int, int], None]) -> None:
        """Run the networks that are missing.

        Raises
        ------
        MissingDependency
            The package is not there.
        FileError
            It is not what was tested.
        """
        files = self.package.open(downloads)
        networks = self.networks(files, self._recipe(scale))
        settings = self.settings(scale)
        set_aside(folder, settings)
        writer = PopulationWriter(
            folder,
            self.population,
            networks.layers,
            networks.ids,
            description=self.description,
            settings=settings,
        )
        done = writer.done
        for number, model in enumerate(networks.models):
            progress(self.population, number, len(networks.models))
            if model not in done:
                writer.write(networks.record(model))
        (folder / "complete").touch()
        progress(self.population, len(networks.models), len(networks.models))

    def _recipe(self, scale: Scale) -> Mapping[str, Any]:
        return self.recipes.get(scale, self.recipes["embedded"])
