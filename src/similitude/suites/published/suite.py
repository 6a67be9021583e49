"""The released networks as a suite, once their archive has been imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from similitude.benchmark.functionality import split_half_reliability
from similitude.benchmark.subtask import Functionality, Pairing, Subtask
from similitude.errors import InputError
from similitude.representations import Population, open_population
from similitude.suites.base import BuildProgress, Scale, Suite
from similitude.suites.published.convert import is_imported
from similitude.suites.published.layout import SUBTASKS, PublishedSubtask

__all__ = ["SUITE", "PublishedSuite", "population_name"]

_PAIRINGS = {
    "layer_exp": Pairing("layers", ("last",)),
    "pca_deletion": Pairing("deletions"),
    "feather": Pairing("models"),
    "pretrain_finetune": Pairing("models"),
}


def population_name(subtask: PublishedSubtask) -> str:
    """Name of the population that a subtask of the archive becomes."""
    return f"published-{subtask.name}"


class PublishedSuite(Suite):
    """The four language subtasks of Ding et al. 2021 on their own networks, by the corrected protocol."""

    name = "published"
    description = "The released BERTs of Ding et al. 2021; nothing is trained, their archive must be imported."
    minutes = 0
    by_default = False

    def subtasks(self) -> tuple[Subtask, ...]:
        """Those of the archive, by its names."""
        return tuple(
            Subtask(
                id=f"{self.name}/{subtask.name}",
                population=population_name(subtask),
                varies=subtask.varies,
                functionalities=tuple(
                    Functionality(name, per="layer" if subtask.architecture == "base" else "model")
                    for name in subtask.functionalities
                ),
                pairing=_PAIRINGS[subtask.name],
                modality="language",
                description=f"{subtask.name} of the released archive, architecture {subtask.architecture}.",
            )
            for subtask in SUBTASKS.values()
        )

    def folder(self, home: Path, scale: Scale, population: str) -> Path:
        """The same at every scale: the networks are as large as they were released."""
        return home / "populations" / self.name / population

    def is_built(self, home: Path, scale: Scale = "embedded") -> bool:
        """Whether any of the archive has been imported."""
        return any(is_imported(self.folder(home, scale, population_name(s))) for s in SUBTASKS.values())

    def build(
        self,
        home: Path,
        scale: Scale = "embedded",
        *,
        progress: BuildProgress | None = None,
        workers: int = 2,
        **options: Any,
    ) -> None:
        """Say how to get the networks, which cannot be built."""
        raise InputError(
            "The published networks are not built but imported. Download sim_metric_resources.tar "
            "(https://zenodo.org/record/5117844), then: similitude archive import sim_metric_resources.tar"
        )

    def populations(self, home: Path, scale: Scale = "embedded") -> dict[str, Population]:
        """Those that have been imported."""
        folders = {name: self.folder(home, scale, name) for name in map(population_name, SUBTASKS.values())}
        return {name: open_population(folder) for name, folder in folders.items() if is_imported(folder)}

    def describe(self, home: Path, scale: Scale = "embedded") -> pd.DataFrame:
        """As `Suite.describe`, for what has been imported; no reliability where there are no results per test item."""
        populations = self.populations(home, scale)
        rows = []
        for subtask in self.subtasks():
            if subtask.population not in populations:
                continue
            population = populations[subtask.population]
            for functionality in subtask.functionalities:
                scores = population.scores[population.scores["functionality"] == functionality.name]
                has_items = scores["items"].notna().all()
                rows.append(
                    {
                        "subtask": subtask.id,
                        "functionality": functionality.name,
                        "n_models": scores["model"].nunique(),
                        "n_items": int(scores["items"].max()) if has_items else 0,
                        "mean": scores["value"].mean(),
                        "sd": scores["value"].std(),
                        "min": scores["value"].min(),
                        "max": scores["value"].max(),
                        "reliability": split_half_reliability(population.items(functionality.name))
                        if has_items
                        else float("nan"),
                    }
                )
        return pd.DataFrame(rows)


SUITE = PublishedSuite()
