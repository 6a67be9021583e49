"""Which measure to use for what: one decision per family of questions, with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from similitude.benchmark.challenge import CHALLENGE
from similitude.benchmark.combination import Combination
from similitude.benchmark.families import EVERYTHING, FAMILIES
from similitude.benchmark.statistics.monotonicity import SATURATED
from similitude.report.numbers import interval, number

__all__ = ["combination_text", "decide", "decision_text", "milliseconds", "title_of"]

_NONE = "no measure tells; measure the behaviour"
_ANY = "almost any measure tells; choose by other needs"


def decide(standings: pd.DataFrame) -> pd.DataFrame:
    """Choose a measure for each family, where one is good enough on evidence that holds.

    A measure is in the running if its mean is above 0 allowing for all measures, that holds in both halves of the
    networks, and no measure is distinctly better. Where there is none, or the best of them is below `CHALLENGE`, the
    advice is to measure the behaviour itself. Where the median of all measures is at the end of the scale, nothing
    tells them apart, and none is named.

    Parameters
    ----------
    standings
        ``leaderboard.csv`` of a leaderboard.

    Returns
    -------
    pandas.DataFrame
        One row per family that was graded: family, question, advice, measure (the best in the running, or the best of
        all where there is none), estimate, low, high, units, subtasks, ties (how many more are in the running),
        cheapest (of them all) and its seconds, larger (how many measures have a larger mean that does not hold in both
        halves), largest and largest_estimate (the best of these), and reason (why no measure is named).
    """
    rows = []
    for family in [*FAMILIES, EVERYTHING]:
        of_family = standings[(standings["family"] == family) & standings["estimate"].notna()]
        if of_family.empty:
            continue
        of_family = of_family.sort_values("estimate", ascending=False, kind="stable")
        sound = of_family["tells"] & of_family["confirmed"] & of_family["leading"]
        running = of_family[sound.astype(bool)]
        good = len(running) > 0 and float(running["estimate"].iloc[0]) >= CHALLENGE
        best = (running if good else of_family).iloc[0]
        saturated = good and float(of_family["estimate"].median()) >= SATURATED
        timed = running[running["seconds"].notna()].sort_values("seconds", kind="stable")
        cheapest = timed.iloc[0] if good and len(timed) else None
        larger = of_family[(of_family["estimate"] > best["estimate"]) & ~of_family["confirmed"].astype(bool)]
        row: dict[str, Any] = {
            "family": family,
            "question": FAMILIES.get(family, "all of these"),
            "advice": _NONE if not good else _ANY if saturated else best["measure"],
            **{name: best[name] for name in ("measure", "estimate", "low", "high", "units", "subtasks")},
            "ties": len(running) - 1 if good else 0,
            "cheapest": "" if cheapest is None else cheapest["measure"],
            "seconds": float("nan") if cheapest is None else float(cheapest["seconds"]),
            "larger": len(larger),
            "largest": larger["measure"].iloc[0] if len(larger) else "",
            "largest_estimate": float(larger["estimate"].iloc[0]) if len(larger) else float("nan"),
            "reason": _reason(best.to_dict()) if not good else _END if saturated else "",
        }
        rows.append(row)
    return pd.DataFrame(rows)


_END = f"so do others, the median measure reaches {number(SATURATED)} or more"


def _reason(best: Mapping[Any, Any]) -> str:
    if best["estimate"] < CHALLENGE:
        return f"less than {number(CHALLENGE)}"
    if not best["tells"]:
        return "not above 0, allowing for all measures"
    return "not shown to be above 0 in both halves of the networks"


def title_of(family: str) -> str:
    """Return the question of a family as a title."""
    question = "All families" if family == EVERYTHING else FAMILIES[family]
    return question[0].upper() + question[1:]


def milliseconds(seconds: float | None) -> str:
    """Return a time in milliseconds, two digits."""
    return "—" if seconds is None or pd.isna(seconds) else f"{1000 * seconds:.2g}"


def decision_text(row: Mapping[Any, Any]) -> str:
    """Return the evidence of a decision: the best mean with its interval, over how many networks, and who ties."""
    value = f"{number(row['estimate'])} {interval(row['low'], row['high'])}"
    over = f"{row['units']} networks or groups, {row['subtasks']} subtask{'s' * (row['subtasks'] != 1)}"
    if row["reason"]:
        return f"the best, {row['measure']}, has {value} ({over}): {row['reason']}"
    ties = f"; {row['ties']} more qualif{'ies' if row['ties'] == 1 else 'y'}" if row["ties"] else ""
    cheap = f", the cheapest {row['cheapest']}" if row["ties"] and row["cheapest"] != row["measure"] else ""
    unsure = ""
    if row["larger"]:
        more = row["larger"] - 1
        others = f" and {more} other{'s' * (more != 1)}" if more else ""
        unsure = (
            f"; larger, but not confirmed in both halves: {row['largest']} ({number(row['largest_estimate'])}){others}"
        )
    return f"{value} ({over}){ties}{cheap}{unsure}"


def combination_text(found: Combination) -> str:
    """Return in a sentence whether a combination of measures beats the best single one."""
    if found.outcome == "not tried":
        return "Combinations were not tried: that takes three populations and a measure that fails nowhere."
    value = (
        f"{number(found.combined)} against {number(found.single)} on networks that neither was chosen on, difference "
        f"{number(found.difference)} {interval(found.low, found.high)}"
    )
    if found.outcome == "recommended":
        return f"A combination beats the best single measure: {value}. Recommended: {found.name}, of ranks."
    if found.outcome == "worse":
        return f"Combining measures is worse than the best single one: {value}."
    return f"Combining measures is not shown to beat the best single one: {value}."
