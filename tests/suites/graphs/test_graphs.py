"""The generated graph, its networks, and what conditions do to them."""

import os
import pickle
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from similitude.errors import DegeneratePopulation, UnknownName  # noqa: E402
from similitude.representations import open_population  # noqa: E402
from similitude.suites import SUITES, Site  # noqa: E402
from similitude.suites.experiments import missing  # noqa: E402
from similitude.suites.graphs.blocks import BlockModel  # noqa: E402
from similitude.suites.graphs.conditions import (  # noqa: E402
    CHANGES,
    DESIGNS,
    SEEDS,
    GraphExperiments,
    changed,
    with_hints,
)
from similitude.suites.graphs.networks import ARCHITECTURES, mean_of_neighbours, symmetric  # noqa: E402
from similitude.suites.graphs.recipe import Recipe, Training  # noqa: E402
from similitude.suites.graphs.train import outputs, train  # noqa: E402

TINY = Recipe(
    models=2,
    seeds=2,
    graph=BlockModel(nodes=350, features=140, active=6, telling=0.2),
    training=Training(hidden=16, layers=2, epochs=60, rate=0.02),
    labelled=140,
    inputs=70,
)


@pytest.fixture(scope="module")
def graph():
    return BlockModel().generate()


def dense(edges, nodes):
    found = np.zeros((nodes, nodes))
    found[edges[0], edges[1]] = found[edges[1], edges[0]] = 1
    return found


def record(test, number=-1, seed=0, architecture="GCN"):
    """Of a network trained as in a worker, which has copies of designs."""
    experiments = GraphExperiments(architecture, TINY)
    design = pickle.loads(pickle.dumps(SEEDS if test == "accuracy" else DESIGNS[test]))
    return experiments.record(design, design.conditions[number], seed, 0), design.conditions[number]


def scores(found):
    return {score.functionality: score.value for score in found.scores}


def test_the_graph_has_the_degree_and_classes_that_were_asked_for(graph):
    model = BlockModel()
    assert graph.features.shape == (model.nodes, model.features)
    assert np.bincount(graph.labels).tolist() == [386] * 5 + [385] * 2
    assert (graph.edges[0] < graph.edges[1]).all()
    assert len(np.unique(graph.edges, axis=1).T) == graph.edges.shape[1]
    # Standard errors: .054 of the mean degree, .0055 of the share.
    assert 2 * graph.edges.shape[1] / model.nodes == pytest.approx(model.degree, abs=0.2)
    within = np.mean(graph.labels[graph.edges[0]] == graph.labels[graph.edges[1]])
    assert within == pytest.approx(model.within, abs=0.02)


def test_features_are_sparse_and_tell_the_class(graph):
    model = BlockModel()
    features = graph.features.toarray()
    assert set(np.unique(features)) == {0, 1}
    assert features.sum(axis=1).mean() == pytest.approx(model.active, abs=0.3)
    of_class = np.arange(model.features) * model.classes // model.features
    own = features[graph.labels[:, None] == of_class].sum() / features.sum()
    assert own == pytest.approx(model.telling + (1 - model.telling) / model.classes, abs=0.02)


def test_a_seed_decides_the_graph(graph):
    same, other = BlockModel().generate(), BlockModel(seed=1).generate()
    assert np.array_equal(graph.edges, same.edges)
    assert not np.array_equal(graph.edges[:, :50], other.edges[:, :50])


def test_mixing_is_as_published():
    edges = np.array([[0, 0, 1], [1, 2, 2]])  # a triangle, and a node by itself
    adjacency = dense(edges, 4)
    looped = adjacency + np.eye(4)
    root = np.diag(looped.sum(axis=1) ** -0.5)
    assert symmetric(edges, 4).to_dense().numpy() == pytest.approx(root @ looped @ root)
    expected = adjacency / np.maximum(adjacency.sum(axis=1, keepdims=True), 1)
    assert mean_of_neighbours(edges, 4).to_dense().numpy() == pytest.approx(expected)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_networks_compute_what_their_papers_say(architecture):
    graph = TINY.graph.generate()
    network = train(graph, graph.labels[:140], architecture, replace(TINY.training, epochs=2), seed=0)
    layers, probabilities = outputs(network, graph)
    mixing = ARCHITECTURES[architecture][1](graph.edges, 350).to_dense().numpy()
    values = graph.features.toarray()
    for layer, found in zip(network.layers, layers, strict=True):
        weights = {name: value.detach().numpy() for name, value in layer.named_parameters()}
        own = values @ weights["own"] if architecture == "GraphSAGE" else 0
        values = np.maximum(mixing @ values @ weights["weight"] + weights["bias"] + own, 0)
        assert found == pytest.approx(values, abs=1e-4)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(350), abs=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_seed_decides_every_bit(architecture):
    first, again, other = (record("augmentation", 1, seed, architecture)[0] for seed in (0, 0, 1))
    for layer in ("layer1", "layer2"):
        assert first.representations[layer].tobytes() == again.representations[layer].tobytes()
        assert first.representations[layer].tobytes() != other.representations[layer].tobytes()
    assert first.scores == again.scores


def test_a_record_has_the_attribute_and_shapes_that_groups_need():
    found, condition = record("labels_own")
    assert found.model == "1.00-seed000"
    assert found.attributes == {"condition": condition.name, "strength": 1.0, "seed": 0}
    assert {layer: values.shape for layer, values in found.representations.items()} == {
        "layer1": (70, 16),
        "layer2": (70, 16),
    }


def test_seeds_have_what_accuracy_and_outputs_are_graded_by():
    found, _ = record("accuracy", 0)
    names = {score.functionality for score in found.scores}
    for subtask in SUITES["graphs"].subtasks():
        for functionality in subtask.functionalities:
            if functionality.pairwise is None:
                assert functionality.name in names
            else:
                assert found.items[functionality.pairwise.items].shape == (210, 7)
                assert functionality.pairwise.quality in names
    for change in ("clean", *CHANGES):
        right = found.items[f"accuracy/{change}"]
        assert scores(found)[f"accuracy/{change}"] == pytest.approx(right.mean())
        answers = found.items[f"predictions/{change}"].argmax(axis=1)
        assert (answers == TINY.graph.generate().labels[140:]).tolist() == right.tolist()


def test_labels_are_memorised_and_a_disabled_condition_fails_its_gate():
    found, condition = record("labels_own")
    condition.check(found)
    design = DESIGNS["labels_own"]
    unchanged = replace(condition, strength=0.0)
    with pytest.raises(DegeneratePopulation, match=r"'100% random' has accuracy/clean .* at most 0\.3 is required"):
        condition.check(GraphExperiments("GCN", TINY).record(design, unchanged, 0, 0))


def test_a_shortcut_is_used_and_a_disabled_one_fails_its_gate():
    found, condition = record("shortcut")
    condition.check(found)
    values = scores(found)
    assert values["shortcut"] == pytest.approx(values["accuracy/hint"] - values["accuracy/clean"])
    chance = replace(condition, strength=1 / 7)
    with pytest.raises(DegeneratePopulation, match=r"shortcut .* at least 0\.2 is required"):
        condition.check(GraphExperiments("GCN", TINY).record(DESIGNS["shortcut"], chance, 0, 0))


def test_changes_of_the_graph(graph):
    count = graph.edges.shape[1]
    fewer, more = changed(graph, "fewer_edges").edges, changed(graph, "more_edges").edges
    assert fewer.shape[1] / count == pytest.approx(0.5, abs=0.03)
    assert more.shape[1] / count == pytest.approx(2, abs=0.05)
    assert (more[0] < more[1]).all()
    kept = {tuple(edge) for edge in graph.edges.T.tolist()}
    assert {tuple(edge) for edge in fewer.T.tolist()} < kept < {tuple(edge) for edge in more.T.tolist()}
    assert changed(graph, "fewer_features").features.sum() / graph.features.sum() == pytest.approx(0.5, abs=0.02)
    with pytest.raises(UnknownName, match="fewer_edges"):
        changed(graph, "fewer_edge")


def test_every_node_has_one_hint(graph):
    hinted = with_hints(graph, 1.0, 1.0, [0]).features.toarray()[:, 500:]
    assert (hinted.argmax(axis=1) == graph.labels).all()
    assert (hinted.sum(axis=1) == 1).all()


def test_training_is_announced_at_every_scale(tmp_path):
    minutes = {scale: SUITES["graphs"].minutes(Site(tmp_path, scale)) for scale in ("quick", "first", "embedded")}
    assert 0 < minutes["quick"] <= minutes["first"] < minutes["embedded"]


KILLED = """
import sys
from pathlib import Path
from similitude.suites import Site
from similitude.suites.experiments import build
from similitude.suites.graphs.blocks import BlockModel
from similitude.suites.graphs.conditions import GraphExperiments
from similitude.suites.graphs.recipe import Recipe, Training

if __name__ == "__main__":
    recipe = Recipe(40, 40, BlockModel(nodes=350, features=140), Training(16, 2, 5), 140, 70)
    progress = lambda what, done, total: print(done, flush=True)
    build(Site(Path(sys.argv[1]), workers=1, progress=progress), [GraphExperiments("GCN", recipe, gated=False)])
"""


def test_a_killed_build_leaves_whole_networks_that_the_next_one_keeps(tmp_path):
    (tmp_path / "script.py").write_text(KILLED)
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "home")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        while process.stdout.readline().strip() not in ("3", ""):
            pass
        process.kill()
        process.wait()
        deadline = time.monotonic() + 30
        while alive(process.pid) and time.monotonic() < deadline:  # the worker finishes its network
            time.sleep(0.1)
    site = Site(tmp_path / "home")
    recipe = Recipe(40, 40, BlockModel(nodes=350, features=140), Training(16, 2, 5), 140, 70)
    found = open_population(site.folder("graphs_gcn"))
    assert len(found.models) >= 3
    assert all(found.representation(model, "layer2").values.shape == (70, 16) for model in found.models)
    lacking = missing(site, GraphExperiments("GCN", recipe, gated=False), "graphs_gcn")
    assert len(lacking) == 40 - len(found.models)


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
