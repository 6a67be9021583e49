"""A leaderboard as one HTML file: everything in it, nothing fetched."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from similitude.benchmark.families import EVERYTHING, FAMILIES
from similitude.report.decisions import combination_text, decision_text, title_of
from similitude.report.page import assemble
from similitude.representations.tables import plain_records

if TYPE_CHECKING:
    from similitude.report.leaderboard import Leaderboard

__all__ = ["leaderboard_page"]

_COLUMNS = [
    *("family", "measure", "estimate", "low", "high", "rank", "rank_low", "rank_high", "distinct", "distinct_in_both"),
    *("failed", "seconds"),
]


def leaderboard_page(board: Leaderboard, figures: Path) -> str:
    """Return the page as text.

    Parameters
    ----------
    board
        The leaderboard.
    figures
        Folder of its figures; those that are there are part of the page.
    """
    standings = board.standings
    state = [_state(row) for row in standings.to_dict("records")]
    families = [f for f in [EVERYTHING, *FAMILIES] if (standings["family"] == f).any()]
    holds = board.verdicts[board.verdicts["outcome"] == "holds"]
    content: dict[str, Any] = {
        "findings": board.sentences(),
        "warnings": ["Smoke test: the networks are few and small, and the values mean nothing."] * board.smoke_test,
        "decisions": [
            {"question": row["question"], "advice": row["advice"], "evidence": decision_text(row)}
            for row in board.decisions.to_dict("records")
        ],
        "families": [
            {"key": family, "title": title_of(family), "about": _about(standings, family), "figure": f"places-{family}"}
            for family in families
        ],
        "standings": plain_records(standings[_COLUMNS].assign(state=state)),
        "verdicts": plain_records(holds[["family", "kind", "measure", "other", "value", "low", "high"]]),
        "combination": combination_text(board.combination),
        "held_out": plain_records(board.combination.held_out),
        "figures": {file.stem: _embedded(file) for file in sorted(figures.glob("*.png"))},
        "provenance": [(name, v if isinstance(v, str) else json.dumps(v)) for name, v in board.provenance.items()],
    }
    return assemble("leaderboard", ("tools", "leaderboard"), "similitude: leaderboard of measures", content)


def _state(row: Mapping[Any, Any]) -> str:
    """How a row looks: as a cell of a table of grades does (`similitude.report.evidence.State`)."""
    if row["failed"] or row["estimate"] != row["estimate"]:
        return "missing"
    if row["low"] <= 0 <= row["high"]:
        return "undecided"
    return "leading" if row["leading"] and row["tells"] and row["confirmed"] else "plain"


def _about(standings: Any, family: str) -> str:
    first = standings[standings["family"] == family].iloc[0]
    return f"Mean over {first['subtasks']} subtasks ({first['rows']} rows), {first['units']} networks or groups."


def _embedded(file: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"
