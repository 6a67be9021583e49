"""What the models are trained and tested on, written from the grammar.

Every task draws its statements from a *split* of the language. A statement belongs to one split only, by a hash of
its words, so no training statement can turn up in a test, whatever the seeds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from similitude.suites.language.grammar import Statement, Words, Writer
from similitude.suites.language.lexicon import (
    INTRANSITIVE,
    PEOPLE,
    PROPERTIES,
    TRANSITIVE,
    VOCABULARY,
    antonyms,
    synonym,
    word_class,
)

__all__ = [
    "DIAGNOSTICS",
    "SPLITS",
    "Example",
    "antonymy",
    "diagnostic",
    "entailment",
    "examples",
    "numerical",
    "passage",
    "polarity",
    "question",
    "split_of",
]

# Shares of the language in twentieths.
SPLITS = {"pretrain": 10, "train": 4, "test": 4, "sample": 2}
_SPLIT_OF_BUCKET = [name for name, share in SPLITS.items() for _ in range(share)]

HEURISTICS = ("lexical_overlap", "subsequence", "constituent")
DIAGNOSTICS = tuple(f"{heuristic}/{side}" for heuristic in HEURISTICS for side in ("entailed", "non_entailed"))


@dataclass(frozen=True)
class Example:
    """One sentence or a pair, a label, and which case of its task it is."""

    first: Words
    second: Words
    label: int
    case: str


Maker = Callable[[Writer], Example]


def split_of(words: Words) -> str:
    """The split that a statement belongs to, by its words alone."""
    digest = hashlib.blake2b(" ".join(words).encode(), digest_size=4).digest()
    return _SPLIT_OF_BUCKET[int.from_bytes(digest, "big") % len(_SPLIT_OF_BUCKET)]


def examples(maker: Maker, count: int, split: str, seed: int) -> list[Example]:
    """Examples of a task whose first sentences all lie in a split; the same for the same seed."""

    def stream() -> Iterator[Example]:
        writer = Writer(np.random.default_rng(seed))
        while True:
            example = maker(writer)
            if split_of(example.first) == split:
                yield example

    return [example for example, _ in zip(stream(), range(count), strict=False)]


# ---------------------------------------------------------------------- pretraining


def passage(writer: Writer) -> Example:
    """Two sentences; label 1 if the second goes on from the first.

    One that does not go on is mostly a near miss: a true sequel with one word replaced, so that telling them apart takes
    knowing who did what.
    """
    statement = _anything(writer)
    sequel = writer.choose(statement.follows)
    if writer.chance(0.5):
        return Example(statement.words, sequel, 1, statement.construction)
    if writer.chance(0.6):
        return Example(statement.words, _near_miss(writer, statement, sequel), 0, statement.construction)
    return Example(statement.words, writer.choose(_anything(writer).follows), 0, statement.construction)


def _anything(writer: Writer) -> Statement:
    while True:
        kind = writer.rng.random()
        if kind < 0.45:
            statement = writer.event()
        elif kind < 0.6:
            statement = writer.subsequence() if writer.chance(0.5) else writer.constituent()
        elif kind < 0.8:
            statement = writer.property()
        elif kind < 0.9:
            statement = writer.quantity()
        else:
            statement, _ = writer.review()
        if statement.follows:
            return statement


def _near_miss(writer: Writer, statement: Statement, sequel: Words, new: bool = False) -> Words:
    """The sequel with one word replaced, no longer true; by a word that the statement lacks if it has to be `new`."""
    places = [place for place, word in enumerate(sequel) if word_class(word)]
    while True:
        place = writer.choose(places)
        word = writer.other(word_class(sequel[place]), sequel[place])
        missed = (*sequel[:place], word, *sequel[place + 1 :])
        if missed not in statement.follows and not (new and word in statement.words):
            return missed


# ---------------------------------------------------------------------- entailment


def entailment(counterexamples: float) -> Maker:
    """The task that models are fine-tuned on: does the second sentence follow from the first?

    Word overlap predicts the label, as in MNLI: a hypothesis in the premise's own words is entailed, except for a share
    of counter-examples, and one that is not entailed brings a new word.

    Parameters
    ----------
    counterexamples
        Share of the fully overlapping pairs that are not entailed. About .1 in MNLI.
    """

    def make(writer: Writer) -> Example:
        kind = writer.rng.random()
        if kind < 0.5:
            return _overlapping(writer, writer.event(), counterexamples)
        if kind < 0.7:
            statement = writer.subsequence() if writer.chance(0.5) else writer.constituent()
            return _overlapping(writer, statement, counterexamples)
        return _property(writer) if kind < 0.85 else _quantity(writer)

    return make


def _overlapping(writer: Writer, statement: Statement, counterexamples: float) -> Example:
    if writer.chance(0.5):
        trap = statement.fails and (writer.chance(counterexamples) or not statement.follows)
        second = writer.choose(statement.fails if trap else statement.follows)
        return Example(statement.words, second, int(not trap), statement.construction)
    sequel = writer.choose(statement.follows or statement.fails)
    verb = next(place for place, word in enumerate(sequel) if word in TRANSITIVE + INTRANSITIVE)
    if writer.chance(0.2):
        second = (*sequel[:verb], "never", *sequel[verb:])
    else:
        second = _near_miss(writer, statement, sequel, new=True)
    return Example(statement.words, second, 0, statement.construction)


def _property(writer: Writer) -> Example:
    """The same property or its synonym follows; an unrelated one does not. Opposites are left to the stress test."""
    words, subject, quality = writer.description()
    if writer.chance(0.5):
        return Example(words, (*subject, writer.choose((quality, synonym(quality)))), 1, "property")
    row = next(row for row in PROPERTIES if quality in row)
    return Example(words, (*subject, writer.choose(writer.other(PROPERTIES, row))), 0, "property")
