"""Convnets trained under conditions: random labels, a coloured disc that tells the class, and noisy images."""

from __future__ import annotations

import colorsys
import functools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from similitude.representations import ModelRecord, Score
from similitude.suites.conditions import Condition, Design, Gate, hints, label_designs, training_labels
from similitude.suites.scales import Scale
from similitude.suites.vision.corruptions import corrupt
from similitude.suites.vision.data import ImageData, Mnist
from similitude.suites.vision.recipe import LAYERS, Training

__all__ = ["DESIGNS", "EXPERIMENTS", "Conditioned", "VisionExperiments", "noisy", "with_discs"]

_DISCS = 23  # random stream of the places of discs
_RADIUS = 3.3  # pixels: 7 across; of 5 across, networks make little use
_CLASSES = 10
_CHANCE = 1 / _CLASSES

_REMEMBERS = Gate("accuracy/training", "has memorised its labels", least=0.9)
_LABELS = (
    Condition("0% random", 0.0, (_REMEMBERS, Gate("accuracy/clean", "has learnt the digits", least=0.9))),
    Condition(
        "50% random", 0.5, (_REMEMBERS, Gate("accuracy/clean", "was misled by half of its labels", least=0.3, most=0.8))
    ),
    Condition("100% random", 1.0, (_REMEMBERS, Gate("accuracy/clean", "has learnt nothing else", most=0.3))),
)
_SHORTCUT = (
    Condition("right 10%", _CHANCE, (Gate("shortcut", "does without the disc", most=0.05),)),
    Condition("right 90%", 0.9, (Gate("shortcut", "uses the disc", least=0.05),)),
    Condition("right 100%", 1.0, (Gate("shortcut", "uses the disc", least=0.2),)),
)
_NOISE = (
    Condition("no noise", 0.0, (Gate("accuracy/noise", "was never shown noise", most=0.8),)),
    Condition("noise to 0.4", 0.4, (Gate("accuracy/noise", "is robust to noise", least=0.85),)),
    Condition("noise to 0.8", 0.8, (Gate("accuracy/noise", "is robust to noise", least=0.85),)),
)

DESIGNS = {
    design.test: design
    for design in (
        *label_designs(_LABELS),
        Design(
            "shortcut",
            "how often a coloured disc tells the class",
            "Does it tell apart networks trained with a disc that tells the class by chance, mostly, or always?",
            _SHORTCUT,
        ),
        Design(
            "augmentation",
            "strength of noise in training",
            "Does it tell apart networks that were trained on clean images and on images with weak and strong noise?",
            _NOISE,
        ),
    )
}
"""Designs by test."""


@dataclass(frozen=True)
class Conditioned:
    """How networks are trained under conditions, and how many.

    Parameters
    ----------
    seeds
        Number of networks per condition.
    training
        How each is trained; without mirrored and shifted images, so that random labels can be memorised.
    images, tested
        Number of digits for training, and for testing and representing.
    grid
        See `similitude.suites.vision.recipe.Recipe`.
    noise
        Severity of the noise that robustness is tested with, see `similitude.suites.vision.corruptions.CORRUPTIONS`.
    """

    seeds: int = 5
    training: Training = field(default_factory=lambda: Training(epochs=30))
    images: int = 1000
    tested: int = 500
    grid: int = 2
    noise: int = 3


@dataclass(frozen=True)
class VisionExperiments:
    """ResNet-14 networks under the conditions of `DESIGNS`."""

    architecture = "ResNet-14"
    layers = LAYERS
    recipe: Conditioned = field(default_factory=Conditioned)
    gated: bool = True

    @property
    def designs(self) -> dict[str, Design]:
        """The designs by population."""
        return {f"vision_{test}": design for test, design in DESIGNS.items()}

    @property
    def reduction(self) -> str:
        """How feature maps became n x d."""
        return f"grid_mean_pool({self.recipe.grid} x {self.recipe.grid})"

    def seeds(self, design: Design) -> int:
        """Return the number of networks per condition."""
        return self.recipe.seeds

    def ids(self) -> tuple[str, ...]:
        """Return the names of the test images."""
        return _digits(self.recipe).ids

    def settings(self) -> dict[str, Any]:
        """Return the recipe."""
        return {"recipe": asdict(self.recipe)}

    def record(self, design: Design, condition: Condition, seed: int, draw: int) -> ModelRecord:
        """Train a network; scores are its accuracies on training and test images, and what its condition did to it.

        ``accuracy/clean`` is that on the images that networks are represented on: of `shortcut`, with discs of any
        colour. ``accuracy/noise`` is that on noisy ones. ``shortcut`` is the accuracy with discs of the right colour,
        less that with discs of any colour.
        """
        from similitude.suites.vision.record import probabilities, representations
        from similitude.suites.vision.train import reproducible, train

        data, disturb = _digits(self.recipe), None
        tests = {"clean": data.test_images}
        if design.test == "shortcut":
            train_discs, *test_discs = (
                with_discs(images, labels, right, [part])
                for part, (images, labels, right) in enumerate(
                    (
                        (data.train_images, data.train_labels, condition.strength),
                        (data.test_images, data.test_labels, _CHANCE),
                        (data.test_images, data.test_labels, 1.0),
                    )
                )
            )
            data = replace(data, train_images=train_discs, test_images=test_discs[0])
            tests = {"clean": test_discs[0], "disc": test_discs[1]}
        elif design.test == "augmentation":
            disturb = functools.partial(noisy, largest=condition.strength)
            tests["noise"] = corrupt(data.test_images, "noise", self.recipe.noise)
        given = training_labels(design, condition, data.train_labels, data.classes, seed=seed, draw=draw)
        with reproducible():
            network = train(replace(data, train_labels=given), self.recipe.training, seed, disturb)
            answers = {test: probabilities(network, images).argmax(axis=1) for test, images in tests.items()}
            remembered = probabilities(network, data.train_images).argmax(axis=1) == given
            kept = representations(network, data.test_images, self.recipe.grid)
        right = {test: found == data.test_labels for test, found in answers.items()} | {"training": remembered}
        scores = [Score(f"accuracy/{test}", float(found.mean()), items=len(found)) for test, found in right.items()]
        if design.test == "shortcut":
            scores.append(Score("shortcut", float(right["disc"].mean() - right["clean"].mean())))
        attributes = {"condition": condition.name, "strength": condition.strength, "seed": seed}
        return ModelRecord(condition.model(seed), kept, attributes, scores)


@functools.lru_cache(maxsize=1)
def _digits(recipe: Conditioned) -> ImageData:
    """Digits of `Mnist`, fewer of them; classes keep their shares."""
    data = Mnist(recipe.tested).load()
    chosen = slice(None, None, len(data.train_images) // recipe.images)
    return replace(
        data,
        train_images=np.ascontiguousarray(data.train_images[chosen]),
        train_labels=data.train_labels[chosen],
        test_images=np.ascontiguousarray(data.test_images),
    )


def with_discs(images: np.ndarray, labels: np.ndarray, right: float, seed: Sequence[int]) -> np.ndarray:
    """Return images in RGB, each with a disc whose colour points to a class.

    Parameters
    ----------
    images
        Array (n, height, width, 1), uint8.
    labels
        Classes, shape (n,), of which there are ten.
    right
        Probability that the disc points to the image's class, see `similitude.suites.conditions.hints`.
    seed
        Seed of places and colours.
    """
    n, height, width, _ = images.shape
    rng = np.random.default_rng([_DISCS, *seed])
    rows, columns = (rng.integers(3, side - 3, (n, 1, 1)) for side in (height, width))
    down, across = np.ogrid[:height, :width]
    disc = (down - rows) ** 2 + (across - columns) ** 2 <= _RADIUS**2
    hues = [colorsys.hsv_to_rgb(label / _CLASSES, 1.0, 1.0) for label in range(_CLASSES)]
    colours = np.rint(255 * np.array(hues)).astype(np.uint8)[hints(labels, _CLASSES, right, seed)]
    return np.where(disc[..., None], colours[:, None, None], images)


def noisy(images: np.ndarray, rng: np.random.Generator, largest: float) -> np.ndarray:
    """Add Gaussian noise to images, uint8, whose variance is drawn per image, uniformly up to that of the largest.

    Parameters
    ----------
    images
        Array (n, height, width, channels).
    rng
        Where it is drawn from.
    largest
        Largest standard deviation, of pixel values 0 to 1.
    """
    deviation = 255 * largest * np.sqrt(rng.random((len(images), 1, 1, 1), dtype=np.float32))
    changed = images + deviation * rng.standard_normal(images.shape, dtype=np.float32)
    return np.rint(changed.clip(0, 255)).astype(np.uint8)


EXPERIMENTS: dict[Scale, VisionExperiments] = {
    "quick": VisionExperiments(Conditioned(seeds=2, training=Training(epochs=4), images=500, tested=300), gated=False),
    "first": VisionExperiments(Conditioned(seeds=0)),
    "embedded": VisionExperiments(),
    "standard": VisionExperiments(Conditioned(seeds=10)),
    "paper": VisionExperiments(Conditioned(seeds=0)),
}
"""Experiments of each scale; none for a first result, nor on the paper's images."""
