"""The layer that is most like a target, in sentences."""

from __future__ import annotations

from similitude.engine.layer_choice import LayerChoice
from similitude.report.numbers import quantity, unit_of

__all__ = ["sentences"]


def sentences(found: LayerChoice) -> list[str]:
    """Return which layer is chosen, how alike it is on other inputs, and how much better it looks on its own."""
    declared = found.measure.properties()
    unit = unit_of(declared.bounds, found.layers["value"])
    value, low, high, gap = (quantity(number, unit) for number in (found.value, found.low, found.high, found.gap))
    similar = "largest" if declared.kind == "similarity" else "smallest"
    share = found.layers.set_index("layer")["chosen"][found.layer]
    others = found.layers.loc[(found.layers["chosen"] > 0) & (found.layers["layer"] != found.layer), "layer"]
    instead = f", others {', '.join(map(str, others))}" if len(others) else ""
    return [
        f"{found.layer} is most like {found.target}: its {found.measure} is {similar}, n = {found.n:,} inputs; "
        f"{share:.0%} of random halves choose it{instead}.",
        f"On inputs that did not choose the layer: {value}, {found.level:.0%} interval [{low}, {high}]. On those that "
        f"did it looks better by {gap}.",
    ]
