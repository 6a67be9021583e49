"""What every suite declares of itself; a new suite is found through the registry and held to the same."""

from typing import get_args

import pytest

from similitude.benchmark.questions import RankCorrelation
from similitude.errors import UnknownName
from similitude.suites import SCALES, SUBTASKS, SUITES, Scale, Site, Suite

suites = pytest.mark.parametrize("name", list(SUITES))
subtasks = pytest.mark.parametrize(
    "subtask", [subtask for name in SUITES for subtask in SUITES[name].subtasks()], ids=lambda subtask: subtask.id
)


@pytest.fixture
def suite(name):
    return SUITES[name]


def is_sentence(text):
    return text[:1] == text[:1].upper() and text.rstrip()[-1:] in (".", "?") and text == text.strip()


def test_every_scale_says_what_it_is_for():
    assert tuple(SCALES) == get_args(Scale)
    assert all(SCALES.values())


@suites
def test_a_suite_has_a_name_and_says_what_it_is(name, suite):
    assert isinstance(suite, Suite)
    assert suite.name == name
    assert is_sentence(suite.description)
    assert isinstance(suite.by_default, bool)
    assert isinstance(suite.has_draws, bool)
    assert not suite.left_out


@suites
def test_time_is_announced_for_scales_that_exist(suite, tmp_path):
    assert set(suite.minutes_by_scale) <= set(SCALES)
    assert all(isinstance(minutes, int) and minutes > 0 for minutes in suite.minutes_by_scale.values())
    assert list(suite.minutes_by_scale.values()) == sorted(suite.minutes_by_scale.values())
    if suite.by_default:  # training by default is never unannounced
        assert all(suite.minutes(Site(tmp_path, scale)) > 0 for scale in SCALES)
    for scale in SCALES:
        assert isinstance(suite.minutes(Site(tmp_path, scale)), int)


@suites
def test_ids_of_subtasks_are_known_before_the_suite_is_loaded(name, suite):
    ids = [subtask.id for subtask in suite.subtasks()]
    assert len(set(ids)) == len(ids) > 0
    assert ids == [f"{name}/{short}" for short in SUBTASKS[name]]


@suites
def test_subtasks_are_chosen_by_the_name_of_the_suite_and_by_their_ids(name, suite):
    every = suite.subtasks()
    assert suite.select([name]) == every
    assert [suite.select([subtask.id]) for subtask in every] == [(subtask,) for subtask in every]
    with pytest.raises(UnknownName, match=every[0].id):
        suite.select([f"{every[0].id}x"])


@suites
def test_nothing_is_built_where_nothing_was_put(suite, tmp_path):
    site = Site(tmp_path, "quick")
    assert not suite.is_built(site)
    assert suite.populations(site) == {}
    assert suite.describe(site).empty
    assert [subtask.id for subtask in suite.at(site).subtasks()] == [subtask.id for subtask in suite.subtasks()]
    assert not any(tmp_path.iterdir())


@suites
def test_each_population_has_a_folder_of_its_own_at_the_site(suite, tmp_path):
    site = Site(tmp_path)
    names = {subtask.population for subtask in suite.subtasks()}
    folders = {suite.folder(site, population) for population in names}
    assert len(folders) == len(names)
    assert all(folder.is_relative_to(tmp_path) for folder in folders)
    drawn = {suite.folder(Site(tmp_path, draw=1), population) for population in names}
    assert folders.isdisjoint(drawn) == suite.has_draws


@subtasks
def test_a_subtask_says_what_varies_and_what_it_asks(subtask):
    assert subtask.population
    assert subtask.varies
    assert subtask.modality
    assert is_sentence(subtask.description)
    assert subtask.models is None or subtask.models >= 4  # statistics need four


@subtasks
def test_functionalities_have_names_of_their_own(subtask):
    every = (*subtask.described_only, *subtask.functionalities)
    assert bool(subtask.functionalities) == isinstance(subtask.question, RankCorrelation)
    assert len({functionality.name for functionality in every}) == len(every)
    assert len({str(functionality) for functionality in every}) == len(every)
    assert all(functionality.difference.strip() for functionality in every)


@subtasks
def test_functionalities_fit_what_is_compared(subtask):
    """Layers and truncated layers are compared where each has a score; whole models where the model has one."""
    for functionality in subtask.functionalities:
        assert functionality.per == "layer" or subtask.pairing.against == "models"
        assert functionality.pairwise is None or functionality.pairwise.items
