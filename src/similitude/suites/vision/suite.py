"""The vision suite: the vision half of Ding et al. 2021 (arXiv:2108.01661), which was never released."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from similitude.benchmark import Functionality, Monotonicity, Pairing, Subtask
from similitude.benchmark.functionalities.predictions import calibration, prediction_differences
from similitude.errors import InputError, require
from similitude.representations import is_population, open_population
from similitude.representations.folder import read_json
from similitude.suites import experiments
from similitude.suites.base import Scale, Site, Suite
from similitude.suites.vision.build import POPULATION, build_population
from similitude.suites.vision.conditions import DESIGNS, EXPERIMENTS
from similitude.suites.vision.corruptions import CORRUPTIONS
from similitude.suites.vision.data import Cifar10, Mnist
from similitude.suites.vision.recipe import DELETION_LAYERS, RECIPES, Recipe

__all__ = ["SUITE", "VisionSuite"]

_MINUTES = 0.09
"""On two cores, for a network trained under a condition."""


class VisionSuite(Suite):
    """A population of ResNet-14 networks that differ in their seed, and one per design of `DESIGNS`.

    Parameters
    ----------
    recipes
        How large the population is at each scale.
    families
        Corruption families with a row in the table, beside their mean.
    probed
        Number of networks with linear probes, the first ones.
    """

    name: ClassVar[str] = "vision"
    description: ClassVar[str] = "Residual convnets (ResNet-14) trained on digits from different seeds."
    minutes_by_scale: ClassVar[Mapping[Scale, int]] = {
        "quick": 1,
        "first": 3,
        "embedded": 3,
        "standard": 15,
        "paper": 5000,
    }
    """Of the networks that differ in their seed."""

    def __init__(
        self,
        recipes: Mapping[Scale, Recipe] = RECIPES,
        families: Iterable[str] = tuple(CORRUPTIONS),
        probed: int = RECIPES["embedded"].probed,
    ) -> None:
        self.recipes = recipes
        self.families = tuple(families)
        self.probed = probed

    def subtasks(self) -> tuple[Subtask, ...]:
        """Layers, deleted components, accuracy out of distribution, behaviour, and groups by each design."""
        accuracies = [Functionality(f"accuracy/{family}", family.replace("_", " ")) for family in self.families]
        return (
            Subtask(
                id="vision/seed_layer",
                test="probes",
                population=POPULATION,
                varies="seed, layer",
                functionalities=(Functionality("probe", "probe accuracy", per="layer"),),
                pairing=Pairing("layers", layers=("last",)),
                modality="vision",
                description="Does it see that layers differ in how well a linear probe reads them?",
                models=self.probed,
            ),
            Subtask(
                id="vision/pc_deletion",
                test="probes",
                population=POPULATION,
                varies="seed, deleted components",
                functionalities=(Functionality("probe/truncated", "probe accuracy", per="layer"),),
                pairing=Pairing("deletions", layers=DELETION_LAYERS),
                modality="vision",
                description="Does it see how much a linear probe loses as principal components are deleted?",
                models=self.probed,
            ),
            Subtask(
                id="vision/ood",
                test="accuracy",
                population=POPULATION,
                varies="seed",
                functionalities=(*accuracies, Functionality("accuracy/mean", "mean of corruptions")),
                described_only=(Functionality("accuracy/clean", "clean"),),
                pairing=Pairing("models"),
                modality="vision",
                description="Does it see which networks, alike on clean images, differ on corrupted ones?",
            ),
            Subtask(
                id="vision/behaviour",
                test="outputs",
                population=POPULATION,
                varies="seed",
                functionalities=(
                    *prediction_differences("corrupted", quality="accuracy/mean"),
                    calibration("corrupted"),
                    Functionality("few_shot/letters", "few-shot accuracy, letters"),
                    Functionality("modularity"),
                ),
                described_only=(*prediction_differences("clean"), calibration("clean")),
                pairing=Pairing("models"),
                modality="vision",
                description=(
                    "Does it see which networks answer differently, know what they know, learn letters from a few of "
                    "each, or are made of modules?"
                ),
            ),
            Subtask(
                id="vision/layers",
                test="layers",
                population=POPULATION,
                varies="layer",
                functionalities=(),
                pairing=Pairing("layers"),
                question=Monotonicity(),
                modality="vision",
                description="Does it grow with the distance of two layers of one network?",
                models=self.probed,
            ),
            *(design.subtask(f"vision/{test}", f"vision_{test}", "vision") for test, design in DESIGNS.items()),
        )

    def build(
        self,
        site: Site,
        populations: Collection[str] | None = None,
        *,
        cifar10: Path | None = None,
        cifar10c: Path | None = None,
        **options: Any,
    ) -> None:
        """Train the networks that are missing.

        Parameters
        ----------
        site
            Where, at which scale, and with how many processes.
        populations
            Names of the populations to build; all of them by default.
        cifar10, cifar10c
            Folders of local copies, for the scale ``"paper"`` only: the first is needed, the second replaces the
            corruptions computed here.

        Raises
        ------
        MissingDependency
            torch or mlxtend is not installed.
        InputError
            A folder is missing or superfluous, or the site holds a population of other images.
        DegeneratePopulation
            A network does not show what its condition should have done to it.
        """
        self.refuse(options)
        if site.scale != "paper" and (cifar10 or cifar10c):
            raise InputError("CIFAR-10 is used at the paper's scale only: add --scale paper, or leave the folders out.")
        if site.scale == "paper" and cifar10 is None:
            raise InputError("The paper's scale needs a local copy of CIFAR-10: give its folder with --cifar10 DIR.")
        require("torch", extra="models")
        recipe = self.recipes[site.scale]
        if populations is None or POPULATION in populations:
            build_population(site, Mnist(recipe.test_images) if cifar10 is None else Cifar10(cifar10, cifar10c), recipe)
        experiments.build(site, [EXPERIMENTS[site.scale]], populations)

    def is_built(self, site: Site, populations: Collection[str] | None = None) -> bool:
        """Return whether all networks are there, made by the present recipe."""
        seeds = (populations is not None and POPULATION not in populations) or self._has_seeds(site)
        return seeds and not experiments.count_missing(site, [EXPERIMENTS[site.scale]], populations)

    def minutes(self, site: Site, populations: Collection[str] | None = None) -> int:
        """Return about how many minutes on two cores it takes to build what is missing of some populations."""
        grouped = experiments.count_missing(site, [EXPERIMENTS[site.scale]], populations)
        return super().minutes(site, {POPULATION} & set(populations or [POPULATION])) + math.ceil(_MINUTES * grouped)

    def gates(self, site: Site) -> pd.DataFrame:
        """Return what networks show of their conditions, see `Suite.gates`."""
        return experiments.figures(site, [EXPERIMENTS[site.scale]], self.subtasks())

    def _has_seeds(self, site: Site) -> bool:
        folder, recipe = site.folder(POPULATION), self.recipes[site.scale]
        if not is_population(folder):
            return False
        settings = read_json(folder / "manifest.json").get("settings", {})
        made_so = settings.get("recipe") == asdict(recipe) and "arithmetic" in settings
        return made_so and len(open_population(folder).models) == recipe.models

    def at(self, site: Site) -> VisionSuite:
        """With the corruptions that the population has: local arrays of CIFAR-10-C have families of their own."""
        probed = self.recipes[site.scale].probed
        if not is_population(site.folder(POPULATION)):
            return VisionSuite(self.recipes, self.families, probed)
        scores = self.populations(site)[POPULATION].scores
        accuracies = [name for name in scores["functionality"].unique() if name.startswith("accuracy/")]
        names = [name.removeprefix("accuracy/") for name in accuracies]
        families = [name for name in names if "/" not in name and name not in ("clean", "mean")]
        return VisionSuite(self.recipes, families or self.families, probed)


SUITE = VisionSuite()
