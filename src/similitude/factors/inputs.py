"""Whether two sides hold the same inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from similitude.errors import ShapeMismatch

if TYPE_CHECKING:
    from similitude.factors.pair import Side

__all__ = ["check_same_inputs"]


def check_same_inputs(x: Side, y: Side) -> None:
    """Raise ShapeMismatch unless both sides hold the same inputs in the same order."""
    first, second = x.key or "the first side", y.key or "the second side"
    if x.n != y.n:
        hint = ""
        features = all(side.parent is None and side.dissimilarities is None for side in (x, y))
        if features and x.d == y.d:
            hint = " The widths agree: are the arrays features x inputs? Then pass their transposes."
        elif features and (x.n == y.d or y.n == x.d):
            hint = " One of them looks like features x inputs; pass its transpose."
        raise ShapeMismatch(
            f"{first} has {x.n} inputs and {second} has {y.n}; "
            f"row i of both must be the response to the same input.{hint}"
        )
    ids_x = x.representation.ids if x.representation else None
    ids_y = y.representation.ids if y.representation else None
    if ids_x is not None and ids_y is not None and ids_x != ids_y:
        same = "the same ids in another order: reorder one" if set(ids_x) == set(ids_y) else "different input ids"
        raise ShapeMismatch(
            f"{first} and {second} have {same}. Compare responses to the same inputs, in the same order."
        )
