"""Grades as a tidy table, and a finished run on disk."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from similitude.benchmark.subtask import GradingData, Variant
from similitude.errors import FileError

__all__ = ["COLUMNS", "Results", "load_grading", "read_results", "save_grading"]

COLUMNS = (
    "suite",
    "subtask",
    "functionality",
    "measure",
    "statistic",
    "estimate",
    "p",
    "ci_low",
    "ci_high",
    "n_models",
    "n_pairs",
    "n_failed",
    "seconds",
    "version",
    "data_hash",
)


@dataclass(frozen=True)
class Results:
    """One row per subtask, functionality, measure and statistic.

    Parameters
    ----------
    frame
        At least the columns of `COLUMNS`. `estimate` is the correlation (statistic ``spearman`` or ``kendall``) against
        the best reference, `p` one-sided, `ci_low` and `ci_high` its interval over models, `seconds` the computing time
        of the measure over the subtask when it was computed. The corrected protocol adds the columns of
        `similitude.benchmark.statistics.Assessment` and `p_holm`, for ``spearman`` adjusted over all rows. Verdicts
        rest on `every`, the average over every model as reference:

        - ``tells``: whether the interval of `every` lies above 0; ``verdict`` is "tracks" where it does, "inverted"
          where it lies below 0, and else "undecided".
        - ``leading``: whether the measure may be the best of its row: no other measure has a significantly larger
          `every`. The truly best measure is among the leading ones in 95 % of samples. A measure that failed on a pair
          never leads.
        - ``apart``: whether the row can tell measures apart, that is, some pair of them is distinct (the same for all
          measures of the row).
        - ``every_rank``: place by `every`, 1 is best.
        - ``n_groups``: number of groups (checkpoints, say) that were resampled; 0 where models are independent.
    provenance
        What was run: protocol, versions, command.
    leave_one_out
        `every` without each independent unit in turn, from which intervals of mean ranks come: columns population,
        subtask, functionality, statistic, unit (a model or a group), and one per measure. None if it was not kept.
    """

    frame: pd.DataFrame
    provenance: dict[str, Any]
    leave_one_out: pd.DataFrame | None = None

    def table(self, statistic: str = "spearman") -> pd.DataFrame:
        """Estimates with subtask and functionality as rows and measures as columns, both in order of appearance."""
        chosen = self.frame[self.frame["statistic"] == statistic]
        wide = chosen.pivot(index=["subtask", "functionality"], columns="measure", values="estimate")
        rows = chosen[["subtask", "functionality"]].drop_duplicates()
        return wide.loc[pd.MultiIndex.from_frame(rows), list(chosen["measure"].unique())]

    def summary(self, statistic: str = "spearman") -> pd.DataFrame:
        """For each measure the mean rank over rows (1 is best; a failure ranks last) and the worst estimate."""
        table = self.table(statistic)
        ranks = table.rank(axis=1, ascending=False, na_option="bottom").mean()
        if "rank" in self.frame:  # of the statistics, which give measures that order pairs identically one place
            ranks = self.frame[self.frame["statistic"] == statistic].groupby("measure")["rank"].mean()
        summary = pd.DataFrame({"mean_rank": ranks, "worst": table.min(skipna=False)}).loc[table.columns]
        return summary.sort_values("mean_rank", kind="stable")

    def records(self) -> list[dict[str, Any]]:
        """Rows as plain dictionaries; what is missing is None."""
        return [{str(k): _plain(v) for k, v in row.items()} for row in self.frame.to_dict("records")]

    def write(self, folder: Path) -> None:
        """Write ``results.csv`` and ``results.json``."""
        folder.mkdir(parents=True, exist_ok=True)
        self.frame.to_csv(folder / "results.csv", index=False)
        content = {"provenance": self.provenance, "results": self.records()}
        (folder / "results.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_results(folder: str | Path) -> Results:
    """Results that a run wrote.

    Raises
    ------
    FileError
        No finished run there.
    """
    file = Path(folder) / "results.json"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return Results(pd.DataFrame(content["results"]), content["provenance"])
    except FileNotFoundError:
        raise FileError(
            f"{folder} holds no finished run (no results.json). Run `similitude run --out {folder}` first."
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise FileError(f"{file} is not the results of a run ({error}).") from None


def save_grading(file: Path, gradings: dict[tuple[str, str], GradingData]) -> None:
    """Save what grades are computed from, so that statistics and figures can be made again without the networks."""
    arrays: dict[str, np.ndarray] = {}
    index = []
    for i, ((subtask, functionality), data) in enumerate(gradings.items()):
        index.append(
            {
                "subtask": subtask,
                "functionality": functionality,
                "models": data.models,
                "layers": data.layers,
                "variants": data.variants,
                "measures": list(data.dissimilarity),
                "quality": data.quality,
                "lower_is_better": data.lower_is_better,
            }
        )
        arrays |= {
            f"{i}/reference_score": data.reference_score,
            f"{i}/score": data.score,
            f"{i}/same": data.same,
        }
        if data.pairwise is not None:
            arrays[f"{i}/pairwise"] = data.pairwise
        arrays |= {f"{i}/dissimilarity/{k}": values for k, values in enumerate(data.dissimilarity.values())}
    arrays["index"] = np.frombuffer(json.dumps(index).encode(), dtype=np.uint8)
    np.savez_compressed(file, allow_pickle=False, **arrays)


def load_grading(file: str | Path) -> dict[tuple[str, str], GradingData]:
    """Read what `save_grading` wrote: (subtask, functionality) to data."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            index = json.loads(arrays["index"].tobytes())
            return {
                (entry["subtask"], entry["functionality"]): GradingData(
                    models=tuple(entry["models"]),
                    layers=tuple(entry["layers"]),
                    variants=tuple(tuple(Variant(*v) for v in of_layer) for of_layer in entry["variants"]),
                    reference_score=arrays[f"{i}/reference_score"],
                    score=arrays[f"{i}/score"],
                    same=arrays[f"{i}/same"],
                    dissimilarity={m: arrays[f"{i}/dissimilarity/{k}"] for k, m in enumerate(entry["measures"])},
                    pairwise=arrays.get(f"{i}/pairwise"),
                    quality=entry.get("quality", ""),
                    lower_is_better=entry.get("lower_is_better", False),
                )
                for i, entry in enumerate(index)
            }
    except FileNotFoundError:
        raise FileError(f"{file} does not exist; a finished run has it.") from None
    except Exception as error:
        raise FileError(f"{file} is not the grading data of a run ({error}).") from None


def _plain(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return None if value is pd.NA else value
