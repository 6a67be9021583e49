"""The measures that ship; modules are imported when a measure is first asked for."""

from __future__ import annotations

from similitude.measures.base import Measure
from similitude.registry import Registry

__all__ = ["DEFAULT_MEASURES", "MEASURES"]

MEASURES: Registry[type[Measure] | Measure] = Registry("measure", group="similitude.measures")

for _module, _names in {
    "cka": {"cka": "CKA"},
    "cca": {"mean_cca": "MeanCCA", "mean_squared_cca": "MeanSquaredCCA", "pwcca": "PWCCA"},
    "procrustes": {"procrustes": "Procrustes"},
    "baselines": {"random": "Random", "norm_difference": "NormDifference"},
}.items():
    for _name, _class in _names.items():
        MEASURES.register(_name, f"similitude.measures.{_module}:{_class}")

DEFAULT_MEASURES = ("procrustes", "cka", "pwcca", "mean_cca", "mean_squared_cca", "norm_difference", "random")
"""The measures of Ding et al. 2021 and the two baselines."""
