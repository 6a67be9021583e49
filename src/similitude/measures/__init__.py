"""Measures by name: how two representations are compared."""

from typing import TYPE_CHECKING

from similitude.lazy import attach
from similitude.measures.catalogue import BUILT_IN, DEFAULT_MEASURES, MEASURES

if TYPE_CHECKING:
    from similitude.measures.base import Invariance, Measure
    from similitude.measures.function import measure
    from similitude.measures.parse import get_measure, get_measures
else:
    __getattr__, __dir__ = attach(
        __name__,
        {
            "similitude.measures.base": ("Invariance", "Measure"),
            "similitude.measures.function": ("measure",),
            "similitude.measures.parse": ("get_measure", "get_measures"),
        },
    )

__all__ = [
    "BUILT_IN",
    "DEFAULT_MEASURES",
    "MEASURES",
    "Invariance",
    "Measure",
    "get_measure",
    "get_measures",
    "measure",
]
