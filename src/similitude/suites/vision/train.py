"""Training one network: within one kind of arithmetic, the same seed gives the same network to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch.nn import functional

from similitude.suites.vision.corruptions import shift
from similitude.suites.vision.data import ImageData
from similitude.suites.vision.network import ResNet14
from similitude.suites.vision.recipe import Training

__all__ = ["reproducible", "train"]


@contextmanager
def reproducible() -> Iterator[None]:
    """One thread and deterministic algorithms, so that results depend on neither the machine's load nor its cores."""
    from threadpoolctl import threadpool_limits

    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        with threadpool_limits(1), torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)


def train(
    data: ImageData,
    training: Training,
    seed: int,
    disturb: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None,
) -> ResNet14:
    """Train a network from scratch; the seed decides its initial weights and the order of the images.

    Parameters
    ----------
    data, training, seed
        What it is trained on and how, and the seed of all that is random.
    disturb
        Function that returns a batch of images, uint8, with random changes; called for each batch.

    Returns
    -------
    ResNet14
        In evaluation mode.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    images, labels = data.train_images, torch.from_numpy(data.train_labels)
    pixels = images.reshape(-1, images.shape[-1]) / np.float32(255)
    mean, deviation = pixels.mean(axis=0), pixels.std(axis=0)
    network = ResNet14(training.width, training.stem_stride, data.classes, mean.tolist(), deviation.tolist())

    steps = training.epochs * (len(images) // training.batch)
    optimiser = torch.optim.SGD(
        network.parameters(), training.rate, momentum=0.9, nesterov=True, weight_decay=training.decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / (0.2 * steps), (steps - step) / (0.8 * steps))
    )
    for _ in range(training.epochs):
        order = rng.permutation(len(images))[: steps // training.epochs * training.batch]
        for chosen in order.reshape(-1, training.batch):
            batch = augmented(images[chosen], rng) if training.augment else images[chosen]
            if disturb is not None:
                batch = disturb(batch, rng)
            functional.cross_entropy(network(torch.from_numpy(batch)), labels[chosen]).backward()
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
    return network.eval()


def augmented(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mirror half of the images and shift each by up to an eighth of its side."""
    reach = images.shape[1] // 8
    mirrored = np.where(rng.random(len(images))[:, None, None, None] < 0.5, images[:, :, ::-1], images)
    down, right = rng.integers(-reach, reach + 1, (2, len(images)))
    return np.ascontiguousarray(shift(mirrored, down, right))
