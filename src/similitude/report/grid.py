"""Text in columns for a terminal of any width: columns that do not fit beside each other are stacked in blocks."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

__all__ = ["Column", "Line", "stack"]

_LEAD = 20
"""Fewest characters for the names of lines where columns compete with them."""
_COMFORT = 36
"""Width from which names of lines have room enough, so that titles of columns need not break for them."""
_LIMITS = (60, 10, 7)
"""Widths at which titles of columns are broken, from whole to narrow."""
_GAP = 1


@dataclass(frozen=True)
class Column:
    """A column of numbers: its title and how its cells look, one per line that has cells."""

    title: str
    cells: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Line:
    """What stands in front of a line; a heading has no cells and may use the whole width."""

    text: str
    style: str = ""
    heading: bool = False
    indent: int = 0


def stack(lines: Sequence[Line], columns: Sequence[Column], width: int) -> list[list[Text]]:
    """Lay lines and columns out in as few blocks as fit a width; every block repeats the names of the lines.

    Titles break after underscores, commas and brackets, and within words only as far as it saves a block.

    Parameters
    ----------
    lines
        Names of the lines, from top to bottom.
    columns
        The columns; each has as many cells as there are lines that are no headings.
    width
        Number of characters of a line.

    Returns
    -------
    list of list of rich.text.Text
        Blocks of lines.
    """
    longest = max((line.indent + cell_len(line.text) for line in lines if not line.heading), default=0)
    lead = min(longest, _LEAD)
    arranged = []
    for limit in _LIMITS:
        titled = [(column, _pieces(column.title, limit)) for column in columns]
        blocks = _split(titled, width - lead)
        leads = [min(longest, max(lead, width - _used(block))) for block in blocks]
        cramped = max(min(longest, _COMFORT) - room for room in leads)
        arranged.append((len(blocks), max(cramped, 0), -limit, blocks, leads))
    *_, blocks, leads = min(arranged, key=lambda found: found[:3])
    return [_block(lines, block, room, width) for block, room in zip(blocks, leads, strict=True)]


_Titled = tuple[Column, list[str]]


def _split(columns: Sequence[_Titled], room: int) -> list[list[_Titled]]:
    """Columns of each block, which is filled as far as it goes."""
    blocks: list[list[_Titled]] = [[]]
    for column in columns:
        if blocks[-1] and _used([*blocks[-1], column]) > room:
            blocks.append([])
        blocks[-1].append(column)
    return blocks


def _used(columns: Sequence[_Titled]) -> int:
    return sum(_GAP + _widest(*column) for column in columns)


def _block(lines: Sequence[Line], columns: Sequence[_Titled], lead: int, width: int) -> list[Text]:
    widths = [_widest(column, title) for column, title in columns]
    height = max((len(title) for _, title in columns), default=0)
    shown = []
    for i in range(height):
        head = Text(" " * lead)
        for (_, title), wide in zip(columns, widths, strict=True):
            part = title[i - height + len(title)] if i >= height - len(title) else ""
            head.append(" " * (_GAP + wide - cell_len(part)) + part, "bold")
        head.rstrip()
        shown.append(head)
    shown.append(Text("─" * min(width, lead + sum(_GAP + wide for wide in widths)), "dim"))
    at = 0
    for line in lines:
        room = width if line.heading else lead
        names = _wrap(line.text, room - line.indent) or [""]
        for k, name in enumerate(names):
            text = Text(" " * line.indent).append(name, line.style)
            if k == 0 and not line.heading:
                text.append(" " * (lead - cell_len(text.plain)))
                for (column, _), wide in zip(columns, widths, strict=True):
                    cell, look = column.cells[at]
                    text.append(" " * (_GAP + wide - cell_len(cell)))
                    text.append(cell, look)
            text.rstrip()
            shown.append(text)
        at += not line.heading
    return shown


def _widest(column: Column, title: Sequence[str]) -> int:
    return max(map(cell_len, [*title, *(cell for cell, _ in column.cells)]))


def _pieces(title: str, limit: int) -> list[str]:
    """A title in lines of at most so many characters, if that can be; words are cut only where they must be."""
    parts = [part for part in re.split(r"(?<=[_,(/= ])", title) if part]
    lines: list[str] = []
    for part in parts:
        cut = [part[i : i + limit - 1] for i in range(0, len(part), limit - 1)] if len(part) > limit else [part]
        cut = [f"{piece}-" for piece in cut[:-1]] + cut[-1:]
        for piece in cut:
            if lines and not lines[-1].endswith("-") and len(lines[-1]) + len(piece) <= limit < len(title):
                lines[-1] += piece
            else:
                lines.append(piece)
    return [line.strip() for line in (lines if limit < len(title) else [title])]


def _wrap(text: str, room: int) -> list[str]:
    """Lines broken at spaces, and within an id after a slash or a comma."""
    if cell_len(text) <= room:
        return [text]
    spaced = re.sub(r"(?<=[/,_=])(?=\S)", "\u200b", text)  # where a line may break without a space
    lines: list[str] = [""]
    for part in re.split(r"(?<=[\s\u200b])", spaced):
        piece = part.replace("\u200b", "")
        if lines[-1] and cell_len((lines[-1] + piece).rstrip()) > room:
            lines.append("")
        lines[-1] += piece
    return [piece for line in lines for piece in (textwrap.wrap(line.rstrip(), max(room, 1)) or [""])]
