"""Designs, gates, and what random labels and shortcuts are; no training."""

import numpy as np
import pytest

from similitude.benchmark import Separation
from similitude.errors import DegeneratePopulation
from similitude.representations import ModelRecord, Population, Score
from similitude.suites import SUBTASKS, SUITES
from similitude.suites.conditions import Condition, Gate, hints, label_designs, training_labels

LABELS = np.arange(14_000) % 7
HALF = Condition("half", 0.5, (Gate("accuracy/training", "has memorised its labels", least=0.9),))
OWN, SHARED = label_designs((HALF,))


def record(value, name="0.50-seed003", condition="half"):
    scores = [Score("accuracy/training", value), Score("accuracy/training", 0.0, layer="a")]
    return ModelRecord(name, {"a": np.eye(3)}, {"condition": condition}, scores)


def test_a_gate_names_the_network_and_the_figure():
    HALF.check(record(0.9))
    with pytest.raises(DegeneratePopulation, match=r"'0.50-seed003' of the group 'half' has accuracy/training 0.899; "):
        HALF.check(record(0.899))


@pytest.mark.parametrize(
    ("gate", "value", "passed"),
    [
        (Gate("s", "", least=0.2), 0.2, True),
        (Gate("s", "", least=0.2), 0.1, False),
        (Gate("s", "", most=0.2), 0.2, True),
        (Gate("s", "", most=0.2), 0.3, False),
        (Gate("s", "", least=0.1, most=0.2), 0.3, False),
        (Gate("s", ""), float("nan"), False),
    ],
)
def test_bounds_are_allowed_and_nan_is_not(gate, value, passed):
    assert gate.is_passed(value) is passed


def test_a_figure_that_was_not_measured_fails():
    with pytest.raises(DegeneratePopulation, match="accuracy/training nan"):
        HALF.check(ModelRecord("a", {}, {}, [Score("accuracy/clean", 1.0)]))


def test_figures_are_those_of_each_group():
    other = Condition("other", 1.0, (Gate("accuracy/training", "", most=0.5),))
    design, _ = label_designs((HALF, other))
    records = [record(0.9, "a"), record(1.0, "b"), record(0.25, "c", "other")]
    table = design.figures(Population.from_records("p", ["a"], records)).set_index("group")
    assert table.loc["half", ["required", "networks", "mean", "min", "max"]].tolist() == [
        *("at least 0.9", 2, pytest.approx(0.95), 0.9, 1.0)
    ]
    assert table.loc["other", ["required", "networks", "mean"]].tolist() == ["at most 0.5", 1, 0.25]


def test_own_labels_differ_by_network_and_shared_ones_by_draw():
    def labels(design, seed, draw):
        return training_labels(design, HALF, LABELS, 7, seed=seed, draw=draw)

    assert (labels(OWN, 1, 0) == labels(OWN, 1, 0)).all()
    assert (labels(OWN, 1, 0) != labels(OWN, 2, 0)).any()
    assert (labels(SHARED, 1, 0) == labels(SHARED, 2, 0)).all()
    assert (labels(SHARED, 1, 0) != labels(SHARED, 1, 1)).any()
    assert (labels(OWN, 0, 0) != labels(SHARED, 0, 0)).any()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_random_labels_are_uniform_over_all_classes(share):
    condition = Condition("", share)
    found = training_labels(OWN, condition, LABELS, 7, seed=0, draw=0)
    assert np.mean(found != LABELS) == pytest.approx(share * 6 / 7, abs=0.015)
    counts = np.bincount(found[found != LABELS], minlength=7) if share else np.ones(7)
    assert counts / counts.mean() == pytest.approx(np.ones(7), abs=0.1)


def test_other_designs_leave_labels_alone():
    from similitude.suites.vision.conditions import DESIGNS

    for test in ("shortcut", "augmentation"):
        assert training_labels(DESIGNS[test], HALF, LABELS, 7, seed=0, draw=0) is LABELS


@pytest.mark.parametrize("right", [1 / 7, 0.75, 1.0])
def test_hints_are_right_as_often_as_they_should_be(right):
    found = hints(LABELS, 7, right, [0])
    assert np.mean(found == LABELS) == pytest.approx(right, abs=0.015)
    wrong = ((found - LABELS) % 7)[found != LABELS]
    if right < 1:
        counts = np.bincount(wrong, minlength=7)[1:]
        assert counts / counts.mean() == pytest.approx(np.ones(6), abs=0.15)


@pytest.mark.parametrize("name", ["vision", "language", "graphs"])
def test_suites_have_all_designs_and_say_so_without_being_loaded(name):
    subtasks = {subtask.id: subtask for subtask in SUITES[name].subtasks()}
    assert {identifier.partition("/")[2] for identifier in subtasks} == set(SUBTASKS[name])
    for test in ("labels_own", "labels_shared", "shortcut", "augmentation"):
        subtask = subtasks[f"{name}/{test}"]
        assert (subtask.test, subtask.modality) == (test, name)
        assert isinstance(subtask.question, Separation)
        assert subtask.question.by == "condition"
        assert (subtask.pairing.against, subtask.pairing.layers) == ("models", ("last",))
    assert subtasks[f"{name}/layers"].question.statistic == "monotonicity"
