"""`similitude run`: grade measures on the suites."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from similitude.benchmark.protocols import ProtocolName
from similitude.benchmark.questions import TESTS, named_tests
from similitude.cli.build import SCALES_HELP, build_choices
from similitude.cli.console import (
    PIPE_WIDTH,
    Draw,
    Home,
    JsonOutput,
    MeasureIds,
    Workers,
    make_folder,
    memory_option,
    note,
    parse_size,
    print_sentences,
    progress_bars,
    stdout,
)
from similitude.engine.executors import parse_executor
from similitude.errors import InputError, UnknownName, suggestion
from similitude.factors.memory import MEMORY
from similitude.measures import get_measures
from similitude.report.tables import lay_out
from similitude.report.terminal import as_rich, has_tests, show_gates, standings
from similitude.representations.names import first_repeated
from similitude.runs.grade import Choice, Run, choose, of_tests
from similitude.runs.provenance import command_line
from similitude.suites import SUITES, Scale, Site
from similitude.suites.base import resolve_home
from similitude.suites.own.suite import OwnSuite

__all__ = ["command"]

_GRADING = 0.5
"""About how many minutes the grades of a suite take, for the estimate of the time that is left."""


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SUITE|SUBTASK|FOLDER",
            help="What to run: names listed by `similitude suites`, or a folder of your own networks.",
            show_default="all suites whose networks are trained here",
        ),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(
            help="CSV table of your networks' scores: a column 'model' and one column per functionality, such as "
            "'accuracy' or 'loss (lower is better)'.",
            dir_okay=False,
        ),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            help="Folder of your networks' predictions: MODEL.npz, one array (test items, classes) of probabilities "
            "per test set, and labels.npz.",
            file_okay=False,
        ),
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(
            help="CSV table of the groups of your networks: columns 'network' and 'group'.",
            dir_okay=False,
        ),
    ] = None,
    tests: Annotated[
        list[str] | None,
        typer.Option(
            "--test",
            "-t",
            help=f"Only subtasks of these tests, separated by commas: {', '.join(TESTS)}. labels is both of labels_*.",
            show_default="all tests",
        ),
    ] = None,
    measures: MeasureIds = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for tables, figures and data.")] = Path("results"),
    json: JsonOutput = False,
    protocol: Annotated[
        ProtocolName,
        typer.Option(
            help="Leave out the reference's pair with itself (corrected), or keep it, as in the paper (published)."
        ),
    ] = "corrected",
    quick: Annotated[
        bool, typer.Option("--quick", help="The same as --scale quick: a smoke test whose values mean nothing.")
    ] = False,
    embedded: Annotated[
        bool,
        typer.Option("--embedded", help="The same as --scale embedded."),
    ] = False,
    scale: Annotated[
        Scale | None,
        typer.Option(
            help=SCALES_HELP,
            show_default="embedded",
        ),
    ] = None,
    resamples: Annotated[
        int, typer.Option(min=100, help="Bootstrap resamples of models, for intervals and p-values.")
    ] = 2000,
    draw: Draw = 0,
    workers: Workers = 2,
    memory: Annotated[str | None, memory_option(MEMORY)] = None,
    executor: Annotated[
        str,
        typer.Option(help="Where values are computed: threads, serial, processes:N, dask, dask:tcp://host:8786."),
    ] = "threads",
    home: Home = None,
) -> None:
    """Build missing populations, compare networks, and print how well each measure tracks their behaviour.

    Examples: `similitude run --quick`, `similitude run vision/ood -m cka,procrustes -o ood`,
    `similitude run ./mine --scores scores.csv`,
    `similitude run ./mine --groups groups.csv`, `similitude run --test labels,shortcut`.
    """
    site = Site(resolve_home(home), _scale(scale, quick, embedded), draw, workers)
    chosen = get_measures(measures)
    allowed = parse_size(memory, MEMORY)
    try:
        parse_executor(executor)  # before networks are trained for minutes
    except InputError:
        raise InputError(
            f"--executor {executor}: write threads, serial, processes, processes:N, dask or dask:tcp://host:port."
        ) from None

    own = [name for name in names or [] if Path(name).is_dir() and name not in SUITES]
    shipped = [name for name in names or [] if name not in own]
    for name in shipped:
        if name.partition("/")[0] not in SUITES:
            raise UnknownName(f"There is no suite and no folder {name!r}. {suggestion(name, SUITES)}".rstrip())
    asked = named_tests([test.strip() for given in tests or [] for test in given.split(",")], TESTS)
    of_folder = (
        ("scores", scores, "scores.csv"),
        ("predictions", predictions, "FOLDER"),
        ("groups", groups, "groups.csv"),
    )
    for option, value, example in of_folder:
        if value is not None and len(own) != 1:
            raise InputError(
                f"--{option} goes with one folder of networks: similitude run FOLDER --{option} {example}."
            )
    choices = choose(shipped, site, asked) if shipped or not own else []
    for folder in own:
        suite = OwnSuite(folder, scores, predictions, allowed, groups)
        choices += of_tests([Choice(suite, Site(site.home), suite.subtasks())], asked)
    if repeated := first_repeated(choice.suite.name for choice in choices):
        raise InputError(f"Two of the folders and suites are called {repeated[0]!r}. Rename one, or run it by itself.")
    make_folder(out)
    graded = Run(
        choices,
        chosen,
        out=out,
        protocol=protocol,
        command=command_line(),
        resamples=resamples,
        memory=allowed,
        executor=executor,
    )
    console = stdout(PIPE_WIDTH)
    minutes = {
        choice.suite.name: choice.suite.minutes(choice.site, {subtask.population for subtask in choice.subtasks})
        for choice in choices
    }
    with progress_bars() as bars:
        bars.steps(sum(minutes.values()) + _GRADING * len(choices))
        for choice in choices:
            name = choice.suite.name
            with bars.step(f"{name}: networks", minutes[name]):
                build_choices([choice], bars)
            with bars.step(f"{name}: grading", _GRADING):
                found = graded.grade(choice, bars)
            if not json:
                with bars.hidden():
                    if choice.site.scale == "quick":
                        console.print("smoke test: values mean nothing\n", style="bold")
                    console.print(as_rich(lay_out(found), console.width))
                    console.print()
                    if found.gates is not None:
                        console.print(show_gates(found.gates, console.width))
                        console.print()
    evaluation = graded.evaluation()
    if json:
        typer.echo(graded.as_json(names or []))
    else:
        whole = lay_out(evaluation.results)
        if len(choices) > 1 or has_tests(whole):
            console.print(standings(whole, console.width))
            console.print()
        print_sentences(console, graded.findings(names or []))
    note(f"{evaluation.computed} values computed, {evaluation.reused} reused. Tables, pairs and figures are in {out}.")
    left_out = evaluation.results.provenance.get("left_out", {})
    for key, reason in left_out.items():
        note(f"Left out: {key}: {reason}")
    if len(evaluation.failures):
        note(
            f"{len(evaluation.failures)} values failed; failures.csv names them. The first: "
            f"{evaluation.failures['reason'].iloc[0]}"
        )
    if len(evaluation.failures) or left_out:
        raise typer.Exit(1)


def _scale(scale: Scale | None, quick: bool, embedded: bool) -> Scale:
    asked: set[Scale] = {scale} if scale is not None else set()
    asked |= {"quick"} if quick else set()
    asked |= {"embedded"} if embedded else set()
    if len(asked) > 1:
        raise InputError(f"The scales {' and '.join(sorted(asked))} exclude each other. Give one of them.")
    return asked.pop() if asked else "embedded"
