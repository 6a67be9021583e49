"""What is kept of one network: representations, predictions, and what it can do."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
import torch
from torch.nn import functional

from similitude.benchmark.functionalities.modularity import modularity
from similitude.benchmark.functionalities.predictions import calibration_error
from similitude.benchmark.functionalities.probes import few_shot_share
from similitude.representations import ModelRecord, Score
from similitude.suites.vision.data import ImageData
from similitude.suites.vision.letters import letters
from similitude.suites.vision.network import ResNet14
from similitude.suites.vision.probes import deletion_curve, probe_share
from similitude.suites.vision.recipe import DELETION_LAYERS, LAYERS, Recipe, model_name
from similitude.suites.vision.train import reproducible, train

__all__ = ["model_record", "probabilities", "representations"]

_AT_ONCE = 200


def model_record(data: ImageData, recipe: Recipe, seed: int, *, probed: bool = True) -> ModelRecord:
    """Train a network and find out all that the population keeps of it.

    Scores and per-image results are

    - ``accuracy/clean``, the accuracy in distribution;
    - ``accuracy/<family>``, a mean over severities, and ``accuracy/<family>/<severity>`` without per-image results;
    - ``accuracy/mean``, the mean over families;
    - ``probe``, by layer, and ``probe/truncated``, by layer and number of deleted components;
    - ``calibration_error/clean``, and ``calibration_error/corrupted``, a mean over families and severities;
    - ``few_shot/letters``, the accuracy of probes of the last features that learn letters from a few of each;
    - ``modularity``, of the channels of the last block.

    A result per image is the share of its corrupted versions, or of the few-shot probes, that were classified rightly.
    Kept beside them are the predicted probabilities, ``predictions/clean`` and ``predictions/corrupted``: those of the
    first test images in every family and severity.
    """
    with reproducible():
        network = train(data, recipe.training, seed)
        labels = data.test_labels[: recipe.test_images]
        clean = probabilities(network, data.test_images[: len(labels)])
        items = {"accuracy/clean": clean.argmax(axis=1) == labels}
        scores = []
        corrupted, calibration = [], []
        for family, severities in data.severities.items():
            by_severity = []
            for severity in range(1, severities + 1):
                predicted = probabilities(network, data.corrupted(family, severity)[: len(labels)])
                by_severity.append(predicted.argmax(axis=1) == labels)
                corrupted.append(predicted[: recipe.predicted])
                calibration.append(calibration_error(predicted, labels))
                scores.append(Score(f"accuracy/{family}/{severity}", float(by_severity[-1].mean()), items=len(labels)))
            items[f"accuracy/{family}"] = np.stack(by_severity).mean(axis=0, dtype=np.float32)
        families = [items[f"accuracy/{family}"] for family in data.severities]
        items["accuracy/mean"] = np.stack(families).mean(axis=0, dtype=np.float32)
        items["few_shot/letters"] = _few_shot(network, data.test_images.shape[1:], recipe)
        whole = [Score(name, float(right.mean(dtype=np.float64)), items=len(right)) for name, right in items.items()]

        inputs = data.test_images[: recipe.inputs]
        kept = representations(network, inputs, recipe.grid)
        if probed:
            scores += _probe_scores(kept, data.test_labels[: len(inputs)], recipe)
        scores += [
            Score("calibration_error/clean", calibration_error(clean, labels), items=len(labels)),
            Score("calibration_error/corrupted", float(np.mean(calibration)), items=len(labels) * len(calibration)),
            Score("modularity", modularity(_features(network, inputs))),
        ]
    items |= {"predictions/clean": clean, "predictions/corrupted": np.concatenate(corrupted)}
    return ModelRecord(model_name(seed), kept, {"seed": seed}, [*whole, *scores], items)


def _probe_scores(representations: dict[str, np.ndarray], labels: np.ndarray, recipe: Recipe) -> Iterator[Score]:
    for layer, values in representations.items():
        share = probe_share(values, labels, recipe.folds, recipe.fits)
        yield Score("probe", float(share.mean()), layer, items=len(labels))
    for layer in DELETION_LAYERS:
        for deleted, share in deletion_curve(representations[layer], labels, recipe.folds, recipe.fits):
            yield Score("probe/truncated", float(share.mean()), layer, deleted, len(labels))


def _few_shot(network: ResNet14, shape: tuple[int, ...], recipe: Recipe) -> np.ndarray:
    """Share of probes that tell each letter apart, after a few examples; classes that no network was trained on."""
    (train, train_labels), (test, test_labels) = _letter_sets(recipe.letters, *shape)
    features = _features(network, train), _features(network, test)
    share = few_shot_share(features[0], train_labels, features[1], test_labels, shots=recipe.shots)
    return share.astype(np.float32)


@functools.lru_cache(maxsize=1)
def _letter_sets(count: int, height: int, width: int, channels: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    return tuple(letters(count, height, width, channels, seed=seed) for seed in range(2))


def _batches(images: np.ndarray) -> Iterator[torch.Tensor]:
    for start in range(0, len(images), _AT_ONCE):
        yield torch.from_numpy(np.array(images[start : start + _AT_ONCE]))  # a copy: the array may be a read-only map


@torch.inference_mode()
def probabilities(network: ResNet14, images: np.ndarray) -> np.ndarray:
    """Of the classes: n x classes."""
    return torch.cat([network(batch).softmax(dim=1) for batch in _batches(images)]).numpy()


@torch.inference_mode()
def _features(network: ResNet14, images: np.ndarray) -> np.ndarray:
    """What the read-out reads: channels of the last block, averaged over the image."""
    maps = [network.feature_maps(batch)[LAYERS[-1]].mean(dim=(2, 3)) for batch in _batches(images)]
    return torch.cat(maps).numpy()


@torch.inference_mode()
def representations(network: ResNet14, images: np.ndarray, grid: int) -> dict[str, np.ndarray]:
    """Feature maps of each block, averaged over the cells of a grid and flattened: n x (channels x grid x grid)."""
    parts: dict[str, list[np.ndarray]] = {layer: [] for layer in LAYERS}
    for batch in _batches(images):
        for layer, maps in network.feature_maps(batch).items():
            parts[layer].append(functional.adaptive_avg_pool2d(maps, grid).flatten(1).numpy())
    return {layer: np.concatenate(of_layer) for layer, of_layer in parts.items()}
