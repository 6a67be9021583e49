"""Whether this processor trains the documented networks: a digest of one small network per architecture.

Expected digests are those of portable arithmetic with the PyTorch release named here. Where a processor or a release
gives another digest, populations are sound, but another sample of networks than the documented one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from similitude.representations.folder import read_json, write_json
from similitude.suites.jobs import Workers
from similitude.suites.portable import describe_processor, digest

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["EXPECTED", "EXPECTED_WITH", "is_documented_sample", "measure_arithmetic", "note_processor"]

EXPECTED_WITH = "torch 2.13.0"
EXPECTED = {
    "ResNet-14": "056959182c303afc",
    "BERT": "7ec7c7e047f28558",
    "GCN": "b1cd8a28aa1ae9c6",
    "GraphSAGE": "b343c615cb8acc29",
}
"""Digest of each architecture's small network."""


def measure_arithmetic(workers: Workers, architecture: str) -> dict[str, str]:
    """Train the small network of an architecture in a worker process, and return its digest.

    Returns
    -------
    dict
        ``architecture`` and ``digest``, for the settings of a population, which may only hold networks of one digest.
    """
    [found] = workers.run([functools.partial(_digest_of, architecture)])
    return {"architecture": architecture, "digest": found}


def note_processor(workers: Workers, folder: Path, arithmetic: dict[str, str]) -> None:
    """Write ``arithmetic.json`` beside a population: digest, processor and library versions of its last build."""
    [described] = workers.run([describe_processor])  # kernels are those of the workers, not of this process
    write_json(
        folder / "arithmetic.json",
        {**arithmetic, "expected": EXPECTED[arithmetic["architecture"]], "with": EXPECTED_WITH, **described},
    )


def is_documented_sample(folder: Path) -> bool | None:
    """Return whether a population's networks are the documented ones; None if it records no digest."""
    if not (folder / "manifest.json").is_file():
        return None
    arithmetic = read_json(folder / "manifest.json").get("settings", {}).get("arithmetic")
    return None if arithmetic is None else arithmetic["digest"] == EXPECTED[arithmetic["architecture"]]


def _digest_of(architecture: str) -> str:
    return digest(_SMALL_NETWORKS[architecture]())


def _resnet() -> Iterable[Tensor | np.ndarray]:
    """Weights and outputs of a convnet trained on noise for a few steps."""
    import torch

    from similitude.suites.vision.data import ImageData
    from similitude.suites.vision.recipe import RECIPES
    from similitude.suites.vision.train import reproducible, train

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (320, 24, 24, 1), dtype=np.uint8)
    labels = rng.integers(0, 10, 320)
    data = ImageData(images, labels, images[:64], labels[:64], (), {}, lambda family, severity: images)
    with reproducible():
        network = train(data, replace(RECIPES["embedded"].training, epochs=2), seed=0)
        with torch.no_grad():
            outputs = network(torch.from_numpy(images[:64])).softmax(dim=1)
    return [*network.state_dict().values(), outputs]


def _bert() -> Iterable[Tensor | np.ndarray]:
    """Weights of a transformer pretrained and fine-tuned for a few steps."""
    from similitude.suites.language.finetune import Finetuning, finetune
    from similitude.suites.language.pretrain import Pretraining, pretrain

    base = pretrain(Pretraining(steps=6, passages=100), seed=0)
    tuned = finetune(base, Finetuning(examples=100, steps=6), seed=0)
    return [*base.state_dict().values(), *tuned.state_dict().values()]


def _graph_network(architecture: str) -> Iterable[Tensor | np.ndarray]:
    """Weights and outputs of a graph network trained on a small graph for a few steps."""
    from similitude.suites.graphs.blocks import BlockModel
    from similitude.suites.graphs.recipe import Training
    from similitude.suites.graphs.train import outputs, train

    graph = BlockModel(nodes=210, features=70).generate()
    network = train(graph, graph.labels[:70], architecture, Training(epochs=10), seed=0, dropped=0.2)
    return [*network.state_dict().values(), outputs(network, graph)[1]]


_SMALL_NETWORKS: dict[str, Callable[[], Iterable[Tensor | np.ndarray]]] = {
    "ResNet-14": _resnet,
    "BERT": _bert,
    "GCN": functools.partial(_graph_network, "GCN"),
    "GraphSAGE": functools.partial(_graph_network, "GraphSAGE"),
}
