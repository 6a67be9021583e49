"""Values from the engine are those of the measures one by one, computed once each and never lost."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from similitude import Representation, compare, get_measure, get_measures, pairwise
from similitude.engine import Ledger, plan_pairs, score_pairs
from similitude.engine.tiles import Workspace
from similitude.errors import InputError
from similitude.factors.linear import ThinSVD
from similitude.factors.linear_kernels import LinearKernels

LINEAR = ["procrustes", "cka", "pwcca", "mean_cca", "mean_squared_cca", "norm_difference", "random"]


def population(count=5, n=120, widths=(12, 12, 20), seed=0, dtype=np.float64) -> list[Representation]:
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n, 10))
    return [
        Representation(
            (base @ rng.normal(size=(10, d)) + 0.5 * rng.normal(size=(n, d))).astype(dtype), model=f"m{i}", layer="last"
        )
        for i, d in zip(range(count), itertools.cycle(widths), strict=False)
    ]


def one_by_one(pairs, measures):
    return np.array([[measure(x, y) for measure in measures] for x, y in pairs])


@pytest.mark.parametrize(
    "ids",
    [
        LINEAR,
        ["cka"],
        ["cka", "cka(debiased=true)", "norm_difference"],
        ["cka", "procrustes"],
        ["mean_cca"],
        ["pwcca"],
        ["cka", "rsa", "jaccard", "pwcca(lost=drop)"],
    ],
    ids=",".join,
)
@pytest.mark.parametrize("n", [40, 120])
def test_every_pair_equals_the_measure_called_on_it(ids, n):
    reps, measures = population(n=n, widths=(12, 12, 15)), get_measures(ids)
    pairs = list(itertools.product(reps, reps))
    np.testing.assert_allclose(score_pairs(pairs, measures).values, one_by_one(pairs, measures), rtol=0, atol=2e-13)


def test_deletion_curves_equal_the_measure_called_on_each_level():
    reps, measures = population(4, widths=(12, 16)), get_measures(LINEAR)
    pairs = [(x, y.truncate(k)) for x in reps for y in reps for k in (1, 3, 8, 12)] + [
        (x, y) for x in reps for y in reps
    ]
    np.testing.assert_allclose(score_pairs(pairs, measures).values, one_by_one(pairs, measures), rtol=0, atol=2e-13)


def test_compare_agrees_and_shares():
    x, y = population(2, widths=(12, 20))
    scored = score_pairs([(x, y)], get_measures(LINEAR)).values[0]
    np.testing.assert_allclose(list(compare(x, y, LINEAR).values()), scored, rtol=0, atol=1e-13)


@pytest.mark.filterwarnings("ignore:.*more than the .* allowed")
@pytest.mark.parametrize("ids", [LINEAR, ["cka"]], ids=["svd", "gram"])
def test_values_depend_neither_on_workers_nor_memory_nor_order(ids):
    reps, measures = population(7, n=60, widths=(40, 30)), get_measures(ids)
    pairs = list(itertools.product(reps, reps))
    first = score_pairs(pairs, measures, workers=1).values
    assert np.array_equal(first, score_pairs(pairs, measures, workers=1).values)
    for options in ({"workers": 3}, {"memory": 1}, {"memory": 10**5, "workers": 2}, {"executor": "serial"}):
        np.testing.assert_allclose(score_pairs(pairs, measures, **options).values, first, rtol=0, atol=1e-13)
    backwards = score_pairs(pairs[::-1], measures).values[::-1]
    np.testing.assert_allclose(backwards, first, rtol=0, atol=1e-13)


def test_each_side_is_factored_once(monkeypatch):
    calls = []
    factor = ThinSVD.__call__
    monkeypatch.setattr(ThinSVD, "__call__", lambda self, side: calls.append(side.d) or factor(self, side))
    reps = population(6, widths=(12,))
    score_pairs(list(itertools.product(reps, reps)), get_measures(LINEAR))
    assert len(calls) == 6


def test_symmetric_pairs_are_computed_once():
    reps = population(4)
    pairs = list(itertools.product(reps, reps))
    scored = score_pairs(pairs + pairs, get_measures(["cka", "pwcca"]))
    assert scored.computed == 10 + 16
    matrix = scored.values[:16, 0].reshape(4, 4)
    assert np.array_equal(matrix, matrix.T)
    assert np.array_equal(scored.values[:16], scored.values[16:])


def test_a_rerun_reuses_and_computes_only_what_is_missing(tmp_path):
    reps = population(4)
    pairs, measures = list(itertools.product(reps, reps)), get_measures(["cka", "pwcca"])
    with Ledger(tmp_path / "l.sqlite") as ledger:
        first = score_pairs(pairs[:8], measures, ledger=ledger)
        again = score_pairs(pairs[:8], measures, ledger=ledger)
        assert (again.computed, again.reused) == (0, first.computed)
        assert np.array_equal(first.values, again.values)
        more = score_pairs(pairs, measures, ledger=ledger)
        assert (more.computed, more.reused) == (26 - first.computed, first.computed)
        np.testing.assert_allclose(more.values, score_pairs(pairs, measures).values, rtol=0, atol=1e-13)
    copies = [Representation(np.array(r.values)) for r in reps]  # other names, same data
    with Ledger(tmp_path / "l.sqlite") as ledger:
        assert score_pairs(list(itertools.product(copies, copies)), measures, ledger=ledger).computed == 0


def test_failures_are_recorded_with_reasons_and_the_rest_goes_on(tmp_path):
    rng = np.random.default_rng(0)
    wide, narrow = Representation(rng.normal(size=(10, 30)), model="wide"), Representation(rng.normal(size=(10, 2)))
    other = Representation(rng.normal(size=(12, 2)), model="other")
    measures = get_measures(["cka", "mean_cca"])
    with Ledger(tmp_path / "l.sqlite") as ledger:
        scored = score_pairs([(wide, narrow), (narrow, narrow), (narrow, other)], measures, ledger=ledger)
        assert np.isfinite(scored.values).tolist() == [[True, False], [True, True], [False, False]]
        assert [(i, name) for i, name, _ in scored.failures] == [(0, "mean_cca"), (2, "cka"), (2, "mean_cca")]
        assert "rank 9 on 10 inputs" in scored.failures[0][2]
        assert "10 inputs" in scored.failures[1][2]
        assert score_pairs([(wide, narrow)], measures, ledger=ledger).computed == 0


def test_progress_counts_pairs_to_the_end():
    reps, seen = population(4), []
    score_pairs(list(itertools.product(reps, reps)), get_measures(["cka", "pwcca"]), progress=lambda *c: seen.append(c))
    assert seen[-1][0] == seen[-1][1]
    assert [a for a, _ in seen] == sorted(a for a, _ in seen)


def test_the_plan_chooses_counts_and_prints():
    reps = population(30, n=1000, widths=(300,))
    pairs = list(itertools.product(reps, reps))
    many = plan_pairs(pairs, get_measures("cka")).routes
    assert many == {LinearKernels(): LinearKernels("kernels")}
    assert plan_pairs(pairs, get_measures("cka,mean_cca,procrustes")).routes.items() >= many.items()
    assert plan_pairs(pairs[:40], get_measures("cka")).routes == {}  # little work
    many_inputs = population(3, n=1000, widths=(60,))
    assert plan_pairs(list(itertools.product(many_inputs, many_inputs)), get_measures("cka")).routes == {}
    plan = plan_pairs(pairs, get_measures("cka,mean_cca"), memory=10**6)
    assert sum(tile.pairs for tile in plan.tiles) == 2 * 465  # CKA apart, for all pairs at once
    assert "465 pairs of 30 representations by 2 measures" in str(plan)
    assert "MiB" in str(plan)


def test_measures_of_unknown_cost_are_handed_out_in_many_tiles():
    reps = population(20)
    plan = plan_pairs(list(itertools.combinations(reps, 2)), get_measures("rsa"), workers=2)
    assert sum(tile.pairs for tile in plan.tiles) == 190
    assert len(plan.tiles) >= 16
    assert len(plan.tiles[0].roots) < 12  # a square of pairs, not a row


def test_values_of_a_tile_are_those_of_each_pair_alone_to_the_last_bit():
    reps = population(9, widths=(12, 15))
    pairs = list(itertools.combinations(reps, 2))
    measures = get_measures(["rsa", "rsa(compare=cosine)", "cka(kernel=rbf)"])
    together = score_pairs(pairs, measures, workers=1).values
    alone = np.concatenate([score_pairs([pair], measures).values for pair in pairs])
    assert np.array_equal(together, alone)


def test_a_side_that_another_thread_is_at_comes_last():
    reps = population(4, widths=(12,))
    plan = plan_pairs(list(itertools.combinations(reps, 2)), get_measures("rsa"), workers=1)
    workspace, roots = Workspace(plan.instructions), dict(enumerate(plan.roots))
    first = workspace._side(0, roots)
    waiting, release = threading.Event(), threading.Event()

    def occupy():
        with first._lock:
            waiting.set()
            release.wait(timeout=30)

    other = threading.Thread(target=occupy)
    other.start()
    waiting.wait(timeout=30)
    threading.Timer(0.5, release.set).start()
    assert list(workspace._sides([0, 1, 2, 3], roots)) == [1, 2, 3, 0]
    other.join()


def test_memory_is_honoured_by_forgetting_factors():
    reps = population(12, n=400, widths=(30,))
    plan = plan_pairs(list(itertools.product(reps, reps)), get_measures("mean_cca"), memory=800_000, workers=1)
    workspace = Workspace(plan.instructions)
    held = []
    for tile in plan.tiles:
        workspace.run(tile, dict(enumerate(plan.roots)))
        held.append(sum(side.nbytes for side in workspace._held.values()))
    assert max(held) <= 800_000


def test_memory_is_shared_by_what_waits_and_what_is_in_work():
    reps = population(12, n=400, widths=(30,))
    pairs = list(itertools.product(reps, reps))
    alone, many = (plan_pairs(pairs, get_measures("mean_cca"), memory=2_000_000, workers=w) for w in (1, 4))
    assert 0 < many.held < alone.held < 2_000_000
    assert alone.instructions.memory == alone.held


RUN = """
import sys, itertools, numpy as np
from similitude import Representation, get_measures
from similitude.engine import Ledger, score_pairs, plan
plan._TILE_FLOPS = 1.0
rng = np.random.default_rng(0)
reps = [Representation(rng.normal(size=(60, 8))) for _ in range(24)]
with Ledger(sys.argv[1]) as ledger:
    scored = score_pairs(list(itertools.product(reps, reps)), get_measures("cka,pwcca"), ledger=ledger,
                         progress=lambda done, of: print(done, flush=True))
    print("end", scored.computed, scored.reused, scored.values.tobytes().hex())
"""


def test_a_killed_run_goes_on_where_it_stopped(tmp_path):
    def start(name):
        return subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path / name)], stdout=subprocess.PIPE, text=True)

    killed = start("killed.sqlite")
    assert killed.stdout is not None
    told = [killed.stdout.readline() for _ in range(5)]
    time.sleep(0.02)
    os.kill(killed.pid, signal.SIGKILL)
    told += killed.communicate()[0].splitlines()
    resumed, whole = start("killed.sqlite"), start("whole.sqlite")
    end, of_whole = (p.communicate()[0].split()[-4:] for p in (resumed, whole))
    assert end[0] == of_whole[0] == "end"
    done = max(int(line) for line in told if line.strip().isdigit())
    assert int(end[2]) >= done  # every pair told of is kept: one to three values each
    assert int(end[1]) + int(end[2]) == int(of_whole[1]) == 300 + 576
    assert end[3] == of_whole[3]


def test_tiles_are_kept_while_the_driver_is_busy(tmp_path, monkeypatch):
    monkeypatch.setattr("similitude.engine.plan._TILE_FLOPS", 1.0)
    reps = population(6)
    kept = []

    def busy(done, total):
        if not kept:  # what is handed out is finished meanwhile, and must be kept without the driver
            end = time.monotonic() + 30
            while (count := len(ledger)) < 3 and time.monotonic() < end:
                time.sleep(0.01)
            kept.append(count)

    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        pairs = list(itertools.product(reps, reps))
        score_pairs(pairs, get_measures("procrustes"), ledger=ledger, workers=2, progress=busy)
    assert kept[0] >= 3


def test_all_pairs_table(tmp_path):
    reps = population(3)
    table = pairwise(reps, ["cka", "procrustes"])
    assert table.matrix("cka").loc["m0/last", "m1/last"] == pytest.approx(
        get_measure("cka")(reps[0], reps[1]), abs=1e-13
    )
    np.testing.assert_allclose(np.diag(table.matrix("procrustes")), 0, atol=1e-12)


def test_keys_label_what_has_no_name_or_a_repeated_one():
    x, y, z = (r.values for r in population(3))
    named = {"seed 0": Representation(x, layer="fc"), "seed 1": Representation(y, layer="fc")}
    others = {"third": Representation(z, layer="conv"), "array": x, 7: y, "view": Representation(x).truncate(3)}
    table = pairwise({**named, **others}, "cka")
    assert table.rows == ("seed 0", "seed 1", "conv", "array", "7", "view[:3]")
    assert table.matrix("cka").loc["seed 0", "seed 1"] == pytest.approx(get_measure("cka")(x, y), abs=1e-13)
    assert (named["seed 0"].key, named["seed 1"].key) == ("fc", "fc")


def test_tensors_of_any_kind_are_compared_as_they_are():
    torch = pytest.importorskip("torch")
    values = [torch.tensor(r.values) for r in population(3)]
    given = [values[0].bfloat16(), values[1].clone().requires_grad_(), values[2].half()]
    table = pairwise(dict(zip("abc", given, strict=True)), ["cka", "rsa", "procrustes"])
    for id in ("cka", "rsa", "procrustes"):
        expected = get_measure(id)(given[0].double().numpy(), given[1].detach().double().numpy())
        assert table.matrix(id).loc["a", "b"] == pytest.approx(expected, abs=1e-12)


def test_any_spelling_finds_a_value(rng):
    x, y = rng.normal(size=(2, 40, 3))
    found = compare(x, y, ["rsa", "jaccard(k=5)", "cka(kernel=rbf, debiased=1)"])
    assert found["rsa(rdm=correlation,compare=spearman)"] == found["rsa( compare = spearman )"] == found["rsa"]
    assert found["cka(debiased=true,kernel=rbf)"] == found[get_measure("cka(kernel=rbf,debiased=true)")]
    assert "jaccard( k=5 )" in found
    assert "jaccard" not in found
    assert found.get("jaccard") is None
    assert found.get("rsa(rdm=correlation)") == found["rsa"]
    assert list(found) == ["rsa", "jaccard(k=5)", "cka(kernel=rbf,debiased=true)"]
    for other in ("jaccard", "no such measure", 3):
        with pytest.raises((LookupError, InputError)):
            found[other]
    table = pairwise([x, y], "rsa")
    assert table.matrix("rsa(rdm=correlation,compare=spearman)").equals(table.matrix("rsa"))
