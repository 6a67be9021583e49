"""A matrix of values for a terminal: labels show what differs, and columns that do not fit stand in further blocks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any

import pandas as pd
from rich.console import Group
from rich.text import Text

from similitude.report.grid import Column, Line, stack

__all__ = ["as_matrix", "differing"]


def differing(labels: Sequence[str]) -> tuple[list[str], str]:
    """Split labels into what differs between them and what they share at both ends.

    Words stay whole: labels part at ``/``, ``.``, ``:``, ``-``, ``_`` and spaces only.

    Returns
    -------
    list of str, str
        The labels without what they share, and what they share with ``*`` in place of the rest; "" if it is nothing.

    Examples
    --------
    >>> differing(["net/block.1.out", "net/block.12.out"])
    (['1', '12'], 'net/block.*.out')
    """
    labels = list(labels)
    if len(set(labels)) < 2:
        return labels, ""
    before = re.sub(r"[^/.:\-_ ]*$", "", _beginning(labels))
    rest = [label[len(before) :] for label in labels]
    after = re.sub(r"^[^/.:\-_ ]*", "", _beginning([label[::-1] for label in rest])[::-1])
    short = [label[: len(label) - len(after)] for label in rest]
    if not all(short):
        return labels, ""
    return short, f"{before}*{after}" if before or after else ""


def _beginning(texts: Sequence[str]) -> str:
    """Characters that all texts begin with."""
    columns = takewhile(lambda characters: len(set(characters)) == 1, zip(*texts, strict=False))
    return "".join(characters[0] for characters in columns)


def as_matrix(matrix: pd.DataFrame, title: str, width: int, number: Callable[[Any], str]) -> Group:
    """Lay a matrix out for a terminal.

    Parameters
    ----------
    matrix
        Values, labelled.
    title
        Line above it.
    width
        Number of characters of a line.
    number
        Text of a value.
    """
    rows, of_rows = differing([str(label) for label in matrix.index])
    names, of_columns = differing([str(label) for label in matrix.columns])
    shared = [f"{side}: {common}" for side, common in (("rows", of_rows), ("columns", of_columns)) if common]
    columns = [
        Column(name, [(number(value), "") for value in values])
        for name, values in zip(names, matrix.to_numpy().T, strict=True)
    ]
    blocks = stack([Line(row) for row in rows], columns, width)
    return Group(
        Text(title, "bold"),
        *(Text(line, "dim") for line in shared),
        *(line for block in blocks for line in [*block, Text()]),
    )
