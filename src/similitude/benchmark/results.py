"""Grades as a tidy table, and a finished run on disk."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from similitude.benchmark.grading import GradingData
from similitude.benchmark.questions import TESTS
from similitude.benchmark.statistics.mean_ranks import mean_ranks, nested_weights
from similitude.benchmark.subtask import Variant
from similitude.errors import FileError
from similitude.representations.allowance import Allowance
from similitude.representations.folder import read_json
from similitude.representations.readers import read_file
from similitude.representations.tables import plain_records, read_written, write_csv
from similitude.representations.text import json_text, write_text
from similitude.result import Result

__all__ = ["COLUMNS", "CORRELATIONS", "Results", "answering", "load_grading", "read_results", "save_grading"]

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

_ROW = ["subtask", "functionality"]
_LEVELS = ["modality", "test", *_ROW]
_LEAVE_ONE_OUT = "leave_one_out.csv"
_TEXTS = dict.fromkeys((*_ROW, "population", "statistic", "unit"), "str")


CORRELATIONS = ("spearman", "kendall")
"""Statistics of functionalities."""


def answering(frame: pd.DataFrame, correlation: str = "spearman") -> pd.DataFrame:
    """One statistic per row of the table: a correlation for functionalities, what answers its question for the rest."""
    return frame[~frame["statistic"].isin(set(CORRELATIONS) - {correlation})]


@dataclass(frozen=True, repr=False)
class Results(Result):
    """One row per subtask, functionality, measure and statistic.

    Parameters
    ----------
    frame
        At least the columns of `COLUMNS`. `estimate` is the correlation (statistic ``spearman`` or ``kendall``) against
        the best reference, `p` one-sided, `ci_low` and `ci_high` its interval over models, `seconds` the computing time
        of the measure over the subtask when it was computed. The corrected protocol adds the columns of
        `similitude.benchmark.statistics.assess.Assessment` and `p_holm`, adjusted over all rows of its statistic.
        Subtasks that ask for `Separation` (statistic ``separation``) or `Monotonicity` (``monotonicity``) have columns
        of their own, see `similitude.benchmark.statistics.separation` and `monotonicity`.
        Verdicts rest on `every`, the average over every model as reference:

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
        subtask, functionality, statistic, unit (a model or a group), and one per measure, which is NaN where it failed.
        None if it was not kept.
    functionalities
        What rows are called and how far they can be trusted: columns subtask, functionality, label, difference (as an
        axis says it), test, modality, varies, description, n_inputs, and those of `similitude.suites.Suite.describe`
        where the run kept them. None if it was not kept.
    gates
        What networks that differ by design show of their conditions, see `similitude.suites.Suite.gates`. None if no
        subtask is on such networks.
    """

    frame: pd.DataFrame
    provenance: dict[str, Any]
    leave_one_out: pd.DataFrame | None = None
    functionalities: pd.DataFrame | None = None
    gates: pd.DataFrame | None = None

    def to_frame(self) -> pd.DataFrame:
        """Return all rows and columns."""
        return self.frame

    def table(self, statistic: str = "spearman", column: str = "estimate") -> pd.DataFrame:
        """A column of the frame with subtask and functionality as rows and measures as columns, in order."""
        chosen = answering(self.frame, statistic)
        wide = chosen.pivot(index=_ROW, columns="measure", values=column)
        rows = chosen[_ROW].drop_duplicates()
        return wide.loc[pd.MultiIndex.from_frame(rows), list(chosen["measure"].unique())]

    def summary(self, statistic: str = "spearman") -> pd.DataFrame:
        """Judge measures over all rows that can tell them apart, by the average over every reference.

        Returns
        -------
        pandas.DataFrame
            Indexed by measure, the best mean rank first: mean_rank (1 is best; a failure ranks last), mean_rank_low and
            mean_rank_high (its interval, see `similitude.benchmark.statistics.mean_ranks`), worst (the smallest value;
            NaN if it failed on a row), and rows (how many rows count). All but rows is NaN if no row can tell measures
            apart.
            Results by the published protocol count all rows, by the best reference, without intervals.
        """
        chosen = answering(self.frame, statistic)
        measures = list(chosen["measure"].unique())
        if "apart" in chosen:
            chosen = chosen[chosen["apart"].astype(bool)]
            table = self.table(statistic, "every").loc[pd.MultiIndex.from_frame(chosen[_ROW].drop_duplicates())]
            summary = mean_ranks(chosen, self._without(statistic)).reindex(measures)
        else:
            table = self.table(statistic)
            summary = table.rank(axis=1, ascending=False, na_option="bottom").mean().to_frame("mean_rank")
            summary[["mean_rank_low", "mean_rank_high"]] = np.nan
        summary = summary.assign(worst=table.min(skipna=False), rows=len(table))
        return summary.sort_values("mean_rank", kind="stable")

    def by_test(self) -> pd.DataFrame:
        """Mean ranks by test: over functionalities of a subtask, then subtasks of a test, tests, and modalities.

        Rows that cannot tell measures apart do not count; a measure that failed on a pair has the last place of a row.

        Returns
        -------
        pandas.DataFrame
            One row per test and measure: test (``"all"`` for all of them; ``"other"`` for subtasks of none), measure,
            mean_rank, mean_rank_low and mean_rank_high as in `summary`, and rows, how many count. Empty by the
            published protocol.
        """
        columns = ["test", "measure", "mean_rank", "mean_rank_low", "mean_rank_high", "rows"]
        about = self.functionalities
        if "apart" not in self.frame or about is None or "test" not in about:
            return pd.DataFrame(columns=columns)
        chosen = answering(self.frame)
        chosen = chosen[chosen["apart"].astype(bool)]
        kinds = about.drop_duplicates(_ROW).set_index(_ROW)[["test", "modality"]]
        rows = pd.MultiIndex.from_frame(chosen[_ROW].drop_duplicates())
        kinds = kinds.reindex(rows).fillna("").replace({"test": {"": "other"}})
        parts = []
        for test in ["all", *(t for t in [*TESTS, "other"] if (kinds["test"] == t).any())]:
            of_test = kinds if test == "all" else kinds[kinds["test"] == test]
            frame = chosen[pd.MultiIndex.from_frame(chosen[_ROW]).isin(of_test.index)]
            if len(frame):
                found = mean_ranks(frame, self._without(), nested_weights(of_test.reset_index(), _LEVELS)).reset_index()
                parts.append(found.assign(test=test, rows=len(of_test)))
        return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)

    def _without(self, correlation: str = "spearman") -> pd.DataFrame | None:
        return None if self.leave_one_out is None else answering(self.leave_one_out, correlation)

    def records(self) -> list[dict[str, Any]]:
        """Rows as plain dictionaries; what is missing is None."""
        return plain_records(self.frame)

    def write(self, folder: Path) -> None:
        """Write ``results.csv``, ``results.json`` and, as far as they were kept, the other tables."""
        folder.mkdir(parents=True, exist_ok=True)
        write_csv(self.frame, folder / "results.csv")
        content = {"provenance": self.provenance, "results": self.records()}
        if self.functionalities is not None:
            write_csv(self.functionalities, folder / "functionalities.csv")
            content["functionalities"] = plain_records(self.functionalities)
        if self.gates is not None:
            content["gates"] = plain_records(self.gates)
        _write_or_remove(self.gates, folder / "gates.csv")
        write_text(folder / "results.json", f"{json_text(content)}\n")
        _write_or_remove(self.leave_one_out, folder / _LEAVE_ONE_OUT, float_format="%.10g")


def _write_or_remove(frame: pd.DataFrame | None, file: Path, **options: Any) -> None:
    """Write a table; without one, remove what an earlier run left."""
    if frame is None:
        file.unlink(missing_ok=True)
    else:
        write_csv(frame, file, **options)


def read_results(folder: str | Path) -> Results:
    """Results that a run wrote.

    Raises
    ------
    FileError
        No finished run there.
    """
    file = Path(folder) / "results.json"
    if not file.exists():
        raise FileError(f"{folder} holds no finished run (no results.json). Run `similitude run --out {folder}` first.")
    content = read_json(file)
    try:
        kept = file.with_name(_LEAVE_ONE_OUT)
        without = read_written(kept, dtype=_TEXTS, keep_default_na=False, na_values=[""]) if kept.exists() else None
        frames = {name: pd.DataFrame(content[name]) for name in ("functionalities", "gates") if name in content}
        return Results(pd.DataFrame(content["results"]), content["provenance"], without, **frames)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise FileError(f"{file} is not the results of a run.") from None


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
                "groups": data.groups,
                "within": data.within,
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
    """Read what `save_grading` wrote: (subtask, functionality) to data.

    Raises
    ------
    FileError
        Missing, or not such a file.
    """
    file = Path(file)
    if not file.exists():
        raise FileError(f"{file} does not exist; a finished run has it.")
    arrays = read_file(file, Allowance())
    try:
        return _gradings(arrays, json.loads(arrays["index"].tobytes()))
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise FileError(f"{file} is not the grading data of a run.") from None


def _gradings(arrays: dict[str, np.ndarray], index: list[dict[str, Any]]) -> dict[tuple[str, str], GradingData]:
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
            groups=tuple(entry.get("groups", ())),
            within=entry.get("within", False),
        )
        for i, entry in enumerate(index)
    }
