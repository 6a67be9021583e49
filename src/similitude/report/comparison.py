"""Terminal tables of `similitude compare`: the values of one pair, or the matrix of many."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Group
from rich.table import Table
from rich.text import Text

from similitude.engine import PairTable
from similitude.engine.intervals import ends_of
from similitude.measures import Measure
from similitude.measures.describe import interval
from similitude.report.matrix import as_matrix
from similitude.report.numbers import probability, quantity, unit_of
from similitude.representations import Representation

__all__ = ["left_out_table", "matrix_table", "values_table"]

_WIDEST = 12
_MARK = "~"
"""Beside values that are within chance."""


def values_table(table: PairTable, measures: Sequence[Measure], x: Representation, y: Representation) -> Table:
    """All values of one pair, with intervals and chance where the table has them."""
    widths = " and ".join(f"{side.d:,}" if side.has_features else "RDM" for side in (x, y))
    title = f"{x.key} and {y.key}, n = {x.n:,}, d = {widths}"
    by_chance = ("chance", "z", "p") if table.chance is not None else ()
    row = table.frame.iloc[0]
    ends = {measure: ends_of(row, measure) for measure in measures}
    between = ["95 % interval"] * any(ends.values())
    printed = Table("measure", "value", *between, *by_chance, "range", "kind", title=title)
    for measure in measures:
        declared = measure.properties()
        unit = unit_of(declared.bounds)
        cells = [_number(row[str(measure)], unit)]
        if between:
            cells.append(
                f"[{', '.join(quantity(end, unit) for end in ends[measure].values())}]" if ends[measure] else ""
            )
        found = {name: float(table.matrix(measure, name).to_numpy()[0, 0]) for name in by_chance}
        cells += [probability(v) if name == "p" else quantity(v, unit) for name, v in found.items()]
        printed.add_row(str(measure), *cells, interval(declared), declared.kind)
    return printed


def matrix_table(
    matrix: pd.DataFrame, measure: Measure, n: int, width: int, within: pd.DataFrame | None = None
) -> Group | Table:
    """The matrix, or, where it is too wide to read, the nearest of the second side for each of the first.

    Values that are `within` chance are marked.
    """
    kind = measure.properties().kind
    title = f"{measure} ({kind}), n = {n:,}"
    shown = functools.partial(_number, unit=unit_of(measure.properties().bounds, matrix))
    if matrix.shape[1] <= _WIDEST:
        if within is None:
            return as_matrix(matrix, title, width, shown)
        texts = [
            [f"{shown(value)}{_MARK if by_chance else ''}" for value, by_chance in zip(values, hidden, strict=True)]
            for values, hidden in zip(matrix.to_numpy(), within.to_numpy(), strict=True)
        ]
        marked = pd.DataFrame(texts, index=matrix.index, columns=matrix.columns)
        return as_matrix(marked, f"{title}; {_MARK} within chance" if within.any(axis=None) else title, width, str)
    printed = Table("first", "most alike among the second", "value", title=f"{title}; --csv or --json has all")
    others = matrix.mask(np.equal.outer(matrix.index.to_numpy(), matrix.columns.to_numpy()))
    best = others.idxmax(axis=1, skipna=True) if kind == "similarity" else others.idxmin(axis=1, skipna=True)
    for (label, row), name in zip(matrix.iterrows(), best, strict=True):
        mark = _MARK if within is not None and within.at[label, name] else ""
        printed.add_row(str(label), str(name), shown(row[name]) + mark)
    return printed


def left_out_table(left_out: Mapping[str, str]) -> Table:
    """What could not be compared, each with its reason."""
    printed = Table("left out", "reason")
    for label, reason in left_out.items():
        printed.add_row(Text(label), Text(reason))
    return printed


def _number(value: Any, unit: float) -> str:
    return "failed" if pd.isna(value) else quantity(value, unit)
