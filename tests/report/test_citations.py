"""Every measure has its sources in BibTeX, complete, and no source is there for nothing."""

import re

import pytest

from similitude.measures import get_measures
from similitude.measures.catalogue import MEASURES
from similitude.report.citations import NAMED, bibtex, software_entry, sources_of
from similitude.suites import SUITES

REQUIRED = {
    "article": {"author", "title", "journal", "year"},
    "inproceedings": {"author", "title", "booktitle", "year"},
}


def entries(text):
    """Kind, key and fields of each entry."""
    found = []
    for entry in text.split("\n\n"):
        head, *lines, end = entry.splitlines()
        kind, key = re.fullmatch(r"@(\w+)\{(\w+),", head).groups()
        assert end == "}"
        assert entry.count("{") == entry.count("}")
        found.append((kind, key, dict(re.fullmatch(r"  (\w+) = \{(.+)\},", line).groups() for line in lines)))
    return found


def everything():
    measures = get_measures(list(MEASURES))
    return bibtex([*((str(m), sources_of(m)) for m in measures), *NAMED.items()])


@pytest.mark.parametrize("name", MEASURES)
def test_every_source_of_a_measure_is_cited(name):
    measure = get_measures([name])[0]
    reference, keys = measure.properties().reference, sources_of(measure)
    declared = re.findall(r"arXiv:\d|doi:|\d\(\d+\):", reference)
    assert len(keys) == len(declared)
    assert bool(keys) == (reference != "baseline")
    names = "|".join(kind["author"].split(",")[0] for _, _, kind in entries(bibtex([(name, keys)]))) if keys else ""
    plain = names.replace(r"\`", "").replace(r"{\"o}", "oe").replace(r"{\'e}", "e").replace("{", "").replace("}", "")
    for author in filter(None, plain.split("|")):
        assert author in reference or author == "Klabunde"  # "as in ReSi"


def test_entries_are_complete():
    found = entries(everything())
    keys = [key for _, key, _ in found]
    assert len(keys) == len(set(keys)) > 30
    for kind, key, fields in found:
        assert REQUIRED.get(kind, {"author", "title", "year"}) <= fields.keys(), key
        assert re.fullmatch(r"(19|20)\d\d", fields["year"])
        assert key.endswith(fields["year"])
        assert {"eprint", "doi"} & fields.keys() or {"volume", "number", "pages"} <= fields.keys(), key
        assert ("archiveprefix" in fields) == ("eprint" in fields)


def test_no_source_is_there_for_nothing():
    from importlib.resources import files

    text = files("similitude.report").joinpath("sources.bib").read_text(encoding="utf-8")
    keys = re.findall(r"^@\w+\{(\w+),", text, re.MULTILINE)
    assert keys == sorted(keys)
    assert set(keys) == {key for _, key, _ in entries(everything())}


def test_a_source_of_several_measures_stands_once():
    text = bibtex([(str(m), sources_of(m)) for m in get_measures(["procrustes", "pwcca", "nbs"])])
    assert text.count("2108.01661") == 1
    assert "note = {similitude: procrustes, pwcca}" in text


def test_suites_and_the_package():
    assert set(NAMED) - {"deconfounded"} <= set(SUITES)
    ((kind, key, fields),) = entries(software_entry())
    assert (kind, key) == ("software", "similitude")
    assert re.match(r"\d+\.\d+", fields["version"])
