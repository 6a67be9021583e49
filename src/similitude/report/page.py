"""A finished run as one HTML file: everything in it, nothing fetched."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import pandas as pd

from similitude.benchmark.grading import GradingData
from similitude.benchmark.results import Results, answering, load_grading, read_results
from similitude.errors import FileError
from similitude.report.evidence import Grades, Row, caption, read_grades, strongest
from similitude.report.findings import findings
from similitude.report.numbers import number
from similitude.report.tables import another_sample, foot_label, foot_notes, key, worst_label
from similitude.report.verdicts import row_verdict
from similitude.representations.names import printable
from similitude.representations.tables import plain, read_written
from similitude.representations.text import write_text

__all__ = ["assemble", "page", "write_page"]

_STATISTICS = {"spearman": "ρ", "kendall": "τ"}
_GRADE_COLUMNS = (
    *("measure", "statistic", "estimate", "ci_low", "ci_high", "p", "p_holm"),
    *("every", "every_low", "every_high", "every_rank", "every_p"),
    *("chance", "violation", "within", "within_p", "bad_frac", "rank", "rank_low", "rank_high", "equivalent"),
    *("n_pairs", "n_failed", "seconds"),
)
_TEXTS = dict.fromkeys(("subtask", "functionality", "reference", "reference_layer", "model", "layer"), "str")
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
        write_text(target, content)
    except OSError as error:
        raise FileError(f"Cannot write {target}: {error.strerror}.") from None
    return target


def page(run: Path) -> str:
    """The page of a finished run as text; see `write_page`."""
    results = read_results(run)
    grading = load_grading(run / "grading.npz")
    return assemble("page", ("tools", "plots", "page"), "similitude: measures graded", _content(run, results, grading))


def assemble(name: str, scripts: Sequence[str], title: str, content: Mapping[str, Any]) -> str:
    """Return a page that holds everything it shows: its data, scripts and style.

    Parameters
    ----------
    name
        Of the template of its body among the files of the package.
    scripts
        Names of the scripts, in order; they find the content as JSON in the element ``data``.
    title
        Of the page.
    content
        Plain values.
    """
    web = files("similitude.report") / "web"

    def part(file: str) -> str:
        return web.joinpath(file).read_text(encoding="utf-8")

    text = json.dumps(_shown(content), separators=(",", ":"), allow_nan=False)
    return Template(part("frame.html")).substitute(
        title=title,
        body=Template(part(f"{name}.html")).substitute(title=title),
        style=part("page.css"),
        script='"use strict";\n' + "\n".join(part(f"{script}.js") for script in scripts),
        # A closing tag or a comment within a string would end the script element, or never end it.
        data=text.replace("<", "\\u003c"),
    )


def _content(run: Path, results: Results, grading: Mapping[tuple[str, str], GradingData]) -> dict[str, Any]:
    read = {statistic: read_grades(results, statistic) for statistic in _STATISTICS}
    grades = read["spearman"]
    top = strongest(grades.rows)
    return {
        "measures": grades.measures,
        "opens": {"subtask": _key(top[0]), "measure": top[1]} if top else {},
        "findings": findings(results, None),
        "warnings": _warnings(grades),
        "subtasks": [_subtask(row) for row in grades.rows],
        "verdicts": {
            statistic: {
                _key(row): {"short": row.verdict, "words": row_verdict(row, found.reason, _STATISTICS[statistic])}
                for row in found.rows
            }
            for statistic, found in read.items()
        },
        "grades": _grades(results, read),
        "standings": {statistic: _standings(found) for statistic, found in read.items()},
        "by_test": _by_test(grades),
        "caption": caption(grades),
        "emphasis": key(grades, "Bold *", "Grey ?"),
        "notes": _notes(results),
        "overview_notes": foot_notes(grades),
        "pairs": _pairs(read_written(run / "pairs.csv", dtype=_TEXTS, keep_default_na=False, na_values=[""])),
        "maps": _maps(grading),
        "intuitive": [json.loads(file.read_text(encoding="utf-8")) for file in sorted(run.glob("intuitive-*.json"))],
        "gates": None if results.gates is None else _gates(results.gates),
        "provenance": _provenance(results),
    }


def _key(row: Row) -> str:
    return _joined(row.subtask, row.functionality)


def _joined(subtask: str, functionality: str) -> str:
    return f"{subtask}|{functionality}"


def _warnings(grades: Grades) -> list[str]:
    """What a reader must know before any number: why nothing is emphasised, and that networks are other ones."""
    return [grades.reason] * bool(grades.reason) + another_sample(grades)


def _subtask(row: Row) -> dict[str, Any]:
    about = f"Networks differ in {row.varies}. {row.description}" if row.varies else row.description
    return {
        "key": _key(row),
        "id": row.subtask,
        "title": f"{row.subtask}, {row.label}",
        "functionality": row.label,
        "difference": row.difference,
        "statistic": row.statistic,
        "symbol": row.symbol,
        "about": about.strip(),
        "size": f"{row.models} models" + (f" in {row.groups} groups" if row.groups is not None else ""),
        "inputs": row.inputs,
        "weak": row.weak,
    }


def _grades(results: Results, read: Mapping[str, Grades]) -> list[dict[str, Any]]:
    """Rows of the results, each with what it is evidence of."""
    states = {
        (row.statistic, row.subtask, row.functionality, measure): cell.state
        for grades in read.values()
        for row in grades.rows
        for measure, cell in row.cells.items()
    }
    return [
        {
            "key": _joined(row["subtask"], row["functionality"]),
            **{name: row[name] for name in _GRADE_COLUMNS if name in row},
            "state": states[row["statistic"], row["subtask"], row["functionality"], row["measure"]],
        }
        for row in results.records()
    ]


def _standings(grades: Grades) -> dict[str, Any]:
    measures = {m: {k: plain(v) for k, v in vars(standing).items()} for m, standing in grades.standings.items()}
    return {"label": foot_label(grades), "worst": worst_label(grades), "measures": measures}


def _by_test(grades: Grades) -> list[dict[str, Any]]:
    """Mean ranks by test, where there are several."""
    if grades.by_test.empty or grades.by_test["test"].nunique() < 3:
        return []
    return [
        {
            "label": f"mean rank, {'all tests' if test == 'all' else test} ({rows['rows'].iloc[0]})",
            "measures": {
                row["measure"]: {"mean_rank": plain(row["mean_rank"])}
                | {end: plain(row[f"mean_rank_{end}"]) for end in ("low", "high")}
                for row in rows.to_dict("records")
            },
        }
        for test, rows in grades.by_test.groupby("test", sort=False)
    ]


def _notes(results: Results) -> list[str]:
    kept = results.provenance.get("protocol") == "published"
    return [
        "Best reference: the best network alone is the reference, averaged over its layers; its pair with itself is "
        f"{'kept, as published' if kept else 'left out'}.",
        "p: one-sided, by permuting networks, so that where layers vary as well it tests differences between networks "
        "given depth; within depth, depth explains nothing. Holm: adjusted over the whole table.",
    ]


def _pairs(table: pd.DataFrame) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if not len(table):
        return found
    fixed = {"suite", "subtask", "functionality", "itself", *_PAIR_COLUMNS}
    for (subtask, functionality), rows in table.groupby(["subtask", "functionality"], sort=False):
        if "itself" in rows:
            rows = rows[~rows["itself"].astype(bool)]
        columns = {name: [plain(v) for v in rows[name]] for name in _PAIR_COLUMNS}
        values = {name: [_short(v) for v in rows[name]] for name in table.columns if name not in fixed}
        found[_joined(str(subtask), str(functionality))] = {**columns, "values": values}
    return found


def _maps(grading: Mapping[tuple[str, str], GradingData]) -> dict[str, Any]:
    """Networks against networks where the same layer of all is compared."""
    square = {key: data for key, data in grading.items() if data.score.shape[2] == 1}
    total = sum(d.size for data in square.values() for d in data.dissimilarity.values())
    found = {}
    for (subtask, functionality), data in square.items():
        kept = slice(None) if total <= _MAP_NUMBERS else slice(-1, None)
        found[_joined(subtask, functionality)] = {
            "models": list(data.models),
            "layers": list(data.layers[kept]),
            "within": data.within,
            "values": {
                measure: [
                    _packed(layer, bool(itself))
                    for layer, itself in zip(d[kept, :, :, 0], data.same[kept, 0], strict=True)
                ]
                for measure, d in data.dissimilarity.items()
            },
        }
    return found


def _packed(values: np.ndarray, itself: bool) -> dict[str, Any]:
    """16-bit whole numbers between the extremes, 65535 for what is missing: enough for a colour.

    Parameters
    ----------
    values
        Dissimilarities, shape (m, m).
    itself
        Whether the diagonal compares networks with themselves; then it is left out, so that its zeros take no colours.
    """
    finite = np.isfinite(values)
    if itself:
        finite &= ~np.eye(len(values), dtype=bool)
    low, high = (float(values[finite].min()), float(values[finite].max())) if finite.any() else (0.0, 0.0)
    share = np.where(finite, (values - low) / ((high - low) or 1.0), 0.0)
    whole = np.where(finite, np.rint(65534 * share), 65535).astype("<u2")
    return {"low": low, "high": high, "itself": itself, "data": base64.b64encode(whole.tobytes()).decode()}


def _gates(frame: pd.DataFrame) -> dict[str, Any]:
    """What networks show of their conditions, as a table of texts."""
    texts = {name: [number(v) for v in frame[name]] for name in ("mean", "min", "max")}
    shown = frame.assign(**texts).astype(str)
    return {"header": list(shown.columns), "rows": shown.to_numpy().tolist()}


def _provenance(results: Results) -> list[tuple[str, str]]:
    frame = results.frame
    rows = [
        (str(name), value if isinstance(value, str) else json.dumps(value))
        for name, value in results.provenance.items()
    ]
    for subtask, hashes in frame.groupby("subtask", sort=False)["data_hash"]:
        rows.append((f"data of {subtask}", ", ".join(sorted(set(map(str, hashes))))))
    rows.append(("time on measures", f"{answering(frame)['seconds'].sum():.1f} s"))
    return rows


def _short(value: float) -> float | None:
    return float(f"{value:.6g}") if np.isfinite(value) else None


def _shown(content: Any) -> Any:
    """Content whose texts hold no characters that steer what is shown, such as an override of the direction."""
    if isinstance(content, str):
        return printable(content)
    if isinstance(content, dict):
        return {printable(str(name)): _shown(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_shown(value) for value in content]
    return content
