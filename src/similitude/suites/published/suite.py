"""The released networks as a suite, once their archive has been imported."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from similitude.benchmark.subtask import Functionality, Pairing, Subtask
from similitude.errors import InputError
from similitude.suites.base import Site, Suite
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
    by_default = False
    has_draws = False

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
                description=f"Networks of {subtask.name} in the released archive, architecture {subtask.architecture}.",
            )
            for subtask in SUBTASKS.values()
        )

    def folder(self, site: Site, population: str) -> Path:
        """Return the folder of a population, the same at every scale: released networks have one size."""
        return site.home / "populations" / self.name / population

    def is_built(self, site: Site, populations: Collection[str] | None = None) -> bool:
        """Return whether any of the archive has been imported."""
        return any(is_imported(self.folder(site, population_name(s))) for s in SUBTASKS.values())

    def build(self, site: Site, populations: Collection[str] | None = None, **options: Any) -> None:
        """Say how to get the networks, which cannot be built."""
        raise InputError(
            "The published networks are not built but imported. Download sim_metric_resources.tar "
            "(https://zenodo.org/record/5117844), then: similitude archive import sim_metric_resources.tar"
        )


SUITE = PublishedSuite()
