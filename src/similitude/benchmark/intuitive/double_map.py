"""Two networks that differ only in their seed: every layer of both against every layer of both."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product

import numpy as np

from similitude.engine.compute import Progress, score_pairs
from similitude.engine.ledger import Ledger
from similitude.errors import InputError
from similitude.measures import Measure
from similitude.representations import Population

__all__ = ["double_heat_maps"]


def double_heat_maps(
    population: Population,
    measures: Sequence[Measure],
    *,
    ledger: Ledger | None = None,
    progress: Progress | None = None,
) -> dict[str, np.ndarray]:
    """Dissimilarities of all layers of two networks, averaged over all pairs of models.

    Parameters
    ----------
    population
        M >= 2 models that differ only in their seed, L layers each.
    measures
        What to compare with.
    ledger, progress
        See `similitude.engine.compute.score_pairs`.

    Returns
    -------
    dict
        Measure id to array (2L, 2L): blocks A-A, A-B over B-A, B-B; rows are first arguments.
    """
    if len(population.models) < 2:
        raise InputError(
            f"Population {population.name!r} has one model only; a double heat map needs two that differ in seed."
        )
    places = list(product(population.models, population.layers))
    representations = {place: population.representation(*place) for place in places}
    index = {place: i for i, place in enumerate(places)}
    ordered = list(product(places, places))
    scored = score_pairs(
        [(representations[a], representations[b]) for a, b in ordered],
        measures,
        ledger=ledger,
        progress=progress,
    )
    maps = {}
    for j, measure in enumerate(measures):
        square = measure.dissimilarity(scored.values[:, j]).reshape(len(places), len(places))
        blocks = []
        for a, b in combinations(population.models, 2):
            rows = [index[model, layer] for model in (a, b) for layer in population.layers]
            blocks.append(square[np.ix_(rows, rows)])
        maps[str(measure)] = np.mean(blocks, axis=0)
    return maps
