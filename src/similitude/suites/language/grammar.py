"""A small grammar: English-like statements whose meaning is known.

A `Statement` comes with the sentences that follow from it and with traps that do not. For a statement of who did what
to whom both are in the statement's own words, so that only the grammar tells them apart.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from similitude.suites.language.lexicon import (
    ADVERBS,
    CONDITIONS,
    DISLIKES,
    HEDGES,
    INTRANSITIVE,
    LIKES,
    MADE,
    NEGATIVE,
    NUMBERS,
    PEOPLE,
    PLURALS,
    POSITIVE,
    PREPOSITIONS,
    PROPERTIES,
    REASONS,
    THINGS,
    TRANSITIVE,
    antonyms,
    synonym,
)

__all__ = ["EVENTS", "Statement", "Words", "Writer"]

Words = tuple[str, ...]
T = TypeVar("T")


@dataclass(frozen=True)
class Statement:
    """A sentence and what it says.

    Attributes
    ----------
    words
        The sentence, without its full stop.
    follows
        All sentences of the grammar's plainest forms that are true if it is.
    fails
        Sentences alike that need not be.
    construction
        What makes it hard: ``"swap"``, ``"preposition"``, ``"relative"``, ``"passive"``, ``"conjunction"`` and so on.
    """

    words: Words
    follows: tuple[Words, ...]
    fails: tuple[Words, ...]
    construction: str


def _act(agent: str, verb: str, patient: str) -> Words:
    return ("the", agent, verb, "the", patient)


def _be(noun: str) -> str:
    return "were" if noun in PLURALS else "was"


class Writer:
    """Writes statements at random.

    Parameters
    ----------
    seed
        Decides every choice.
    """

    def __init__(self, seed: int):
        self._random = random.Random(seed).random  # the one method whose stream Python promises to keep

    def draw(self) -> float:
        """A number from 0 to 1."""
        return self._random()

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._random() < probability

    def choose(self, options: Sequence[T]) -> T:
        """One of the options, all alike."""
        return options[int(self._random() * len(options))]

    def other(self, options: Sequence[T], *taken: T) -> T:
        """One of the options that are not taken."""
        while True:
            option = self.choose(options)
            if option not in taken:
                return option

    def people(self, count: int) -> list[str]:
        """Different people: no noun twice, not even as singular and plural."""
        people: list[str] = []
        while len(people) < count:
            person = self.choose(PEOPLE)
            if all(person.removesuffix("s") != known.removesuffix("s") for known in people):
                people.append(person)
        return people

    def event(self) -> Statement:
        """Who did what to whom, in one of five constructions, each as likely."""
        return self.choose(self.choose(tuple(EVENTS.values())))(self)

    # ------------------------------------------------------------------ who did what to whom

    def plain(self) -> Statement:
        """The doctor helped the judge; with an adverb or without."""
        a, b = self.people(2)
        verb = self.choose(TRANSITIVE)
        manner = (self.choose(ADVERBS),) if self.chance(0.5) else ()
        words = ("the", a, *manner, verb, "the", b)
        return Statement(words, (_act(a, verb, b),), (_act(b, verb, a),), "swap")

    def subject_preposition(self) -> Statement:
        """The doctor near the judge helped the nurse."""
        a, b, c = self.people(3)
        verb = self.choose(TRANSITIVE)
        words = ("the", a, self.choose(PREPOSITIONS), "the", b, verb, "the", c)
        return Statement(words, (_act(a, verb, c),), (_act(c, verb, a), _act(c, verb, b)), "preposition")

    def object_preposition(self) -> Statement:
        """The doctor helped the judge near the nurse."""
        a, b, c = self.people(3)
        verb = self.choose(TRANSITIVE)
        words = (*_act(a, verb, b), self.choose(PREPOSITIONS), "the", c)
        return Statement(words, (_act(a, verb, b),), (_act(b, verb, a), _act(c, verb, b)), "preposition")

    def subject_relative(self) -> Statement:
        """The doctor who thanked the judge helped the nurse."""
        a, b, c = self.people(3)
        verb, inner = self.two_verbs()
        words = ("the", a, self.choose(("that", "who")), inner, "the", b, verb, "the", c)
        follows = (_act(a, verb, c), _act(a, inner, b))
        return Statement(words, follows, (_act(c, verb, a), _act(c, verb, b), _act(b, inner, a)), "relative")

    def object_relative(self) -> Statement:
        """The doctor who the judge thanked helped the nurse."""
        a, b, c = self.people(3)
        verb, inner = self.two_verbs()
        words = ("the", a, self.choose(("that", "who")), "the", b, inner, verb, "the", c)
        follows = (_act(a, verb, c), _act(b, inner, a))
        return Statement(words, follows, (_act(c, verb, a), _act(c, verb, b), _act(a, inner, b)), "relative")

    def final_relative(self) -> Statement:
        """The doctor helped the judge who thanked the nurse."""
        a, b, c = self.people(3)
        verb, inner = self.two_verbs()
        words = (*_act(a, verb, b), self.choose(("that", "who")), inner, "the", c)
        follows = (_act(a, verb, b), _act(b, inner, c))
        return Statement(words, follows, (_act(b, verb, a), _act(c, inner, b)), "relative")

    def passive(self) -> Statement:
        """The doctor was helped by the judge."""
        a, b = self.people(2)
        verb = self.choose(TRANSITIVE)
        words = ("the", a, _be(a), verb, "by", "the", b)
        return Statement(words, (_act(b, verb, a),), (_act(a, verb, b),), "passive")

    def subject_conjunction(self) -> Statement:
        """The doctor and the judge helped the nurse."""
        a, b, c = self.people(3)
        verb = self.choose(TRANSITIVE)
        words = ("the", a, "and", "the", b, verb, "the", c)
        follows = (_act(a, verb, c), _act(b, verb, c))
        return Statement(words, follows, (_act(c, verb, a), _act(c, verb, b), _act(a, verb, b)), "conjunction")

    def object_conjunction(self) -> Statement:
        """The doctor helped the judge and the nurse."""
        a, b, c = self.people(3)
        verb = self.choose(TRANSITIVE)
        words = (*_act(a, verb, b), "and", "the", c)
        follows = (_act(a, verb, b), _act(a, verb, c))
        return Statement(words, follows, (_act(b, verb, a), _act(c, verb, a), _act(b, verb, c)), "conjunction")

    def two_verbs(self) -> tuple[str, str]:
        """Two different transitive verbs."""
        verb = self.choose(TRANSITIVE)
        return verb, self.other(TRANSITIVE, verb)

    # ------------------------------------------------------------------ who did something

    def subsequence(self) -> Statement:
        """A statement that contains the words of another sentence in a row, true or not."""
        a, b = self.people(2)
        verb, inner = self.choose(INTRANSITIVE), self.choose(TRANSITIVE)
        form = self.choose(range(3))
        if form == 0:
            words = ("the", a, self.choose(PREPOSITIONS), "the", b, verb)
        elif form == 1:
            words = ("the", a, self.choose(("that", "who")), inner, "the", b, verb)
        else:
            words = ("the", a, "and", "the", b, verb)
            return Statement(words, (("the", b, verb),), (), "conjunction")
        construction = ("preposition", "relative")[form]
        return Statement(words, (("the", a, verb),), (("the", b, verb),), construction)

    def constituent(self) -> Statement:
        """A statement with a clause that is a fact (because ...) or is not (if ...)."""
        a, b = self.people(2)
        verb, second = self.choose(INTRANSITIVE), self.choose(INTRANSITIVE)
        inner, outer = ("the", a, verb), ("the", b, second)
        if self.chance(0.5):
            return Statement((self.choose(REASONS), *inner, ",", *outer), (inner, outer), (), "reason")
        # "Unless he slept, she danced": neither half is a fact; the same holds for "if".
        return Statement((self.choose(CONDITIONS), *inner, ",", *outer), (), (inner, outer), "condition")

    # ------------------------------------------------------------------ how people are, how many there were

    def description(self) -> tuple[Words, Words, str]:
        """The tall doctor helped the judge; the doctor was; tall."""
        a, b = self.people(2)
        quality = self.choose(self.choose(PROPERTIES))
        return ("the", quality, a, self.choose(TRANSITIVE), "the", b), ("the", a, _be(a)), quality

    def property(self) -> Statement:
        """The tall doctor helped the judge: the doctor was tall, was lofty, was not short, was not tiny."""
        words, subject, quality = self.description()
        row = [quality, synonym(quality)]
        follows = (*((*subject, same) for same in row), *((*subject, "not", other) for other in antonyms(quality)))
        fails = (*((*subject, "not", same) for same in row), *((*subject, other) for other in antonyms(quality)))
        return Statement(words, follows, fails, "property")

    def quantity(self) -> Statement:
        """Exactly seven doctors helped the judge: more than four, fewer than nine did."""
        who = self.choose(PLURALS)
        whom = next(person for person in self.people(2) if person not in (who, who.removesuffix("s")))
        did = (who, self.choose(TRANSITIVE), "the", whom)
        number = self.choose(range(4, len(NUMBERS) - 4))  # an index that leaves four numbers on either side
        less = NUMBERS[:number]
        greater = NUMBERS[number + 1 :]
        words = ("exactly", NUMBERS[number], *did)
        true = [("more", less), ("fewer", greater)]
        false = [("more", greater), ("fewer", less)]
        follows, fails = (
            tuple((comparison, "than", other, *did) for comparison, others in claims for other in others)
            for claims in (true, false)
        )
        return Statement(words, (words, *follows), fails, "quantity")

    # ------------------------------------------------------------------ what was thought of it

    def review(self, forms: Sequence[int] = range(5)) -> tuple[Statement, bool]:
        """The film that the doctor wrote was not boring: the doctor enjoyed the film. True for praise.

        Parameters
        ----------
        forms
            Ways to say it, each as likely: very good (0), not bad (1), not bad but good (2), good and never bad (3),
            good and fine (4).
        """
        person, thing, praise = self.people(1)[0], self.choose(THINGS), self.chance(0.5)
        good, bad = (POSITIVE, NEGATIVE) if praise else (NEGATIVE, POSITIVE)
        form = self.choose(forms)
        if form == 0:
            opinion: Words = (self.choose(HEDGES), self.choose(good))
        elif form == 1:
            opinion = (self.choose(("not", "never")), self.choose(bad))
        elif form == 2:
            opinion = ("not", self.choose(bad), "but", self.choose(good))
        elif form == 3:
            opinion = (self.choose(good), "and", "never", self.choose(bad))
        else:
            first = self.choose(good)
            opinion = (first, "and", self.other(good, first))
        words = ("the", thing, "that", "the", person, self.choose(MADE), "was", *opinion)
        liked, disliked = (LIKES, DISLIKES) if praise else (DISLIKES, LIKES)
        follows, fails = (tuple(("the", person, verb, "the", thing) for verb in verbs) for verbs in (liked, disliked))
        return Statement(words, follows, fails, "review"), praise


EVENTS: dict[str, tuple[Callable[[Writer], Statement], ...]] = {
    "swap": (Writer.plain,),
    "preposition": (Writer.subject_preposition, Writer.object_preposition),
    "relative": (Writer.subject_relative, Writer.object_relative, Writer.final_relative),
    "passive": (Writer.passive,),
    "conjunction": (Writer.subject_conjunction, Writer.object_conjunction),
}
