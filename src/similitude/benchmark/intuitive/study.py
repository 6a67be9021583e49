"""The intuitive tests of a population: networks that differ in their seed, compared layer by layer and truncated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from similitude.benchmark.intuitive.scores import Sensitivity, Specificity, sensitivity, specificity
from similitude.benchmark.intuitive.verdicts import Verdict, verdict
from similitude.engine.compute import Progress, score_pairs
from similitude.engine.ledger import Ledger
from similitude.errors import DegeneratePopulation
from similitude.measures import Measure
from similitude.representations import Population

__all__ = ["SHARES", "SeedStudy", "Tested", "layer_blocks", "seed_study"]

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 1.0)
"""Shares of components deleted along a curve; the last keeps one component."""


@dataclass(frozen=True)
class Tested:
    """A measure with the outcome of its tests."""

    measure: Measure
    specificity: Specificity
    sensitivity: Sensitivity
    verdict: Verdict
    failed: int
    """Pairs on which it failed; tests that needed them are undefined."""


@dataclass(frozen=True)
class SeedStudy:
    """The intuitive tests of several measures on one population."""

    population: str
    models: tuple[str, ...]
    layers: tuple[str, ...]
    n: int
    """Number of inputs."""
    functionality: str
    """What the probe reads out; empty without probes."""
    tested: tuple[Tested, ...]


def seed_study(
    population: Population,
    measures: Sequence[Measure],
    *,
    functionality: str = "",
    ledger: Ledger | None = None,
    progress: Progress | None = None,
    seed: int = 0,
) -> SeedStudy:
    """Run the intuitive tests.

    Parameters
    ----------
    population
        Networks that differ in their seed only.
    measures
        What to test.
    functionality
        A functionality scored for truncated layers, for the probe accuracy at the point of detection.
    ledger, progress
        See `similitude.engine.compute.score_pairs`.
    seed
        Of the bootstrap over networks.

    Raises
    ------
    DegeneratePopulation
        Fewer than two networks or layers.
    """
    models, layers = population.models, population.layers
    if len(models) < 2 or len(layers) < 2:
        raise DegeneratePopulation(
            f"The intuitive tests need two networks of two layers at least; {population.name!r} has {len(models)} "
            f"of {len(layers)}."
        )
    blocks = layer_blocks(population, measures, ledger=ledger, progress=progress)
    curves = _deletion_curves(population, measures, ledger, progress)
    probe = _probe(population, functionality) if functionality else None
    between = np.einsum("kstll->kstl", blocks)
    tested = []
    for k, measure in enumerate(measures):
        specific = specificity(blocks[k], seed=seed)
        sensitive = sensitivity(np.array(SHARES), curves[k], between[k], probe, seed=seed)
        failed = int(np.isnan(blocks[k]).sum() + np.isnan(curves[k]).sum())
        tested.append(Tested(measure, specific, sensitive, verdict(measure, specific, sensitive, layers), failed))
    n = population.representation(models[0], layers[0]).n
    return SeedStudy(population.name, models, layers, n, functionality, tuple(tested))


def layer_blocks(
    population: Population,
    measures: Sequence[Measure],
    *,
    ledger: Ledger | None = None,
    progress: Progress | None = None,
) -> np.ndarray:
    """Dissimilarities of all layers of all networks, ``[k, s, t, l, m]`` by measure, networks and layers."""
    places = list(product(population.models, population.layers))
    held = [population.representation(*place) for place in places]
    scored = score_pairs(list(product(held, held)), measures, ledger=ledger, progress=progress)
    networks, depth = len(population.models), len(population.layers)
    values = np.stack([m.dissimilarity(scored.values[:, k]) for k, m in enumerate(measures)])
    return values.reshape(-1, networks, depth, networks, depth).swapaxes(2, 3)


def _deletion_curves(
    population: Population, measures: Sequence[Measure], ledger: Ledger | None, progress: Progress | None
) -> np.ndarray:
    """Dissimilarity of each truncated layer from itself in full, ``[k, s, l, d]``."""
    pairs = []
    for place in product(population.models, population.layers):
        full = population.representation(*place)
        deleted = [min(round(share * full.d), full.d - 1) for share in SHARES]
        pairs += [(full, full.truncate(full.d - gone) if gone else full) for gone in deleted]
    scored = score_pairs(pairs, measures, ledger=ledger, progress=progress)
    values = np.stack([m.dissimilarity(scored.values[:, k]) for k, m in enumerate(measures)])
    return values.reshape(-1, len(population.models), len(population.layers), len(SHARES))


def _probe(population: Population, functionality: str) -> np.ndarray:
    """Probe accuracy along the curve, ``[s, l, d]``, linear between the levels that were scored."""
    scores = population.scores[population.scores["functionality"] == functionality]
    found = np.full((len(population.models), len(population.layers), len(SHARES)), np.nan)
    for (s, model), (j, layer) in product(enumerate(population.models), enumerate(population.layers)):
        of_layer = scores[(scores["model"] == model) & (scores["layer"] == layer)].sort_values("deleted")
        if (of_layer["deleted"] > 0).any():
            share = of_layer["deleted"] / population.representation(model, layer).d
            found[s, j] = np.interp(SHARES, share, of_layer["value"])
    return found
