"""Measures in parts, and cuts by level, so that memory is honoured; values as with plenty of memory."""

import itertools

import numpy as np

from similitude.engine import plan_pairs, score_pairs
from similitude.engine.tiles import Workspace
from similitude.factors.distances import StandardisedRDM
from similitude.measures import get_measures
from similitude.representations import Representation

MEASURES = ["cka", "rsa", "rsa(rdm=euclidean)", "mutual_knn", "cka(kernel=rbf)", "distance_correlation", "pwcca"]
N = 150
MATRIX = 8 * N * N


def sides(count=4, d=9):
    rng = np.random.default_rng(1)
    return [Representation(rng.normal(size=(N, d)), model=f"m{i}") for i in range(count)]


def cut_pairs(count=3):
    reps = sides(count)
    cuts = [rep.truncate(kept) for rep in reps for kept in (2, 4, 6)]
    return [(rep, cut) for rep in reps for cut in cuts if cut.root is not rep]


def test_measures_whose_factors_do_not_fit_are_computed_in_parts():
    pairs = list(itertools.combinations(sides(), 2))
    measures = get_measures(MEASURES)
    whole, split = (plan_pairs(pairs, measures, workers=1, memory=memory) for memory in (10**9, 12 * MATRIX))
    assert {c.part for c in whole.comparisons} == {0}
    parts = [tile.part for tile in split.tiles]
    assert parts == sorted(parts)
    assert len(set(parts)) > 1
    largest = max(split._side_bytes.values())
    assert largest < max(whole._side_bytes.values()) / 1.5


def test_many_representations_are_each_factored_for_several_pairs(monkeypatch):
    computed = []
    compute = StandardisedRDM.__call__
    monkeypatch.setattr(StandardisedRDM, "__call__", lambda self, side: computed.append(self) or compute(self, side))
    pairs = list(itertools.combinations(sides(24), 2))
    measures = get_measures(
        [*MEASURES, "rsa(rdm=cosine)", "rsa(compare=pearson)", "rsa(rdm=euclidean,compare=pearson)"]
    )
    needed = max(plan_pairs(pairs, measures, workers=1, memory=10**9)._side_bytes.values())
    score_pairs(pairs, measures, workers=1, memory=int(6 * needed))
    kinds = len(set(computed))
    assert kinds > 3
    assert len(computed) < kinds * len(pairs) / 2


def test_values_in_parts_are_the_same_to_the_last_bit():
    pairs = list(itertools.combinations(sides(), 2)) + cut_pairs()
    measures = get_measures(MEASURES)
    plenty, little = (score_pairs(pairs, measures, memory=memory) for memory in (10**9, 8 * MATRIX))
    assert not plenty.failures
    assert np.array_equal(plenty.values, little.values)


def test_what_is_computed_of_deleted_components_counts_towards_memory():
    memory = 16 * MATRIX
    plan = plan_pairs(cut_pairs(), get_measures(["rsa(rdm=euclidean)", "cka(kernel=rbf)"]), workers=1, memory=memory)
    levels = [c.components for tile in plan.tiles for c in tile.comparisons]
    assert {2, 4, 6} <= set(levels)
    workspace, roots, held = Workspace(plan.instructions), dict(enumerate(plan.roots)), []
    for tile in plan.tiles:
        workspace.run(tile, roots)
        held.append(sum(side.nbytes for side in workspace._held.values()))
    assert max(held) <= memory
    assert max(held) > 4 * MATRIX  # they do count


def test_where_all_fits_components_are_compared_together():
    plan = plan_pairs(cut_pairs(), get_measures(["rsa"]), workers=1, memory=10**9)
    assert {c.components for c in plan.comparisons} == {None}


def test_views_of_a_root_take_no_memory_of_their_own():
    plan = plan_pairs(cut_pairs(), get_measures(["mean_cca", "cka"]), workers=1, memory=10**9)
    workspace = Workspace(plan.instructions)
    for tile in plan.tiles:
        workspace.run(tile, dict(enumerate(plan.roots)))
    sizes = {unit: side.nbytes for unit, side in workspace._held.items()}
    cuts = [size for (_, _, kept), size in sizes.items() if kept is not None]
    assert cuts
    assert max(cuts) < 8 * N * 9  # values of a root
