"""Names of the measures that ship, found by reading the files beside this one; none is imported before it is used."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.resources import files
from typing import TYPE_CHECKING

from similitude.registry import Registry

if TYPE_CHECKING:
    from similitude.measures.base import Measure

__all__ = ["BUILT_IN", "DEFAULT_MEASURES", "MEASURES", "RDM_MEASURES"]

_PACKAGE = "similitude.measures"
_ORDER = (
    *(
        "cka",
        "multiscale",
        "sampled",
        "cca",
        "svcca",
        "gulp",
        "procrustes",
        "debiased_procrustes",
        "shape",
        "regression",
        "rsa",
        "neighbours",
    ),
    *("matching", "statistics", "topology", "baselines"),
)
"""Families as tables list them; those not named here follow."""


def _shipped() -> Iterator[tuple[str, str]]:
    """Yield each measure's name and address: that of a class in this package with the line ``name = "..."``."""
    modules = [entry for entry in files(_PACKAGE).iterdir() if entry.name.endswith(".py")]
    sources = {module.name.removesuffix(".py"): module.read_text(encoding="utf-8") for module in modules}
    for family in sorted(sources, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)):
        for name, class_name in _named_classes(sources[family]):
            yield name, f"{_PACKAGE}.{family}:{class_name}"


def _named_classes(source: str) -> Iterator[tuple[str, str]]:
    """Yield the name, as ids have it, and the class of each measure in a source, without running it."""
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    for definition in classes:
        for line in definition.body:
            match line:
                case ast.Assign(targets=[ast.Name(id="name")], value=ast.Constant(value=str(name))):
                    yield name, definition.name


MEASURES: Registry[type[Measure] | Measure] = Registry("measure", group="similitude.measures")
"""Every measure that has a name: those that ship, and those of installed packages."""

_SHIPPED = tuple(_shipped())
for _name, _address in _SHIPPED:
    MEASURES.register(_name, _address)

BUILT_IN = tuple(name for name, _ in _SHIPPED)
"""Names of the measures that ship, by family."""

DEFAULT_MEASURES = ("procrustes", "cka", "pwcca", "mean_cca", "mean_squared_cca", "norm_difference", "random")
"""The measures of Ding et al. 2021 and the two baselines."""

RDM_MEASURES = ("rsa",)
"""The default where dissimilarities are given instead of features."""
