"""The same values wherever tiles are worked on, and after a worker died."""

from __future__ import annotations

import itertools
import os
import signal
import warnings

import numpy as np
import pytest

from similitude import Representation, get_measures
from similitude.engine import Ledger, executors, plan, score_pairs
from similitude.engine.executors import Reference
from similitude.errors import FileError, InputError, SimilitudeError
from similitude.measures.function import measure

MEASURES = get_measures(["cka", "pwcca", "procrustes", "jaccard"])


def population(folder=None, count=6, n=80):
    rng = np.random.default_rng(0)
    base = rng.normal(size=(n, 8))
    reps = []
    for i in range(count):
        values = (base @ rng.normal(size=(8, 10)) + rng.normal(size=(n, 10))).astype(np.float32)
        if folder is not None:
            np.save(folder / f"{i}.npy", values)
            values = np.load(folder / f"{i}.npy", mmap_mode="r")
        reps.append(Representation(values, model=f"m{i}", ids=[f"input{k}" for k in range(n)]))
    return reps


def pairs_of(reps):
    return [*itertools.product(reps, reps), *((x, y.truncate(4)) for x in reps for y in reps)]


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(plan, "_TILE_FLOPS", 1.0)


def test_processes_give_the_same(tmp_path, small_tiles):
    reps = population(tmp_path, count=3) + population(count=4)[3:]  # some in files, some in memory
    expected = score_pairs(pairs_of(reps), MEASURES, executor="serial")
    found = score_pairs(pairs_of(reps), MEASURES, executor="processes:2")
    assert np.array_equal(found.values, expected.values)
    assert found.failures == expected.failures == []


@measure(kind="dissimilarity", bounds=(0, 1), symmetric=True)
def deadly(X, Y, once=""):
    """Kills its process the first time."""
    if once and not os.path.exists(once):
        open(once, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return abs(float(X[0, 0] - Y[0, 0])) % 1


def test_a_killed_worker_is_replaced_and_its_tiles_done_again(tmp_path, small_tiles):
    reps, flag = population(tmp_path), str(tmp_path / "died")
    pairs = list(itertools.product(reps, reps))
    mortal = [*MEASURES, type(deadly)(once=flag)]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        found = score_pairs(pairs, mortal, executor="processes:2", ledger=ledger)
        assert os.path.exists(flag)
        assert len(ledger) == found.computed
    assert np.array_equal(found.values, score_pairs(pairs, mortal, executor="serial").values)


@measure(kind="dissimilarity", bounds=(0, 1), symmetric=True)
def fatal(X, Y):
    """Kills its process every time."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_kills_every_worker_ends_the_run_with_a_reason():
    reps = population(count=2)
    with pytest.raises(SimilitudeError, match="Workers died 3 times"):
        score_pairs([(reps[0], reps[1])], [fatal], executor="processes:1")


def test_references_are_small_and_find_every_kind_of_array(tmp_path):
    values = np.random.default_rng(0).normal(size=(50, 8))
    np.save(tmp_path / "c.npy", values)
    np.save(tmp_path / "f.npy", np.asfortranarray(values))
    for kind, array in {
        "mapped": np.load(tmp_path / "c.npy", mmap_mode="r"),
        "mapped, columns first": np.load(tmp_path / "f.npy", mmap_mode="r"),
        "mapped, a part": np.load(tmp_path / "c.npy", mmap_mode="r")[10:30],
        "mapped, every other row": np.load(tmp_path / "c.npy", mmap_mode="r")[::2],
        "mapped, changed": np.load(tmp_path / "c.npy", mmap_mode="r") + 1,
        "in memory": values,
    }.items():
        original = Representation(array, model="m", layer="l")
        reference = Reference.of(original, tmp_path)
        opened = reference.open()
        assert np.array_equal(opened.values, array), kind
        assert (opened.key, opened.content_hash) == (original.key, original.content_hash)
        assert (str(tmp_path / original.content_hash) in reference.file) == (
            "in memory" in kind or "every" in kind or "changed" in kind
        )


def test_a_file_that_is_gone_is_a_clear_error(tmp_path):
    reference = Reference.of(Representation(np.eye(3)), tmp_path)
    os.remove(reference.file)
    with pytest.raises(FileError, match="Workers need the same files"):
        reference.open()


@pytest.mark.parametrize("spec", ["cloud", "processes:0", "processes:x", "threads:2", ""])
def test_an_unknown_executor_names_the_known_ones(spec):
    reps = population(count=1)
    with pytest.raises(InputError, match="Known: threads, serial, processes"):
        score_pairs([(reps[0], reps[0])], MEASURES, executor=spec)


@pytest.fixture
def scheduler():
    distributed = pytest.importorskip("distributed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
            yield cluster


def test_dask_gives_the_same_and_survives_a_killed_worker(tmp_path, small_tiles, scheduler):
    reps, flag = population(tmp_path, count=4), str(tmp_path / "died")
    pairs = list(itertools.product(reps, reps))
    mortal = [*MEASURES, type(deadly)(once=flag)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = score_pairs(pairs, mortal, executor=f"dask:{scheduler.scheduler_address}")
    assert os.path.exists(flag)
    assert np.array_equal(found.values, score_pairs(pairs, mortal, executor="serial").values)


def test_dask_not_installed_names_the_extra(monkeypatch):
    def missing(module, extra):
        raise SimilitudeError(f"{module} {extra}")

    monkeypatch.setattr(executors, "require", missing)
    reps = population(count=1)
    with pytest.raises(SimilitudeError, match="distributed cluster"):
        score_pairs([(reps[0], reps[0])], MEASURES, executor="dask")
