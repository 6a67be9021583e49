"""A replication: the same subtasks graded on two independent draws of networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from similitude.benchmark.evaluate import Evaluation, evaluate
from similitude.benchmark.replication import replicated_estimates, replicated_verdicts
from similitude.benchmark.subtask import Subtask
from similitude.engine.compute import Progress
from similitude.engine.ledger import Ledger
from similitude.errors import InputError
from similitude.factors.memory import MEMORY
from similitude.measures import Measure
from similitude.report.replication import Replication
from similitude.representations import Population
from similitude.runs.grade import Choice
from similitude.suites import built

__all__ = ["half_of", "replicate"]


def replicate(
    original: Sequence[Choice],
    replication: Sequence[Choice],
    measures: Sequence[Measure],
    *,
    progress: Callable[[str], Progress] | None = None,
    resamples: int = 2000,
) -> Replication:
    """Grade measures on two draws of networks that are built, and compare the verdicts.

    Parameters
    ----------
    original, replication
        The same subtasks at sites of different draws. Of the same site, its networks (or groups of networks) are split
        into two halves, in their order.
    measures
        What to grade.
    progress
        See `similitude.benchmark.evaluate.evaluate`.
    resamples
        Number of bootstrap resamples of models, for the intervals of the best reference.
    """
    site, other = original[0].site, replication[0].site
    halves = (None, None) if site != other else (0, 1)
    evaluations = [
        _graded(choices, measures, progress, resamples, half)
        for choices, half in zip((original, replication), halves, strict=True)
    ]
    provenance = {
        "scale": site.scale,
        "draws": [site.draw, other.draw],
        "halves": site == other,
        "subtasks": [subtask.id for choice in original for subtask in choice.subtasks],
        "measures": [str(measure) for measure in measures],
    }
    return Replication(
        replicated_estimates(*evaluations),
        replicated_verdicts(*evaluations),
        provenance,
        sum(len(evaluation.failures) for evaluation in evaluations),
    )


def half_of(subtask: Subtask, population: Population, half: int) -> Population:
    """Return the first (0) or second (1) half of the networks of a subtask, or of their groups."""
    selected = subtask.select(population)
    units = list(selected.models)
    if subtask.grouping is not None:
        units = [str(label) for label in selected.attributes.loc[units, subtask.grouping.attribute]]
    names = list(dict.fromkeys(units))
    middle = len(names) // 2
    chosen = set(names[:middle] if half == 0 else names[middle:])
    return selected.subset([model for model, unit in zip(selected.models, units, strict=True) if unit in chosen])


def _graded(
    choices: Sequence[Choice],
    measures: Sequence[Measure],
    progress: Callable[[str], Progress] | None,
    resamples: int,
    half: int | None,
) -> Evaluation:
    site = choices[0].site
    populations: dict[str, Population] = {}
    for choice in choices:
        populations |= choice.suite.populations(choice.site)
    subtasks = built((subtask for choice in choices for subtask in choice.subtasks), populations)
    if not subtasks:
        asked = ", ".join(subtask.id for choice in choices for subtask in choice.subtasks)
        raise InputError(f"No networks of draw {site.draw} are there for {asked}.")
    part = f"draw {site.draw}" if half is None else ("first half", "second half")[half]
    if half is not None:
        # Subtasks may use different networks of one population, so each gets a population of its own.
        populations = {s.id: half_of(s, populations[s.population], half) for s in subtasks}
        subtasks = [replace(s, population=s.id, models=None) for s in subtasks]
    with Ledger(site.home / "ledger.sqlite") as ledger:
        return evaluate(
            subtasks,
            populations,
            measures,
            ledger=ledger,
            progress=None if progress is None else lambda what: progress(f"{what}, {part}"),
            resamples=resamples,
            memory=MEMORY,
            cache=site.home / "assessments",
        )
