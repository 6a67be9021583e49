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


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

SINGULARS = _words(
    "doctor lawyer judge student pilot baker farmer singer actor writer banker tourist nurse guard clerk senator "
    "manager artist sailor teacher painter driver player dancer"
)
PLURALS = tuple(noun + "s" for noun in SINGULARS)
PEOPLE = SINGULARS + PLURALS

# Past tense and participle are one word, so that actives and passives share all their words.
TRANSITIVE = _words(
    "helped thanked called admired avoided visited praised warned followed blamed hugged invited trusted watched "
    "answered noticed"
)
INTRANSITIVE = _words("slept danced arrived waited shouted resigned laughed traveled")
PREPOSITIONS = _words("near behind beside facing")
ADVERBS = _words("quietly quickly happily slowly")

REASONS = _words("because although when since")  # what they introduce is a fact
CONDITIONS = _words("if unless")  # what they introduce is not

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

THINGS = _words("film book play song novel concert poem show")
MADE = _words("wrote bought described")
POSITIVE = _words("wonderful charming brilliant delightful superb lovely excellent funny")
NEGATIVE = _words("awful terrible boring dreadful clumsy horrible tedious ugly")
HEDGES = _words("very quite really")
LIKES = _words("enjoyed loved recommended")
DISLIKES = _words("disliked hated regretted")

NUMBERS = _words("one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen")

FUNCTION = _words("the that who and was were by not never but exactly more fewer than it . , ?")

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
