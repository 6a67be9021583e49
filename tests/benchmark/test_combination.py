"""Combinations of measures, where it is known whether one can win."""

import numpy as np
import pytest

from similitude.benchmark.combination import CombinationRow, combined_dissimilarity, try_combinations
from similitude.benchmark.grading import GradingData
from similitude.benchmark.questions import RankCorrelation, Separation
from similitude.benchmark.subtask import Variant


def grading(rng, measures, models=12):
    """One layer of models that differ in two traits; `measures` gives dissimilarities of the traits' distances."""
    traits = rng.normal(size=(models, 2))
    apart = np.abs(traits[:, None] - traits)
    pairwise = apart.sum(axis=-1)

    def symmetric(scale):
        noise = rng.normal(size=(models, models))
        return scale * (noise + noise.T)

    values = {name: make(apart, symmetric) for name, make in measures.items()}
    for matrix in values.values():
        np.fill_diagonal(matrix, 0)
    return GradingData(
        models=tuple(f"m{i}" for i in range(models)),
        layers=("layer",),
        variants=((Variant("layer"),),),
        reference_score=traits[None, :, 0],
        score=traits[None, :, :1],
        same=np.ones((1, 1), dtype=bool),
        dissimilarity={name: matrix[None, :, :, None] for name, matrix in values.items()},
        pairwise=pairwise,
    )


def rows(measures, populations=6, seed=0):
    rng = np.random.default_rng(seed)
    return [
        CombinationRow("outputs", f"s/{p}", "f", f"p{p}", RankCorrelation(), grading(rng, measures))
        for p in range(populations)
    ]


FIRST = {"first": lambda apart, noise: apart[..., 0] + noise(0.05)}
SECOND = {"second": lambda apart, noise: 100 * apart[..., 1] + noise(5.0)}
NOISE = {f"noise{i}": (lambda apart, noise: noise(1.0)) for i in range(6)}


def test_two_halves_of_the_truth_win_together():
    found = try_combinations(rows(FIRST | SECOND | NOISE))
    assert found.outcome == "recommended"
    assert set(found.members) == {"first", "second"}
    assert found.combined > found.single + 0.1
    assert found.low <= found.combined - found.single <= found.high
    assert found.difference == pytest.approx(found.combined - found.single)
    assert len(found.held_out) == 6
    assert "first" in found.name
    assert "1/2" in found.name


def test_nothing_is_gained_where_one_measure_is_the_truth():
    whole = {"whole": lambda apart, noise: apart.sum(axis=-1) + noise(0.01)}
    found = try_combinations(rows(FIRST | SECOND | whole))
    assert found.members == ("whole",)
    assert found.outcome == "no better"
    assert (found.difference, found.low, found.high) == (0, 0, 0)


def test_what_is_chosen_among_noise_is_judged_on_networks_it_was_not_chosen_on():
    found = [try_combinations(rows(NOISE, seed=seed)) for seed in range(6)]
    assert abs(np.mean([f.single for f in found])) < 0.06
    assert sum(f.outcome == "recommended" for f in found) <= 1


def test_dissimilarities_are_combined_by_their_ranks():
    data = rows(FIRST | SECOND)[0].data
    alone, both = (combined_dissimilarity(data, members) for members in (("first",), ("first", "second")))
    order = np.argsort(data.dissimilarity["first"], axis=None, kind="stable")
    assert (np.diff(alone.ravel()[order]) >= 0).all()
    assert both.max() <= 1
    scaled = {name: values * 1e6 for name, values in data.dissimilarity.items()}
    data.dissimilarity.update(scaled)
    assert np.array_equal(combined_dissimilarity(data, ("first", "second")), both)


def test_a_measure_that_failed_is_no_member():
    given = rows(FIRST | SECOND)
    given[3].data.dissimilarity["second"][0, 1, 2, 0] = np.nan
    found = try_combinations(given)
    assert set(found.members) == {"first"}
    assert "second" not in " ".join(found.held_out.query("population != 'p3'")["combined"])


def test_groups_are_combined_too():
    labels = ("x",) * 6 + ("y",) * 6

    def grouped(row):
        apart = np.array([[float(a != b) for b in labels] for a in labels])
        data = GradingData(**{**row.data.__dict__, "pairwise": apart, "groups": labels})
        noise = np.random.default_rng(len(row.population)).normal(0, 0.4, apart.shape)
        data.dissimilarity["apart"] = (apart + noise + noise.T)[None, :, :, None]
        return row._replace(question=Separation(), data=data)

    found = try_combinations([grouped(row) for row in rows(NOISE)])
    assert found.held_out["single"].unique().tolist() == ["apart"]
    assert found.single > 0.2


def test_two_populations_are_too_few():
    found = try_combinations(rows(FIRST, populations=2))
    assert found.outcome == "not tried"
    assert found.name == ""
