"""Building the populations: pretraining, fine-tuning, and a record of each model, in parallel and resumable.

Every model is a job of its own and depends on its seeds alone, so that the number of workers changes nothing. What a
killed build has finished, checkpoints and records, the next one keeps.
"""

from __future__ import annotations

import functools
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from similitude.errors import DegeneratePopulation, InputError
from similitude.representations import PopulationWriter, is_population, open_population
from similitude.representations.folder import read_json
from similitude.suites.base import BuildProgress
from similitude.suites.language import checkpoints
from similitude.suites.language.finetune import finetune
from similitude.suites.language.jobs import Job, run_jobs
from similitude.suites.language.pretrain import next_sentence_accuracy, pretrain
from similitude.suites.language.records import PREDICTED, classifier_record, layer_names, pretrained_record, sample_ids
from similitude.suites.language.sizes import Size
from similitude.suites.language.tasks import fingerprint

__all__ = ["CROSSED", "FINETUNED", "PRETRAINED", "Site", "build", "model_counts"]

PRETRAINED, FINETUNED, CROSSED = "language_pretrained", "language_finetuned", "language_crossed"


@dataclass(frozen=True)
class Site:
    """Where a build of some size puts its populations and checkpoints."""

    populations: Path
    checkpoints: Path
    size: Size

    def writer(self, population: str) -> PopulationWriter:
        """Of one of the populations."""
        return PopulationWriter(
            self.populations / population,
            population,
            layer_names(self.size.pretraining.layers),
            sample_ids(),
            description=f"{_DESCRIPTIONS[population]} {self._gate_report()}",
            reduction="tokens",
            settings=self._settings(population),
        )

    def is_complete(self, population: str) -> bool:
        """Whether a population has all its models, made by the present recipe."""
        folder = self.populations / population
        if not is_population(folder):
            return False
        made_by = read_json(folder / "manifest.json").get("settings")
        return (
            made_by == self._settings(population)
            and len(open_population(folder).models) == model_counts(self.size)[population]
        )

    def _settings(self, population: str) -> dict[str, Any]:
        size = self.size
        settings = {
            "language": fingerprint(),
            "pretraining": asdict(size.pretraining),
            "test_items": size.test_items,
            "probe_items": size.probe_items,
        }
        if population == PRETRAINED:
            return settings
        return settings | {"finetuning": asdict(size.finetuning), "predicted": list(PREDICTED)}

    def rejected(self) -> list[int]:
        """Pretraining seeds that did not pass the gate."""
        notes = map(checkpoints.notes, sorted(self.checkpoints.glob("pretrained-???")))
        return [note["seed"] for note in notes if not note["accepted"]]

    def _gate_report(self) -> str:
        rejected, gate = self.rejected(), self.size.pretraining.gate
        tried = self.size.pretrained + len(rejected)
        return f"{len(rejected)} of {tried} pretraining seeds were rejected: next-sentence accuracy below {gate}."

    def pretrained(self, seed: int) -> Path:
        """Checkpoint of a pretraining seed."""
        return self.checkpoints / f"pretrained-{seed:03}"

    def finetuned(self, pretrained: int, seed: int) -> Path:
        """Checkpoint of a fine-tuning seed."""
        return self.checkpoints / f"pretrained-{pretrained:03}-finetuned-{seed:03}"


_DESCRIPTIONS = {
    PRETRAINED: "Small BERTs that differ in their pretraining seed.",
    FINETUNED: "Small BERTs fine-tuned on entailment from the best checkpoint, which differ in their fine-tuning seed.",
    CROSSED: "Small BERTs fine-tuned on entailment, which differ in their pretraining and fine-tuning seeds.",
}


def model_counts(size: Size) -> dict[str, int]:
    """Number of models of each population."""
    return {PRETRAINED: size.pretrained, FINETUNED: size.finetuned, CROSSED: size.crossed**2}


def build(site: Site, progress: BuildProgress, workers: int) -> None:
    """Build what is missing of the three populations.

    Raises
    ------
    DegeneratePopulation
        Hardly any pretrained model passes the gate.
    InputError
        The folders hold models of other recipes.
    """
    site.checkpoints.mkdir(parents=True, exist_ok=True)
    accepted = _pretrain_until_enough(site, progress, workers)
    progress(f"pretrained models ({len(site.rejected())} rejected)", len(accepted), len(accepted))
    jobs: list[Job] = [functools.partial(_record_pretrained, site, seed) for seed in accepted]
    ranked = sorted(accepted, key=lambda seed: -checkpoints.notes(site.pretrained(seed))["next_sentence_accuracy"])
    for pretrained, seed in site.size.finetunings(ranked):
        populations = []
        if pretrained == ranked[0] and seed < site.size.finetuned:
            populations.append(FINETUNED)
        if pretrained in ranked[: site.size.crossed] and seed < site.size.crossed:
            populations.append(CROSSED)
        jobs.append(functools.partial(_finetune, site, pretrained, seed, populations))
    run_jobs(jobs, lambda done: progress("records and fine-tuned models", done, len(jobs)), workers)


def _pretrain_until_enough(site: Site, progress: BuildProgress, workers: int) -> list[int]:
    """The first seeds that pass the gate, in order, however many are trained at once."""
    wanted = site.size.pretrained
    accepted: list[int] = []
    tried = 0
    while len(accepted) < wanted:
        if tried >= 2 * wanted and len(accepted) < tried / 4:
            raise DegeneratePopulation(
                f"Only {len(accepted)} of {tried} pretrained models tell true from false sequels with an accuracy of "
                f"{site.size.pretraining.gate}. Pretrain for longer, or lower the gate."
            )
        seeds = range(tried, tried + wanted - len(accepted))
        already = len(accepted)
        run_jobs(
            [functools.partial(_pretrain, site, seed) for seed in seeds],
            lambda done, already=already: progress("pretrained models", already + done, wanted),
            workers,
        )
        accepted += [seed for seed in seeds if checkpoints.notes(site.pretrained(seed))["accepted"]]
        tried = seeds.stop
    return accepted


def _pretrain(site: Site, seed: int) -> None:
    folder, recipe = site.pretrained(seed), site.size.pretraining
    if checkpoints.is_saved(folder):
        _check_recipe(folder, pretraining=asdict(recipe))
        return
    model = pretrain(recipe, seed)
    accuracy = next_sentence_accuracy(model)
    checkpoints.save(
        model,
        folder,
        seed=seed,
        pretraining=asdict(recipe),
        next_sentence_accuracy=accuracy,
        accepted=accuracy >= recipe.gate,
    )


def _record_pretrained(site: Site, seed: int) -> None:
    writer, name = site.writer(PRETRAINED), f"pretrained-{seed:03}"
    if name in writer.done:
        return
    folder = site.pretrained(seed)
    model = checkpoints.load("BertForPreTraining", folder)
    attributes = {
        "pretraining_seed": seed,
        "next_sentence_accuracy": checkpoints.notes(folder)["next_sentence_accuracy"],
    }
    writer.write(pretrained_record(model, name, attributes, site.size.probe_items))


def _finetune(site: Site, pretrained: int, seed: int, populations: list[str]) -> None:
    name = f"pretrained-{pretrained:03}-finetuned-{seed:03}"
    writers = [writer for writer in map(site.writer, populations) if name not in writer.done]
    if not writers:
        return
    folder, recipe = site.finetuned(pretrained, seed), site.size.finetuning
    if not checkpoints.is_saved(folder):
        base = checkpoints.load("BertForPreTraining", site.pretrained(pretrained))
        model = finetune(base, recipe, seed)
        checkpoints.save(
            model,
            folder,
            pretraining_seed=pretrained,
            finetuning_seed=seed,
            pretraining=asdict(site.size.pretraining),
            finetuning=asdict(recipe),
        )
    _check_recipe(folder, pretraining=asdict(site.size.pretraining), finetuning=asdict(recipe))
    model = checkpoints.load("BertForSequenceClassification", folder)
    attributes = {"pretraining_seed": pretrained, "finetuning_seed": seed}
    record = classifier_record(model, name, attributes, recipe, site.size.test_items)
    for writer in writers:
        writer.write(record)


def _check_recipe(folder: Path, **recipes: object) -> None:
    found = checkpoints.notes(folder)
    if any(found.get(name) != recipe for name, recipe in recipes.items()):
        raise InputError(f"{folder} holds a model trained in another way. Build elsewhere, or delete it.")
