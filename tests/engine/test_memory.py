"""A measure that takes more memory than is allowed is named beforehand; one that cannot be had costs only itself."""

from __future__ import annotations

import gc
import itertools
import re
import sys
import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest

from catalogue import ON_NOISE, QUICK
from similitude import SimilitudeWarning, compare, compare_models, get_measure, pairwise
from similitude.benchmark.evaluate import evaluate
from similitude.engine import Ledger, score_pairs
from similitude.errors import OutOfMemory
from similitude.factors import memory
from similitude.factors.distances import Dissimilarities
from similitude.factors.dots import Square
from similitude.factors.linear import CentredNorm
from similitude.factors.pair import Factor, Side
from similitude.measures.base import Measure, Properties, invariant
from similitude.measures.neighbours import Jaccard
from similitude.representations import Representation, open_population
from similitude.suites.base import Site
from similitude.suites.synthetic import SUITE

N = 400
QUADRATIC = ["rsa", "rsa(rdm=euclidean)", "jaccard", "cka(kernel=rbf)", "distance_correlation", "second_order_cosine"]
QUADRATIC += ["imd", "cknna", "mutual_knn", "rank_similarity", "rsm_norm_difference", "uniformity_difference"]
QUADRATIC += ["rtd(batch=20,trials=1)"]
MANY = 2_000_000
"""Inputs of which all pairs, 16 TB of them, fit in no machine."""


def grows_quadratically(id):
    few, many = (memory.needed(tuple(get_measure(id).uses()), n, 4) for n in (1000, 4000))
    return many > 8 * few


QUADRATIC += [id for id in QUICK if grows_quadratically(id) and id not in QUADRATIC]
LINEAR = [id for id in QUICK if id in ON_NOISE and not grows_quadratically(id) and id not in QUADRATIC]


@pytest.fixture
def small():
    rng = np.random.default_rng(0)
    return [Representation(rng.normal(size=(N, 4)), model=name) for name in "ab"]


@pytest.fixture(scope="module")
def many():
    rng = np.random.default_rng(0)
    return [Representation(rng.normal(size=(MANY, 1)), model=name) for name in "ab"]


@dataclass(frozen=True)
class Everything(Factor):
    """A matrix of all pairs whose declared size says nothing of it."""

    size = "n"

    def __call__(self, side):
        return np.zeros((side.n, 4096, 4096, 4096))


@dataclass(frozen=True)
class Insatiable(Measure):
    name = "insatiable"
    declares = Properties("similarity", (0.0, 1.0), True, invariant(""), "", "")

    def uses(self):
        return (Everything(),)

    def score(self, pair):
        return pair.x[Everything()].sum() + pair.y[Everything()].sum()


@pytest.mark.parametrize("id", QUADRATIC)
def test_a_measure_of_all_pairs_of_inputs_is_told_before(small, id):
    if id.startswith("rtd"):
        pytest.importorskip("ripser")
    limit = 4 * N * N  # half of a matrix
    told = rf"^{re.escape(str(get_measure(id)))} takes about .* GB of memory .*400 inputs.*Raise"
    for call in (
        lambda: compare(*small, ["cka", id], memory=limit),
        lambda: pairwise(small, ["cka", id], memory=limit),
        lambda: score_pairs([tuple(small)], [get_measure(id)], memory=limit),
    ):
        with pytest.warns(SimilitudeWarning, match=told):
            call()


@pytest.mark.parametrize("id", LINEAR)
@pytest.mark.filterwarnings("ignore:.*at least .* canonical correlations")
def test_a_measure_of_features_is_not(small, id):
    compare(*small, ["cka", id], memory=8 * N * N)
    pairwise(small, ["cka", id], memory=8 * N * N)


@pytest.mark.parametrize("id", [id for id in QUADRATIC if not id.startswith("rtd")])
def test_the_size_told_is_about_what_is_taken(id):
    x, y = np.random.default_rng(0).normal(size=(2, 1000, 3))
    measure = get_measure(id)
    measure(x[:20], y[:20])
    tracemalloc.start()
    measure(x, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 1 / 3 < 2 * memory.needed(measure.uses(), 1000, 3) / peak < 3


def test_what_no_machine_holds_fails_alone(many):
    x, y = many
    with pytest.raises(OutOfMemory, match=r"rsa takes about .*,000 GB of memory on 2,000,000 inputs.*random sample"):
        get_measure("rsa")(x, y)
    with pytest.warns(SimilitudeWarning, match="rsa takes about"):
        found = compare(x, y, ["cka", "rsa", "jaccard", "norm_difference"])
    assert 0 <= found["cka"] < 1e-4
    assert np.isnan([found["rsa"], found["jaccard"]]).all()
    assert "sample of the inputs" in found.failures["jaccard"]
    with pytest.warns(SimilitudeWarning, match="failed"):
        table = pairwise([x], ["cka", "cka(kernel=rbf)"], others=[y])
    assert table.frame["cka"][0] == pytest.approx(found["cka"])
    assert table.failures["measure"].tolist() == ["cka(kernel=rbf)"]


def test_a_lack_of_memory_met_on_the_way_fails_alone(small, tmp_path):
    measures = [get_measure("cka"), Insatiable(), get_measure("rsa")]
    with pytest.raises(OutOfMemory, match="insatiable takes about"):
        Insatiable()(*small)
    with pytest.warns(SimilitudeWarning, match="1 of 3 measures"):
        found = compare(*small, measures)
    assert np.isfinite([found["cka"], found["rsa"]]).all()
    assert list(found.failures) == ["insatiable"]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        scored = score_pairs(list(itertools.product(small, small)), measures, ledger=ledger)
        assert np.isfinite(scored.values[:, [0, 2]]).all()
        assert np.isnan(scored.values[:, 1]).all()
        assert all(name == "insatiable" for _, name, _ in scored.failures)
        # Another machine may have the memory.
        assert len(ledger) == 2 * 3


def test_factors_beyond_the_machine_are_not_tried(small, monkeypatch):
    tried = []
    for module in ("measures.base", "engine.pairwise", "engine.budget", "factors.memory"):
        monkeypatch.setattr(sys.modules[f"similitude.{module}"], "machine_memory", lambda: 2 * N * N)
    monkeypatch.setattr(Dissimilarities, "__call__", lambda self, side: tried.append(side))
    for call in (lambda: compare(*small, ["cka", "rsa"]), lambda: pairwise(small, ["cka", "rsa"])):
        with pytest.warns(SimilitudeWarning, match="rsa takes about .*more than there is"):
            call()
    assert not tried


def test_a_run_tells_and_keeps_every_other_value(tmp_path):
    site = Site(tmp_path, "quick")
    SUITE.build(site)
    subtask = SUITE.subtasks()[0]
    populations = {subtask.population: open_population(site.folder("synthetic"))}
    measures = [get_measure("cka"), Insatiable(), get_measure("rsa")]
    with pytest.warns(SimilitudeWarning, match="^rsa takes about"):
        found = evaluate([subtask], populations, measures, resamples=20, memory=100_000)
    assert set(found.failures["measure"]) == {"insatiable"}
    assert found.pairs["insatiable"].isna().all()
    assert found.pairs[["cka", "rsa"]].notna().all(axis=None)


def test_two_networks_layer_by_layer():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    asked = {"layers": ["0", "2"], "measures": ["cka", "rsa", Insatiable()], "memory": 200_000}
    told = r"rsa takes about .* GB allowed"
    with pytest.warns(SimilitudeWarning, match=told), pytest.warns(SimilitudeWarning, match="insatiable takes about"):
        table = compare_models(network, None, torch.randn(N, 4), **asked)
    assert table.matrix("rsa").notna().all(axis=None)
    assert set(table.failures["measure"]) == {"insatiable"}


def test_neighbours_are_the_same_where_memory_is_short(small):
    with pytest.warns(SimilitudeWarning, match="jaccard takes"):
        short = pairwise(small, "jaccard", memory=1000)
    assert short.frame["jaccard"][1] == Jaccard()(*small)


def test_what_the_machine_cannot_hold_is_not_asked_for(small, monkeypatch):
    """A system that grants any amount of memory ends the process that uses it, so that nothing is there to catch."""
    asked = []
    compute = Dissimilarities.__call__
    monkeypatch.setattr(Dissimilarities, "__call__", lambda self, side: asked.append(self) or compute(self, side))
    monkeypatch.setattr("similitude.factors.memory.machine_memory", lambda: 8 * N * 16)
    side = Side.of(small[0])
    side.prepare([CentredNorm(), Square(Dissimilarities("cosine"))])
    assert side.holds(CentredNorm())
    assert not asked
    with pytest.raises(MemoryError, match=r"Dissimilarities.* takes about"):
        side.take(Dissimilarities("cosine"))
    assert not asked


def test_memory_is_given_back_after_a_run(small, monkeypatch):
    """By then no factor is left; without it, the GNU C library keeps hundreds of MB of a run of the catalogue."""

    def with_factors():
        return sum(bool(found._factors) for found in gc.get_objects() if type(found) is Side)

    left, before = [], with_factors()
    monkeypatch.setattr("similitude.engine.executors.give_back", lambda: left.append(with_factors()))
    score_pairs([tuple(small)], [get_measure("rsa")])
    assert not left  # too little to be worth it
    monkeypatch.setattr("similitude.engine.executors._WORTH_GIVING_BACK", 0)
    score_pairs([tuple(small)], [get_measure("rsa")])
    assert left == [before]


def test_giving_back_takes_any_system(monkeypatch):
    memory.give_back()
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: object())  # of a C library that has no such function
    memory.give_back()
