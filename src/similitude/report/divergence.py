"""Where two networks first differ, in words."""

from __future__ import annotations

import numpy as np

from similitude.differences.divergence import FACTOR, Divergence
from similitude.report.numbers import quantity

__all__ = ["methods_of", "told"]


def told(found: Divergence) -> list[str]:
    """Return the verdict and what it rests on, in sentences."""
    sentences = [_verdict(found)]
    if found.n and found.matched_by != "name":
        sentences.append(f"Layers are matched by {found.matched_by}.")
    if found.n:
        sentences.append(_basis(found))
    if len(found.weights):
        apart = found.weights["parameter"][~found.weights["equal"]]
        sentences.append(
            f"{len(apart)} of {len(found.weights)} parameters differ, from {apart.iloc[0]} on."
            if len(apart)
            else "All parameters are equal."
        )
    for name, layers in zip(found.names, found.only, strict=True):
        if layers:
            listed = ", ".join(layers[:5]) + (", ..." if len(layers) > 5 else "")
            sentences.append(f"Only in {name}: {listed}.")
    if found.left_out:
        layer, reason = next(iter(found.left_out.items()))
        sentences.append(f"{len(found.left_out)} layer(s) left out, the first: {layer}: {reason}")
    return [*sentences, *found.notes]


def methods_of(found: Divergence) -> list[str]:
    """Return what was compared beyond representations, and by which tolerance, for a methods section."""
    if not found.n:
        return [f"We compared the weights of {found.names[0]} and {found.names[1]} entry by entry."]
    return [
        "Layer outputs were compared entry by entry by relative error, the norm of the difference over the norm of the "
        f"output of {found.names[0]}.",
        _basis(found),
    ]


def _verdict(found: Divergence) -> str:
    first, second = found.names
    if found.first is None:
        if found.verdict == "equal":
            return f"Equal: {first} and {second} agree in every entry."
        worst = found.layers.iloc[int(found.layers["relative"].to_numpy().argmax())]
        return (
            f"The same within tolerance: the largest relative error is {quantity(worst['relative'])}, at "
            f"{worst['layer']}, where {quantity(worst['tolerance'])} is tolerated."
        )
    if not found.n:
        return f"{first} and {second} have different weights, from {found.first} on."
    row = found.layers[found.layers["layer"] == found.first]
    size = ""
    if len(row) and row["beyond"].iloc[0] and np.isfinite(row["relative"].iloc[0]):
        size = f" (relative error {quantity(row['relative'].iloc[0])}, tolerated {quantity(row['tolerance'].iloc[0])})"
    where = f"Diverged: {first} and {second} first differ at {found.first}{size}."
    agrees = f" The last before it that agrees is {found.agrees}." if found.agrees else ""
    if found.inside is None or found.inside == found.first:
        return where + agrees
    return f"{where} Looked at closely, the first module beyond tolerance is {found.inside}.{agrees}"


def _basis(found: Divergence) -> str:
    if found.noise_from:
        return (
            f"Tolerance: {FACTOR:g} times the error between {found.names[0]} and itself "
            f"({', '.join(found.noise_from)}), a few units of rounding at least."
        )
    if found.layers["noise"].notna().any() or found.layers["tolerance"].nunique() == 1:
        return f"Tolerance: {quantity(found.layers['tolerance'].max())}, as stated or usual for this precision."
    return "Tolerance: what is usual for the precision of each array, as no noise was measured."
