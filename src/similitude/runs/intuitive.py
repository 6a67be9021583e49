"""The intuitive tests of a suite beside its benchmark."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from similitude.benchmark.evaluate import evaluate
from similitude.benchmark.intuitive.study import seed_study
from similitude.benchmark.intuitive.verdicts import Marks, opening_claim
from similitude.benchmark.subtask import Subtask
from similitude.engine.compute import Progress
from similitude.engine.ledger import Ledger
from similitude.measures import Measure
from similitude.report.intuitive import IntuitiveReport
from similitude.representations import Population
from similitude.suites import Site, Suite, built

__all__ = ["run_intuitive", "seed_subtask"]


def seed_subtask(suite: Suite) -> tuple[Subtask, str]:
    """The subtask whose networks differ in seed over all layers, and what truncated layers are scored by ("" if none).

    The first subtask across layers, or, in a suite without one, the first.
    """
    subtasks = suite.subtasks()
    chosen = next((s for s in subtasks if s.pairing.against == "layers"), subtasks[0])
    deletions = (s for s in subtasks if s.pairing.against == "deletions" and s.population == chosen.population)
    functionality = next((f.name for s in deletions for f in s.functionalities), "")
    return chosen, functionality


def run_intuitive(
    suite: Suite,
    site: Site,
    measures: Sequence[Measure],
    *,
    models: int = 6,
    progress: Callable[[str], Progress] | None = None,
) -> IntuitiveReport:
    """Test measures on a suite's networks, and grade them on its subtasks.

    Parameters
    ----------
    suite, site
        The suite, and where its populations are built.
    measures
        What to test.
    models
        Networks used for the tests, the first of the population.
    progress
        See `evaluate`.
    """
    suite = suite.at(site)
    populations: dict[str, Population] = suite.populations(site)
    subtask, functionality = seed_subtask(suite)
    population = subtask.select(populations[subtask.population])
    chosen = population.subset(population.models[:models])
    with Ledger(site.home / "ledger.sqlite") as ledger:
        tell = progress(f"{suite.name}, intuitive tests") if progress else None
        study = seed_study(chosen, measures, functionality=functionality, ledger=ledger, progress=tell)
        graded = evaluate(built(suite.subtasks(), populations), populations, measures, ledger=ledger, progress=progress)
    grades = graded.results.summary()
    marks = {
        str(t.measure): Marks(
            t.specificity.depth_over_seed.estimate,
            t.sensitivity.detected[-1].estimate,
            float(grades["mean_rank"].get(str(t.measure), np.nan)),
        )
        for t in study.tested
    }
    return IntuitiveReport(suite.name, study, grades, opening_claim(marks))
