"""Phrases that our text avoids, each with what to write instead: `python tests/words.py` lists where they stand."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
_COUNTED = "one|once|two|rows?|columns?|files?|folders?|lists?|cell|values?|bar|threads?"
_NOUNS = (
    "cell|checkpoint|class|component|deletion|factor|figure|functionality|group|input|item|layer|line|measure|model|"
    "network|pair|panel|population|position|process|reduction|reference|representation|row|run|score|seed|sentence|subtask|"
    "statistic|suite|test item|test set|tile|unit|value"
)
PHRASES = {
    rf"\b({_COUNTED}) an? ({_NOUNS})\b": "distributive 'per': one row per measure, once per pair",
    r"\bcould not be had\b": "is missing, cannot be computed",
    r"\b(be|is|are) had from\b": "can be opened as, comes from",
    r"\bthat there (are|is) (fail|not)\b": "existing",
    r"\bfault of similitude\b": "bug in similitude",
    r"\bnothing is written without\b": "omit to write nothing",
    r"\bnothing has a\b": "is undefined",
    r"\bcannot be made a\b": "cannot create",
    r"\bnot a row an\b": "expected one row per",
    r"\bhas the ending\b": "unsupported file type",
}
"""Regular expression to what is better."""

_FOLDERS = {"src": "*.py", "docs": "*.md", "examples": "*.py", "benchmarks": "*.py"}
_FILES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "mkdocs.yml", "pyproject.toml")


def find(text: str) -> list[tuple[int, str, str]]:
    """Line number, phrase and what is better, for each phrase in a text; a phrase may run over the end of a line."""
    flat = re.sub(r"\n[ #]*", lambda found: "\n" + " " * (len(found[0]) - 1), text)
    found = []
    for phrase, better in PHRASES.items():
        for match in re.finditer(phrase.replace(" ", r"\s+"), flat, re.IGNORECASE):
            found.append((text.count("\n", 0, match.start()) + 1, " ".join(match[0].split()), better))
    return sorted(found)


def main() -> int:
    """Print every phrase, and return 1 if there is one."""
    files = [ROOT / name for name in _FILES if (ROOT / name).exists()]
    files += [file for folder, pattern in _FOLDERS.items() for file in sorted((ROOT / folder).rglob(pattern))]
    count = 0
    for file in files:
        for line, phrase, better in find(file.read_text(encoding="utf-8")):
            print(f"{file.relative_to(ROOT)}:{line}: {phrase!r}: {better}")
            count += 1
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main())
