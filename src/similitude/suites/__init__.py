"""The populations and subtasks that ship, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lazy_loader import attach

from similitude.registry import Registry
from similitude.suites.scales import SCALES, Scale

if TYPE_CHECKING:
    from similitude.suites.base import Site, Suite, built
else:
    __getattr__, __dir__, _ = attach(__name__, submod_attrs={"base": ["Site", "Suite", "built"]})

__all__ = ["SCALES", "SUBTASKS", "SUITES", "Scale", "Site", "Suite", "built"]

_DESIGNS = ("labels_own", "labels_shared", "shortcut", "augmentation")

SUBTASKS: Mapping[str, tuple[str, ...]] = {
    "synthetic": ("angle", "pc_deletion"),
    "language": (
        *("seed_layer", "pc_deletion", "finetune_ood", "pretrain_finetune_ood", "behaviour", "minilm_layers"),
        *("layers", *_DESIGNS),
    ),
    "published": ("layer_exp", "pca_deletion", "feather", "pretrain_finetune"),
    "vision": ("seed_layer", "pc_deletion", "ood", "behaviour", "layers", *_DESIGNS),
    "graphs": tuple(
        f"{test}{suffix}" for suffix in ("", "_sage") for test in ("ood", "behaviour", "layers", *_DESIGNS)
    ),
    "packages": ("mhc", "mhc_dense", "mhc_behaviour", "ani"),
}
"""Subtasks of the suites that ship, known without loading them: shells complete them."""

SUITES: Registry[Suite] = Registry("suite", group="similitude.suites")
SUITES.register("synthetic", "similitude.suites.synthetic:SUITE")
SUITES.register("vision", "similitude.suites.vision.suite:SUITE")
SUITES.register("language", "similitude.suites.language.suite:SUITE")
SUITES.register("graphs", "similitude.suites.graphs.suite:SUITE")
SUITES.register("packages", "similitude.suites.packages.suite:SUITE")
SUITES.register("published", "similitude.suites.published.suite:SUITE")
