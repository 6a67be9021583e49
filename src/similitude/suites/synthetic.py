"""Made-up networks whose right answers are known: a check of measures and of the machinery, built in a second.

Every layer of model m is X_m = cos(a_m) Z + sin(a_m) W, where Z and W are n x d with orthonormal, centred columns and
W'Z = 0. Against the model of angle 0 all canonical correlations are cos(a_m), linear CKA is cos(a_m)^2, and the
Procrustes distance is 2 - 2 cos(a_m). Before a model is stored its features are scaled and rotated, which none of
these sees.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from similitude.benchmark.subtask import Functionality, Pairing, Subtask
from similitude.representations import ModelRecord, PopulationWriter, Score, is_population, open_population
from similitude.suites.base import Scale, Site, Suite

__all__ = ["SUITE", "angles"]

_LAYERS = ("one", "two", "three")
_MODELS: dict[Scale, int] = {"quick": 8, "first": 20, "embedded": 20, "standard": 100, "paper": 100}
_INPUTS = 400
_WIDTH = 16
_ITEMS = 2000


def angles(models: int) -> np.ndarray:
    """Angle of each model in radians, 0 for the first, up to 1.2."""
    return np.linspace(0.0, 1.2, models)


class SyntheticSuite(Suite):
    """Angles between representations, with functionalities that follow them or have nothing to do with them."""

    name = "synthetic"
    description = "Made-up networks with known answers; no training."
    by_default = False

    def subtasks(self) -> tuple[Subtask, ...]:
        """One where every measure should reach 1, one where none should differ from chance, one of deletions."""
        return (
            Subtask(
                id="synthetic/angle",
                population="synthetic",
                varies="angle",
                functionalities=(Functionality("follows", "1 - angle"), Functionality("unrelated", "drawn at random")),
                pairing=Pairing("models"),
                modality="synthetic",
                description="Functionality falls with the angle (every measure of shape reaches 1), or is unrelated.",
            ),
            Subtask(
                id="synthetic/pc_deletion",
                population="synthetic",
                varies="deleted components",
                functionalities=(Functionality("kept", "share of components kept", per="layer"),),
                pairing=Pairing("deletions", ("last",)),
                modality="synthetic",
                description="Functionality is the share of principal components kept.",
            ),
        )

    def is_built(self, site: Site, populations: Collection[str] | None = None) -> bool:
        """Return whether all models are there."""
        folder = site.folder("synthetic")
        return is_population(folder) and len(open_population(folder).models) == _MODELS[site.scale]

    def build(self, site: Site, populations: Collection[str] | None = None, **options: Any) -> None:
        """Draw the models that are missing."""
        models = _MODELS[site.scale]
        writer = PopulationWriter(
            site.folder("synthetic"),
            "synthetic",
            _LAYERS,
            [f"input-{i}" for i in range(_INPUTS)],
            description=self.description,
            settings={"models": models, "width": _WIDTH},
        )
        done = writer.done
        for m, angle in enumerate(angles(models)):
            if f"model-{m:03d}" not in done:
                writer.write(_record(site, m, float(angle), models))
            site.progress("synthetic", m + 1, models)


def _record(site: Site, m: int, angle: float, models: int) -> ModelRecord:
    rng = np.random.default_rng([2, site.seed(m)])
    representations = {}
    for k, layer in enumerate(_LAYERS):
        z, w = _orthonormal_pair(np.random.default_rng([1, site.seed(k)]))
        rotation = np.linalg.qr(rng.normal(size=(_WIDTH, _WIDTH)))[0]
        representations[layer] = rng.uniform(0.5, 2.0) * (np.cos(angle) * z + np.sin(angle) * w) @ rotation
    # The same answers for every model, so that items follow the angle without noise of their own.
    difficulty = np.random.default_rng(site.seed(3)).random(_ITEMS)
    skills = {
        "follows": 1 - angle / 2,
        "unrelated": 0.3 + 0.6 * float(np.random.default_rng(site.seed(4)).permutation(models)[m]) / models,
    }
    items = {name: difficulty < skill for name, skill in skills.items()}
    scores = [Score(name, float(right.mean()), items=_ITEMS) for name, right in items.items()]
    scores += [
        Score("kept", (_WIDTH - deleted) / _WIDTH, layer=layer, deleted=deleted)
        for layer in _LAYERS
        for deleted in range(0, _WIDTH, 3)
    ]
    return ModelRecord(f"model-{m:03d}", representations, {"angle": angle}, scores, items)


def _orthonormal_pair(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    noise = rng.normal(size=(_INPUTS, 2 * _WIDTH))
    both = np.linalg.qr(noise - noise.mean(axis=0))[0]
    return both[:, :_WIDTH], both[:, _WIDTH:]


SUITE = SyntheticSuite()
