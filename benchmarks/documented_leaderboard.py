"""The numbers of a leaderboard in README and docs; see `documented.py`, whose commands these are."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from similitude.benchmark.families import EVERYTHING
from similitude.benchmark.results import read_results
from similitude.benchmark.standings import confirm
from similitude.report.decisions import decide, decision_text, title_of
from similitude.report.leaderboard import read_run, standing_lines
from similitude.report.numbers import number
from similitude.report.tables import markdown

DATA = Path(__file__).parents[1] / "docs" / "data"
BOARD = [
    *("family", "measure", "estimate", "low", "high", "tells", "confirmed", "leading", "rank", "rank_low", "rank_high"),
    *("distinct", "distinct_in_both", "failed", "rows", "subtasks", "units", "seconds"),
]
BEST = 10
"""Measures per family in the pages."""
MOST = 6
"""Measures that are named as better than the usual one, per family."""
USUAL = "cka"
"""The measure that most people use, which others are held against."""


def collect(folder: Path) -> None:
    """Keep standings and findings of a leaderboard in docs/data."""
    DATA.mkdir(exist_ok=True)
    pd.read_csv(folder / "leaderboard.csv")[BOARD].to_csv(DATA / "leaderboard.csv", index=False, float_format="%.4g")
    kept = against_usual(pd.read_csv(folder / "differences.csv"))
    kept.to_csv(DATA / "leaderboard_against.csv", index=False, float_format="%.4g")
    content = json.loads((folder / "leaderboard.json").read_text(encoding="utf-8"))
    provenance = content["provenance"]
    kept = {
        "scales": provenance["scales"],
        "draws": provenance["draws"],
        "subtasks": provenance["subtasks"],
        "in_one_half": provenance["in_one_half"],
        "pairs": provenance["pairs"],
        "inputs": provenance["inputs"],
        "findings": content["findings"],
    }
    (DATA / "leaderboard.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def collect_replication(folder: Path, runs: Sequence[Path]) -> None:
    """Keep in docs/data whether the verdicts of a leaderboard hold on networks of another draw.

    Parameters
    ----------
    folder
        That of the leaderboard.
    runs
        Folders that `similitude leaderboard --draw` or `similitude run --draw` wrote, of different subtasks.
    """
    results = [read_results(run / "run" if (run / "run/results.json").exists() else run) for run in runs]
    again = replace(
        results[0],
        frame=pd.concat([found.frame for found in results], ignore_index=True),
        leave_one_out=pd.concat([found.leave_one_out for found in results], ignore_index=True),
    )
    rows = pd.read_csv(folder / "rows.csv")
    found = confirm(read_run(folder), again, dict(zip(rows["subtask"], rows["family"].fillna(""), strict=True)))
    found.families.to_csv(DATA / "leaderboard_replication.csv", index=False, float_format="%.4g")


def against_usual(differences: pd.DataFrame) -> pd.DataFrame:
    """Return by how much each measure exceeds the usual one where they are distinct, by family."""
    columns = ["family", "measure", "difference", "low", "high"]
    ends = {"low": -differences["high"], "high": -differences["low"]}
    turned = differences.assign(difference=-differences["difference"], **ends)
    found = pd.concat(
        [
            differences[differences["second"] == USUAL].rename(columns={"first": "measure"}),
            turned[turned["first"] == USUAL].rename(columns={"second": "measure"}),
        ]
    )
    return found.loc[found["distinct"].astype(bool), columns].sort_values(columns[:2], ignore_index=True)


def differences(folder: Path, tolerance: float) -> pd.DataFrame:
    """Return the standings of docs/data that a leaderboard has too, with both estimates, where they differ visibly."""
    kept, fresh = pd.read_csv(DATA / "leaderboard.csv"), pd.read_csv(folder / "leaderboard.csv")
    both = kept.merge(fresh, on=["family", "measure"], suffixes=("", "_fresh"))
    if both.empty:
        raise SystemExit("The leaderboard has no family and measure in common with docs/data.")
    old, new = both["estimate"], both["estimate_fresh"]
    return both[((old - new).abs() > tolerance) | (old.isna() != new.isna())]


def _board() -> pd.DataFrame:
    return pd.read_csv(DATA / "leaderboard.csv")


def decision_table(folder: str) -> str:
    """Return which measure to use for which question, with the evidence, for a page from which docs are in a folder."""
    lines = ["| you want to know | use | evidence |", "|---|---|---|"]
    for row in decide(_board()).to_dict("records"):
        advice = row["advice"] if row["reason"] else f"`{row['advice']}`"
        linked = f"[{row['question']}]({folder}leaderboard.md#{title_of(row['family']).lower().replace(' ', '-')})"
        lines.append(f"| {linked} | {advice} | {markdown(decision_text(row))} |")
    return "\n".join(lines)


def board_table(family: str) -> str:
    """Return the best measures of a family of questions."""
    rows = _board()
    rows = rows[rows["family"] == family]
    if rows.empty:
        return "Not graded yet."
    first = rows.iloc[0]
    over = f"{first['subtasks']} subtasks, {first['rows']} rows, {first['units']} networks or groups"
    return "\n".join([f"{len(rows)} measures; mean over {over}.", "", *standing_lines(rows, BEST)])


def board_findings(_: str) -> str:
    """Return what a leaderboard found, in sentences."""
    kept = json.loads((DATA / "leaderboard.json").read_text(encoding="utf-8"))
    scales = ", ".join(f"`{suite}` ({scale})" for suite, scale in kept["scales"].items())
    limits = [
        f"at most {kept[what]:,} {what} of each subtask{more}"
        for what, more in (("pairs", " and measure"), ("inputs", ", the same random sample for all"))
        if kept.get(what)
    ]
    suites = "; ".join([f"- Suites: {scales}", *limits])
    return "\n".join([f"{suites}.", *(f"- {markdown(line)}" for line in kept["findings"])])


def replication_table(_: str) -> str:
    """Return how many verdicts on each family hold on networks of another draw."""
    lines = [
        "| question | subtasks | verdicts | hold | undecided | reversed | agreement | the best | its place again |",
        "|---|--:|--:|--:|--:|--:|--:|---|--:|",
    ]
    for row in pd.read_csv(DATA / "leaderboard_replication.csv").to_dict("records"):
        holds = f"{row['holds']:,} ({100 * row['holds'] // row['verdicts']}%)" if row["verdicts"] else "0"
        outcomes = f"{row['verdicts']:,} | {holds} | {row['undecided']:,} | {row['reversed']:,}"
        place = f"`{row['best']}` | {row['best_again']} of {row['measures']}"
        lines.append(
            f"| {title_of(row['family'])} | {row['subtasks']} | {outcomes} | {number(row['agreement'])} | {place} |"
        )
    return "\n".join(lines)


def replication_sentence(folder: str) -> str:
    """Return how many verdicts hold on networks of another draw, for a page from which docs are in a folder."""
    found = pd.read_csv(DATA / "leaderboard_replication.csv")
    asked, holds, reversed_ = found.loc[found["family"] != EVERYTHING, ["verdicts", "holds", "reversed"]].sum()
    return (
        f"Of {asked:,} verdicts on these questions, {holds:,} ({100 * holds // asked}%) hold on networks from "
        f"[other seeds]({folder}leaderboard.md#on-other-networks), and {reversed_} are reversed."
    )


def usual_table(_: str) -> str:
    """Return which measures are distinctly better than the usual one, and how many are worse, by family."""
    found = pd.read_csv(DATA / "leaderboard_against.csv")
    lines = [f"| question | distinctly better than `{USUAL}` | distinctly worse |", "|---|---|--:|"]
    for family in _board()["family"].unique():
        of_family = found[found["family"] == family].sort_values("difference", ascending=False)
        better = of_family[of_family["difference"] > 0]
        shown = better.head(MOST).to_dict("records")
        named = ", ".join(f"`{row['measure']}` (+{number(row['difference'])})" for row in shown) or "none"
        more = f", and {len(better) - MOST} more" if len(better) > MOST else ""
        lines.append(f"| {title_of(family)} | {named}{more} | {len(of_family) - len(better)} |")
    return "\n".join(lines)


BLOCKS: dict[str, Callable[[str], str]] = {
    "decisions": decision_table,
    "leaderboard": board_table,
    "leaderboard_findings": board_findings,
    "leaderboard_replication": replication_table,
    "leaderboard_again": replication_sentence,
    "leaderboard_usual": usual_table,
}
