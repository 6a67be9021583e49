"""Building the population by several processes; killed at any moment, it continues with the models that are missing."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from multiprocessing.connection import wait
from pathlib import Path

import numpy as np

from similitude.errors import InputError, SimilitudeError
from similitude.representations import PopulationWriter
from similitude.suites.base import BuildProgress
from similitude.suites.vision.data import Cifar10, ImageData, Mnist
from similitude.suites.vision.recipe import LAYERS, Recipe, model_name

__all__ = ["build_population"]


def build_population(
    folder: Path,
    name: str,
    source: Mnist | Cifar10,
    recipe: Recipe,
    *,
    workers: int = 2,
    progress: BuildProgress | None = None,
) -> None:
    """Train the networks that a population folder lacks.

    Each process has one thread and trains one network at a time, writes it whole, and takes the next; what a network
    becomes does not depend on which process trains it, nor on how many there are. Called from a script, the script
    needs the usual ``if __name__ == "__main__":`` of multiprocessing.

    Parameters
    ----------
    folder
        The population folder, created if absent.
    name
        Of the population.
    source
        Where the images come from.
    recipe
        How networks are trained and what is kept of them.
    workers
        Number of processes; each takes about half a gigabyte.
    progress
        Called at the start and after each network.

    Raises
    ------
    InputError
        The folder holds a population of other images or another recipe.
    """
    data = source.load()
    if recipe.training.batch > len(data.train_images):
        raise InputError(f"{len(data.train_images)} training images do not fill a batch of {recipe.training.batch}.")
    writer = _writer(folder, name, data, recipe)
    done = writer.done
    missing = [seed for seed in range(recipe.models) if model_name(seed) not in done]
    finished = recipe.models - len(missing)
    tell = progress or (lambda what, done, total: None)
    tell(name, finished, recipe.models)
    if not missing:
        return
    pool = ProcessPoolExecutor(
        min(workers, len(missing)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(writer, source, recipe),
    )
    try:
        jobs = [pool.submit(_build_model, seed) for seed in missing]
        for job in as_completed(jobs):
            job.result()
            finished += 1
            tell(name, finished, recipe.models)
    except BrokenProcessPool:
        raise SimilitudeError(
            "A process that trains networks was killed, perhaps for lack of memory. Finished networks are kept: "
            "run the command again, with fewer --workers if memory is short."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _writer(folder: Path, name: str, data: ImageData, recipe: Recipe) -> PopulationWriter:
    images = hashlib.blake2b(digest_size=16)
    for array in (data.train_images, data.train_labels, data.test_images, data.test_labels):
        images.update(np.ascontiguousarray(array).data)
    return PopulationWriter(
        folder,
        name,
        LAYERS,
        data.ids[: recipe.inputs],
        description="ResNet-14 networks that differ in their seed: initial weights and order of the training images.",
        reduction=f"grid_mean_pool({recipe.grid} x {recipe.grid})",
        settings={
            "recipe": asdict(recipe),
            "images": images.hexdigest(),
            "severities": dict(data.severities),
        },
    )


_work: tuple[PopulationWriter, ImageData, Recipe]
"""What a worker process trains with, set as it starts."""


def _start_worker(writer: PopulationWriter, source: Mnist | Cifar10, recipe: Recipe) -> None:
    global _work
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # on Ctrl-C go silently; the parent speaks
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _work = (writer, source.load(), recipe)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _build_model(seed: int) -> None:
    from similitude.suites.vision.record import model_record

    writer, data, recipe = _work
    writer.write(model_record(data, recipe, seed))
