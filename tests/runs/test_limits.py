"""Fewer networks, pairs and inputs per subtask."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from similitude import ModelRecord, Population, Score
from similitude.benchmark import Pairing, Subtask
from similitude.benchmark.designs import grading_rows
from similitude.benchmark.questions import Monotonicity, Separation
from similitude.benchmark.subtask import Functionality, Grouping
from similitude.runs.grade import Choice
from similitude.runs.limits import count_pairs, limited

LAYERS = ("early", "middle", "late")
TRAIT = (Functionality("trait"),)
PROBE = (Functionality("probe", per="layer"),)
SUBTASKS = {
    "models": Subtask("made/models", "plain", "seed", TRAIT, Pairing("models", ("last",))),
    "each layer": Subtask("made/each", "plain", "seed", TRAIT, Pairing("models")),
    "layers": Subtask("made/layers", "plain", "seed, layer", PROBE, Pairing("layers")),
    "deletions": Subtask("made/deletions", "plain", "deleted", PROBE, Pairing("deletions", ("last",))),
    "distance": Subtask("made/distance", "plain", "layer", (), Pairing("layers"), question=Monotonicity()),
    "within": Subtask(
        "made/within", "grouped", "seed", TRAIT, Pairing("models", ("last",)), grouping=Grouping("parent", "within")
    ),
    "across": Subtask(
        "made/across", "grouped", "seed", TRAIT, Pairing("models", ("last",)), grouping=Grouping("parent", "across")
    ),
    "groups": Subtask(
        "made/groups", "grouped", "parent", (), Pairing("models", ("last",)), question=Separation(by="parent")
    ),
}


@pytest.fixture(scope="module")
def populations():
    rng = np.random.default_rng(0)

    def record(m):
        scores = [Score("trait", rng.random())]
        scores += [Score("probe", rng.random(), layer) for layer in LAYERS]
        scores += [Score("probe", rng.random(), "late", deleted) for deleted in (1, 2)]
        layers = {layer: rng.normal(size=(60, 5)) for layer in LAYERS}
        return ModelRecord(f"net{m:02d}", layers, {"parent": m % 3}, tuple(scores))

    made = Population.from_records("made", LAYERS, [record(m) for m in range(30)])
    return {"plain": made, "grouped": made}


def compared(subtask, population):
    """Pairs of different representations, those that a measure compares; mirrored ones once."""
    found = set()
    for row in grading_rows(subtask, population):
        for first, second in row.data.pairs(population)[1]:
            sides = tuple(sorted([(first.key, first.d), (second.key, second.d)]))
            found.add(sides)
    return len({(first, second) for first, second in found if first != second})


@pytest.mark.parametrize("name", SUBTASKS)
def test_pairs_are_those_that_measures_compare(name, populations):
    subtask = SUBTASKS[name]
    population = populations[subtask.population].subset(populations["plain"].models[:12])
    counted = count_pairs(subtask, population)
    assert compared(subtask, population) == pytest.approx(counted, rel=0.05)


@pytest.mark.parametrize("name", SUBTASKS)
@pytest.mark.parametrize("most", [50, 200, 400])
def test_a_limit_keeps_as_many_networks_as_it_allows(name, most, populations):
    subtask = SUBTASKS[name]
    suite = SimpleNamespace(populations=lambda _: populations)
    (choice,) = limited([Choice(suite, SimpleNamespace(), (subtask,))], pairs=most)
    fewer = choice.subtasks[0].select(populations[subtask.population])
    count = len(fewer.models)
    step = 3 if subtask.population == "grouped" else 1
    assert fewer.models == populations["plain"].models[:count]
    if count < 30:
        longer = populations["plain"].subset(populations["plain"].models[: count + step])
        assert count_pairs(subtask, longer) > most
    least = {"within": 9, "across": 9, "groups": 18}.get(name, 8)
    assert count >= least
    assert count_pairs(subtask, fewer) <= most or count == least


def test_groups_stay_of_one_size(populations):
    suite = SimpleNamespace(populations=lambda _: populations)
    (choice,) = limited([Choice(suite, SimpleNamespace(), (SUBTASKS["within"],))], pairs=50)
    fewer = choice.subtasks[0].select(populations["grouped"])
    assert fewer.attributes["parent"].value_counts().tolist() == [6, 6, 6]


def test_without_a_limit_nothing_changes_and_networks_that_are_not_there_are_no_matter(populations):
    suite = SimpleNamespace(populations=lambda _: populations)
    absent = replace(SUBTASKS["models"], id="made/absent", population="absent")
    choice = Choice(suite, SimpleNamespace(), (SUBTASKS["models"], absent))
    assert limited([choice]) == [choice]
    assert limited([choice], pairs=50)[0].subtasks[1] == absent


def test_inputs_can_be_limited(populations):
    suite = SimpleNamespace(populations=lambda _: populations)
    (fewer,) = limited([Choice(suite, SimpleNamespace(), (SUBTASKS["models"],))], inputs=20)
    population = populations["plain"]
    whole = population.representation(population.models[1], "late")
    sampled = fewer.subtasks[0].select(population)
    first, second = (sampled.representation(model, "late") for model in population.models[:2])
    assert (first.n, second.n) == (20, 20) < (whole.n, whole.n)
    places = [np.flatnonzero((whole.values == row).all(axis=1)).item() for row in second.values]
    assert places == sorted(places)
    assert np.array_equal(second.values, whole.values[places])
    assert fewer.subtasks[0].select(sampled).representation(*second.key.split("/")).n == 20
    assert population.sampled(10**6).representation(*whole.key.split("/")).n == whole.n
