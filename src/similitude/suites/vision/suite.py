"""The vision suite: the vision half of Ding et al. 2021 (arXiv:2108.01661), which was never released."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from similitude.benchmark import Functionality, Pairing, Subtask
from similitude.benchmark.predictions import calibration, prediction_differences
from similitude.errors import InputError, require
from similitude.representations import is_population, open_population
from similitude.representations.folder import read_json
from similitude.suites.base import BuildProgress, Scale, Suite
from similitude.suites.vision.build import build_population
from similitude.suites.vision.corruptions import CORRUPTIONS
from similitude.suites.vision.data import Cifar10, Mnist
from similitude.suites.vision.recipe import DELETION_LAYERS, RECIPES, Recipe

__all__ = ["SUITE", "VisionSuite"]

_POPULATION = "vision"
_PROBED = RECIPES["embedded"].probed


class VisionSuite(Suite):
    """One population of ResNet-14 networks that differ in their seed, and four questions about it.

    Parameters
    ----------
    recipes
        How large the population is at each scale.
    families
        Corruption families with a row in the table, beside their mean.
    in_distribution
        Add the functionalities on clean images. To be looked at, not graded: that they hardly spread, or by chance, is
        the point.
    """

    name: ClassVar[str] = "vision"
    description: ClassVar[str] = "Residual convnets (ResNet-14) trained on digits from different seeds."
    minutes: ClassVar[int] = 5

    def __init__(
        self,
        recipes: Mapping[Scale, Recipe] = RECIPES,
        families: Iterable[str] = tuple(CORRUPTIONS),
        in_distribution: bool = False,
    ) -> None:
        self.recipes = recipes
        self.families = tuple(families)
        self.in_distribution = in_distribution

    def subtasks(self) -> tuple[Subtask, ...]:
        """Layers, deleted components, out-of-distribution accuracy, and behaviour that accuracy does not tell."""
        accuracies = [Functionality(f"accuracy/{family}", family.replace("_", " ")) for family in self.families]
        clean_accuracy = Functionality("accuracy/clean", "clean")
        clean_behaviour = (
            *prediction_differences("clean"),
            calibration("clean"),
        )
        return (
            Subtask(
                id="vision/seed_layer",
                population=_POPULATION,
                varies="seed, layer",
                functionalities=(Functionality("probe", "probe accuracy", per="layer"),),
                pairing=Pairing("layers", layers=("last",)),
                modality="vision",
                description="Does it see that layers differ in how well a linear probe reads them?",
                models=_PROBED,
            ),
            Subtask(
                id="vision/pc_deletion",
                population=_POPULATION,
                varies="seed, deleted components",
                functionalities=(Functionality("probe/truncated", "probe accuracy", per="layer"),),
                pairing=Pairing("deletions", layers=DELETION_LAYERS),
                modality="vision",
                description="Does it see how much a linear probe loses as principal components are deleted?",
                models=_PROBED,
            ),
            Subtask(
                id="vision/ood",
                population=_POPULATION,
                varies="seed",
                functionalities=(
                    *((clean_accuracy,) if self.in_distribution else ()),
                    *accuracies,
                    Functionality("accuracy/mean", "mean of corruptions"),
                ),
                pairing=Pairing("models"),
                modality="vision",
                description="Does it see which networks, alike on clean images, differ on corrupted ones?",
            ),
            Subtask(
                id="vision/behaviour",
                population=_POPULATION,
                varies="seed",
                functionalities=(
                    *(clean_behaviour if self.in_distribution else ()),
                    *prediction_differences("corrupted", quality="accuracy/mean"),
                    calibration("corrupted"),
                    Functionality("few_shot/letters", "few-shot accuracy, letters"),
                    Functionality("modularity"),
                ),
                pairing=Pairing("models"),
                modality="vision",
                description=(
                    "Does it see which networks answer differently, know what they know, learn letters from a few of "
                    "each, or are made of modules?"
                ),
            ),
        )

    def build(
        self,
        home: Path,
        scale: Scale = "embedded",
        *,
        progress: BuildProgress | None = None,
        workers: int = 2,
        cifar10: Path | None = None,
        cifar10c: Path | None = None,
        **options: Any,
    ) -> None:
        """Train the networks that are missing under `home`.

        Parameters
        ----------
        home, scale, progress, workers
            See `Suite.build`.
        cifar10, cifar10c
            Folders of local copies, for the scale ``"paper"`` only: the first is needed, the second replaces the
            corruptions computed here.

        Raises
        ------
        MissingDependency
            torch or mlxtend is not installed.
        InputError
            A folder is missing or superfluous, or `home` holds a population made otherwise.
        """
        if options:
            raise InputError(f"The suite {self.name!r} has no option {', '.join(map(repr, options))}.")
        if scale != "paper" and (cifar10 or cifar10c):
            raise InputError("CIFAR-10 is used at the paper's scale only: add --scale paper, or leave the folders out.")
        if scale == "paper" and cifar10 is None:
            raise InputError("The paper's scale needs a local copy of CIFAR-10: give its folder with --cifar10 DIR.")
        require("torch", extra="models")
        recipe = self.recipes[scale]
        source = Mnist(recipe.test_images) if cifar10 is None else Cifar10(cifar10, cifar10c)
        folder = self.folder(home, scale, _POPULATION)
        build_population(folder, _POPULATION, source, recipe, workers=workers, progress=progress)

    def is_built(self, home: Path, scale: Scale = "embedded") -> bool:
        """Whether all networks are there, made by the present recipe."""
        folder = self.folder(home, scale, _POPULATION)
        recipe = self.recipes[scale]
        if not is_population(folder):
            return False
        made_by = read_json(folder / "manifest.json").get("settings", {}).get("recipe")
        return made_by == asdict(recipe) and len(open_population(folder).models) == recipe.models

    def at(self, home: Path, scale: Scale) -> VisionSuite:
        """With the corruptions that the population has: local arrays of CIFAR-10-C have families of their own."""
        if not is_population(self.folder(home, scale, _POPULATION)):
            return self
        scores = self.populations(home, scale)[_POPULATION].scores
        accuracies = [name for name in scores["functionality"].unique() if name.startswith("accuracy/")]
        names = [name.removeprefix("accuracy/") for name in accuracies]
        families = [name for name in names if "/" not in name and name not in ("clean", "mean")]
        return VisionSuite(self.recipes, families or self.families, self.in_distribution)

    def describe(self, home: Path, scale: Scale = "embedded") -> pd.DataFrame:
        """As `Suite.describe`, for the corruptions that the population has, and for clean images too."""
        families = self.at(home, scale).families
        return super(VisionSuite, VisionSuite(self.recipes, families, in_distribution=True)).describe(home, scale)


SUITE = VisionSuite()
