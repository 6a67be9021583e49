"""Families of questions: what a reader wants to know of a measure, each answered by subtasks of several suites."""

from __future__ import annotations

from similitude.benchmark.subtask import Subtask

__all__ = ["EVERYTHING", "FAMILIES", "family_of"]

FAMILIES = {
    "layers": "which layers are alike",
    "removed": "removed components",
    "failure": "which networks fail on other data",
    "outputs": "which networks answer differently",
    "conditions": "how networks were trained",
    "real": "real networks",
}
"""Family to its question in words, in the order of tables."""

EVERYTHING = "all"
"""Stands for the mean over all families."""

_OF_TEST = {
    "probes": "layers",
    "layers": "layers",
    "accuracy": "failure",
    "outputs": "outputs",
    "labels_own": "conditions",
    "labels_shared": "conditions",
    "shortcut": "conditions",
    "augmentation": "conditions",
    "groups": "conditions",
}

_REAL = ("packages/", "published/", "language/minilm_layers")
"""Beginnings of the ids of subtasks on networks that others trained."""


def family_of(subtask: Subtask) -> str:
    """Return the family of a subtask; a subtask of no test belongs to none and gives the empty text.

    Subtasks on networks that others trained are a family of their own, and so are those that compare a layer with
    itself when components are removed from it.
    """
    if subtask.id.startswith(_REAL):
        return "real"
    if subtask.pairing.against == "deletions":
        return "removed"
    return _OF_TEST.get(subtask.test, "")
