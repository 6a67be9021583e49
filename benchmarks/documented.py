"""The numbers in README and docs: taken from a run, written into the pages, and compared with another run.

    python benchmarks/documented.py collect RESULTS... [--replication FOLDER...]   keep what the pages need in docs/data
    python benchmarks/documented.py real RESULTS...                                the same of networks of packages
    python benchmarks/documented.py collect --leaderboard FOLDER                   the same of a leaderboard
        [--again RUN...]                                                           and of runs on another draw
    python benchmarks/documented.py write                                          write the numbers into the pages
    python benchmarks/documented.py check RESULTS... [--leaderboard FOLDER]        compare a fresh run with docs/data

RESULTS are folders that `similitude run` wrote, FOLDER one of `similitude replicate` or `leaderboard`. Numbers stand in
a page between the lines `<!-- numbers: BLOCK -->` and `<!-- end of numbers -->`; `BLOCKS` says which blocks there are.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import documented_leaderboard
import numpy as np
import pandas as pd
import real_networks
import simulated
from scipy import stats

from similitude.benchmark.statistics.bootstrap import jackknife_interval
from similitude.report.numbers import interval, number
from similitude.report.replication import verdicts_markdown
from similitude.suites import SUITES

ROOT = Path(__file__).parents[1]
DATA = ROOT / "docs" / "data"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
KEY = ["subtask", "functionality", "measure"]
VALUES = ["every", "every_low", "every_high", "estimate", "ci_low", "ci_high"]
COLUMNS = [*KEY, "n_models", "n_groups", *VALUES, "tells", "leading", "apart"]
GROUPED = [*KEY, "statistic", "n_models", "n_groups", *VALUES, "p", "chance", "violation", "n_failed"]
SPREAD = ["subtask", "functionality", "n_models", "n_items", "mean", "sd", "min", "max", "reliability"]
TOLERANCE = 0.0005
"""Largest difference that three printed decimals do not show."""

SUMMARY = [
    ("vision/seed_layer", "probe"),
    ("vision/pc_deletion", "probe/truncated"),
    ("vision/ood", "accuracy/mean"),
    ("vision/behaviour", "disagreement/corrupted"),
    ("language/seed_layer", "probe/polarity"),
    ("language/pc_deletion", "probe/polarity"),
    ("language/finetune_ood", "accuracy/lexical_overlap/non_entailed"),
    ("language/behaviour", "disagreement/lexical_overlap/non_entailed"),
]
"""Rows of the README's table, one of each kind of question."""

_BLOCK = re.compile(r"(<!-- numbers: ([\w /-]+) -->\n).*?(<!-- end of numbers -->)", re.DOTALL)


def collect(runs: list[Path], replications: list[Path]) -> None:
    """Keep results, spreads and verdicts in docs/data, rounded to six digits.

    Verdicts of subtasks that no replication is of stay as they are.
    """
    DATA.mkdir(exist_ok=True)
    frames = [_results(run) for run in runs]
    pd.concat(frames, ignore_index=True).to_csv(DATA / "results.csv", index=False, float_format="%.6f")
    grouped = [_grouped(run) for run in runs]
    for run, rows in zip(runs, grouped, strict=True):
        if len(rows):
            pd.read_csv(run / "standings.csv").to_csv(DATA / "standings.csv", index=False, float_format="%.6f")
    if any(map(len, grouped)):
        pd.concat(grouped, ignore_index=True).to_csv(DATA / "groups.csv", index=False, float_format="%.6f")
    spreads = [pd.read_csv(run / "functionalities.csv")[SPREAD] for run in runs]
    # Groups and layers are about no functionality that could spread.
    spread = pd.concat([part.dropna(subset="n_models") for part in spreads], ignore_index=True)
    spread = spread.drop_duplicates(["subtask", "functionality"]).astype({"n_models": int, "n_items": int})
    _in_order(spread).to_csv(DATA / "functionalities.csv", index=False, float_format="%.6f")
    if replications:
        verdicts = [
            pd.read_csv(folder / "verdicts.csv", keep_default_na=False, na_values=["nan"]) for folder in replications
        ]
        found = pd.concat(verdicts, ignore_index=True)
        if (DATA / "verdicts.csv").exists():
            kept = _verdicts()
            found = pd.concat([found, kept[~kept["subtask"].isin(found["subtask"])]], ignore_index=True)
        _in_order(found).to_csv(DATA / "verdicts.csv", index=False, float_format="%.6f")
    provenance = [json.loads((run / "results.json").read_text(encoding="utf-8"))["provenance"] for run in runs]
    kinds = {"scales": frames, "scales of groups and layers": grouped}
    scales = {
        kind: {
            suite: scale
            for rows, found in zip(of_kind, provenance, strict=True)
            if len(rows)
            for suite, scale in found["scales"].items()
        }
        for kind, of_kind in kinds.items()
    }
    (DATA / "provenance.json").write_text(json.dumps(scales, indent=1) + "\n", encoding="utf-8")


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    order = [subtask.id for name in SUITES for subtask in SUITES[name].subtasks()]
    return frame.sort_values("subtask", key=lambda ids: ids.map(order.index), kind="stable")


def _verdicts() -> pd.DataFrame:
    return pd.read_csv(DATA / "verdicts.csv", keep_default_na=False, na_values=["nan", ""])


def _results(run: Path) -> pd.DataFrame:
    frame = pd.read_csv(run / "results.csv")
    return frame.loc[frame["statistic"] == "spearman", COLUMNS]


def _grouped(run: Path) -> pd.DataFrame:
    """Rows of groups and layers, which have statistics of their own."""
    frame = pd.read_csv(run / "results.csv")
    return frame[frame["statistic"].isin(["separation", "monotonicity"])].reindex(columns=GROUPED)


def written(text: str) -> str:
    """Return a page with all its blocks as docs/data says."""

    def block(found: re.Match[str]) -> str:
        name, _, argument = found[2].partition(" ")
        return f"{found[1]}\n{BLOCKS[name](argument)}\n\n{found[3]}"

    return _BLOCK.sub(block, text)


def stale() -> list[Path]:
    """Return the pages whose numbers are not those of docs/data."""
    return [page for page in PAGES if written(text := page.read_text(encoding="utf-8")) != text]


def differences(runs: list[Path]) -> pd.DataFrame:
    """Return the rows of docs/data that a run has too, with both values, where they differ visibly."""
    kept = [(DATA / "results.csv", _results), (DATA / "groups.csv", _grouped), (DATA / "real.csv", _results)]
    parts = []
    for file, rows_of in kept:
        if file.exists():
            fresh = pd.concat([rows_of(run) for run in runs], ignore_index=True)
            parts.append(pd.read_csv(file).merge(fresh, on=KEY, suffixes=("", "_fresh")))
    both = pd.concat(parts, ignore_index=True)
    if both.empty:
        raise SystemExit("The runs have no row in common with docs/data.")
    pairs = [(both[column], both[f"{column}_fresh"]) for column in ("every", "estimate")]
    differs = [((old - new).abs() > TOLERANCE) | (old.isna() != new.isna()) for old, new in pairs]
    return both[differs[0] | differs[1]]


def _labels() -> dict[tuple[str, str], str]:
    subtasks = [subtask for name in SUITES for subtask in SUITES[name].subtasks()]
    return {(subtask.id, f.name): str(f) for subtask in subtasks for f in subtask.functionalities}


def _table(frame: pd.DataFrame) -> str:
    measures, labels = list(frame["measure"].unique()), _labels()
    lines = ["| subtask | functionality | networks | " + " | ".join(f"`{m}`" for m in measures) + " |"]
    lines.append("|---|---|--:|" + "--:|" * len(measures))
    for (subtask, functionality), rows in frame.groupby(["subtask", "functionality"], sort=False):
        of_measure = rows.set_index("measure").loc[measures]
        cells = [_cell(row) for row in of_measure.to_dict("records")]
        label = labels.get((str(subtask), str(functionality)), functionality)
        lines.append(f"| {subtask} | {label} | {rows['n_models'].iloc[0]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(row: dict) -> str:
    """ρ over every reference: bold where it leads and tells, in brackets where its interval includes 0."""
    text = number(row["every"])
    if row["every_low"] <= 0 <= row["every_high"]:
        return f"({text})"
    return f"**{text}**" if row["leading"] and row["tells"] else text


def suite_table(suite: str) -> str:
    """Return the table of a suite's rows."""
    frame = pd.read_csv(DATA / "results.csv")
    return _table(frame[frame["subtask"].str.startswith(f"{suite}/")])


def summary_table(_: str) -> str:
    """Return the README's table, one row of each kind of question."""
    frame = pd.read_csv(DATA / "results.csv").set_index(["subtask", "functionality"])
    return _table(pd.concat([frame.loc[[row]] for row in SUMMARY if row in frame.index]).reset_index())


def intervals_table(subtask: str) -> str:
    """Return both estimates of every measure on a subtask, with their intervals."""
    frame, labels = pd.read_csv(DATA / "results.csv"), _labels()
    lines = ["| functionality | measure | every reference | 95 % interval | best reference | 95 % interval |"]
    lines.append("|---|---|--:|---|--:|---|")
    for row in frame[frame["subtask"] == subtask].to_dict("records"):
        cells = [labels.get((subtask, row["functionality"]), row["functionality"]), f"`{row['measure']}`"]
        cells += [number(row["every"]), f"{number(row['every_low'])} to {number(row['every_high'])}"]
        cells += [number(row["estimate"]), f"{number(row['ci_low'])} to {number(row['ci_high'])}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def spread_table(rows_of: str) -> str:
    """Return how far the functionalities of a suite, or of a subtask, spread over its networks."""
    frame = pd.read_csv(DATA / "functionalities.csv")
    lines = [
        "| subtask | functionality | networks | mean | sd | range | split-half reliability |",
        "|---|---|--:|--:|--:|---|--:|",
    ]
    for row in frame[(frame["subtask"] + "/").str.startswith(f"{rows_of}/")].to_dict("records"):
        cells = [
            row["subtask"],
            f"`{row['functionality']}`",
            str(row["n_models"]),
            number(row["mean"]),
            number(row["sd"]),
        ]
        cells += [f"{number(row['min'])} to {number(row['max'])}", number(row["reliability"])]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def verdicts_table(outcome: str) -> str:
    """Return the verdicts that hold in the replication, or those that do not."""
    frame = _verdicts()
    holds = frame["outcome"] == "holds"
    chosen, labels = frame[holds if outcome == "hold" else ~holds], _labels()
    rows = zip(chosen["subtask"], chosen["functionality"], strict=True)
    return verdicts_markdown(chosen.assign(functionality=[labels.get(row, row[1]) for row in rows]))


def verdict_counts(_: str) -> str:
    """Return how many verdicts hold, by kind and suite."""
    frame = _verdicts()
    suite = frame["subtask"].str.partition("/")[0]
    lines = ["| suite | kind of verdict | verdicts | hold | undecided | reversed |", "|---|---|--:|--:|--:|--:|"]
    for (name, kind), rows in frame.groupby([suite, frame["kind"]]):
        counts = [str(int((rows["outcome"] == outcome).sum())) for outcome in ("holds", "undecided", "reversed")]
        what = "a measure tracks a functionality" if kind == "tracks" else "one measure beats another"
        lines.append(f"| {name} | {what} | {len(rows)} | " + " | ".join(counts) + " |")
    return "\n".join(lines)


def groups_table(modality: str) -> str:
    """Return how well measures separate groups and follow depth in a suite, the best mean over its subtasks first."""
    frame = pd.read_csv(DATA / "groups.csv")
    frame = frame[frame["subtask"].str.startswith(f"{modality}/")]
    wide = frame.pivot(index="measure", columns="subtask", values="every")[list(frame["subtask"].unique())]
    rows = {(row["measure"], row["subtask"]): row for row in frame.to_dict("records")}
    lines = ["| measure | " + " | ".join(f"`{name.partition('/')[2]}`" for name in wide) + " |"]
    lines.append("|---|" + "--:|" * len(wide.columns))
    for measure in wide.rank(ascending=False, na_option="bottom").mean(axis=1).sort_values(kind="stable").index:
        cells = [_grouped_cell(rows[measure, subtask]) for subtask in wide]
        lines.append(f"| `{measure}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def standings_table(_: str) -> str:
    """Return the mean rank of each measure over all tests on groups and layers, with its interval, and by test."""
    frame = pd.read_csv(DATA / "standings.csv")
    wide = frame.pivot(index="measure", columns="test", values="mean_rank")[list(frame["test"].unique())]
    counts = frame.drop_duplicates("test").set_index("test")["rows"]
    ends = frame[frame["test"] == "all"].set_index("measure")
    lines = ["| measure | all tests | 95 % interval | " + " | ".join(f"`{t}`" for t in wide.columns[1:]) + " |"]
    lines += ["|---|--:|---|" + "--:|" * (len(wide.columns) - 1)]
    lines.append(
        "| *rows that count* | " + f"{counts['all']} | | " + " | ".join(f"{counts[t]}" for t in wide.columns[1:]) + " |"
    )
    for measure, ranks in wide.sort_values("all", kind="stable").iterrows():
        low, high = ends.loc[measure, ["mean_rank_low", "mean_rank_high"]]
        cells = [f"{ranks['all']:.1f}", f"{low:.1f} to {high:.1f}", *(f"{rank:.1f}" for rank in ranks[1:])]
        lines.append(f"| `{measure}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _grouped_cell(row: dict) -> str:
    """What a verdict rests on, in brackets where its interval includes 0."""
    if np.isnan(row["every"]):
        return "failed"
    text = number(row["every"])
    return text if row["every_low"] > 0 or row["every_high"] < 0 else f"({text})"


def resi_chance(_: str) -> str:
    """Return how many of ReSi's stored cells do not exceed the 95 % quantile of chance."""
    stored = pd.read_csv(DATA / "resi_language.csv")
    upper = {(groups, size): row["upper"] for (groups, size, _), row in simulated.separation("chance").iterrows()}
    lines = [
        "| dataset | test | design | 95 % of chance | cells | not above it |",
        "|---|---|---|--:|--:|--:|",
    ]
    total = 0
    for (dataset, test, groups, size), cells in stored.groupby(["dataset", "test", "groups", "size"]):
        within = int((cells["auprc"] <= upper[groups, size]).sum())
        total += within
        design = f"{groups} × {size} | {number(upper[groups, size])}"
        lines.append(f"| {dataset} | {test} | {design} | {len(cells)} | {within} |")
    return "\n".join([*lines, f"| all | | | | {len(stored)} | {total} |"])


def resi_ranks(_: str) -> str:
    """Return the correlation of measures' AUPRC here with ReSi's, with a jackknife interval over measures."""
    stored = pd.read_csv(DATA / "resi_language.csv")
    file = DATA / "groups.csv"
    ours = pd.read_csv(file) if file.exists() else pd.DataFrame(columns=GROUPED)
    lines = ["| test | dataset of ReSi | measures | Spearman ρ of AUPRC | 95 % interval |", "|---|---|--:|--:|---|"]
    for (test, dataset), cells in stored.groupby(["test", "dataset"]):
        here = ours[ours["subtask"] == f"language/{test}"]
        both = cells.merge(here[["measure", "estimate"]].dropna(), on="measure")
        if len(both) > 3:
            x, y = (both[column].rank().to_numpy() for column in ("auprc", "estimate"))
            kept = ~np.eye(len(both), dtype=bool)
            value = float(stats.spearmanr(x, y).statistic)
            without = np.array([stats.spearmanr(x[rest], y[rest]).statistic for rest in kept])
            low, high = jackknife_interval(without, np.array(value))
            lines.append(f"| {test} | {dataset} | {len(both)} | {number(value)} | {interval(low, high)} |")
    if len(lines) == 2:
        return "No run of `language/labels_shared`, `language/shortcut` and `language/augmentation` is kept yet."
    return "\n".join(lines)


BLOCKS: dict[str, Callable[[str], str]] = {
    **documented_leaderboard.BLOCKS,
    "groups": groups_table,
    "standings": standings_table,
    "table": suite_table,
    "summary": summary_table,
    "real": lambda _: _table(pd.read_csv(DATA / "real.csv")),
    "matching": lambda _: real_networks.matching_table(DATA, _labels()),
    "intervals": intervals_table,
    "spread": spread_table,
    "verdicts": verdicts_table,
    "counts": verdict_counts,
    "separation_chance": simulated.separation_chance,
    "separation_coverage": simulated.separation_coverage,
    "separation_equal": simulated.separation_equal,
    "interval_coverage": simulated.interval_coverage,
    "layer_choice": simulated.layer_choice,
    "training_overhead": simulated.training_overhead,
    "interval_methods": simulated.interval_methods,
    "interval_outside": simulated.interval_outside,
    "breakdown_shares": simulated.breakdown_shares,
    "breakdown_distances": simulated.breakdown_distances,
    "bounds": simulated.bounds,
    "null_levels": simulated.null_levels,
    "published": simulated.published,
    "resi_chance": resi_chance,
    "resi_ranks": resi_ranks,
}


def main() -> None:
    """Run one of the three commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["collect", "real", "write", "check"])
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--replication", nargs="*", type=Path, default=[])
    parser.add_argument("--leaderboard", type=Path)
    parser.add_argument("--again", nargs="*", type=Path, default=[])
    given = parser.parse_args()
    if given.command != "write" and not given.runs and given.leaderboard is None:
        parser.error("name the folder of at least one run or leaderboard")
    if given.command == "collect":
        if given.runs:
            collect(given.runs, given.replication)
        if given.leaderboard is not None:
            documented_leaderboard.collect(given.leaderboard)
        if given.again:
            documented_leaderboard.collect_replication(given.leaderboard, given.again)
    elif given.command == "real":
        real_networks.collect(pd.concat(map(_results, given.runs), ignore_index=True), given.runs, DATA)
    elif given.command == "write":
        for page in stale():
            page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
            print(f"written: {page.relative_to(ROOT)}")
    else:
        parts = []
        if given.runs:
            parts.append(differences(given.runs)[[*KEY, "every", "every_fresh", "estimate", "estimate_fresh"]])
        if given.leaderboard is not None:
            found = documented_leaderboard.differences(given.leaderboard, TOLERANCE)
            parts.append(found[["family", "measure", "estimate", "estimate_fresh"]])
        if count := sum(map(len, parts)):
            print("\n".join(part.to_string(index=False) for part in parts if len(part)))
            sys.exit(f"{count} documented values differ from the run by more than {TOLERANCE}.")
        print("All documented values that the runs have are theirs.")


if __name__ == "__main__":
    main()
