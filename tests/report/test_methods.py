"""Methods paragraphs and citations."""

import re

import pytest

from similitude.measures import get_measures
from similitude.measures.catalogue import MEASURES
from similitude.report.methods import bibtex, methods_paragraph


@pytest.mark.parametrize("name", MEASURES)
def test_every_source_becomes_an_entry(name):
    measure = get_measures([name])[0]
    reference, entries = measure.properties().reference, bibtex([measure])
    if reference == "baseline":
        assert entries == ""
        return
    assert re.findall(r"\b(?:19|20)\d\d(?=,| \()", reference.replace("2024 (ReSi)", "2024,")) == re.findall(
        r"year = \{(\d+)\}", entries
    )
    first = re.search(r"arXiv:([\d.]+)|doi:(\S+?)(?=;|$)", reference)
    if first is not None and "as in ReSi" not in reference:
        assert (first[1] or first[2]) in entries


def test_a_source_of_several_measures_stands_once():
    entries = bibtex(get_measures(["procrustes", "pwcca", "nbs", "angular_procrustes", "orthogonal_procrustes"]))
    assert entries.count("2108.01661") == 2  # its number and address
    assert "note = {similitude: procrustes, pwcca}" in entries
    keys = re.findall(r"@misc\{(\w+),", entries)
    assert len(keys) == len(set(keys))


def test_sources_of_one_author_and_year_have_their_own_keys():
    entries = bibtex(get_measures(["concentricity_difference", "uniformity_difference", "pwcca"]))
    keys = re.findall(r"@misc\{(\w+),", entries)
    assert {"wang2020", "wang2020b"} <= set(keys)


def test_the_paragraph_says_what_was_compared():
    about = {f"net{i}/last": {"n": 1200, "dtype": "float32", "reduction": "mean_pool"} for i in (1, 2)}
    text = methods_paragraph(get_measures("cka"), about, {"similitude": "9.9"}, "texts.txt")
    for part in ("net1 and net2", "1,200", "texts.txt", "mean_pool", "Kornblith", "float32", "similitude 9.9"):
        assert part in text
