"""What statements say, against readings made here, and the traps they set."""

import pytest

from similitude.suites.language.grammar import EVENTS, Writer
from similitude.suites.language.lexicon import (
    PREPOSITIONS,
    PROPERTIES,
    SPECIAL,
    TRANSITIVE,
    VOCABULARY,
    antonyms,
    synonym,
    word_class,
)

MANY = 300


def readings(words):
    """Who did what to whom, by patterns of the sentence without its articles: an independent, plain reading."""
    words = [word for word in words if word != "the" and not word.endswith("ly")]
    n = ["v" if w in TRANSITIVE else "p" if w in PREPOSITIONS else w if w in MARKS else "n" for w in words]
    pattern = " ".join("that" if mark == "who" else "was" if mark == "were" else mark for mark in n)
    roles = {
        "n v n": [(0, 1, 2)],
        "n p n v n": [(0, 3, 4)],
        "n v n p n": [(0, 1, 2)],
        "n that v n v n": [(0, 2, 3), (0, 4, 5)],
        "n that n v v n": [(2, 3, 0), (0, 4, 5)],
        "n v n that v n": [(0, 1, 2), (2, 4, 5)],
        "n was v by n": [(4, 2, 0)],
        "n and n v n": [(0, 3, 4), (2, 3, 4)],
        "n v n and n": [(0, 1, 2), (0, 1, 4)],
    }[pattern]
    return {tuple(words[place] for place in role) for role in roles}


MARKS = ("that", "who", "was", "were", "by", "and")


def test_vocabulary_is_small_and_without_doubles():
    assert 200 <= len(VOCABULARY) <= 500
    assert len(set(VOCABULARY)) == len(VOCABULARY)
    assert VOCABULARY[: len(SPECIAL)] == SPECIAL


def test_opposites_are_mutual():
    for word in (word for row in PROPERTIES for word in row):
        assert synonym(synonym(word)) == word != synonym(word)
        assert all(word in antonyms(other) for other in antonyms(word))
        assert word in word_class(word)


@pytest.mark.parametrize("construction", EVENTS)
def test_events_say_what_an_independent_reading_says(construction):
    for form in EVENTS[construction]:
        writer = Writer(1)
        for _ in range(MANY):
            statement = form(writer)
            said = {(sentence[1], sentence[2], sentence[4]) for sentence in statement.follows}
            assert said == readings(statement.words)
            assert statement.construction == construction


@pytest.mark.parametrize("form", [Writer.event, Writer.subsequence, Writer.constituent])
def test_traps_use_the_statements_words_and_are_not_true(form):
    writer = Writer(2)
    trapped = 0
    for _ in range(MANY):
        statement = form(writer)
        trapped += bool(statement.fails)
        for sentence in statement.follows + statement.fails:
            assert set(sentence) <= set(statement.words)
        assert not set(statement.follows) & set(statement.fails)
    assert trapped > MANY / 4


@pytest.mark.parametrize("form", [Writer.property, Writer.quantity, lambda writer: writer.review()[0]])
def test_what_follows_does_not_fail(form):
    writer = Writer(3)
    for _ in range(MANY):
        statement = form(writer)
        assert not set(statement.follows) & set(statement.fails)
        assert {word for sentence in statement.follows for word in sentence} <= set(VOCABULARY)


def test_reviews_are_for_or_against_alike():
    writer = Writer(4)
    praised = [writer.review()[1] for _ in range(1000)]
    assert 450 < sum(praised) < 550


def test_the_same_seed_writes_the_same():
    first, second, other = Writer(5), Writer(5), Writer(6)
    assert [first.event() for _ in range(20)] == [second.event() for _ in range(20)]
    assert [other.event() for _ in range(20)] != [Writer(5).event() for _ in range(20)]
