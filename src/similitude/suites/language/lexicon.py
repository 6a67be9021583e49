"""The words of the small language."""

from __future__ import annotations

__all__ = [
    "ADVERBS",
    "CONDITIONS",
    "DISLIKES",
    "HEDGES",
    "INTRANSITIVE",
    "LIKES",
    "MADE",
    "NEGATIVE",
    "NUMBERS",
    "PEOPLE",
    "PLURALS",
    "POSITIVE",
    "PREPOSITIONS",
    "PROPERTIES",
    "REASONS",
    "SPECIAL",
    "THINGS",
    "TRANSITIVE",
    "VOCABULARY",
    "antonyms",
    "synonym",
    "word_class",
]

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

SINGULARS = tuple(
    "doctor lawyer judge student pilot baker farmer singer actor writer banker tourist nurse guard clerk senator "
    "manager artist sailor teacher painter driver player dancer".split()
)
PLURALS = tuple(noun + "s" for noun in SINGULARS)
PEOPLE = SINGULARS + PLURALS

# Past tense and participle are one word, so that actives and passives share all their words.
TRANSITIVE = tuple(
    "helped thanked called admired avoided visited praised warned followed blamed hugged invited trusted watched "
    "answered noticed".split()
)
INTRANSITIVE = tuple("slept danced arrived waited shouted resigned laughed traveled".split())
PREPOSITIONS = tuple("near behind beside facing".split())
ADVERBS = tuple("quietly quickly happily slowly".split())

REASONS = tuple("because although when since".split())  # what they introduce is a fact
CONDITIONS = tuple("if unless".split())  # what they introduce is not

# Each row: two synonyms, then their two antonyms.
PROPERTIES = (
    ("tall", "lofty", "short", "tiny"),
    ("rich", "wealthy", "needy", "broke"),
    ("happy", "glad", "sad", "gloomy"),
    ("loud", "noisy", "quiet", "silent"),
    ("strong", "sturdy", "weak", "frail"),
    ("smart", "clever", "foolish", "silly"),
    ("brave", "bold", "timid", "meek"),
    ("calm", "serene", "tense", "nervous"),
    ("young", "youthful", "old", "aged"),
    ("kind", "gentle", "cruel", "harsh"),
)

THINGS = tuple("film book play song novel concert poem show".split())
MADE = tuple("wrote bought described".split())
POSITIVE = tuple("wonderful charming brilliant delightful superb lovely excellent funny".split())
NEGATIVE = tuple("awful terrible boring dreadful clumsy horrible tedious ugly".split())
HEDGES = tuple("very quite really".split())
LIKES = tuple("enjoyed loved recommended".split())
DISLIKES = tuple("disliked hated regretted".split())

NUMBERS = tuple(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
)

FUNCTION = tuple("the that who and was were by not never but exactly more fewer than it . , ?".split())

_CLASSES = (
    SINGULARS,
    PLURALS,
    TRANSITIVE,
    INTRANSITIVE,
    PREPOSITIONS,
    ADVERBS,
    REASONS + CONDITIONS,
    tuple(word for row in PROPERTIES for word in row),
    THINGS,
    MADE,
    POSITIVE + NEGATIVE,
    HEDGES,
    LIKES + DISLIKES,
    NUMBERS,
)
_CLASS_OF = {word: members for members in _CLASSES for word in members}
_ROW_OF = {word: row for row in PROPERTIES for word in row}

VOCABULARY = (*SPECIAL, *sorted({*_CLASS_OF, *FUNCTION}))


def word_class(word: str) -> tuple[str, ...]:
    """The words that can stand where `word` stands; empty for a function word."""
    return _CLASS_OF.get(word, ())


def synonym(word: str) -> str:
    """The other word for the same property."""
    row = _ROW_OF[word]
    return row[row.index(word) ^ 1]


def antonyms(word: str) -> tuple[str, ...]:
    """The two words for the opposite property."""
    row = _ROW_OF[word]
    return row[2:] if row.index(word) < 2 else row[:2]
