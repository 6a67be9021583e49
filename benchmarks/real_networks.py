"""What is kept of runs on networks that packages ship, and how they compare with networks trained here.

    similitude run packages -o real -m MEASURES
    similitude run vision/behaviour language/behaviour language/pretrain_finetune_ood -o trained -m MEASURES
    python benchmarks/documented.py real real trained

MEASURES are those of the tables. Without packages the suite is left out; see `similitude build packages --install`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from similitude.report.numbers import interval, number

__all__ = ["collect", "matching_table"]

MATCHING = "hard_correlation_match"
"""The measure that pairs neurons with neurons."""
OTHERS = ("rsa", "cka", "procrustes")
PARENTS = {"packages/mhc": "yes", "packages/ani": "no", "vision/": "no", "language/": "per checkpoint"}
"""Whether networks grew from common parents, by the beginning of a subtask's id."""
TRAINED_HERE = [
    ("vision/behaviour", "disagreement/corrupted"),
    ("language/behaviour", "disagreement/lexical_overlap/non_entailed"),
    ("language/pretrain_finetune_ood", "accuracy/antonymy"),
]
"""Rows that those of packages are held against."""
DIFFERENCE = ["every_difference", "every_low", "every_high"]


def collect(results: pd.DataFrame, runs: list[Path], data: Path) -> None:
    """Keep results on networks of packages, and by how much matching neurons beats other measures in all of the runs.

    Parameters
    ----------
    results
        Rows of all runs.
    runs
        Folders that `similitude run` wrote.
    data
        Where to keep them.
    """
    real = results[results["subtask"].str.startswith("packages/")]
    real.to_csv(data / "real.csv", index=False, float_format="%.6f")
    frame = pd.concat([pd.read_csv(run / "differences.csv") for run in runs], ignore_index=True)
    frame = frame[frame["statistic"] == "spearman"]
    other_way = frame.rename(columns={"first": "second", "second": "first"})
    other_way = other_way.assign(
        every_difference=-frame["every_difference"], every_low=-frame["every_high"], every_high=-frame["every_low"]
    )
    both = pd.concat([frame, other_way])
    alone = results[results["measure"] == MATCHING].assign(second=MATCHING, every_difference=results["every"])
    both = pd.concat([alone, both[(both["first"] == MATCHING) & both["second"].isin(OTHERS)]])
    row = pd.MultiIndex.from_frame(both[["subtask", "functionality"]])
    kept = both[both["subtask"].str.startswith("packages/") | row.isin(TRAINED_HERE)]
    columns = ["subtask", "functionality", "second", *DIFFERENCE]
    kept[columns].to_csv(data / "real_differences.csv", index=False, float_format="%.6f")


def matching_table(data: Path, labels: dict[tuple[str, str], str]) -> str:
    """Return by how much pairing neurons beats other measures, on networks with and without common parents."""
    frame = pd.read_csv(data / "real_differences.csv")
    titles = [f"ρ of `{MATCHING}`", *(f"minus `{measure}`" for measure in OTHERS)]
    lines = ["| subtask | functionality | common parents | " + " | ".join(titles) + " |"]
    lines.append("|---|---|---|" + "---|" * len(titles))
    for (subtask, functionality), rows in frame.groupby(["subtask", "functionality"], sort=False):
        parents = next(said for start, said in PARENTS.items() if str(subtask).startswith(start))
        cells = [_cell(*row) for row in rows.set_index("second").loc[[MATCHING, *OTHERS], DIFFERENCE].to_numpy()]
        label = labels.get((str(subtask), str(functionality)), functionality)
        lines.append(f"| {subtask} | {label} | {parents} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(value: float, low: float, high: float) -> str:
    text = f"{number(value)} {interval(low, high)}"
    return text if np.isnan(low) or low <= 0 <= high else f"**{text}**"
