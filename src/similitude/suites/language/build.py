"""Building the populations: pretraining, fine-tuning, and a record of each model, in parallel and resumable.

Every model is a job of its own and depends on its seeds alone, so that the number of workers changes nothing. What a
killed build has finished, checkpoints and records, the next one keeps.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from similitude.errors import DegeneratePopulation, InputError
from similitude.representations import PopulationWriter, open_population
from similitude.suites.arithmetic import measure_arithmetic, note_processor
from similitude.suites.base import Site, made_by, set_aside
from similitude.suites.jobs import Job, Workers, start_workers
from similitude.suites.language import checkpoints
from similitude.suites.language.finetune import finetune
from similitude.suites.language.pretrain import next_sentence_accuracy, pretrain
from similitude.suites.language.records import PREDICTED, classifier_record, layer_names, pretrained_record, sample_ids
from similitude.suites.language.sizes import Size
from similitude.suites.language.tasks import fingerprint

__all__ = ["CROSSED", "FINETUNED", "POPULATIONS", "PRETRAINED", "Zoo", "build", "is_complete", "model_counts"]

PRETRAINED, FINETUNED, CROSSED = "language_pretrained", "language_finetuned", "language_crossed"
POPULATIONS = (PRETRAINED, FINETUNED, CROSSED)

_DESCRIPTIONS = {
    PRETRAINED: "Small BERTs that differ in their pretraining seed.",
    FINETUNED: "Small BERTs fine-tuned on entailment with many seeds, from each of several checkpoints.",
    CROSSED: "Small BERTs fine-tuned on entailment, which differ in their pretraining and fine-tuning seeds.",
}


def model_counts(size: Size) -> dict[str, int]:
    """Return the number of models of each population."""
    return {PRETRAINED: size.pretrained, FINETUNED: size.checkpoints * size.finetuned, CROSSED: size.crossed**2}


def is_complete(site: Site, size: Size, population: str) -> bool:
    """Return whether a population has all its models, made by the present recipe."""
    folder, count = site.folder(population), model_counts(size)[population]
    if count == 0:
        return True
    return made_by(folder, _settings(size, site.draw, population)) and len(open_population(folder).models) == count


def build(site: Site, size: Size, populations: Collection[str] = POPULATIONS) -> None:
    """Build what is missing of some populations.

    Raises
    ------
    DegeneratePopulation
        Hardly any pretrained model passes the gate.
    InputError
        The folders hold models of other recipes.
    """
    wanted = [name for name in populations if not is_complete(site, size, name)]
    if not wanted:
        return
    with start_workers(site.workers) as workers:
        zoo = Zoo(site, size, measure_arithmetic(workers, "BERT"))
        zoo.checkpoints.mkdir(parents=True, exist_ok=True)
        for name in wanted:
            set_aside(site.folder(name), zoo.settings(name))
            zoo.writer(name)
            note_processor(workers, site.folder(name), zoo.arithmetic)
        needed = {PRETRAINED: size.pretrained, FINETUNED: size.checkpoints, CROSSED: size.crossed}
        accepted = _pretrain_until_enough(zoo, workers, max(needed[name] for name in wanted))
        jobs: list[Job] = []
        if PRETRAINED in wanted:
            jobs += [functools.partial(_record_pretrained, zoo, seed) for seed in accepted[: size.pretrained]]
        finetunings: dict[tuple[int, int], list[str]] = {}
        for name, count, seeds in (
            (FINETUNED, size.checkpoints, size.finetuned),
            (CROSSED, size.crossed, size.crossed),
        ):
            for pretrained in accepted[: count if name in wanted else 0]:
                for number in range(seeds):
                    finetunings.setdefault((pretrained, site.seed(number)), []).append(name)
        jobs += [functools.partial(_finetune, zoo, *seeds, names) for seeds, names in finetunings.items()]
        workers.run(jobs, lambda done: site.progress("records and fine-tuned models", done, len(jobs)))


@dataclass(frozen=True)
class Zoo:
    """Models and checkpoints of a site, trained with one kind of arithmetic."""

    site: Site
    size: Size
    arithmetic: dict[str, str]

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the progress display, which stays in this process."""
        return {**vars(self), "site": Site(self.site.home, self.site.scale, self.site.draw)}

    @functools.cached_property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints of one recipe, whatever the scale."""
        recipe = [asdict(self.size.pretraining), fingerprint(), self.arithmetic]
        name = hashlib.blake2b(json.dumps(recipe).encode(), digest_size=4).hexdigest()
        return self.site.home / "checkpoints" / f"language-{name}"

    def writer(self, population: str) -> PopulationWriter:
        """Return a writer of one of the populations."""
        return PopulationWriter(
            self.site.folder(population),
            population,
            layer_names(self.size.pretraining.layers),
            sample_ids(),
            description=_DESCRIPTIONS[population],
            reduction="tokens",
            settings=self.settings(population),
        )

    def settings(self, population: str) -> dict[str, Any]:
        """Return what determines a population, the arithmetic of the processor included."""
        return {**_settings(self.size, self.site.draw, population), "arithmetic": self.arithmetic}

    def pretrained(self, seed: int) -> Path:
        """Return the checkpoint of a pretraining seed."""
        return self.checkpoints / f"pretrained-{seed:03}"

    def finetuned(self, pretrained: int, seed: int) -> Path:
        """Return the checkpoint of a fine-tuning seed."""
        return self.checkpoints / f"pretrained-{pretrained:03}-finetuned-{seed:03}"


def _settings(size: Size, draw: int, population: str) -> dict[str, Any]:
    settings = {
        "language": fingerprint(),
        "draw": draw,
        "pretraining": asdict(size.pretraining),
        "test_items": size.test_items,
        "probe_items": size.probe_items,
    }
    if population == PRETRAINED:
        return settings
    seeds = {"finetuned": size.finetuned} if population == FINETUNED else {"crossed": size.crossed}
    return settings | {"finetuning": asdict(size.finetuning), "predicted": list(PREDICTED)} | seeds


def _pretrain_until_enough(zoo: Zoo, workers: Workers, wanted: int) -> list[int]:
    """Return the first seeds that pass the gate, in order, however many are trained at once."""
    accepted: list[int] = []
    tried = 0
    while len(accepted) < wanted:
        if tried >= 2 * wanted and len(accepted) < tried / 4:
            raise DegeneratePopulation(
                f"Only {len(accepted)} of {tried} pretrained models tell true from false sequels with an accuracy of "
                f"{zoo.size.pretraining.gate}. Pretrain for longer, or lower the gate."
            )
        seeds = [zoo.site.seed(number) for number in range(tried, tried + wanted - len(accepted))]
        already, rejected = len(accepted), tried - len(accepted)
        workers.run(
            [functools.partial(_pretrain, zoo, seed) for seed in seeds],
            lambda done, already=already, rejected=rejected: zoo.site.progress(
                f"pretrained models ({rejected} rejected)" if rejected else "pretrained models", already + done, wanted
            ),
        )
        accepted += [seed for seed in seeds if checkpoints.notes(zoo.pretrained(seed))["accepted"]]
        tried += len(seeds)
    return accepted


def _pretrain(zoo: Zoo, seed: int) -> None:
    folder, recipe = zoo.pretrained(seed), zoo.size.pretraining
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


def _record_pretrained(zoo: Zoo, seed: int) -> None:
    writer, name = zoo.writer(PRETRAINED), f"pretrained-{seed:03}"
    if name in writer.done:
        return
    folder = zoo.pretrained(seed)
    model = checkpoints.load("BertForPreTraining", folder)
    attributes = {
        "pretraining_seed": seed,
        "next_sentence_accuracy": checkpoints.notes(folder)["next_sentence_accuracy"],
    }
    writer.write(pretrained_record(model, name, attributes, zoo.size.probe_items))


def _finetune(zoo: Zoo, pretrained: int, seed: int, populations: list[str]) -> None:
    name = f"pretrained-{pretrained:03}-finetuned-{seed:03}"
    writers = [writer for writer in map(zoo.writer, populations) if name not in writer.done]
    if not writers:
        return
    folder, recipe = zoo.finetuned(pretrained, seed), zoo.size.finetuning
    if not checkpoints.is_saved(folder):
        base = checkpoints.load("BertForPreTraining", zoo.pretrained(pretrained))
        model = finetune(base, recipe, seed)
        checkpoints.save(
            model,
            folder,
            pretraining_seed=pretrained,
            finetuning_seed=seed,
            pretraining=asdict(zoo.size.pretraining),
            finetuning=asdict(recipe),
        )
    _check_recipe(folder, pretraining=asdict(zoo.size.pretraining), finetuning=asdict(recipe))
    model = checkpoints.load("BertForSequenceClassification", folder)
    attributes = {"pretraining_seed": pretrained, "finetuning_seed": seed}
    record = classifier_record(model, name, attributes, recipe, zoo.size.test_items)
    for writer in writers:
        writer.write(record)


def _check_recipe(folder: Path, **recipes: object) -> None:
    found = checkpoints.notes(folder)
    if any(found.get(name) != recipe for name, recipe in recipes.items()):
        raise InputError(f"{folder} holds a model trained in another way. Build elsewhere, or delete it.")
