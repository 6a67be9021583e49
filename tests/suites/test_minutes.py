"""How long a build is said to take: what is missing counts, and nothing else."""

import pytest

from similitude.suites import SUITES, Site


def test_a_suite_that_takes_no_time_says_so(tmp_path):
    assert SUITES["synthetic"].minutes(Site(tmp_path, "embedded")) == 0


def test_only_populations_asked_for_count(tmp_path):
    site = Site(tmp_path, "embedded")
    language = SUITES["language"]
    everything, finetuned = (language.minutes(site, asked) for asked in (None, ["language_finetuned"]))
    assert 0 < finetuned < everything
    assert language.minutes(Site(tmp_path, "first")) < everything < language.minutes(Site(tmp_path, "standard"))


def test_what_is_built_takes_no_time(tmp_path, monkeypatch):
    site = Site(tmp_path, "first")
    before = SUITES["vision"].minutes(site)
    monkeypatch.setattr(type(SUITES["vision"]), "is_built", lambda *_: True)
    assert before > 0 == SUITES["vision"].minutes(site)


@pytest.mark.parametrize("scale", ["quick", "first", "embedded", "standard", "paper"])
@pytest.mark.parametrize("name", ["vision", "language", "graphs"])
def test_training_is_announced_at_every_scale(name, scale, tmp_path):
    assert SUITES[name].minutes(Site(tmp_path, scale)) > 0
