"""Building populations of groups: balanced, resumable, refused where a condition left no trace."""

import pickle
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pytest

from similitude.errors import DegeneratePopulation, SimilitudeWarning
from similitude.representations import ModelRecord, Score, open_population
from similitude.suites import Site, experiments
from similitude.suites.conditions import Condition, Gate, label_designs
from similitude.suites.experiments import build, count_missing, figures

CONDITIONS = (
    Condition("0%", 0.0, (Gate("accuracy/clean", "has learnt", least=0.9),)),
    Condition("100%", 1.0, (Gate("accuracy/clean", "has learnt nothing", most=0.3),)),
)


@dataclass(frozen=True)
class Drawn:
    """Made-up networks, whose accuracy is 1 - strength."""

    architecture = "GCN"
    reduction = "none"
    layers = ("one", "two")
    models: int = 3
    gated: bool = True
    disabled: bool = False

    @property
    def designs(self):
        own, shared = label_designs(CONDITIONS)
        return {"drawn_own": own, "drawn_shared": shared}

    def seeds(self, design):
        return self.models

    def ids(self):
        return ["a", "b", "c", "d"]

    def settings(self):
        return {"width": 2}

    def record(self, design, condition, seed, draw):
        values = np.random.default_rng([seed, draw]).random((4, 2))
        accuracy = 1.0 if self.disabled else 1 - condition.strength
        scores = [Score("accuracy/clean", accuracy)]
        attributes = {"condition": condition.name, "seed": seed}
        return ModelRecord(condition.model(seed), {"one": values, "two": values}, attributes, scores)


class Pool:
    """Runs jobs here, as if they had been pickled; is killed before job number `killed`."""

    def __init__(self, killed):
        self.killed, self.ran = killed, 0

    def run(self, jobs, finished=lambda done: None):
        finished(0)
        for number, job in enumerate(jobs):
            if number == self.killed:
                raise KeyboardInterrupt
            pickle.loads(pickle.dumps(job))()
            self.ran += 1
            finished(number + 1)
        return []


@pytest.fixture
def pool(monkeypatch):
    pool = Pool(killed=None)

    @contextmanager
    def start(count):
        yield pool

    monkeypatch.setattr(experiments, "start_workers", start)
    monkeypatch.setattr(experiments, "note_processor", lambda *_: None)
    found = {"architecture": "GCN", "digest": "of a test"}
    monkeypatch.setattr(experiments, "measure_arithmetic", lambda workers, architecture: found)
    return pool


def contents(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_groups_are_balanced(pool, tmp_path):
    site = Site(tmp_path)
    build(site, [Drawn()])
    for name in ("drawn_own", "drawn_shared"):
        population = open_population(site.folder(name))
        assert population.attributes["condition"].value_counts().to_dict() == {"0%": 3, "100%": 3}
        assert population.models[0] == "0.00-seed000"
        assert population.representation("1.00-seed002", "two").values.shape == (4, 2)


def test_only_populations_asked_for_are_built(pool, tmp_path):
    site = Site(tmp_path)
    assert count_missing(site, [Drawn()]) == 12
    build(site, [Drawn()], ["drawn_own"])
    assert (count_missing(site, [Drawn()], ["drawn_own"]), count_missing(site, [Drawn()])) == (0, 6)
    assert not site.folder("drawn_shared").exists()


def test_a_killed_build_continues_with_what_is_missing(pool, tmp_path):
    whole, killed = Site(tmp_path / "whole"), Site(tmp_path / "killed")
    build(whole, [Drawn()])
    pool.killed, pool.ran = 5, 0
    with pytest.raises(KeyboardInterrupt):
        build(killed, [Drawn()])
    assert count_missing(killed, [Drawn()]) == 7
    pool.killed, pool.ran = None, 0
    told = []
    build(replace(killed, progress=lambda *now: told.append(now[1:])), [Drawn()])
    assert pool.ran == 7
    assert (told[0], told[-1]) == ((5, 12), (12, 12))
    assert contents(killed.home) == contents(whole.home)
    build(killed, [Drawn()])
    assert pool.ran == 7


def test_a_condition_that_left_no_trace_ends_the_build_and_is_not_kept(pool, tmp_path):
    site = Site(tmp_path)
    with pytest.raises(DegeneratePopulation, match=r"'1\.00-seed000' of the group '100%' has accuracy/clean 1\.000"):
        build(site, [Drawn(disabled=True)])
    assert open_population(site.folder("drawn_own")).models == ("0.00-seed000",)


@dataclass(frozen=True)
class Unlucky(Drawn):
    """Made-up networks of which some seeds fail."""

    failing: tuple = (1, 301)

    def record(self, design, condition, seed, draw):
        record = super().record(design, condition, seed, draw)
        failed = seed in self.failing and condition.name == "0%"
        return replace(record, scores=[Score("accuracy/clean", 0.5)]) if failed else record


def test_a_network_that_fails_by_chance_is_drawn_again_and_counted(pool, tmp_path):
    site = Site(tmp_path)
    build(site, [Unlucky()], ["drawn_own"])
    assert count_missing(site, [Unlucky()], ["drawn_own"]) == 0
    population = open_population(site.folder("drawn_own"))
    assert population.models[:3] == ("0.00-seed000", "0.00-seed001", "0.00-seed002")
    assert population.attributes.loc["0.00-seed001", ["seed", "redrawn"]].tolist() == [601, 2]
    expected = np.random.default_rng([601, 0]).random((4, 2))
    assert np.allclose(population.representation("0.00-seed001", "one").values, expected)
    subtask = Unlucky().designs["drawn_own"].subtask("drawn/labels_own", "drawn_own", "drawn")
    assert figures(site, [Unlucky()], [subtask])["redrawn"].tolist() == [1, 0]
    with pytest.raises(
        DegeneratePopulation, match=r"'0\.00-seed001'.*0\.500; at least 0\.9 .* 2 other seeds failed too"
    ):
        build(Site(tmp_path / "all"), [Unlucky(failing=(1, 301, 601))])


def test_a_smoke_test_has_no_gates(pool, tmp_path):
    build(Site(tmp_path), [Drawn(disabled=True, gated=False)])
    assert count_missing(Site(tmp_path), [Drawn(gated=False)]) == 0


def test_networks_of_another_recipe_are_kept_apart(pool, tmp_path):
    site = Site(tmp_path)
    build(site, [Drawn(gated=False)], ["drawn_own"])
    assert count_missing(site, [Drawn()], ["drawn_own"]) == 6
    with pytest.warns(SimilitudeWarning, match=r"drawn_own.superseded-1"):
        build(site, [Drawn()], ["drawn_own"])
    assert count_missing(site, [Drawn()], ["drawn_own"]) == 0


def test_a_design_without_seeds_is_left_out(pool, tmp_path):
    build(Site(tmp_path), [Drawn(models=0)])
    assert not any(tmp_path.iterdir())


def test_figures_are_told_of_populations_that_are_there(pool, tmp_path):
    site = Site(tmp_path)
    designs = Drawn().designs
    subtasks = [design.subtask(f"drawn/{design.test}", name, "drawn") for name, design in designs.items()]
    assert figures(site, [Drawn()], subtasks).empty
    build(site, [Drawn()], ["drawn_own"])
    table = figures(site, [Drawn()], subtasks)
    assert table["subtask"].tolist() == ["drawn/labels_own"] * 2
    assert table["mean"].tolist() == [1.0, 0.0]
    shutil.rmtree(site.folder("drawn_own") / "models")
    assert figures(site, [Drawn()], subtasks).empty
