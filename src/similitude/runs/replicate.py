"""A replication: the same subtasks graded on two independent draws of networks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Sequence
from dataclasses import replace

from similitude.benchmark.evaluate import Evaluation, evaluate
from similitude.benchmark.questions import Monotonicity, Separation
from similitude.benchmark.replication import replicated_estimates, replicated_verdicts
from similitude.benchmark.subtask import Grouping, Subtask
from similitude.engine.compute import Progress
from similitude.engine.ledger import Ledger
from similitude.errors import InputError
from similitude.factors.memory import MEMORY
from similitude.measures import Measure
from similitude.report.replication import Replication
from similitude.representations import Population
from similitude.runs.grade import Choice
from similitude.suites import built

__all__ = ["can_be_halved", "grade_part", "half_of", "replicate"]


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
        into two halves, see `half_of`.
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
        grade_part(choices, measures, half, progress=progress, resamples=resamples)
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
    """Return one half, 0 or 1, of the networks of a subtask, or of their groups.

    Networks are taken in turn, in the order of the population, so that two subtasks of which one uses the first
    networks of a population only have the same halves. Where groups are to be kept apart, each is split.
    """
    selected = subtask.select(population)
    models = list(selected.models)
    if isinstance(subtask.question, Separation):
        counted: Counter[str] = Counter()
        place = []
        for label in Grouping(subtask.question.by, "across").labels(selected):
            place.append(counted[label])
            counted[label] += 1
    else:
        units = models if subtask.grouping is None else list(subtask.grouping.labels(selected))
        number = {unit: i for i, unit in enumerate(dict.fromkeys(units))}
        place = [number[unit] for unit in units]
    return selected.subset([model for model, i in zip(models, place, strict=True) if i % 2 == half])


def can_be_halved(subtask: Subtask, population: Population) -> bool:
    """Return whether there are enough networks for both halves to have intervals."""
    selected = subtask.select(population)
    if isinstance(subtask.question, Separation):
        labels = Grouping(subtask.question.by, "across").labels(selected)
        return min(Counter(labels).values()) >= 2 * _LEAST_IN_GROUP
    if subtask.grouping is not None and len(set(subtask.grouping.labels(selected))) < _LEAST_GROUPS:
        return False
    least = _LEAST_OF_LAYERS if isinstance(subtask.question, Monotonicity) else _LEAST_MODELS
    return len(selected.models) >= 2 * least


_LEAST_MODELS, _LEAST_OF_LAYERS, _LEAST_IN_GROUP, _LEAST_GROUPS = 4, 2, 3, 4
"""Networks of a half that intervals take, and groups of the whole."""


def grade_part(
    choices: Sequence[Choice],
    measures: Sequence[Measure],
    half: int | None = None,
    *,
    undivided: Container[str] = (),
    progress: Callable[[str], Progress] | None = None,
    resamples: int = 2000,
    tests: int | None = None,
    memory: int = MEMORY,
    executor: str = "threads",
) -> Evaluation:
    """Grade measures on the networks of a draw that are built, or on one half of them (0 or 1).

    Of the subtasks whose ids are in `undivided`, all networks count.

    Raises
    ------
    InputError
        None of the networks is there.
    """
    site = choices[0].site
    populations: dict[str, Population] = {}
    for choice in choices:
        populations |= choice.suite.populations(choice.site)
    subtasks = built((subtask for choice in choices for subtask in choice.subtasks), populations)
    if not subtasks:
        asked = ", ".join(subtask.id for choice in choices for subtask in choice.subtasks)
        raise InputError(f"No networks of draw {site.draw} are there for {asked}.")
    part = f"draw {site.draw}" if half is None else ("first half", "second half")[half]
    sampled = {subtask.id: subtask.population for subtask in subtasks}
    if half is not None:
        # Subtasks may use different networks of one population, so each gets a population of its own.
        populations = {
            s.id: s.select(populations[s.population])
            if s.id in undivided
            else half_of(s, populations[s.population], half)
            for s in subtasks
        }
        subtasks = [replace(s, population=s.id, models=None) for s in subtasks]
    with Ledger(site.home / "ledger.sqlite") as ledger:
        evaluation = evaluate(
            subtasks,
            populations,
            measures,
            ledger=ledger,
            progress=None if progress is None else lambda what: progress(f"{what}, {part}"),
            resamples=resamples,
            tests=tests,
            memory=memory,
            executor=executor,
            cache=site.home / "assessments",
        )
    without = evaluation.results.leave_one_out
    assert without is not None
    kept = without.assign(population=without["subtask"].map(sampled))
    return replace(evaluation, results=replace(evaluation.results, leave_one_out=kept))
