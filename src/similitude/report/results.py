"""How results look: as text, as HTML in a notebook, and as a figure."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from functools import partial, singledispatch
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from similitude.benchmark.evaluate import Evaluation
from similitude.benchmark.results import Results
from similitude.differences.contributions import Contributions
from similitude.differences.divergence import Divergence
from similitude.doctor.diagnosis import Diagnosis
from similitude.engine import PairTable, PairValues
from similitude.engine.layer_choice import LayerChoice
from similitude.measures import Measure
from similitude.measures.describe import interval
from similitude.report.choice import sentences
from similitude.report.divergence import told
from similitude.report.numbers import probability, quantity, unit_of
from similitude.training.trajectory import Trajectory

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["as_html", "as_text", "draw", "most_alike"]

_MOST_ROWS, _MOST_COLUMNS = 20, 12
"""Size up to which a matrix is printed whole."""

_SIZE: Any = {"float_format": quantity, "max_rows": _MOST_ROWS, "max_cols": _MOST_COLUMNS}


@singledispatch
def as_text(result: Any) -> str:
    """Text of a result, without markup."""
    raise TypeError(type(result).__name__)


@singledispatch
def as_html(result: Any) -> str:
    """HTML of a result, for a notebook."""
    raise TypeError(type(result).__name__)


@singledispatch
def draw(result: Any, **options: Any) -> Figure:
    """Figure of a result, with the options of its own method ``plot``."""
    raise TypeError(type(result).__name__)


def _described(result: PairValues) -> pd.DataFrame:
    rows = [
        {
            "measure": name,
            "value": "undefined" if name in result.failures else quantity(value, unit_of(measure.properties().bounds)),
            "range": interval(measure.properties()),
            "kind": measure.properties().kind,
            "similar when": "large" if measure.properties().kind == "similarity" else "small",
        }
        for measure, (name, value) in zip(result.measures, result.to_frame()["value"].items(), strict=True)
    ]
    frame = pd.DataFrame(rows)
    if result.chance is not None:
        for name, text in (("chance", quantity), ("z", quantity), ("p", probability)):
            frame[name] = [text(value) for value in result.chance[name]]
    return frame


def _caption(result: PairValues) -> str:
    return f"n = {result.n:,} inputs, d = {result.widths[0]:,} and {result.widths[1]:,} features"


@as_text.register(PairValues)
def _(result: PairValues) -> str:
    reasons = [f"Undefined: {names}. {reason}" for reason, names in _reasons(result).items()]
    return "\n".join([_caption(result), _aligned(_described(result)), *reasons])


def _reasons(result: PairValues) -> dict[str, str]:
    """Reason to the measures that are undefined for it."""
    return {
        reason: ", ".join(name for name, other in result.failures.items() if other == reason)
        for reason in result.failures.values()
    }


@as_html.register(PairValues)
def _(result: PairValues) -> str:
    reasons = pd.DataFrame(
        [(names, reason) for reason, names in _reasons(result).items()], columns=["undefined", "reason"]
    )
    tables = [_described(result), reasons] if len(reasons) else [_described(result)]
    return f"<p>{_caption(result)}</p>" + "".join(table.to_html(index=False) for table in tables)


@draw.register(PairValues)
def _(result: PairValues) -> Figure:
    from similitude.report.figures_results import draw_values

    return draw_values(result)


def _aligned(frame: pd.DataFrame) -> str:
    """Text cells in columns, values to the right."""
    rows = [list(frame.columns), *frame.to_numpy().tolist()]
    widths = [max(len(row[j]) for row in rows) for j in range(len(frame.columns))]
    aligned = [
        [
            cell.rjust(width) if j == 1 or j > 4 else cell.ljust(width)
            for j, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]
    return "\n".join("  ".join(row).rstrip() for row in aligned)


def _heading(table: PairTable, measure: Measure) -> str:
    similar = "large" if measure.properties().kind == "similarity" else "small"
    return f"{measure} ({measure.properties().kind}: {similar} when similar), n = {table.n:,} inputs"


def _formatters(matrix: pd.DataFrame, measure: Measure) -> Any:
    unit = unit_of(measure.properties().bounds, matrix)
    return [partial(quantity, unit=unit)] * matrix.shape[1]


@as_text.register(PairTable)
def _(result: PairTable) -> str:
    parts = []
    for measure in result.measures:
        matrix = result.matrix(measure).rename_axis(index=None, columns=None)
        shown = matrix.to_string(formatters=_formatters(matrix, measure), max_rows=_MOST_ROWS, max_cols=_MOST_COLUMNS)
        parts.append(f"{_heading(result, measure)}\n{shown}")
    return "\n\n".join([*parts, *_most_alike(result), *_failures(result)])


def _most_alike(result: PairTable) -> list[str]:
    """Return a line per measure on its most alike pair, where chance was asked for."""
    return [] if result.largest is None else [most_alike(row) for row in result.largest.to_dict("records")]


def most_alike(row: Mapping[Any, Any]) -> str:
    """Return whether the most alike pair of a table is more alike than the most alike one by chance, in words."""
    sign = "≤" if row["null"] == "bound" else "="
    p = f"p {sign} {probability(row['p'])}".replace(f"{sign} <", "< ")
    return (
        f"{row['measure']}: the most alike are {row['first']} and {row['second']} ({quantity(row['value'])}); {p} for "
        f"the most alike of {row['pairs']:,} pairs"
    )


@as_html.register(PairTable)
def _(result: PairTable) -> str:
    parts = []
    for measure in result.measures:
        matrix = result.matrix(measure)
        shown = matrix.to_html(formatters=_formatters(matrix, measure), max_rows=_MOST_ROWS, max_cols=_MOST_COLUMNS)
        parts.append(f"<p>{_heading(result, measure)}</p>{shown}")
    return "".join([*parts, *(f"<p>{html.escape(line)}</p>" for line in [*_most_alike(result), *_failures(result)])])


@draw.register(PairTable)
def _(result: PairTable, *, measures: Sequence[Measure], annotate: bool, title: str | None, calibrated: bool) -> Figure:
    from similitude.report.figures import Map, heat_maps

    def panel(measure: Measure) -> Map:
        within = result.within_chance(measure)
        if calibrated:
            return Map(result.matrix(measure, "calibrated"), f"{measure}, calibrated", "similarity", (0.0, 1.0), within)
        declared = measure.properties()
        return Map(result.matrix(measure), str(measure), declared.kind, declared.bounds, within)

    maps = [panel(measure) for measure in measures]
    named = f"{maps[0].measure}, " if len(maps) == 1 else ""
    return heat_maps(maps, title or f"{named}n = {result.n:,} inputs", annotate=annotate)


def _divergence(result: Divergence) -> pd.DataFrame:
    shown = result.layers.drop(columns=["other", "equal"]) if result.matched_by == "name" else result.layers
    return shown.set_index("layer").rename_axis(index=None)


@as_text.register(Divergence)
def _(result: Divergence) -> str:
    table = [_divergence(result).to_string(float_format=quantity, max_rows=_MOST_ROWS)] if result.n else []
    return "\n".join([*told(result), *table])


@as_html.register(Divergence)
def _(result: Divergence) -> str:
    sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in told(result))
    return sentences + (_divergence(result).to_html(float_format=quantity, max_rows=_MOST_ROWS) if result.n else "")


@draw.register(Divergence)
def _(result: Divergence) -> Figure:
    from similitude.report.figures_divergence import draw_divergence

    return draw_divergence(result)


_SHOWN = ["id", "contribution", "difference", "chance", "p", "kept", "kind"]


def _contributions(result: Contributions) -> tuple[str, pd.DataFrame]:
    heading = f"{result.measure} = {quantity(result.value)}; {len(result.inputs):,} inputs, largest difference first"
    return heading, result.top()[_SHOWN]


@as_text.register(Contributions)
def _(result: Contributions) -> str:
    heading, table = _contributions(result)
    groups = [result.groups.to_string(index=False, float_format=quantity)] if len(result.groups) else []
    return "\n".join([heading, table.to_string(index=False, float_format=quantity), *groups])


@as_html.register(Contributions)
def _(result: Contributions) -> str:
    heading, table = _contributions(result)
    tables = [table, result.groups] if len(result.groups) else [table]
    return f"<p>{heading}</p>" + "".join(t.to_html(index=False, float_format=quantity) for t in tables)


@draw.register(Contributions)
def _(result: Contributions, *, top: int, images: Sequence[np.ndarray] | None = None) -> Figure:
    from similitude.report.figures_contributions import draw_contributions, draw_sheet

    return draw_contributions(result, top) if images is None else draw_sheet(result, images)


def _of_trajectory(result: Trajectory) -> list[tuple[str, pd.DataFrame]]:
    """Heading and table of each measure and reference."""
    found = []
    for measure, reference in result.compared:
        declared = measure.properties()
        similar = "large" if declared.kind == "similarity" else "small"
        heading = f"{measure} ({declared.kind}: {similar} when similar) with {reference}, n = {result.n:,} inputs"
        found.append((heading, result.table(measure, reference).rename_axis(columns=None)))
    return found


@as_text.register(Trajectory)
def _(result: Trajectory) -> str:
    return "\n\n".join(f"{heading}\n{table.to_string(**_SIZE)}" for heading, table in _of_trajectory(result))


@as_html.register(Trajectory)
def _(result: Trajectory) -> str:
    return "".join(f"<p>{escape(heading)}</p>{table.to_html(**_SIZE)}" for heading, table in _of_trajectory(result))


@draw.register(Trajectory)
def _(result: Trajectory) -> Figure:
    from similitude.report.figures_training import draw_trajectory

    return draw_trajectory(result)


@as_text.register(LayerChoice)
def _(result: LayerChoice) -> str:
    table = result.layers.set_index("layer").rename_axis(None)
    return "\n".join([*sentences(result), table.to_string(**_SIZE)])


@as_html.register(LayerChoice)
def _(result: LayerChoice) -> str:
    table = result.layers.set_index("layer").rename_axis(None)
    return "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences(result)) + table.to_html(**_SIZE)


@draw.register(LayerChoice)
def _(result: LayerChoice) -> Figure:
    from similitude.report.figures_training import draw_choice

    return draw_choice(result)


@as_text.register(Diagnosis)
def _(result: Diagnosis) -> str:
    return (
        "\n".join(f"{finding.severity}: {finding.where}: {finding.text}" for finding in result) or "No problems found."
    )


@as_html.register(Diagnosis)
def _(result: Diagnosis) -> str:
    return result.to_frame().to_html(index=False) if result else "<p>No problems found.</p>"


def _title(results: Results) -> str:
    statistic = _statistic(results)
    return f"Rank correlation ({statistic}) of dissimilarity with difference in functionality: 1 is best, 0 is chance"


def _statistic(results: Results) -> str:
    statistics = list(results.frame["statistic"].unique())
    return "spearman" if "spearman" in statistics or not statistics else str(statistics[0])


def _grades(results: Results) -> pd.DataFrame:
    """Return a row per functionality, a column per measure, and the grades on which verdicts rest."""
    column = "every" if "every" in results.frame else "estimate"
    return results.table(_statistic(results), column).rename_axis(columns=None)


@as_text.register(Results)
def _(result: Results) -> str:
    return f"{_title(result)}\n{_grades(result).to_string(float_format='{:.3f}'.format)}"


@as_html.register(Results)
def _(result: Results) -> str:
    return f"<p>{_title(result)}</p>{_grades(result).to_html(float_format='{:.3f}'.format)}"


@as_text.register(Evaluation)
def _(result: Evaluation) -> str:
    return "\n".join([as_text(result.results), *_failures(result)])


@as_html.register(Evaluation)
def _(result: Evaluation) -> str:
    return as_html(result.results) + "".join(f"<p>{line}</p>" for line in _failures(result))


def _failures(result: PairTable | Evaluation) -> list[str]:
    return [f"{len(result.failures)} value(s) failed; .failures has the reasons."] if len(result.failures) else []
