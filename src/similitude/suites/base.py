"""What a suite is: populations of networks it can build, and the subtasks it puts to measures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterable
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd

from similitude.benchmark.functionality import pairwise_reliability, split_half_reliability
from similitude.benchmark.subtask import Functionality, Subtask
from similitude.errors import SimilitudeError, UnknownName, suggestion
from similitude.representations import Population, is_population, open_population

__all__ = ["BuildProgress", "Scale", "Suite", "built"]

Scale = Literal["quick", "embedded", "paper"]
"""How large a population is built: a cut of a minute, minutes on two cores, or the size of the paper."""

BuildProgress = Callable[[str, int, int], None]
"""Called with what is built, the number of models finished, and the number of models in all."""


def built(subtasks: Iterable[Subtask], populations: Container[str]) -> list[Subtask]:
    """Those of some subtasks whose population is there; an imported archive may hold some of its populations only."""
    return [subtask for subtask in subtasks if subtask.population in populations]


class Suite(ABC):
    """A set of populations and the subtasks on them."""

    name: ClassVar[str]
    description: ClassVar[str]
    minutes: ClassVar[int]
    """About how long the embedded populations take to build on two cores."""
    by_default: ClassVar[bool] = True
    """Whether a run of everything includes it."""
    scales: ClassVar[tuple[Scale, ...]] = ("quick", "embedded", "paper")

    @abstractmethod
    def subtasks(self) -> tuple[Subtask, ...]:
        """The subtasks, in the order of the table."""

    def at(self, home: Path, scale: Scale) -> Suite:
        """The suite as it is with the populations of a scale under `home`, which may decide its functionalities."""
        return self

    @abstractmethod
    def build(
        self,
        home: Path,
        scale: Scale = "embedded",
        *,
        progress: BuildProgress | None = None,
        workers: int = 2,
        **options: Any,
    ) -> None:
        """Build what is missing of the populations under `home`; resumes model by model."""

    @abstractmethod
    def is_built(self, home: Path, scale: Scale = "embedded") -> bool:
        """Whether every population is complete."""

    def populations(self, home: Path, scale: Scale = "embedded") -> dict[str, Population]:
        """Populations by name, as far as they are built."""
        names = dict.fromkeys(subtask.population for subtask in self.subtasks())
        folders = {name: self.folder(home, scale, name) for name in names}
        return {name: open_population(folder) for name, folder in folders.items() if is_population(folder)}

    def folder(self, home: Path, scale: Scale, population: str) -> Path:
        """Where a population lies under `home`."""
        return home / "populations" / scale / population

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

    def describe(self, home: Path, scale: Scale = "embedded") -> pd.DataFrame:
        """How far each functionality spreads over models, and how far the spread can be trusted.

        Returns
        -------
        pandas.DataFrame
            Columns subtask, functionality, n_models, n_items, mean, sd, min, max, reliability (split-half over test
            items, of whole-model functionalities; NaN otherwise), for the populations that are there. Of a pairwise
            functionality, over pairs of models.
        """
        populations = self.populations(home, scale)
        rows = []
        for subtask in built(self.subtasks(), populations):
            population = subtask.select(populations[subtask.population])
            for functionality in subtask.functionalities:
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
        return pd.DataFrame(rows)


def _spread(population: Population, functionality: Functionality) -> tuple[int, int, pd.Series, float]:
    scores = population.scores[population.scores["functionality"] == functionality.name]
    n_items = int(scores["items"].max()) if scores["items"].notna().any() else 0
    return scores["model"].nunique(), n_items, scores["value"], _reliability(population, functionality)


def _pairwise_spread(population: Population, functionality: Functionality) -> tuple[int, int, pd.Series, float]:
    assert functionality.pairwise is not None
    items = population.items(functionality.pairwise.items)
    values = functionality.pairwise.between(items)[np.triu_indices(len(items), k=1)]
    return len(items), items.shape[1], pd.Series(values), pairwise_reliability(functionality.pairwise, items)


def _reliability(population: Population, functionality: Functionality) -> float:
    if functionality.per != "model":
        return float("nan")
    try:
        return split_half_reliability(population.items(functionality.name))
    except SimilitudeError:  # a score that is no mean over items, or whose items were not kept
        return float("nan")
