"""Pairs larger than memory give the values that they have in memory."""

from __future__ import annotations

import numpy as np
import pytest

from similitude import Representation, SimilitudeWarning, get_measure, pairwise
from similitude.benchmark.evaluate import evaluate
from similitude.engine import Ledger
from similitude.engine.streaming import Stream, can_stream
from similitude.measures import get_measures
from similitude.measures.catalogue import MEASURES
from similitude.representations import open_population
from similitude.suites.base import Site
from similitude.suites.synthetic import SUITE

LINEAR = "cka,cka(debiased=true),procrustes,angular_procrustes,mean_cca,pwcca,linear_regression"
N = 4000
SMALL = 300_000
"""Bytes; less than two sides take."""


@pytest.fixture
def mapped(tmp_path):
    """Representations in files, in both precisions."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(N, 6)) * [30, 10, 5, 3, 1, 0.1]
    found = []
    for i, (d, kind) in enumerate([(8, "f4"), (11, "f8"), (5, "f4")]):
        np.save(tmp_path / f"{i}.npy", (base @ rng.normal(size=(6, d)) + rng.normal(size=(N, d)) + 20).astype(kind))
        found.append(Representation(np.load(tmp_path / f"{i}.npy", mmap_mode="r"), model=f"m{i}"))
    return found


@pytest.fixture
def streams(monkeypatch):
    """Number of streams that were made to be filled."""
    made = []
    update = Stream.update
    monkeypatch.setattr(Stream, "update", lambda self, x, y: (made.append(self), update(self, x, y))[1])
    monkeypatch.setattr(Stream, "bytes", lambda self, widths: 1)  # as if there were many more inputs
    return made


def test_streamed_values_are_those_in_memory(mapped, streams):
    expected = pairwise(mapped, LINEAR)
    assert not streams
    steps = []
    found = pairwise(mapped, LINEAR, memory=SMALL, progress=lambda done, total: steps.append((done, total)))
    assert len({id(stream) for stream in streams}) == 6  # both orders of a pair share one
    for table in (found, expected):
        # The angle of two equal shapes is the root of the rounding of its cosine.
        table.frame["angular_procrustes"] = np.cos(table.frame["angular_procrustes"])
    columns = list(expected.frame.columns[2:])
    np.testing.assert_allclose(found.frame[columns], expected.frame[columns], rtol=0, atol=1e-9)
    assert steps[-1] == (6, 6)


def test_only_pairs_that_do_not_fit_are_streamed(mapped, streams):
    memory = 8 * N * (8 + 5)  # holds the first with the last, and not the second with either
    found = pairwise(mapped, "cka,pwcca", memory=memory)
    assert len({id(stream) for stream in streams}) == 4
    expected = pairwise(mapped, "cka,pwcca")
    np.testing.assert_allclose(found.frame[["cka", "pwcca"]], expected.frame[["cka", "pwcca"]], rtol=0, atol=1e-9)


def test_every_measure_that_can_be_streamed_is_right_either_way_round(mapped, streams):
    ids = [m for m in get_measures(list(MEASURES)) if can_stream(m)]
    assert len(ids) > 8
    for pair in (mapped[:2], mapped[1::-1]):
        expected, found = (pairwise(pair[:1], ids, others=pair[1:], memory=memory) for memory in (1 << 30, SMALL))
        np.testing.assert_allclose(
            found.frame.iloc[0, 2:].astype(float), expected.frame.iloc[0, 2:].astype(float), atol=1e-9
        )
    assert streams


def test_what_needs_all_at_once_says_that_memory_is_exceeded(mapped, streams):
    sides = [Representation(r.values[:500], model=r.model) for r in mapped]
    memory = 8 * 500 * 20
    told = r"^jaccard takes about 0.004 GB of memory for m. and m. \(500 inputs\), more than the 8e-05 GB allowed"
    with pytest.warns(SimilitudeWarning, match=told):
        found = pairwise(sides, "cka,jaccard,random", memory=memory)
    assert len({id(stream) for stream in streams}) == 1
    expected = pairwise(sides, "cka,jaccard,random")
    columns = ["cka", "jaccard", "random"]
    np.testing.assert_allclose(found.frame[columns], expected.frame[columns], rtol=0, atol=1e-9)


def test_a_failure_is_kept_and_the_rest_goes_on(streams):
    rng = np.random.default_rng(0)
    wide = [Representation(rng.normal(size=(60, 80)), model=name) for name in "ab"]
    with pytest.warns(SimilitudeWarning, match="failed"):
        table = pairwise(wide[:1], "procrustes,mean_cca", others=wide[1:], memory=SMALL // 10)
    assert streams
    assert np.isnan(table.frame["mean_cca"][0])
    assert table.failures["measure"].tolist() == ["mean_cca"]
    assert 0 < table.frame["procrustes"][0] < 2


def test_progress_counts_the_pairs_asked_for(rng):
    told = []
    arrays = [rng.normal(size=(40, 3)), rng.normal(size=(40, 4))]
    pairwise(arrays, ["cka", "pwcca"], progress=lambda *to: told.append(to))
    assert told[-1] == (4, 4)
    assert all(done <= total == 4 for done, total in told)


def test_a_run_streams_what_does_not_fit_and_keeps_it(streams, tmp_path):
    site = Site(tmp_path, "quick")
    SUITE.build(site)
    subtask = SUITE.subtasks()[0]
    asked = [subtask], {subtask.population: open_population(site.folder("synthetic"))}, [get_measure("cka")]
    expected = evaluate(*asked, resamples=20).pairs["cka"]
    assert not streams
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        found = evaluate(*asked, resamples=20, memory=1000, ledger=ledger).pairs["cka"]
        assert streams
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
        streams.clear()
        again = evaluate(*asked, resamples=20, memory=1000, ledger=ledger).pairs["cka"]
    assert not streams
    assert again.equals(found)
