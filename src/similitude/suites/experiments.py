"""Building populations of networks that differ by design, in parallel and resumable.

Every network is a job of its own and depends on its condition and seed alone, so that the number of workers changes
nothing. Networks are checked before they are written. One that fails a gate of its condition is trained from another
seed, and counted; a condition of which three seeds in a row fail ends the build.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol

import pandas as pd

from similitude.benchmark import Separation, Subtask
from similitude.errors import DegeneratePopulation
from similitude.representations import ModelRecord, PopulationWriter, is_population, open_population
from similitude.suites.arithmetic import measure_arithmetic, note_processor
from similitude.suites.base import GATE_COLUMNS, Site, made_by, set_aside
from similitude.suites.conditions import Condition, Design
from similitude.suites.jobs import start_workers

__all__ = ["Experiments", "build", "count_missing", "figures", "is_complete", "missing"]

_TRIES = 3
"""Seeds that are tried for one network; by chance, one may fail the gates of a condition that works."""
_APART = 300
"""Distance of such seeds, more than there are networks of a group, and within those of a draw."""


class Experiments(Protocol):
    """How the networks of one architecture are trained under the conditions of several designs.

    Objects are pickled to the workers, so they hold recipes, not data.
    """

    @property
    def architecture(self) -> str:
        """Key of `similitude.suites.arithmetic.EXPECTED`."""
        ...

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers that are kept, from input to output."""
        ...

    @property
    def reduction(self) -> str:
        """How the outputs of layers became n x d."""
        ...

    @property
    def designs(self) -> Mapping[str, Design]:
        """Designs by population."""
        ...

    @property
    def gated(self) -> bool:
        """Whether networks must pass the gates; not at the scale of a smoke test."""
        ...

    def seeds(self, design: Design) -> int:
        """Return the number of networks per condition; 0 leaves the design out."""
        ...

    def ids(self) -> Sequence[str]:
        """Return the names of the inputs that networks are represented on."""
        ...

    def settings(self) -> dict[str, Any]:
        """Return what decides the networks, apart from design, draw, and the arithmetic of the processor."""
        ...

    def record(self, design: Design, condition: Condition, seed: int, draw: int) -> ModelRecord:
        """Train a network, and return what is kept of it: representations, and the scores that gates ask for.

        Parameters
        ----------
        design, condition
            How it is trained.
        seed
            Seed of the network.
        draw
            Number of the draw of seeds, for what the networks of a draw share.
        """
        ...


def missing(site: Site, experiments: Experiments, population: str) -> list[tuple[Condition, int]]:
    """Return conditions and seeds of the networks that a population lacks, all of them if another recipe made it."""
    design, folder = experiments.designs[population], site.folder(population)
    seeds = [site.seed(number) for number in range(experiments.seeds(design))]
    own = made_by(folder, _settings(site, experiments, population))
    done = set(open_population(folder).models) if own else set()
    # Seeds come first: a condition that fails its gates does so early.
    return [(c, seed) for seed in seeds for c in design.conditions if c.model(seed) not in done]


def is_complete(site: Site, experiments: Experiments, population: str) -> bool:
    """Return whether a population has all its networks, made by the present recipe."""
    return not missing(site, experiments, population)


def build(site: Site, experiments: Iterable[Experiments], populations: Collection[str] | None = None) -> None:
    """Train what is missing of some populations, by default of all.

    Raises
    ------
    DegeneratePopulation
        Networks of three seeds in a row fail a gate of their condition.
    """
    lacking = [
        (of_architecture, name)
        for of_architecture in experiments
        for name in of_architecture.designs
        if (populations is None or name in populations) and not is_complete(site, of_architecture, name)
    ]
    if not lacking:
        return
    with start_workers(site.workers) as workers:
        arithmetic = {
            architecture: measure_arithmetic(workers, architecture)
            for architecture in dict.fromkeys(of_architecture.architecture for of_architecture, _ in lacking)
        }
        jobs, total = [], 0
        for of_architecture, name in lacking:
            found = arithmetic[of_architecture.architecture]
            design, folder = of_architecture.designs[name], site.folder(name)
            settings = _settings(site, of_architecture, name) | {"arithmetic": found}
            set_aside(folder, settings)
            writer = PopulationWriter(
                folder,
                name,
                of_architecture.layers,
                of_architecture.ids(),
                description=f"{of_architecture.architecture} networks that differ in {design.varies}.",
                reduction=of_architecture.reduction,
                settings=settings,
            )
            note_processor(workers, folder, found)
            total += len(design.conditions) * of_architecture.seeds(design)
            jobs += [
                functools.partial(_train, writer, of_architecture, design, condition, seed, site.draw)
                for condition, seed in missing(site, of_architecture, name)
            ]
        finished = total - len(jobs)
        workers.run(jobs, lambda done: site.progress("networks that differ by design", finished + done, total))


def count_missing(site: Site, experiments: Iterable[Experiments], populations: Collection[str] | None = None) -> int:
    """Return how many networks some populations lack, by default all."""
    return sum(
        len(missing(site, of_architecture, name))
        for of_architecture in experiments
        for name in of_architecture.designs
        if populations is None or name in populations
    )


def figures(site: Site, experiments: Iterable[Experiments], subtasks: Iterable[Subtask]) -> pd.DataFrame:
    """Return what networks show of their conditions, for the subtasks on groups whose populations are there.

    Returns
    -------
    pandas.DataFrame
        Columns subtask, and those of `similitude.suites.conditions.Design.figures`.
    """
    designs = {name: design for of_architecture in experiments for name, design in of_architecture.designs.items()}
    found = [
        designs[subtask.population].figures(population).assign(subtask=subtask.id)
        for subtask in subtasks
        if isinstance(subtask.question, Separation) and is_population(site.folder(subtask.population))
        if (population := open_population(site.folder(subtask.population))).models
    ]
    return pd.concat(found, ignore_index=True)[GATE_COLUMNS] if found else pd.DataFrame(columns=GATE_COLUMNS)


def _settings(site: Site, experiments: Experiments, population: str) -> dict[str, Any]:
    design = experiments.designs[population]
    conditions = [asdict(condition) for condition in design.conditions]
    return {**experiments.settings(), "conditions": conditions, "gated": experiments.gated, "draw": site.draw}


def _train(
    writer: PopulationWriter, experiments: Experiments, design: Design, condition: Condition, seed: int, draw: int
) -> None:
    first: DegeneratePopulation | None = None
    for redrawn in range(_TRIES):
        record = experiments.record(design, condition, seed + _APART * redrawn, draw)
        try:
            if experiments.gated:
                condition.check(record)
        except DegeneratePopulation as error:
            first = first or error
            continue
        if redrawn:
            attributes = {**record.attributes, "redrawn": redrawn}
            record = replace(record, model=condition.model(seed), attributes=attributes)
        writer.write(record)
        return
    raise DegeneratePopulation(f"{first} {_TRIES - 1} other seeds failed too.")
