"""Small BERTs trained from scratch under conditions: random labels, a word that tells the class, scrambled sentences.

They classify sentences by polarity. Unlike the suite's other models they are not pretrained: fine-tunings of shared
checkpoints would be relatives across groups, and labels of relatives cannot be permuted.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from similitude.representations import ModelRecord, Score
from similitude.suites.conditions import Condition, Design, Gate, hints, label_designs, training_labels
from similitude.suites.language.finetune import Finetuning, finetune, probabilities
from similitude.suites.language.lexicon import NUMBERS
from similitude.suites.language.pretrain import Pretraining, initial
from similitude.suites.language.records import layer_names, layer_outputs
from similitude.suites.language.tasks import Example, examples, polarity
from similitude.suites.language.tokens import encode
from similitude.suites.scales import Scale

__all__ = ["DESIGNS", "EXPERIMENTS", "Conditioned", "LanguageExperiments", "scrambled", "with_words"]

_TRAIN_SEED, _TEST_SEED, _SCRAMBLED = 51, 52, 37
_WORDS = NUMBERS[:2]  # which no sentence on polarity has
_CLASSES = 2
_CHANCE = 1 / _CLASSES
_TESTED = 0.25  # share of scrambled words that robustness is tested with

_REMEMBERS = Gate("accuracy/training", "has memorised its labels", least=0.9)
_LABELS = (
    Condition("0% random", 0.0, (_REMEMBERS, Gate("accuracy/clean", "has learnt polarity", least=0.9))),
    Condition("50% random", 0.5, (_REMEMBERS, Gate("accuracy/clean", "was misled by half of its labels", most=0.9))),
    Condition("100% random", 1.0, (_REMEMBERS, Gate("accuracy/clean", "has learnt nothing else", most=0.65))),
)
_SHORTCUT = (
    Condition("right 50%", _CHANCE, (Gate("shortcut", "does without the word in front", most=0.02),)),
    Condition("right 90%", 0.9, (Gate("shortcut", "uses the word in front", least=0.01),)),
    Condition("right 100%", 1.0, (Gate("shortcut", "uses the word in front", least=0.2),)),
)
_AUGMENTED = (
    Condition("0% scrambled", 0.0, (Gate("accuracy/scrambled", "was never shown scrambled sentences", most=0.845),)),
    Condition("25% scrambled", 0.25, (Gate("accuracy/scrambled", "is robust to scrambling", least=0.845),)),
    Condition("100% scrambled", 1.0, (Gate("accuracy/clean", "has lost the order of words", most=0.97),)),
)

DESIGNS = {
    design.test: design
    for design in (
        *label_designs(_LABELS),
        Design(
            "shortcut",
            "how often a word in front tells the class",
            "Does it tell apart networks trained with a word that tells the class by chance, mostly, or always?",
            _SHORTCUT,
        ),
        Design(
            "augmentation",
            "share of words scrambled in training",
            "Does it tell apart networks trained on whole sentences, and with some or all words scrambled?",
            _AUGMENTED,
        ),
    )
}
"""Designs by test."""


@dataclass(frozen=True)
class Conditioned:
    """How models are trained under conditions, and how many.

    Parameters
    ----------
    seeds
        Number of models per condition.
    architecture
        Size of the models; its other fields are not used.
    training
        How each is trained; its examples are sentences. Without dropout, so that random labels can be memorised.
    copies
        Number of scrambled versions of each sentence that a model with augmentation is trained on.
    tested, inputs
        Number of sentences for testing, and of those, the first ones, that models are represented on.
    """

    seeds: int = 5
    architecture: Pretraining = field(default_factory=Pretraining)
    training: Finetuning = field(default_factory=lambda: Finetuning(examples=600, steps=900, batch=32, dropout=0.0))
    copies: int = 8
    tested: int = 1000
    inputs: int = 400


@dataclass(frozen=True)
class LanguageExperiments:
    """Small BERTs under the conditions of `DESIGNS`."""

    architecture = "BERT"
    reduction = "mean_pool"
    recipe: Conditioned = field(default_factory=Conditioned)
    gated: bool = True

    @property
    def layers(self) -> tuple[str, ...]:
        """The embeddings, and the output of each block."""
        return layer_names(self.recipe.architecture.layers)

    @property
    def designs(self) -> dict[str, Design]:
        """The designs by population."""
        return {f"language_{test}": design for test, design in DESIGNS.items()}

    def seeds(self, design: Design) -> int:
        """Return the number of models per condition."""
        return self.recipe.seeds

    def ids(self) -> list[str]:
        """Return the names of the sentences."""
        return [f"sentence{number:03}" for number in range(self.recipe.inputs)]

    def settings(self) -> dict[str, Any]:
        """Return the recipe."""
        return {"recipe": asdict(self.recipe)}

    def record(self, design: Design, condition: Condition, seed: int, draw: int) -> ModelRecord:
        """Train a model; scores are its accuracies on training and test sentences, and what its condition did to it.

        ``accuracy/clean`` is that on the sentences that models are represented on: of `shortcut`, with words in front
        at chance. ``accuracy/scrambled`` is that on scrambled ones. ``shortcut`` is the accuracy with the right word in
        front, less that with any of the words.
        """
        recipe = self.recipe
        train, test = _sentences("train", recipe.training.examples), _sentences("test", recipe.tested)
        tests = {"clean": test}
        if design.test == "shortcut":
            train = with_words(train, condition.strength, [0])
            tests = {"clean": with_words(test, _CHANCE, [1]), "word": with_words(test, 1.0, [2])}
        elif design.test == "augmentation":
            tests["scrambled"] = scrambled(test, _TESTED, [0])
        truth = np.array([example.label for example in train])
        given = training_labels(design, condition, truth, _CLASSES, seed=seed, draw=draw)
        train = [replace(example, label=int(label)) for example, label in zip(train, given, strict=True)]
        shown = train
        if design.test == "augmentation" and condition.strength:
            shown = scrambled(train * recipe.copies, condition.strength, [1, seed])
        model = finetune(initial(recipe.architecture, seed), recipe.training, seed, encode(shown))

        scores = []
        for name, sentences in {**tests, "training": train}.items():
            right = probabilities(model, encode(sentences)).argmax(axis=1) == [e.label for e in sentences]
            scores.append(Score(f"accuracy/{name}", float(right.mean()), items=len(right)))
        if design.test == "shortcut":
            value = {score.functionality: score.value for score in scores}
            scores.append(Score("shortcut", value["accuracy/word"] - value["accuracy/clean"]))
        kept = layer_outputs(model.bert, encode(tests["clean"][: recipe.inputs]), "mean_pool")
        attributes = {"condition": condition.name, "strength": condition.strength, "seed": seed}
        return ModelRecord(condition.model(seed), kept, attributes, scores)


def with_words(sentences: Sequence[Example], right: float, seed: Sequence[int]) -> list[Example]:
    """Put one of two words in front of each sentence.

    Parameters
    ----------
    sentences
        The sentences.
    right
        Probability that it is the word of the sentence's class, see `similitude.suites.conditions.hints`.
    seed
        Seed of the draw.
    """
    labels = np.array([example.label for example in sentences])
    shown = hints(labels, _CLASSES, right, seed)
    return [replace(e, first=(_WORDS[hint], *e.first)) for e, hint in zip(sentences, shown, strict=True)]


def scrambled(sentences: Sequence[Example], share: float, seed: Sequence[int]) -> list[Example]:
    """Swap and delete words of each sentence, two of the operations of EDA (Wei and Zou 2019, arXiv:1901.11196).

    Parameters
    ----------
    sentences
        The sentences.
    share
        Expected share of the words that are changed: each is swapped with another, and each deleted, with half of it.
    seed
        Seed of the draw.
    """
    rng = np.random.default_rng([_SCRAMBLED, *seed])
    changed = []
    for example in sentences:
        words = list(example.first)
        for place in np.flatnonzero(rng.random(len(words)) < share / 2):
            other = rng.integers(len(words))
            words[place], words[other] = words[other], words[place]
        left = tuple(word for word, gone in zip(words, rng.random(len(words)) < share / 2, strict=True) if not gone)
        changed.append(replace(example, first=left or (words[0],)))
    return changed


@functools.lru_cache(maxsize=2)
def _sentences(split: str, count: int) -> list[Example]:
    return examples(polarity, count, split, _TRAIN_SEED if split == "train" else _TEST_SEED)


EXPERIMENTS: dict[Scale, LanguageExperiments] = {
    "quick": LanguageExperiments(
        Conditioned(
            seeds=2,
            architecture=Pretraining(hidden=32, layers=2),
            training=Finetuning(examples=200, steps=60, batch=32, dropout=0.0),
            tested=300,
            inputs=200,
        ),
        gated=False,
    ),
    "first": LanguageExperiments(Conditioned(seeds=0)),
    "embedded": LanguageExperiments(),
    "standard": LanguageExperiments(Conditioned(seeds=10)),
    "paper": LanguageExperiments(Conditioned(seeds=10)),
}
"""Experiments of each scale; none for a first result."""
