"""What the numbers of a run are evidence of: which cells lead, which are undecided, and what a row says in words."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from similitude.benchmark.results import Results, answering

__all__ = [
    "RELIABLE",
    "SYMBOLS",
    "Cell",
    "Grades",
    "Row",
    "Standing",
    "State",
    "caption",
    "read_grades",
    "smoke_tests",
    "strongest",
    "why_no_emphasis",
]

State = Literal["leading", "tells", "undecided", "against", "missing", "plain"]
"""What a cell is evidence of.

- ``leading``: tracks the functionality, and no measure is distinguishably better;
- ``tells``: tracks it (the interval lies above 0);
- ``undecided``: the interval includes 0;
- ``against``: the interval lies below 0;
- ``missing``: the measure has no value here;
- ``plain``: there is no interval to judge by.
"""


@dataclass(frozen=True)
class Cell:
    """Grade of one measure on one row.

    Parameters
    ----------
    every, low, high
        What verdicts rest on, and its interval; NaN where a run has none. Of functionalities, Spearman ρ averaged over
        every model as the reference; of groups, AUPRC corrected for chance; of layers, mean ρ with layer distance.
    best
        Spearman ρ against the best model; of groups, AUPRC; of layers, the share of violated triples.
    failed
        Number of pairs on which the measure failed.
    state
        What the cell is evidence of.
    """

    every: float
    low: float
    high: float
    best: float
    failed: int
    state: State

    @property
    def both(self) -> bool:
        """Whether there are two estimates to show."""
        return self.state == "missing" or not math.isnan(self.every)

    @property
    def value(self) -> float:
        """The estimate that a verdict rests on; of a run that has only the best reference, that one."""
        return self.every if self.both else self.best


SYMBOLS = {
    "spearman": "ρ",
    "kendall": "τ",
    "separation": "AUPRC above chance",
    "monotonicity": "ρ with layer distance",
}
"""Statistic to what it is called in tables and on axes."""

RELIABLE = 0.9
"""Split-half reliability from which a spread over models is taken at its word."""

_NO_CELL = Cell(math.nan, math.nan, math.nan, math.nan, 0, "missing")


@dataclass(frozen=True)
class Row:
    """One subtask and functionality, with a cell per measure.

    Parameters
    ----------
    subtask, functionality
        Their ids.
    label, difference, modality, varies, description
        For people, as far as the run kept them; `difference` is the label of an axis.
    models, pairs, groups, inputs
        Numbers of models, of pairs with the best model, of the groups that models come from (None if independent), and
        of the inputs that representations are of (None if it was not kept).
    weak
        Whether part of the spread over models is noise of the test items.
    smoke
        Whether the population is the small one of ``--quick``, whose values mean nothing.
    apart
        Whether the row can tell measures apart.
    cells
        Measure to its cell.
    statistic
        Which statistic cells are of: that of `read_grades`, ``"separation"`` or ``"monotonicity"``.
    saturated
        Whether measures have nothing left to be told apart by.
    """

    subtask: str
    functionality: str
    label: str
    difference: str
    modality: str
    varies: str
    description: str
    models: int
    pairs: int
    groups: int | None
    inputs: int | None
    weak: bool
    smoke: bool
    apart: bool
    cells: Mapping[str, Cell]
    statistic: str = "spearman"
    saturated: bool = False

    @property
    def symbol(self) -> str:
        """Name of what cells show."""
        return SYMBOLS[self.statistic]

    def measures(self, *states: State) -> list[str]:
        """Measures whose cells are in one of some states."""
        return [measure for measure, cell in self.cells.items() if cell.state in states]

    @property
    def tracked(self) -> bool:
        """Whether any measure tracks the functionality."""
        return bool(self.measures("leading", "tells"))

    @property
    def judged(self) -> bool:
        """Whether cells have intervals to judge by."""
        return len(self.measures("plain")) < len(self.cells)

    @property
    def verdict(self) -> str:
        """The row in words, where the cells alone do not say it."""
        if self.smoke:
            return "smoke test"
        if not self.judged:
            return ""
        if self.saturated:
            return "saturated"
        if not self.tracked:
            return {"separation": "none separates them", "monotonicity": "none follows it"}.get(
                self.statistic, "none tracks it"
            )
        return "" if self.apart or len(self.cells) == 1 else "measures tie"

    @property
    def size(self) -> str:
        """Number of models, and of the groups that they come from."""
        return f"{self.models}" + (f" in {self.groups} groups" if self.groups is not None else "")


@dataclass(frozen=True)
class Standing:
    """A measure over all rows that can tell measures apart.

    Parameters
    ----------
    mean_rank, low, high
        Mean place, 1 is best, and its interval; NaN where a run has none.
    worst, worst_low, worst_high
        The smallest ρ and the interval of that cell; NaN where the measure failed on a row.
    """

    mean_rank: float
    low: float
    high: float
    worst: float
    worst_low: float
    worst_high: float


@dataclass(frozen=True)
class Grades:
    """A run's grades, read as evidence.

    Parameters
    ----------
    measures
        Ids, in the order of the run.
    rows
        One per subtask and functionality.
    standings
        Measure to its standing; empty if no row can tell measures apart.
    counted
        Number of rows that the standings are over.
    reason
        Why nothing is emphasised; empty where cells are.
    another_sample
        Names of populations whose networks are not the documented ones: their arithmetic is another.
    by_test
        Mean ranks by test, see `similitude.benchmark.results.Results.by_test`; smoke tests do not count.
    """

    measures: list[str]
    rows: list[Row]
    standings: dict[str, Standing]
    counted: int
    reason: str
    another_sample: tuple[str, ...] = ()
    by_test: pd.DataFrame = field(default_factory=pd.DataFrame)


def read_grades(results: Results, statistic: str = "spearman") -> Grades:
    """Read results as evidence.

    Parameters
    ----------
    results
        The grades. Rows that they say nothing about (see `Results.functionalities`) show their ids.
    statistic
        Which correlation to read of functionalities, ``"spearman"`` or ``"kendall"``.
    """
    frame = answering(results.frame, statistic)
    smoke = smoke_tests(results)
    about = results.functionalities
    known = {} if about is None else {(row["subtask"], row["functionality"]): row for row in about.to_dict("records")}
    measures = [str(measure) for measure in frame["measure"].unique()]
    rows = [
        _row(of_row, measures, known.get((subtask, functionality), {}), smoke=suite in smoke)
        for (suite, subtask, functionality), of_row in frame.groupby(
            [_suite(frame), "subtask", "functionality"], sort=False
        )
    ]
    standings, counted = _standings(results, smoke, rows, statistic)
    other = tuple(results.provenance.get("another_sample") or ())
    real = dataclasses.replace(results, frame=results.frame[~_suite(results.frame).isin(smoke)])
    return Grades(measures, rows, standings, counted, why_no_emphasis(results), other, real.by_test())


def strongest(rows: Sequence[Row]) -> tuple[Row, str] | None:
    """The row and the measure with the strongest evidence, by the lower end of the interval; None if nothing tells."""
    telling = [(row, measure) for row in rows for measure in row.measures("leading", "tells")]
    return max(telling, key=lambda found: found[0].cells[found[1]].low, default=None)


def smoke_tests(results: Results) -> set[str]:
    """Names of suites whose populations are the small ones of ``--quick``, which learn nothing worth grading."""
    scales = results.provenance.get("scales") or {}
    if not scales and results.provenance.get("smoke_test"):
        return set(_suite(results.frame))
    return {str(suite) for suite, scale in scales.items() if scale == "quick"}


def _suite(frame: pd.DataFrame) -> pd.Series:
    """Name of the suite of each row of results."""
    return frame["subtask"].map(lambda subtask: str(subtask).partition("/")[0])


def why_no_emphasis(results: Results) -> str:
    """Why no cell is emphasised, in a sentence; empty if cells are."""
    suites = set(_suite(results.frame))
    if suites and suites <= smoke_tests(results):
        return "Smoke test: values mean nothing, so nothing is emphasised."
    if results.provenance.get("protocol") == "published":
        return "The published protocol has no intervals over models, so nothing is emphasised."
    if not {"tells", "leading", "every_low"} <= set(results.frame.columns):
        return "This run holds no verdicts (an earlier version made it), so nothing is emphasised; run again for them."
    return ""


def caption(grades: Grades) -> str:
    """Sentences that say what the two numbers of a cell are, and which one verdicts rest on."""
    asked = {row.statistic for row in grades.rows}
    two = any(cell.both for row in grades.rows for cell in row.cells.values())
    sentences = []
    if asked - set(_OF_OTHERS) or not asked:
        sentences.append(
            "Cells: Spearman ρ of dissimilarity with difference in functionality, averaged over every model as the "
            "reference; in parentheses, with the best model as the only reference."
            if two
            else "Cells: Spearman ρ of dissimilarity with difference in functionality against the best model."
        )
    others = _OF_OTHERS if two else _AS_PUBLISHED
    sentences += [sentence for statistic, sentence in others.items() if statistic in asked]
    return " ".join([*sentences, *["Verdicts rest on the first."] * two])


_OF_OTHERS = {
    "separation": "Of groups: AUPRC corrected for chance, which is 0 by chance and 1 if all pairs within a group are "
    "the closest; in parentheses, AUPRC itself.",
    "monotonicity": "Of layers: mean Spearman ρ of dissimilarity with the distance of layers in one model; in "
    "parentheses, the share of triples of layers that violate their order.",
}

_AS_PUBLISHED = {
    "separation": "Of groups: AUPRC.",
    "monotonicity": "Of layers: mean Spearman ρ of dissimilarity with the distance of layers in one model.",
}


def _row(frame: pd.DataFrame, measures: Sequence[str], about: Mapping[Any, Any], *, smoke: bool) -> Row:
    first = frame.iloc[0]
    functionality = str(first["functionality"])
    groups = first.get("n_groups")
    cells = {str(r["measure"]): _cell(r, smoke) for r in frame.to_dict("records")}
    return Row(
        subtask=str(first["subtask"]),
        functionality=functionality,
        label=about.get("label") or functionality,
        difference=about.get("difference") or f"difference in {functionality}",
        modality=about.get("modality") or "",
        varies=about.get("varies") or "",
        description=about.get("description") or "",
        models=int(first["n_models"]),
        pairs=int(frame["n_pairs"].max()),
        groups=None if groups is None or pd.isna(groups) or not groups else int(groups),
        inputs=None if pd.isna(_number(about.get("n_inputs"))) else int(about["n_inputs"]),
        weak=_number(about.get("reliability")) < RELIABLE,
        smoke=smoke,
        apart=bool(first.get("apart", not frame.get("leading", pd.Series([True])).all())),
        statistic=str(first["statistic"]),
        saturated=bool(first.get("saturated") is True or first.get("saturated") == 1),
        cells=dict.fromkeys(measures, _NO_CELL) | cells,
    )


def _cell(row: Mapping[Any, Any], smoke: bool) -> Cell:
    every, low, high = (_number(row.get(name)) for name in ("every", "every_low", "every_high"))
    state: State
    if smoke or any(pd.isna(row.get(name)) for name in ("tells", "leading")) or "every" not in row:
        state = "plain"
    elif math.isnan(every):
        state = "missing"
    elif bool(row["tells"]):
        state = "leading" if bool(row["leading"]) else "tells"
    else:
        state = "against" if high < 0 else "undecided"
    other = row["violation"] if row["statistic"] == "monotonicity" and "every" in row else row["estimate"]
    return Cell(every, low, high, _number(other), int(row["n_failed"]), state)


def _standings(
    results: Results, smoke: set[str], rows: Sequence[Row], statistic: str
) -> tuple[dict[str, Standing], int]:
    """Mean ranks over the rows of real populations; rows that cannot tell measures apart do not count."""
    real = results.frame[~_suite(results.frame).isin(smoke)]
    if real.empty:
        return {}, 0
    summary = dataclasses.replace(results, frame=real).summary(statistic)
    counted = len(real[["subtask", "functionality"]].drop_duplicates())
    if "rows" in summary:
        counted = int(summary["rows"].max())
    standings = {}
    for measure, row in summary.iterrows():
        worst = _number(row["worst"])
        cells = [of_row.cells[str(measure)] for of_row in rows if of_row.apart and not of_row.smoke]
        low, high = next(((c.low, c.high) for c in cells if c.value == worst), (math.nan, math.nan))
        rank, *ends = (_number(row[name]) for name in ("mean_rank", "mean_rank_low", "mean_rank_high"))
        standings[str(measure)] = Standing(rank, ends[0], ends[1], worst, low, high)
    return (standings, counted) if counted else ({}, 0)


def _number(value: Any) -> float:
    return float("nan") if value is None or pd.isna(value) else float(value)
