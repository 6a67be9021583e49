"""Building the population by several processes; killed at any moment, it continues with the models that are missing."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import asdict
from typing import Any

import numpy as np

from similitude.errors import InputError
from similitude.representations import PopulationWriter
from similitude.suites.arithmetic import measure_arithmetic, note_processor
from similitude.suites.base import Site, set_aside
from similitude.suites.jobs import start_workers
from similitude.suites.vision.data import Cifar10, ImageData, Mnist
from similitude.suites.vision.recipe import LAYERS, Recipe, model_name

__all__ = ["POPULATION", "build_population", "population_settings"]

POPULATION = "vision"


def build_population(site: Site, source: Mnist | Cifar10, recipe: Recipe) -> None:
    """Train the networks that a population lacks.

    Each process has one thread and trains one network at a time, writes it whole, and takes the next; what a network
    becomes does not depend on which process trains it, nor on how many there are.

    Parameters
    ----------
    site
        Where the population goes. Each process takes about half a gigabyte.
    source
        Where the images come from.
    recipe
        How networks are trained and what is kept of them.

    Raises
    ------
    InputError
        The folder holds a population of other images.
    """
    data = source.load()
    if recipe.training.batch > len(data.train_images):
        raise InputError(f"{len(data.train_images)} training images do not fill a batch of {recipe.training.batch}.")
    with start_workers(site.workers) as workers:
        arithmetic = measure_arithmetic(workers, "ResNet-14")
        settings = population_settings(site, data, recipe) | {"arithmetic": arithmetic}
        folder = site.folder(POPULATION)
        set_aside(folder, settings)
        writer = PopulationWriter(
            folder,
            POPULATION,
            LAYERS,
            data.ids[: recipe.inputs],
            description="ResNet-14 networks that differ in their seed: initial weights, order of the training images.",
            reduction=f"grid_mean_pool({recipe.grid} x {recipe.grid})",
            settings=settings,
        )
        note_processor(workers, folder, arithmetic)
        names = [model_name(site.seed(number)) for number in range(recipe.models)]
        missing = [number for number, name in enumerate(names) if name not in writer.done]
        finished = recipe.models - len(missing)
        workers.run(
            [
                functools.partial(_build_model, writer, source, recipe, site.seed(number), number < recipe.probed)
                for number in missing
            ],
            lambda done: site.progress(POPULATION, finished + done, recipe.models),
        )


def population_settings(site: Site, data: ImageData, recipe: Recipe) -> dict[str, Any]:
    """Return what determines the networks, apart from the arithmetic of the processor."""
    return {
        "recipe": asdict(recipe),
        "draw": site.draw,
        "images": _images_digest(data),
        "severities": dict(data.severities),
    }


def _images_digest(data: ImageData) -> str:
    images = hashlib.blake2b(digest_size=16)
    for array in (data.train_images, data.train_labels, data.test_images, data.test_labels):
        images.update(np.ascontiguousarray(array).data)
    return images.hexdigest()


@functools.lru_cache(maxsize=1)
def _loaded(source: Mnist | Cifar10) -> ImageData:
    return source.load()


def _build_model(writer: PopulationWriter, source: Mnist | Cifar10, recipe: Recipe, seed: int, probed: bool) -> None:
    from similitude.suites.vision.record import model_record

    writer.write(model_record(_loaded(source), recipe, seed, probed=probed))
