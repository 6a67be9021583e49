"""What a suite is: populations of networks it can build, and the subtasks it puts to measures."""

from __future__ import annotations

import json
import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import pandas as pd
import platformdirs

from similitude.benchmark.functionalities.reliability import pairwise_reliability, split_half_reliability
from similitude.benchmark.subtask import Functionality, Subtask
from similitude.errors import InputError, SimilitudeError, SimilitudeWarning, UnknownName, suggestion
from similitude.representations import Population, is_population, open_population
from similitude.representations.folder import read_json
from similitude.suites.scales import Scale
from similitude.suites.shipped import Package

__all__ = ["GATE_COLUMNS", "BuildProgress", "Site", "Suite", "built", "made_by", "resolve_home", "set_aside"]

BuildProgress = Callable[[str, int, int], None]
"""Called with what is built, the number of parts (models, pairs) finished, and their number in all."""

GATE_COLUMNS = ["subtask", "group", "figure", "required", "networks", "redrawn", "mean", "min", "max"]
"""Columns of `Suite.gates`."""

_SEEDS_PER_DRAW = 1000

_DESCRIBED = (
    *("subtask", "functionality", "n_models", "n_items"),
    *("mean", "sd", "min", "max", "reliability"),
)
"""Columns of what `Suite.describe` tells."""


def resolve_home(home: str | Path | None) -> Path:
    """Return the folder given, or the platform's cache folder for users."""
    return Path(home) if home is not None else Path(platformdirs.user_cache_dir("similitude"))


@dataclass(frozen=True)
class Site:
    """Where populations are built, how large they are, and which draw of seeds they come from.

    Parameters
    ----------
    home
        Folder of populations, checkpoints and finished values.
    scale
        Size of the populations.
    draw
        Number of an independent draw of seeds: the documented populations are draw 0, a replication any other.
    workers
        Number of processes that train.
    progress
        Called as models are finished.
    """

    home: Path
    scale: Scale = "embedded"
    draw: int = 0
    workers: int = 2
    progress: BuildProgress = field(default=lambda what, done, total: None, compare=False)

    def folder(self, population: str) -> Path:
        """Return the folder of a population."""
        drawn = f"{self.scale}-draw{self.draw}" if self.draw else self.scale
        return self.home / "populations" / drawn / population

    @property
    def downloads(self) -> Path:
        """Folder of what was downloaded from package indexes."""
        return self.home / "downloads"

    def seed(self, number: int) -> int:
        """Return the seed of a model, counted from 0 within the draw."""
        if number >= _SEEDS_PER_DRAW:
            raise InputError(f"A draw has {_SEEDS_PER_DRAW} seeds; model number {number} is beyond them.")
        return _SEEDS_PER_DRAW * self.draw + number


def made_by(folder: Path, settings: Mapping[str, Any]) -> bool:
    """Return whether a folder holds a population made by a recipe, whatever processor made it."""
    if not is_population(folder):
        return False
    found = read_json(folder / "manifest.json").get("settings", {})
    return _without_arithmetic(found) == _without_arithmetic(json.loads(json.dumps(settings)))


def _without_arithmetic(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name != "arithmetic"}


def set_aside(folder: Path, settings: Mapping[str, Any]) -> None:
    """Rename the folder of a population that an earlier recipe made, so that it is kept apart from a new one.

    A population of other data (the settings ``images`` and ``severities``) is left where it is: its owner chose it.
    """
    if not is_population(folder):
        return
    found = read_json(folder / "manifest.json").get("settings", {})
    wanted = json.loads(json.dumps(settings))
    differing = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    if not differing or {"images", "severities"} & set(differing):
        return
    names = (folder.with_name(f"{folder.name}.superseded-{number}") for number in count(1))
    target = next(name for name in names if not name.exists())
    os.rename(folder, target)
    warnings.warn(
        f"The networks in {folder} were made by another recipe (it differs in {', '.join(differing)}). They were "
        f"moved to {target}, which may be deleted; new ones are trained.",
        SimilitudeWarning,
        stacklevel=2,
    )


def built(subtasks: Iterable[Subtask], populations: Container[str]) -> list[Subtask]:
    """Those of some subtasks whose population is there; an imported archive may hold some of its populations only."""
    return [subtask for subtask in subtasks if subtask.population in populations]


class Suite(ABC):
    """A set of populations and the subtasks on them."""

    name: ClassVar[str]
    description: ClassVar[str]
    minutes_by_scale: ClassVar[Mapping[Scale, int]] = {}
    """About how long all populations take to build on two cores; a scale that takes no time is left out."""
    has_draws: ClassVar[bool] = True
    """Whether networks can be drawn anew from other seeds."""
    by_default: ClassVar[bool] = True
    """Whether a run of everything includes it."""

    left_out: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Networks and layers that cannot be graded, each with the reason; they are told with the results."""

    @abstractmethod
    def subtasks(self) -> tuple[Subtask, ...]:
        """The subtasks, in the order of the table."""

    def at(self, site: Site) -> Suite:
        """Return the suite as it is at a site, whose populations may decide its subtasks."""
        return self

    @abstractmethod
    def build(self, site: Site, populations: Collection[str] | None = None, **options: Any) -> None:
        """Build what is missing of some populations at a site, by default of all; resumes model by model."""

    @abstractmethod
    def is_built(self, site: Site, populations: Collection[str] | None = None) -> bool:
        """Return whether some populations, by default all, are complete."""

    def minutes(self, site: Site, populations: Collection[str] | None = None) -> int:
        """Return about how many minutes on two cores it takes to build what is missing of some populations."""
        return 0 if self.is_built(site, populations) else self.minutes_by_scale.get(site.scale, 0)

    def populations(self, site: Site) -> dict[str, Population]:
        """Return populations by name, as far as they are built: with one network at least."""
        names = dict.fromkeys(subtask.population for subtask in self.subtasks())
        folders = {name: self.folder(site, name) for name in names}
        found = {name: open_population(folder) for name, folder in folders.items() if is_population(folder)}
        return {name: population for name, population in found.items() if population.models}

    def folder(self, site: Site, population: str) -> Path:
        """Return the folder of a population."""
        return site.folder(population)

    def select(self, patterns: list[str]) -> tuple[Subtask, ...]:
        """Subtasks named by their ids, or all for the suite's name."""
        known = {subtask.id: subtask for subtask in self.subtasks()}
        chosen: dict[str, Subtask] = {}
        for pattern in patterns:
            if pattern == self.name:
                chosen |= known
            elif pattern in known:
                chosen[pattern] = known[pattern]
            else:
                raise UnknownName(f"Unknown subtask {pattern!r}. {suggestion(pattern, known)}")
        return tuple(chosen.values())

    def packages(self, populations: Collection[str] | None = None) -> tuple[Package, ...]:
        """Return the packages whose networks some populations, by default all, consist of; most suites have none."""
        return ()

    def unavailable(self, site: Site, populations: Collection[str] | None = None) -> Mapping[str, str]:
        """Return those of some populations that are neither built nor can be, each with the reason."""
        return {}

    def describe(self, site: Site) -> pd.DataFrame:
        """How far each functionality spreads over models, graded or not, and how far the spread can be trusted.

        Returns
        -------
        pandas.DataFrame
            Columns subtask, functionality, n_models, n_items, mean, sd, min, max, reliability (split-half over test
            items, of whole-model functionalities; NaN otherwise), for the populations that are there. Of a pairwise
            functionality, over pairs of models.
        """
        populations = self.populations(site)
        rows = []
        for subtask in built(self.at(site).subtasks(), populations):
            population = subtask.select(populations[subtask.population])
            for functionality in (*subtask.described_only, *subtask.functionalities):
                spread = _pairwise_spread if functionality.pairwise else _spread
                n_models, n_items, values, reliability = spread(population, functionality)
                rows.append(
                    {
                        "subtask": subtask.id,
                        "functionality": functionality.name,
                        "n_models": n_models,
                        "n_items": n_items,
                        "mean": values.mean(),
                        "sd": values.std(),
                        "min": values.min(),
                        "max": values.max(),
                        "reliability": reliability,
                    }
                )
        return pd.DataFrame(rows, columns=list(_DESCRIBED))

    def refuse(self, options: Mapping[str, Any]) -> None:
        """Make sure that `build` was given no option that the suite does not have.

        Raises
        ------
        InputError
            It was; the options are named.
        """
        if options:
            raise InputError(f"The suite {self.name!r} has no option {', '.join(map(repr, options))}.")

    def gates(self, site: Site) -> pd.DataFrame:
        """Return what the networks of each group show of the condition that they were trained under.

        Returns
        -------
        pandas.DataFrame
            One row per gate (`similitude.suites.conditions.Gate`) of a group, for the populations that are there:
            subtask, group, figure, what is required of every network, number of networks, and mean, min and max over
            them.
        """
        return pd.DataFrame(columns=GATE_COLUMNS)


def _spread(population: Population, functionality: Functionality) -> tuple[int, int, pd.Series, float]:
    scores = population.scores[population.scores["functionality"] == functionality.name]
    n_items = int(scores["items"].max()) if scores["items"].notna().any() else 0
    return scores["model"].nunique(), n_items, scores["value"], _reliability(population, functionality)


def _pairwise_spread(population: Population, functionality: Functionality) -> tuple[int, int, pd.Series, float]:
    assert functionality.pairwise is not None
    items = population.items(functionality.pairwise.items)
    values = functionality.pairwise.differences(items)
    return len(items), items.shape[1], pd.Series(values), pairwise_reliability(functionality.pairwise, items)


def _reliability(population: Population, functionality: Functionality) -> float:
    if functionality.per != "model":
        return float("nan")
    try:
        return split_half_reliability(population.items(functionality.name))
    except SimilitudeError:  # a score that is no mean over items, or whose items were not kept
        return float("nan")
