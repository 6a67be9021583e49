"""Every subtask that ships answers a question of one family."""

from similitude.benchmark.families import FAMILIES, family_of
from similitude.suites import SUITES

SUBTASKS = {s.id: s for name in ("vision", "language", "graphs") for s in SUITES[name].subtasks()}


def test_every_subtask_has_a_family():
    assert {family_of(subtask) for subtask in SUBTASKS.values()} == set(FAMILIES)


def test_families_follow_test_and_pairing():
    found = {
        "vision/seed_layer": "layers",
        "vision/layers": "layers",
        "vision/pc_deletion": "removed",
        "language/pc_deletion": "removed",
        "vision/ood": "failure",
        "graphs/behaviour_sage": "outputs",
        "graphs/labels_own": "conditions",
        "language/shortcut": "conditions",
        "language/minilm_layers": "real",
    }
    assert {name: family_of(SUBTASKS[name]) for name in found} == found


def test_a_subtask_of_no_test_has_none():
    angle = next(s for s in SUITES["synthetic"].subtasks() if s.id == "synthetic/angle")
    assert family_of(angle) == ""
