"""A finished run as one HTML file: everything in it, nothing fetched."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import pandas as pd

from similitude.benchmark.results import Results, load_grading, read_results
from similitude.benchmark.subtask import GradingData
from similitude.errors import FileError
from similitude.report.evidence import Row, read_grades
from similitude.representations.tables import read_written

__all__ = ["page", "write_page"]

_GRADE_COLUMNS = (
    *("measure", "statistic", "estimate", "ci_low", "ci_high", "p", "p_holm", "every", "every_low", "every_high"),
    *("within", "within_p", "bad_frac", "rank", "rank_low", "rank_high", "equivalent"),
    *("n_models", "n_pairs", "n_failed", "seconds"),
)
_PAIR_COLUMNS = ("reference", "reference_layer", "model", "layer", "deleted", "difference")
_MAP_NUMBERS = 4_000_000
"""Most numbers in the maps of networks (11 MB of text); beyond it, only the last reference layer of each is kept."""


def write_page(run: str | Path, file: str | Path) -> Path:
    """Write the page of a finished run.

    Parameters
    ----------
    run
        Folder that ``similitude run --out`` wrote, with what ``similitude intuitive --out`` added, if anything.
    file
        Where the page goes.

    Raises
    ------
    FileError
        No finished run there, or the page cannot be written.
    """
    content = page(Path(run))
    target = Path(file)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
    except OSError as error:
        raise FileError(f"Cannot write {target}: {error.strerror}.") from None
    return target


def page(run: Path) -> str:
    """The page of a finished run as text; see `write_page`."""
    results = read_results(run)
    grading = load_grading(run / "grading.npz")
    content = json.dumps(_content(run, results, grading), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    web = files("similitude.report") / "web"

    def part(name: str) -> str:
        return web.joinpath(name).read_text(encoding="utf-8")

    return Template(part("page.html")).substitute(
        title="similitude: measures graded",
        style=part("page.css"),
        script='"use strict";\n' + "\n".join(map(part, ("tools.js", "plots.js", "page.js"))),
        # A closing tag within a string would end the script element.
        data=content.replace("<", "\\u003c"),
    )


def _content(run: Path, results: Results, grading: Mapping[tuple[str, str], GradingData]) -> dict[str, Any]:
    frame = results.frame
    subtasks = [_subtask(row) for row in read_grades(results).rows]
    summary = results.summary()
    return {
        "measures": list(frame["measure"].unique()),
        "subtasks": subtasks,
        "grades": [_grade(row) for row in results.records()],
        "summary": [
            {"measure": name, "mean_rank": _plain(row["mean_rank"]), "worst": _plain(row["worst"])}
            for name, row in summary.iterrows()
        ],
        "notes": _notes(results),
        "overview_notes": _overview_notes(subtasks),
        "pairs": _pairs(read_written(run / "pairs.csv")),
        "maps": _maps(grading),
        "intuitive": [json.loads(file.read_text(encoding="utf-8")) for file in sorted(run.glob("intuitive-*.json"))],
        "provenance": _provenance(results),
    }


def _key(subtask: str, functionality: str) -> str:
    return f"{subtask}|{functionality}"


def _subtask(row: Row) -> dict[str, Any]:
    about = f"Networks differ in {row.varies}. {row.description}" if row.varies else row.description
    return {
        "key": _key(row.subtask, row.functionality),
        "title": f"{row.subtask}, {row.label}",
        "functionality": row.label,
        "about": about.strip(),
        "weak": row.weak,
    }


def _grade(row: Mapping[str, Any]) -> dict[str, Any]:
    grade = {name: _plain(row[name]) for name in _GRADE_COLUMNS if name in row}
    return {"key": _key(row["subtask"], row["functionality"]), **grade}


def _notes(results: Results) -> list[str]:
    kept = results.provenance.get("protocol") == "published"
    return [
        "Correlation of dissimilarity with difference in functionality against the best network, averaged over "
        f"reference layers; the best network's pair with itself is {'kept, as published' if kept else 'left out'}.",
        "Intervals: bootstrap over networks. p: one-sided, by permuting networks, so that where layers vary as well it "
        "tests differences between networks given depth; within depth, depth explains nothing.",
    ]


def _overview_notes(subtasks: Iterable[Mapping[str, Any]]) -> list[str]:
    notes = ["Mean rank over subtasks (1 is best) and the worst ρ: a good measure is generally good."]
    if any(s["weak"] for s in subtasks):
        notes.append("† Split-half reliability of the spread over networks is below .9: part of it is noise.")
    return notes


def _pairs(table: pd.DataFrame) -> dict[str, Any]:
    found = {}
    if not len(table):
        return found
    fixed = {"suite", "subtask", "functionality", "itself", *_PAIR_COLUMNS}
    for (subtask, functionality), rows in table.groupby(["subtask", "functionality"], sort=False):
        if "itself" in rows:
            rows = rows[~rows["itself"].astype(bool)]
        columns = {name: [_plain(v) for v in rows[name]] for name in _PAIR_COLUMNS}
        values = {name: [_short(v) for v in rows[name]] for name in table.columns if name not in fixed}
        found[_key(str(subtask), str(functionality))] = {**columns, "values": values}
    return found


def _maps(grading: Mapping[tuple[str, str], GradingData]) -> dict[str, Any]:
    """Networks against networks where the same layer of all is compared."""
    square = {key: data for key, data in grading.items() if data.score.shape[2] == 1}
    total = sum(d.size for data in square.values() for d in data.dissimilarity.values())
    found = {}
    for (subtask, functionality), data in square.items():
        kept = slice(None) if total <= _MAP_NUMBERS else slice(-1, None)
        found[_key(subtask, functionality)] = {
            "models": list(data.models),
            "layers": list(data.layers[kept]),
            "values": {m: [_packed(layer) for layer in d[kept, :, :, 0]] for m, d in data.dissimilarity.items()},
        }
    return found


def _packed(values: np.ndarray) -> dict[str, Any]:
    """16-bit whole numbers between the extremes, 65535 for what is missing: enough for a colour."""
    finite = np.isfinite(values)
    low, high = (float(values[finite].min()), float(values[finite].max())) if finite.any() else (0.0, 0.0)
    share = np.where(finite, (values - low) / ((high - low) or 1.0), 0.0)
    whole = np.where(finite, np.rint(65534 * share), 65535).astype("<u2")
    return {"low": low, "high": high, "data": base64.b64encode(whole.tobytes()).decode()}


def _provenance(results: Results) -> list[tuple[str, str]]:
    frame = results.frame
    rows = [
        (str(name), value if isinstance(value, str) else json.dumps(value))
        for name, value in results.provenance.items()
    ]
    for subtask, hashes in frame.groupby("subtask", sort=False)["data_hash"]:
        rows.append((f"data of {subtask}", ", ".join(sorted(set(map(str, hashes))))))
    rows.append(("time on measures", f"{frame[frame['statistic'] == 'spearman']['seconds'].sum():.1f} s"))
    return rows


def _short(value: float) -> float | None:
    return float(f"{value:.6g}") if np.isfinite(value) else None


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
