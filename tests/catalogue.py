"""Ids that the tests run over: all measures that ship, as they are and with the settings that they declare.

A new measure is in all of these by being there.
"""

from similitude.measures import BUILT_IN, get_measure

VARIANTS = tuple(f"{name}({settings})" for name in BUILT_IN for settings in get_measure(name).variants)
EVERY = (*BUILT_IN, *VARIANTS)
DIFFERENTIABLE = tuple(id for id in EVERY if get_measure(id).properties().differentiable)
SLOW = {"rtd"}
"""Measures whose defaults take seconds; a variant stands for them."""
QUICK = tuple(id for id in EVERY if id not in SLOW)
ON_NOISE = tuple(id for id in EVERY if "correlated" not in get_measure(id).properties().needs)
"""Measures that are defined where features have no more in common than chance."""
