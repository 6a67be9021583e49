"""What a paper says of a comparison: a paragraph for its methods section, and the sources of measures."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from similitude.measures import Measure
from similitude.measures.describe import interval

__all__ = ["bibtex", "methods_paragraph"]

_NAME = r"[A-Z][\w\-]*"
_SOURCE = re.compile(rf"(?P<authors>{_NAME}(?: (?:et al\.|and {_NAME}))?) (?P<year>(?:19|20)\d\d)\b(?P<rest>[^;]*)")
_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
_DOI = re.compile(r"doi:(\S+?)(?=[\s,)]|$)")


def methods_paragraph(
    measures: Sequence[Measure],
    representations: Mapping[str, Mapping[str, Any]],
    software: Mapping[str, str],
    inputs: str | None = None,
) -> str:
    """Return a paragraph that says what was compared, and how.

    Parameters
    ----------
    measures
        The measures.
    representations
        ``model/layer`` to what is known of it; see `similitude.runs.recipe.Recipe`.
    software
        Versions by name.
    inputs
        Name of the file of inputs.
    """
    networks = list(dict.fromkeys(key.partition("/")[0] for key in representations))
    n = next((about["n"] for about in representations.values()), 0)
    shown = f" to the inputs of {inputs}" if inputs else ""
    sentences = [
        f"We compared {len(representations)} representations ({_listed(networks)}): the responses{shown}, n = {n:,}."
    ]
    reductions = sorted({about["reduction"] for about in representations.values() if about.get("reduction")})
    if reductions:
        sentences.append(f"Outputs of layers were reduced to one vector per input by {_listed(reductions)}.")
    for measure in measures:
        declared = measure.properties()
        sentences.append(
            f"{measure} is a {declared.kind} in {interval(declared)}: {declared.formula} ({declared.reference})."
        )
    types = sorted({about["dtype"] for about in representations.values() if about.get("dtype")})
    versions = ", ".join(f"{name} {number}" for name, number in software.items())
    sentences.append(f"Values were stored in {_listed(types)} and computed in double precision, with {versions}.")
    return " ".join(sentences)


def bibtex(measures: Iterable[Measure]) -> str:
    """Return the sources of measures in BibTeX, each once; titles are left to the identifier.

    Parameters
    ----------
    measures
        Measures that declare their source as authors, year, and an arXiv id, DOI or journal.

    Examples
    --------
    >>> from similitude import get_measures
    >>> print(bibtex(get_measures("nbs")))
    @misc{harvey2023,
      author = {Harvey and others},
      year = {2023},
      eprint = {2311.11436},
      archiveprefix = {arXiv},
      url = {https://arxiv.org/abs/2311.11436},
      note = {similitude: nbs},
    }
    """
    entries: dict[str, tuple[dict[str, str], list[str]]] = {}
    for measure in measures:
        for source in _SOURCE.finditer(measure.properties().reference):
            fields = _fields(source)
            key = _key(source, fields, entries)
            used = entries.setdefault(key, (fields, []))[1]
            if str(measure) not in used:
                used.append(str(measure))
    texts = []
    for key, (known, used) in entries.items():
        fields = {**known, "note": f"similitude: {', '.join(used)}"}
        lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
        texts.append("\n".join([f"@misc{{{key},", *lines, "}"]))
    return "\n\n".join(texts)


def _fields(source: re.Match[str]) -> dict[str, str]:
    fields = {"author": source["authors"].replace(" et al.", " and others"), "year": source["year"]}
    if arxiv := _ARXIV.search(source["rest"]):
        return fields | {"eprint": arxiv[1], "archiveprefix": "arXiv", "url": f"https://arxiv.org/abs/{arxiv[1]}"}
    if doi := _DOI.search(source["rest"]):
        return fields | {"doi": doi[1], "url": f"https://doi.org/{doi[1]}"}
    return fields | {"howpublished": source["rest"].strip(" ,.")}


def _key(source: re.Match[str], fields: dict[str, str], known: Mapping[str, tuple[dict[str, str], list[str]]]) -> str:
    """First author and year, with a letter where another source has them too."""
    name = unicodedata.normalize("NFKD", source["authors"].split()[0]).encode("ascii", "ignore").decode().lower()
    stem = f"{name}{source['year']}"
    for key in (stem, *(f"{stem}{letter}" for letter in "bcdefghijklmnopqrstuvwxyz")):
        if key not in known or known[key][0] == fields:
            return key
    raise AssertionError("more than 26 sources of one author and year")


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else "none"
