"""Layers of two networks that are compared, whether they come from networks or from saved arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from similitude.differences.gaps import Gap
from similitude.differences.matching import Match, align_in_order, match_order
from similitude.engine.pairwise import pairwise
from similitude.errors import InputError, ShapeMismatch
from similitude.representations.representation import Representation

__all__ = ["Layer", "Layers", "SavedArray", "aligned", "compare_arrays"]


@dataclass(frozen=True)
class Layer:
    """A layer of the first network and its partner in the second.

    Parameters
    ----------
    name, other
        Names of the two.
    gap
        How their outputs differ.
    noise
        Relative error between the first and itself; None where it is not measured.
    precision
        Machine epsilon of the first's values.
    first, second
        Representations of all inputs; None where there is none, such as of a constant layer.
    """

    name: str
    other: str
    gap: Gap
    noise: float | None
    precision: float
    first: Representation | None = None
    second: Representation | None = None


@dataclass(frozen=True)
class Layers:
    """All layers that are compared.

    Parameters
    ----------
    layers
        From input to output.
    matched_by
        ``"name"``, ``"order"`` or ``"alignment"``.
    only
        Names of the layers of either side without a partner.
    n
        Number of inputs.
    random
        Of either network, the first layer that differs each time it is run; None if there is none.
    left_out
        Layers that cannot be compared, with the reason.
    """

    layers: list[Layer]
    matched_by: str
    only: tuple[list[str], list[str]]
    n: int
    random: tuple[str | None, str | None] = (None, None)
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SavedArray:
    """Values (n, ...) of one layer, with the names of the inputs, if they have any."""

    values: np.ndarray
    ids: tuple[str, ...] | None = None

    def representation(self, model: str, layer: str) -> Representation | None:
        """Return the representation, flat, or None if it cannot be compared."""
        try:
            return Representation(self.values.reshape(len(self.values), -1), model=model, layer=layer, ids=self.ids)
        except InputError:  # constant, not finite, one input only
            return None


def aligned(
    first: Mapping[str, Representation | None], second: Mapping[str, Representation | None], memory: int
) -> list[tuple[str, str]]:
    """Pairs of layers by the monotone alignment with the largest sum of CKA."""
    sides = [{name: x for name, x in side.items() if x is not None} for side in (first, second)]
    if not all(sides):
        raise InputError("Layers cannot be aligned: one side has no layer that varies over the inputs.")
    cka = pairwise(list(sides[0].values()), "cka(debiased=true)", others=list(sides[1].values()), memory=memory)
    names = [list(side) for side in sides]
    return [(names[0][i], names[1][j]) for i, j in align_in_order(np.maximum(cka.matrix().to_numpy(), 0))]


def compare_arrays(
    first: Mapping[str, SavedArray],
    second: Mapping[str, SavedArray],
    *,
    names: tuple[str, str],
    match: Match,
    again: Mapping[str, SavedArray] | None,
    memory: int,
) -> Layers:
    """Compare saved arrays layer by layer.

    Parameters
    ----------
    first, second
        Layer to its values.
    names
        Of the networks, for tables.
    match
        How layers are matched.
    again
        Another run of the first, from which noise is measured.
    memory
        Bytes, about.

    Raises
    ------
    ShapeMismatch
        Layers are of different numbers of inputs, or of inputs with other ids.
    """
    of = [
        {layer: array.representation(name, layer) for layer, array in side.items()}
        for side, name in zip((first, second), names, strict=True)
    ]
    found = match_order(list(first), list(second), match)
    by, pairs = found or ("alignment", aligned(of[0], of[1], memory))
    layers = []
    for name, other in pairs:
        x, y = first[name], second[other]
        _check_inputs(f"{names[0]}/{name}", x, f"{names[1]}/{other}", y)
        gap, noise = Gap(), None
        gap.add(x.values, y.values)
        if again is not None and name in again:
            apart = Gap()
            apart.add(x.values, again[name].values)
            noise = apart.relative
        precision = float(np.finfo(x.values.dtype).eps) if x.values.dtype.kind == "f" else 0.0
        layers.append(Layer(name, other, gap, noise, precision, of[0][name], of[1][other]))
    matched: tuple[set[str], set[str]] = ({name for name, _ in pairs}, {other for _, other in pairs})
    only = [name for name in first if name not in matched[0]], [name for name in second if name not in matched[1]]
    return Layers(layers, by, only, len(first[pairs[0][0]].values))


def _check_inputs(name: str, x: SavedArray, other: str, y: SavedArray) -> None:
    if len(x.values) != len(y.values):
        raise ShapeMismatch(
            f"{name} has {len(x.values):,} inputs (rows) and {other} has {len(y.values):,}. "
            "Save both for the same inputs."
        )
    if x.ids is not None and y.ids is not None and x.ids != y.ids:
        told = "in another order" if set(x.ids) == set(y.ids) else "other inputs"
        raise ShapeMismatch(f"{name} and {other}: their ids name {told}. Save both for the same inputs, in one order.")
