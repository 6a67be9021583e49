"""Sources of measures, of suites and of this package, in BibTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from importlib.resources import files

from similitude.measures import Measure

__all__ = ["NAMED", "bibtex", "software_entry", "sources_of"]

NAMED = {
    "deconfounded": ["cui2022"],
    "graphs": ["klabunde2025"],
    "language": ["ding2021"],
    "packages": ["shao2020", "smith2018"],
    "published": ["ding2021"],
    "vision": ["ding2021", "lecun1998"],
}
"""Keys of the sources of suites (subtasks, data and networks that are not ours), and of measures of measures."""

_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
_DOI = re.compile(r"doi:(\S+?)(?=[\s,;]|$)")
_PAGES = re.compile(r"\d+\(\d+\):\d+-\d+")


@cache
def _entries() -> dict[str, str]:
    """Entries of ``sources.bib`` by key."""
    text = files("similitude.report").joinpath("sources.bib").read_text(encoding="utf-8")
    return {re.split("[{,]", entry)[1]: entry for entry in text.strip().split("\n\n")}


@cache
def _keys() -> dict[str, str]:
    """Key of each source by arXiv id, DOI, or volume, number and pages."""
    found = {}
    for key, entry in _entries().items():
        fields = dict(re.findall(r"^  (\w+) = \{(.*)\},$", entry, re.MULTILINE))
        names = [fields.get("eprint"), fields.get("doi")]
        if {"volume", "number", "pages"} <= fields.keys():
            names.append(f"{fields['volume']}({fields['number']}):{fields['pages'].replace('--', '-')}")
        found |= {name: key for name in names if name}
    return found


def sources_of(measure: Measure) -> list[str]:
    """Return the keys of a measure's sources, in the order in which it declares them; none of those not known here."""
    reference = measure.properties().reference
    kinds = (_ARXIV, _DOI, _PAGES)
    marks = sorted((mark.start(), mark[mark.re.groups]) for kind in kinds for mark in kind.finditer(reference))
    return [_keys()[name] for _, name in marks if name in _keys()]


def bibtex(sources: Iterable[tuple[str, Iterable[str]]]) -> str:
    """Return sources in BibTeX, each once, with a note of what it is the source of.

    Parameters
    ----------
    sources
        Names, such as ids of measures, and the keys of their sources.

    Examples
    --------
    >>> from similitude import get_measures
    >>> nbs = get_measures("nbs")[0]
    >>> print(bibtex([(str(nbs), sources_of(nbs))]))
    @misc{harvey2023,
      author = {Harvey, Sarah E. and Larsen, Brett W. and Williams, Alex H.},
      title = {Duality of {Bures} and Shape Distances with Implications for Comparing Neural Representations},
      year = {2023},
      eprint = {2311.11436},
      archiveprefix = {arXiv},
      note = {similitude: nbs},
    }
    """
    used: dict[str, list[str]] = {}
    for name, keys in sources:
        for key in keys:
            used.setdefault(key, []).append(name)
    notes = {key: f"  note = {{similitude: {', '.join(dict.fromkeys(names))}}},\n" for key, names in used.items()}
    return "\n\n".join(f"{_entries()[key][:-1]}{notes[key]}}}" for key in used)


def software_entry() -> str:
    """Return an entry for this package, in its installed version."""
    lines = {
        "author": "{The similitude developers}",
        "title": "similitude: Compare Neural-Network Representations, and Grade the Measures That Do So",
        "version": version("similitude"),
        "license": "MIT",
    }
    fields = "".join(f"  {name} = {{{value}}},\n" for name, value in lines.items())
    return f"@software{{similitude,\n{fields}}}"
