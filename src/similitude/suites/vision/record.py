"""What is kept of one network: representations, accuracies per test image, and linear probes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.nn import functional

from similitude.representations import ModelRecord, Score
from similitude.suites.vision.data import ImageData
from similitude.suites.vision.network import ResNet14
from similitude.suites.vision.probes import deletion_curve, probe_share
from similitude.suites.vision.recipe import DELETION_LAYERS, LAYERS, Recipe, model_name
from similitude.suites.vision.train import reproducible, train

__all__ = ["model_record"]

_AT_ONCE = 200


def model_record(data: ImageData, recipe: Recipe, seed: int) -> ModelRecord:
    """Train a network and find out all that the population keeps of it.

    Scores and per-image results are

    - ``accuracy/clean``, the accuracy in distribution;
    - ``accuracy/<family>``, a mean over severities, and ``accuracy/<family>/<severity>`` without per-image results;
    - ``accuracy/mean``, the mean over families;
    - ``probe``, by layer, and ``probe/truncated``, by layer and number of deleted components.

    A result per image is the share of its corrupted versions, or of the linear probes, that were classified rightly.
    """
    with reproducible():
        network = train(data, recipe.training, seed)
        labels = data.test_labels[: recipe.test_images]
        items = {"accuracy/clean": _right(network, data.test_images, labels)}
        scores = []
        for family, severities in data.severities.items():
            by_severity = []
            for severity in range(1, severities + 1):
                by_severity.append(_right(network, data.corrupted(family, severity), labels))
                scores.append(Score(f"accuracy/{family}/{severity}", float(by_severity[-1].mean()), items=len(labels)))
            items[f"accuracy/{family}"] = np.stack(by_severity).mean(axis=0, dtype=np.float32)
        corrupted = [items[f"accuracy/{family}"] for family in data.severities]
        items["accuracy/mean"] = np.stack(corrupted).mean(axis=0, dtype=np.float32)
        whole = [Score(name, float(right.mean(dtype=np.float64)), items=len(right)) for name, right in items.items()]

        inputs = data.test_images[: recipe.inputs]
        representations = _representations(network, inputs, recipe.grid)
        if seed < recipe.probed:
            scores += _probe_scores(representations, data.test_labels[: len(inputs)], recipe)
    return ModelRecord(model_name(seed), representations, {"seed": seed}, [*whole, *scores], items)


def _probe_scores(representations: dict[str, np.ndarray], labels: np.ndarray, recipe: Recipe) -> Iterator[Score]:
    for layer, values in representations.items():
        share = probe_share(values, labels, recipe.folds, recipe.fits)
        yield Score("probe", float(share.mean()), layer, items=len(labels))
    for layer in DELETION_LAYERS:
        for deleted, share in deletion_curve(representations[layer], labels, recipe.folds, recipe.fits):
            yield Score("probe/truncated", float(share.mean()), layer, deleted, len(labels))


def _batches(images: np.ndarray) -> Iterator[torch.Tensor]:
    for start in range(0, len(images), _AT_ONCE):
        yield torch.from_numpy(np.array(images[start : start + _AT_ONCE]))  # a copy: the array may be a read-only map


@torch.inference_mode()
def _right(network: ResNet14, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Which of the images that have labels are classified rightly."""
    answers = torch.cat([network(batch).argmax(dim=1) for batch in _batches(images[: len(labels)])])
    return answers.numpy() == labels


@torch.inference_mode()
def _representations(network: ResNet14, images: np.ndarray, grid: int) -> dict[str, np.ndarray]:
    """Feature maps of each block, averaged over the cells of a grid and flattened: n x (channels x grid x grid)."""
    parts: dict[str, list[np.ndarray]] = {layer: [] for layer in LAYERS}
    for batch in _batches(images):
        for layer, maps in network.feature_maps(batch).items():
            parts[layer].append(functional.adaptive_avg_pool2d(maps, grid).flatten(1).numpy())
    return {layer: np.concatenate(of_layer) for layer, of_layer in parts.items()}
