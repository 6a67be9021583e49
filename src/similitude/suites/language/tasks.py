"""What the models are trained and tested on, written from the grammar.

Every task draws its statements from a *split* of the language. A statement belongs to one split only, by a hash of
its words, so no training statement can turn up in a test, whatever the seeds.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from similitude.suites.language.grammar import Statement, Words, Writer
from similitude.suites.language.lexicon import (
    INTRANSITIVE,
    NUMBERS,
    PROPERTIES,
    TRANSITIVE,
    antonyms,
    synonym,
    word_class,
)

__all__ = [
    "DIAGNOSTICS",
    "SPLITS",
    "Example",
    "Maker",
    "antonymy",
    "diagnostic",
    "entailment",
    "event_passage",
    "examples",
    "fingerprint",
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
        writer = Writer(seed)
        while True:
            example = maker(writer)
            if split_of(example.first) == split:
                yield example

    return list(itertools.islice(stream(), count))


@functools.cache
def fingerprint() -> str:
    """A hash that changes with the language: of a few examples of every task."""
    makers = [passage, entailment(0.5), *map(diagnostic, DIAGNOSTICS), antonymy, numerical, question, polarity]
    drawn = [examples(maker, 50, split="test", seed=0) for maker in makers]
    return hashlib.blake2b(repr(drawn).encode(), digest_size=8).hexdigest()


# ---------------------------------------------------------------------- pretraining


def passage(writer: Writer) -> Example:
    """Two sentences of any kind; label 1 if the second goes on from the first.

    One that does not go on is mostly a near miss: a true sequel with one word replaced, so that telling them apart
    takes knowing who did what.
    """
    return _passage(writer, _anything)


def event_passage(writer: Writer) -> Example:
    """The same about events only: the sequel's words are the first sentence's."""
    return _passage(writer, Writer.event)


def _passage(writer: Writer, statement_of: Callable[[Writer], Statement]) -> Example:
    statement = statement_of(writer)
    sequel = writer.choose(statement.follows)
    goes_on = writer.chance(0.5)
    if not goes_on:
        near = writer.chance(0.6)
        sequel = _near_miss(writer, statement, sequel) if near else writer.choose(statement_of(writer).follows)
    return Example(statement.words, sequel, int(goes_on), statement.construction)


def _anything(writer: Writer) -> Statement:
    while True:
        kind = writer.draw()
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
        kind = writer.draw()
        if kind < 0.4:
            return _overlapping(writer, writer.event(), counterexamples)
        if kind < 0.6:
            statement = writer.subsequence() if writer.chance(0.5) else writer.constituent()
            return _overlapping(writer, statement, counterexamples)
        return _property(writer) if kind < 0.8 else _quantity(writer)

    return make


def _overlapping(writer: Writer, statement: Statement, counterexamples: float) -> Example:
    if writer.chance(0.5):
        trap = writer.chance(counterexamples)
        options = statement.fails if trap else statement.follows
        if options:
            return Example(statement.words, writer.choose(options), int(not trap), statement.construction)
    sentence = writer.choose(statement.follows or statement.fails)
    if writer.chance(0.2):
        verb = next(place for place, word in enumerate(sentence) if word in TRANSITIVE + INTRANSITIVE)
        second = (*sentence[:verb], "never", *sentence[verb:])
    else:
        second = _near_miss(writer, statement, sentence, new=True)
    return Example(statement.words, second, 0, statement.construction)


def _property(writer: Writer) -> Example:
    """The same property or its synonym follows; an unrelated one does not. Opposites are left to the stress test."""
    words, subject, quality = writer.description()
    if writer.chance(0.5):
        return Example(words, (*subject, writer.choose((quality, synonym(quality)))), 1, "property")
    row = next(row for row in PROPERTIES if quality in row)
    return Example(words, (*subject, writer.choose(writer.other(PROPERTIES, row))), 0, "property")


def _quantity(writer: Writer) -> Example:
    """The same number follows, and more than one that is far below. Close numbers are left to the stress test."""
    statement = writer.quantity()
    words, number = statement.words, NUMBERS.index(statement.words[1])
    if writer.chance(0.5):
        far = [other for other in NUMBERS if abs(NUMBERS.index(other) - number) >= 4]
        label = int(writer.chance(0.5))
        second = words if label else ("exactly", writer.choose(far), *words[2:])
        return Example(words, second, label, "exactly")
    label = int(writer.chance(0.5))
    claims = statement.follows if label else statement.fails
    return Example(words, writer.choose(_claims(claims, number, range(3, 12))), label, "more")


def _claims(claims: tuple[Words, ...], number: int, distances: range) -> list[Words]:
    """Those that say "more than" a number at one of the distances."""
    return [claim for claim in claims if claim[0] == "more" and abs(NUMBERS.index(claim[2]) - number) in distances]


# ---------------------------------------------------------------------- out of distribution


def diagnostic(name: str) -> Maker:
    """Hypotheses in the premise's own words, as in HANS.

    Parameters
    ----------
    name
        One of `DIAGNOSTICS`: a heuristic (lexical overlap, subsequence, constituent) and whether the hypotheses are
        entailed, so that the heuristic is right, or not.
    """
    heuristic, side = name.split("/")
    statement_of = {
        "lexical_overlap": Writer.event,
        "subsequence": Writer.subsequence,
        "constituent": Writer.constituent,
    }[heuristic]
    label = int(side == "entailed")

    def make(writer: Writer) -> Example:
        while True:
            statement = statement_of(writer)
            if options := statement.follows if label else statement.fails:
                return Example(statement.words, writer.choose(options), label, statement.construction)

    return make


def antonymy(writer: Writer) -> Example:
    """The hypothesis says the opposite: never entailed."""
    words, subject, quality = writer.description()
    return Example(words, (*subject, writer.choose(antonyms(quality))), 0, "antonymy")


def numerical(writer: Writer) -> Example:
    """More than a number that is greater by one or two: never entailed. Fine-tuning has claims about far numbers."""
    statement = writer.quantity()
    number = NUMBERS.index(statement.words[1])
    return Example(statement.words, writer.choose(_claims(statement.fails, number, range(1, 3))), 0, "more")


# ---------------------------------------------------------------------- probing


def question(writer: Writer) -> Example:
    """A statement and a question: is the answer in the statement?

    Half of the unanswerable questions mix up the roles; the others ask about something else.
    """
    statement = writer.event()
    sentence = writer.choose(statement.follows)
    answered = {follows[2:] for follows in statement.follows}
    label = int(writer.chance(0.5))
    if not label:
        mixed = [fails for fails in statement.fails if fails[2:] not in answered]
        if mixed and writer.chance(0.5):
            sentence = writer.choose(mixed)
        else:
            while sentence[2:] in answered:
                sentence = _near_miss(writer, statement, sentence, new=True)
    return Example(statement.words, ("who", *sentence[2:], "?"), label, statement.construction)


def polarity(writer: Writer) -> Example:
    """One sentence, for or against. The words of most tell; one in three takes knowing what is negated."""
    statement, praise = writer.review(forms=(0, 0, 0, 0, 1, 2, 3, 4, 4))
    return Example(statement.words, (), int(praise), statement.construction)
