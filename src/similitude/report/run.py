"""A run: subtasks chosen, populations there, measures graded, results written."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from similitude.benchmark.correlation import Protocol
from similitude.benchmark.double_map import double_heat_maps
from similitude.benchmark.evaluate import Evaluation, evaluate
from similitude.benchmark.results import save_grading
from similitude.benchmark.subtask import Functionality, Subtask
from similitude.engine.compute import MEMORY, Progress
from similitude.engine.ledger import Ledger
from similitude.errors import InputError
from similitude.measures import Measure, get_measures
from similitude.report import figures
from similitude.report.figures_run import draw_overview
from similitude.report.findings import findings
from similitude.report.labels import difference
from similitude.report.style import save
from similitude.report.tables import Layout, as_latex, as_markdown, lay_out
from similitude.report.written import replace_written
from similitude.representations import Population
from similitude.representations.tables import write_csv
from similitude.suites import SUITES, Site, Suite, built
from similitude.suites.arithmetic import is_documented_sample

__all__ = ["Choice", "choose", "run"]

RELIABLE = 0.9
"""Split-half reliability from which a spread over models is taken at its word."""

_SEED_PAIRS_MODELS = 6
"""Models whose pairs the double heat map averages: 15 pairs show the pattern."""


@dataclass(frozen=True)
class Choice:
    """Subtasks of a suite, and the site whose populations they run on."""

    suite: Suite
    site: Site
    subtasks: tuple[Subtask, ...]


def choose(names: Sequence[str], site: Site) -> list[Choice]:
    """Return suites and subtasks by name, all of them if none is named."""
    by_suite: dict[str, list[str]] = {}
    for name in names or [name for name in SUITES if SUITES[name].by_default]:
        by_suite.setdefault(name.partition("/")[0], []).append(name)
    choices = []
    for name, wanted in by_suite.items():
        suite = SUITES[name].at(site)
        choices.append(Choice(suite, site, suite.select(wanted)))
    return choices


def run(
    choices: Sequence[Choice],
    measures: Sequence[Measure],
    *,
    home: Path,
    out: Path,
    protocol: Protocol = "corrected",
    progress: Callable[[str], Progress] | None = None,
    command: str = "",
    resamples: int = 2000,
    memory: int = MEMORY,
    executor: str = "threads",
    left_out: Mapping[str, str] | None = None,
) -> tuple[Evaluation, Layout]:
    """Grade measures on populations that are built, and write everything that a run leaves.

    Writes ``results.csv``, ``results.json``, ``leave_one_out.csv``, ``table.md``, ``table.tex``, ``pairs.csv``,
    ``grading.npz``, ``differences.csv``, ``failures.csv``, ``functionalities.csv`` and the figures. The same
    populations and measures give the same bytes. For `memory` and `executor` see `similitude.engine.score_pairs`.
    `left_out` names networks that could not be read, with the reason; it is kept with the results.

    Returns
    -------
    Evaluation, Layout
        The grades, and the table laid out.
    """
    populations: dict[str, Population] = {}
    described = []
    for choice in choices:
        populations |= choice.suite.populations(choice.site)
        described.append(choice.suite.describe(choice.site))
    description = pd.concat(described, ignore_index=True)
    subtasks = built((subtask for choice in choices for subtask in choice.subtasks), populations)
    if not subtasks:
        asked = ", ".join(subtask.id for choice in choices for subtask in choice.subtasks)
        raise InputError(f"There are no networks for {asked}.")
    software = version("similitude")
    with Ledger(home / "ledger.sqlite") as ledger:
        evaluation = evaluate(
            subtasks,
            populations,
            measures,
            protocol=protocol,
            ledger=ledger,
            progress=progress,
            provenance={
                "command": command,
                "draws": {choice.suite.name: choice.site.draw for choice in choices},
                "smoke_test": any(choice.site.scale == "quick" for choice in choices),
                "another_sample": sorted(
                    name
                    for choice in choices
                    for name in {subtask.population for subtask in choice.subtasks}
                    if is_documented_sample(choice.suite.folder(choice.site, name)) is False
                ),
                "scales": {choice.suite.name: choice.site.scale for choice in choices},
                "similitude": software,
                "python": platform.python_version(),
                "numpy": version("numpy"),
                "scipy": version("scipy"),
                **({"left_out": dict(left_out)} if left_out else {}),
            },
            version=software,
            resamples=resamples,
            cache=home / "assessments",
            memory=memory,
            executor=executor,
        )
        weak = description[description["reliability"] < RELIABLE]
        noisy = [key for key in zip(weak["subtask"], weak["functionality"], strict=True) if key in evaluation.grading]
        layout = lay_out(evaluation.results, subtasks, noisy)
        out.mkdir(parents=True, exist_ok=True)
        drawn = _draw(choices, evaluation, populations, ledger, out / "figures", progress)
        drawn += draw_overview(evaluation.results, out / "figures", subtasks, noisy)
        replace_written(out / "figures", drawn, "run", alone=True)
    _write(evaluation, layout, description, out)
    return evaluation, layout


def _write(evaluation: Evaluation, layout: Layout, description: pd.DataFrame, out: Path) -> None:
    evaluation.results.write(out)
    (out / "table.md").write_text(as_markdown(layout), encoding="utf-8")
    (out / "table.tex").write_text(as_latex(layout), encoding="utf-8")
    write_csv(evaluation.pairs, out / "pairs.csv")
    write_csv(evaluation.differences, out / "differences.csv")
    write_csv(evaluation.failures, out / "failures.csv")
    write_csv(description, out / "functionalities.csv")
    save_grading(out / "grading.npz", evaluation.grading)


def _draw(
    choices: Sequence[Choice],
    evaluation: Evaluation,
    populations: dict[str, Population],
    ledger: Ledger,
    folder: Path,
    progress: Callable[[str], Progress] | None,
) -> list[Path]:
    """Draw the double heat map of each suite and the scatter of each functionality; return what was written."""
    drawn: list[Path] = []
    for choice in choices:
        graded = built(choice.subtasks, populations)
        across_layers = next((s for s in graded if s.pairing.against == "layers"), None)
        if across_layers is not None:
            population = populations[across_layers.population]
            seeds = population.subset(across_layers.select(population).models[:_SEED_PAIRS_MODELS])
            measures = get_measures(["cka", "pwcca"])
            tell = progress(f"{choice.suite.name}, double heat map") if progress else None
            maps = double_heat_maps(seeds, measures, ledger=ledger, progress=tell)
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
        difference=difference(functionality),
        n=n,
    )
    return save(figure, folder / f"{subtask.id}-{name}".replace("/", "-"))


def as_json(evaluation: Evaluation, folder: str = "results", names: Sequence[str] = ()) -> str:
    """Provenance, result rows and the three sentences of `similitude.report.findings` as one JSON object."""
    content = {
        "provenance": evaluation.results.provenance,
        "results": evaluation.results.records(),
        "findings": findings(evaluation.results, folder, names),
    }
    return json.dumps(content, indent=1, ensure_ascii=False)
