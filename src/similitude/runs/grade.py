"""A run: subtasks chosen, populations there, measures graded, results written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from similitude.benchmark.evaluate import Evaluation, combine, evaluate
from similitude.benchmark.intuitive.scores import double_map
from similitude.benchmark.intuitive.study import layer_blocks
from similitude.benchmark.protocols import ProtocolName
from similitude.benchmark.questions import TESTS, named_tests
from similitude.benchmark.results import Results, save_grading
from similitude.benchmark.subtask import Functionality, Subtask
from similitude.engine.compute import Progress
from similitude.engine.ledger import Ledger
from similitude.errors import InputError
from similitude.factors.memory import MEMORY
from similitude.measures import Measure, get_measures
from similitude.report import figures
from similitude.report.figures_run import draw_overview
from similitude.report.findings import findings
from similitude.report.style import save
from similitude.report.tables import as_latex, as_markdown, lay_out
from similitude.report.written import replace_written
from similitude.representations import Population
from similitude.representations.tables import plain_records, write_csv
from similitude.representations.text import json_text, write_text
from similitude.runs.provenance import software
from similitude.suites import SUITES, Site, Suite, built
from similitude.suites.arithmetic import is_documented_sample
from similitude.suites.base import resolve_home
from similitude.suites.scales import Scale

__all__ = ["Choice", "Run", "choose", "of_tests", "run"]

_SEED_PAIRS_MODELS = 6
"""Models whose pairs the double heat map averages: 15 pairs show the pattern."""


@dataclass(frozen=True)
class Choice:
    """Subtasks of a suite, and the site whose populations they run on."""

    suite: Suite
    site: Site
    subtasks: tuple[Subtask, ...]


def choose(names: Sequence[str], site: Site, tests: Sequence[str] = ()) -> list[Choice]:
    """Return suites and subtasks by name, all of them if none is named; with tests, only subtasks of these."""
    by_suite: dict[str, list[str]] = {}
    for name in names or [name for name in SUITES if SUITES[name].by_default]:
        by_suite.setdefault(name.partition("/")[0], []).append(name)
    choices = []
    for name, wanted in by_suite.items():
        suite = SUITES[name].at(site)
        choices.append(Choice(suite, site, suite.select(wanted)))
    return of_tests(choices, tests)


def of_tests(choices: Sequence[Choice], tests: Sequence[str]) -> list[Choice]:
    """Return choices with their subtasks of some tests only; all of them if there are no tests.

    Raises
    ------
    InputError
        No subtask belongs to one of the tests.
    """
    if not tests:
        return list(choices)
    kept = [replace(c, subtasks=tuple(s for s in c.subtasks if s.test in tests)) for c in choices]
    if not any(choice.subtasks for choice in kept):
        known = {subtask.test for choice in choices for subtask in choice.subtasks} - {""}
        belong = f"They belong to {', '.join(t for t in TESTS if t in known)}." if known else "They belong to no test."
        raise InputError(f"None of the subtasks belongs to the test {' or '.join(tests)}. {belong}")
    return [choice for choice in kept if choice.subtasks]


def run(
    suites: str | Suite | Sequence[str | Suite] = (),
    measures: str | Measure | Iterable[str | Measure] | None = None,
    *,
    out: str | Path,
    home: str | Path | None = None,
    scale: Scale = "embedded",
    draw: int = 0,
    workers: int = 2,
    tests: Sequence[str] = (),
    **options: Any,
) -> Evaluation:
    """Build missing populations, grade measures on them, and write tables and figures: ``similitude run`` in Python.

    Parameters
    ----------
    suites
        Names of suites or subtasks, such as ``"vision/ood"``, or suites such as `similitude.OwnSuite`; by default all
        suites that a run has by default.
    measures
        Ids; by default the measures of Ding et al. 2021.
    out
        Folder of results; see `Run` for what is in it.
    home
        Where populations and finished values are kept; by default the platform's cache folder for users.
    scale, draw, workers
        How many networks, from which seeds, trained by how many processes; see `similitude.Site`.
    tests
        Only subtasks of these tests, see `similitude.benchmark.questions.TESTS`; by default all.
    **options
        Of `Run`: ``protocol``, ``resamples``, ``memory``, ``executor``.

    Returns
    -------
    Evaluation
        Grades, pairs, differences and failures of all suites.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = run("synthetic", "cka,random", out=f"{folder}/results", home=folder, scale="quick", resamples=50)
    >>> sorted(found.results.frame["measure"].unique())
    ['cka', 'random']
    """
    site = Site(resolve_home(home), scale, draw, workers)
    given = [suites] if isinstance(suites, str | Suite) else list(suites)
    names = [suite for suite in given if isinstance(suite, str)]
    choices = choose(names, site) if names or not given else []
    choices += [Choice(s, site, tuple(s.subtasks())) for s in given if isinstance(s, Suite)]
    choices = of_tests(choices, named_tests(tests, TESTS))
    graded = Run(choices, get_measures(measures), out=Path(out), command="similitude.run", **options)
    for choice in choices:
        choice.suite.build(choice.site, {subtask.population for subtask in choice.subtasks})
        graded.grade(choice)
    return graded.evaluation()


class Run:
    """A run that grades suites one after the other, and leaves the results so far after each.

    Writes ``results.csv``, ``results.json``, ``leave_one_out.csv``, ``table.md``, ``table.tex``, ``pairs.csv``,
    ``grading.npz``, ``standings.csv``, ``differences.csv``, ``failures.csv``, ``functionalities.csv``, the figures, and
    ``gates.csv`` where networks differ by design.
    The same populations and measures give the same bytes.

    Parameters
    ----------
    choices
        What will be graded, at sites of one home; at least one.
    measures
        What to grade.
    out
        Folder of results.
    protocol, resamples
        See `similitude.benchmark.evaluate.evaluate`.
    command
        The command behind the run, for its provenance.
    memory, executor
        See `similitude.engine.score_pairs`.
    tests
        Number of tests that p-values are adjusted for, which decides how many permutations there are; by default all
        of the run.
    details
        Whether to draw the figures, and to keep pairs and what grades are computed from (``table.*``, ``pairs.csv``,
        ``grading.npz``), whose size grows with the number of measures.
    """

    def __init__(
        self,
        choices: Sequence[Choice],
        measures: Sequence[Measure],
        *,
        out: Path,
        protocol: ProtocolName = "corrected",
        command: str = "",
        resamples: int = 2000,
        memory: int = MEMORY,
        executor: str = "threads",
        tests: int | None = None,
        details: bool = True,
    ) -> None:
        self._details = details
        self._measures = measures
        self._home = choices[0].site.home
        self._out = out
        self._command = command
        self._software = software()
        self._settings: dict[str, Any] = {
            "protocol": protocol,
            "resamples": resamples,
            "memory": memory,
            "executor": executor,
            "cache": self._home / "assessments",
            "version": self._software["similitude"],
            "tests": tests or len(measures) * sum(len(s.functionalities) for c in choices for s in c.subtasks),
        }
        self._graded: list[tuple[Choice, Evaluation]] = []
        self._evaluation: Evaluation | None = None
        self._figures: list[Path] = []

    def grade(self, choice: Choice, progress: Callable[[str], Progress] | None = None) -> Results:
        """Grade the measures on a suite whose populations are built, and write all results so far.

        Returns
        -------
        Results
            Of this suite.

        Raises
        ------
        InputError
            None of its populations is there.
        """
        populations = choice.suite.populations(choice.site)
        subtasks = built(choice.subtasks, populations)
        if not subtasks:
            raise InputError(f"There are no networks for {', '.join(subtask.id for subtask in choice.subtasks)}.")
        with Ledger(self._home / "ledger.sqlite") as ledger:
            evaluation = evaluate(
                subtasks,
                populations,
                self._measures,
                ledger=ledger,
                progress=progress,
                provenance=self._provenance([choice]),
                **self._settings,
            )
            evaluation = _described(evaluation, choice)
            self._graded.append((choice, evaluation))
            self._evaluation = combine(
                [evaluation for _, evaluation in self._graded], self._provenance([choice for choice, _ in self._graded])
            )
            if self._details:
                self._figures += _draw(choice, evaluation, populations, ledger, self._out / "figures", progress)
        self._write()
        return evaluation.results

    def evaluation(self) -> Evaluation:
        """Return the grades of all suites so far, of which there must be one."""
        assert self._evaluation is not None
        return self._evaluation

    def findings(self, names: Sequence[str] = ()) -> list[str]:
        """Return the three sentences of `similitude.report.findings` on all suites so far."""
        return findings(self.evaluation().results, str(self._out), names)

    def as_json(self, names: Sequence[str] = ()) -> str:
        """Return provenance, result rows and the three sentences as one JSON object."""
        results = self.evaluation().results
        content = {
            "provenance": results.provenance,
            "results": results.records(),
            "standings": plain_records(results.by_test()),
            **({} if results.gates is None else {"gates": plain_records(results.gates)}),
            "findings": self.findings(names),
        }
        return json_text(content)

    def _provenance(self, choices: Sequence[Choice]) -> dict[str, Any]:
        left_out = {
            f"{choice.suite.name}/{key}": reason for choice in choices for key, reason in choice.suite.left_out.items()
        }
        packages: dict[str, Any] = {}
        for choice in choices:
            populations = {subtask.population for subtask in choice.subtasks}
            unavailable = choice.suite.unavailable(choice.site, populations)
            left_out |= {s.id: unavailable[s.population] for s in choice.subtasks if s.population in unavailable}
            used = choice.suite.packages(populations - unavailable.keys())
            packages |= {package.name: package.provenance for package in used}
        return {
            "command": self._command,
            "draws": {choice.suite.name: choice.site.draw for choice in choices},
            "smoke_test": any(choice.site.scale == "quick" for choice in choices),
            "another_sample": sorted(
                name
                for choice in choices
                for name in {subtask.population for subtask in choice.subtasks}
                if is_documented_sample(choice.suite.folder(choice.site, name)) is False
            ),
            "scales": {choice.suite.name: choice.site.scale for choice in choices},
            **self._software,
            **({"packages": packages} if packages else {}),
            **({"left_out": left_out} if left_out else {}),
        }

    def _write(self) -> None:
        evaluation, out = self.evaluation(), self._out
        results = evaluation.results
        out.mkdir(parents=True, exist_ok=True)
        results.write(out)
        write_csv(evaluation.failures, out / "failures.csv")
        write_csv(results.by_test(), out / "standings.csv")
        if self._details:
            layout = lay_out(results)
            overview = draw_overview(results, out / "figures")
            replace_written(out / "figures", [*self._figures, *overview], "run", alone=True)
            write_text(out / "table.md", as_markdown(layout))
            write_text(out / "table.tex", as_latex(layout))
            write_csv(evaluation.differences, out / "differences.csv")
            write_csv(evaluation.pairs, out / "pairs.csv")
            save_grading(out / "grading.npz", evaluation.grading)


def _described(evaluation: Evaluation, choice: Choice) -> Evaluation:
    """Add what its networks show to the results of a suite: the spread of functionalities, and of conditions."""
    results = evaluation.results
    assert results.functionalities is not None
    spread = choice.suite.describe(choice.site)
    key = ["subtask", "functionality"]
    about = results.functionalities.merge(spread, how="left", on=key)
    # A suite may describe more than it grades, such as accuracies in distribution.
    graded = pd.MultiIndex.from_frame(about[key])
    more = spread["subtask"].isin(about["subtask"]) & ~pd.MultiIndex.from_frame(spread[key]).isin(graded)
    about = pd.concat([about, spread[more]], ignore_index=True) if more.any() else about
    gates = choice.suite.gates(choice.site)
    gates = gates[gates["subtask"].isin(about["subtask"])].reset_index(drop=True)
    shown = replace(results, functionalities=about, gates=gates if len(gates) else None)
    return replace(evaluation, results=shown)


def _draw(
    choice: Choice,
    evaluation: Evaluation,
    populations: dict[str, Population],
    ledger: Ledger,
    folder: Path,
    progress: Callable[[str], Progress] | None,
) -> list[Path]:
    """Draw the double heat map of a suite and the scatter of each functionality; return what was written."""
    drawn: list[Path] = []
    graded = built(choice.subtasks, populations)
    across_layers = next((s for s in graded if s.pairing.against == "layers"), None)
    if across_layers is not None:
        population = populations[across_layers.population]
        seeds = population.subset(across_layers.select(population).models[:_SEED_PAIRS_MODELS])
        measures = get_measures(["cka", "pwcca"])
        tell = progress(f"{choice.suite.name}, double heat map") if progress else None
        blocks = layer_blocks(seeds, measures, ledger=ledger, progress=tell)
        maps = {str(measure): double_map(values) for measure, values in zip(measures, blocks, strict=True)}
        n = seeds.representation(seeds.models[0], seeds.layers[0]).n
        count = len(seeds.models) * (len(seeds.models) - 1) // 2
        figure = figures.double_heat_map(maps, seeds.layers, pairs=count, n=n, title=choice.suite.name)
        drawn += save(figure, folder / f"{choice.suite.name}-double-heat-map")
    for subtask in graded:
        population = populations[subtask.population]
        n = population.representation(population.models[0], population.layers[0]).n
        for functionality in subtask.functionalities:
            drawn += _draw_scatter(subtask, functionality, evaluation, n, folder)
    return drawn


def _draw_scatter(
    subtask: Subtask, functionality: Functionality, evaluation: Evaluation, n: int, folder: Path
) -> list[Path]:
    name = functionality.name
    frame = evaluation.results.frame
    chosen = frame[
        (frame["subtask"] == subtask.id) & (frame["functionality"] == name) & (frame["statistic"] == "spearman")
    ]
    pairs = evaluation.pairs
    rows = pairs[(pairs["subtask"] == subtask.id) & (pairs["functionality"] == name)]
    figure = figures.scatter(
        rows,
        list(chosen["measure"]),
        chosen.rename(columns={"estimate": "rho"}).set_index("measure"),
        title=f"{subtask.id}, {functionality}",
        difference=functionality.difference,
        n=n,
    )
    return save(figure, folder / f"{subtask.id}-{name}".replace("/", "-"))
