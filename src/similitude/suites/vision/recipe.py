"""How the population is made at each scale; nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from similitude.suites.base import Scale

__all__ = ["DELETION_LAYERS", "LAYERS", "RECIPES", "Recipe", "Training", "model_name"]

LAYERS = tuple(f"stage{stage}.block{block}" for stage in (1, 2, 3) for block in (1, 2))
"""The six residual blocks of ResNet-14, from input to output."""

DELETION_LAYERS = LAYERS[-2:]
"""Layers whose principal components are deleted: those of the last stage."""


@dataclass(frozen=True)
class Training:
    """Stochastic gradient descent with Nesterov momentum; the rate rises and falls linearly.

    Parameters
    ----------
    width, stem_stride
        Of the network, see `similitude.suites.vision.network.ResNet14`. Widths below 8 crash oneDNN's convolutions.
    epochs, batch, rate, decay
        Passes over the training images, images a step, highest learning rate, weight decay.
    augment
        Whether images are mirrored and shifted by up to an eighth of their side, as is usual on CIFAR-10.
    """

    width: int = 16
    stem_stride: int = 2
    epochs: int = 4
    batch: int = 64
    rate: float = 0.05
    decay: float = 5e-4
    augment: bool = False


@dataclass(frozen=True)
class Recipe:
    """All that decides a population's content, beside the images.

    Parameters
    ----------
    models
        Number of seeds.
    probed
        Number of models, the first ones, that get linear probes, which only two of the subtasks need.
    training
        How each is trained.
    test_images
        How many test images accuracies are measured on; None for all.
    inputs
        How many of those the representations are taken on, n; at least four times the widest layer's d.
    grid
        Feature maps are averaged into grid x grid cells; with width 16, grid 2 gives d of 64, 128 and 256.
    folds, fits
        Of the linear probes, see `similitude.suites.vision.probes.probe_share`.
    predicted
        How many test images the predictions on corrupted versions are kept of, in each of them.
    letters, shots
        Pictures of letters that few-shot transfer is tested on, with as many again to learn from, and how many of each
        letter a probe learns from.
    """

    models: int = 40
    probed: int = 10
    training: Training = field(default_factory=Training)
    test_images: int | None = None
    inputs: int = 1200
    grid: int = 2
    folds: int = 12
    fits: int | None = None
    predicted: int = 100
    letters: int = 480
    shots: int = 5


def model_name(seed: int) -> str:
    """Name of the network with a seed; names sort as seeds do."""
    return f"seed{seed:03}"


RECIPES: dict[Scale, Recipe] = {
    "quick": Recipe(models=6, training=Training(epochs=2), test_images=1200, fits=4),
    "first": Recipe(test_images=1200),
    "embedded": Recipe(test_images=1200),
    "standard": Recipe(models=200, probed=40, test_images=1200),
    "paper": Recipe(
        training=Training(stem_stride=1, epochs=30, batch=128, rate=0.1, augment=True), inputs=4000, folds=40
    ),
}
"""Recipe of each scale; at the paper's, a network takes about two hours."""
