"""The word list finds what it is for, across lines too, and leaves good English alone."""

import pytest

import words


@pytest.mark.parametrize(
    "text",
    [
        "one row a measure",
        "once a representation",
        "# a file of one row\n#     a pair",
        "This is a fault of similitude.",
        "what could not be had",
        "Files that there are not.",
    ],
)
def test_dialect_is_found(text):
    assert words.find(text)


@pytest.mark.parametrize("text", ["one row per measure", "once per representation", "rows of a measure", "once a day"])
def test_english_is_not(text):
    assert words.find(text) == []


def test_the_line_is_where_the_phrase_begins():
    assert [line for line, *_ in words.find("first\nsecond\none row\na pair\n")] == [3]


def test_our_text_has_none(capsys):
    assert words.main() == 0, capsys.readouterr().out
