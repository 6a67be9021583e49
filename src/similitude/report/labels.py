"""What a difference in functionality is a difference in, as axes say it."""

from __future__ import annotations

from similitude.benchmark.subtask import Functionality

__all__ = ["difference"]


def difference(functionality: Functionality) -> str:
    """Label of functional differences: ``"difference in accuracy (blur)"``, or ``"disagreement (corrupted)"`` of pairs.

    The kind of score is the first part of the functionality's name, where its label leaves it out.
    """
    label = str(functionality)
    kind, slash, _ = functionality.name.partition("/")
    kind = kind.replace("_", " ")
    head, comma, rest = label.partition(", ")
    if comma:
        quantity = f"{head} ({rest})"
    elif slash and kind.lower() not in label.replace("_", " ").lower():
        quantity = f"{kind} ({label})"
    else:
        quantity = label
    return quantity if functionality.pairwise else f"difference in {quantity}"
