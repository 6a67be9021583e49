"""A table of what anyone's networks can do.

A CSV file, its cells separated by commas, semicolons or tabs, with a column ``model`` and

- a column per functionality, one row per model; or, with a column ``layer`` too, one row per model and layer;
- or columns ``functionality`` and ``value``, one row per score.

The name of a functionality of which less is better says so: ``loss (lower is better)``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from similitude.errors import InputError, UnknownName, suggestion
from similitude.representations import Population, Score
from similitude.representations.names import printable
from similitude.representations.population import scores_frame
from similitude.representations.tables import read_cells

__all__ = ["read_scores"]

_KEYS = ("model", "layer", "deleted", "functionality", "value", "items")
_MOST = 2**31
_MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None")
_REMARK = re.compile(r"(.*?)\s*\(((?:lower|smaller|less|higher|larger|more)[\s_-]+is\b.*|.*better.*)\)", re.IGNORECASE)
_DIRECTIONS = {"lower is better": True, "higher is better": False}


def read_scores(
    file: str | Path, population: Population, left_out: Collection[str] = ()
) -> tuple[pd.DataFrame, frozenset[str]]:
    """Read scores from a CSV file: one row per score, and the functionalities of which less is better.

    Parameters
    ----------
    file
        The table.
    population
        The networks that it has to name.
    left_out
        Networks, and layers as ``*/layer``, that it may name too; their rows are passed over.

    Raises
    ------
    FileError
        The file cannot be read as a table.
    UnknownName
        A model or layer that the population does not have.
    InputError
        Missing columns, missing models, values that are no numbers, the same score twice, or a direction that cannot
        be understood.
    """
    table = _read_table(Path(file))
    table = table[~table["model"].isin(list(left_out))]
    if "layer" in table:
        table = table[~("*/" + table["layer"]).isin(list(left_out))]
    named = table["model"].tolist()
    for kind, known in (("model", population.models), ("layer", population.layers)):
        unknown = [] if kind not in table else [n for n in table[kind].dropna() if n not in known]
        if unknown:
            hint = suggestion(unknown[0], known)
            raise UnknownName(f"{file}: there is no {kind} {unknown[0]!r} among the networks. {hint}")
    missing = [model for model in population.models if model not in named]
    if missing:
        raise InputError(f"{file} has no row for {len(missing)} of the models, the first {missing[0]!r}.")
    if (tidy := _tidy(table, file)).empty:
        raise InputError(f"{file} holds no scores; its cells are empty.")
    tidy, lower_is_better = _directions(tidy, file)
    scores: dict[str, list[Score]] = {model: [] for model in population.models}
    seen = set()
    for row in tidy.to_dict("records"):
        layer = row["layer"] if isinstance(row["layer"], str) else None
        score = Score(row["functionality"], float(row["value"]), layer, int(row["deleted"]), row["items"])
        if (key := (row["model"], layer, score.deleted, score.functionality)) in seen:
            where = f", layer {layer!r}" if layer else ""
            raise InputError(f"{file} has {score.functionality!r} of model {row['model']!r}{where} twice.")
        seen.add(key)
        scores[row["model"]].append(score)
    return scores_frame(scores), lower_is_better


def _read_table(file: Path) -> pd.DataFrame:
    table, separator = read_cells(file)
    table = table.rename(columns=_key_names(table.columns))
    if "model" not in table:
        raise InputError(f"{file} has no column 'model'; its columns are {_listed(table.columns)}.")
    for column in table.columns:
        if column not in ("model", "functionality"):
            missing = table[column].isin(_MISSING if column != "layer" else [""])
            table[column] = table[column].mask(missing)
        if column not in ("model", "layer", "functionality") and separator == ";":
            table[column] = table[column].str.replace(",", ".", regex=False)
    if any(not column or column.startswith("Unnamed: ") for column in table.columns):
        raise InputError(f"{file} has a column without a name. If pandas wrote it, write it with index=False.")
    if "lower_is_better" in table:
        raise InputError(
            f"{file}: a column 'lower_is_better' is not read. Say it in the functionality's name: "
            "'loss (lower is better)'."
        )
    for column in {"model", "functionality"} & set(table.columns):
        if (empty := table[column] == "").any():
            raise InputError(f"{file}: row {int(empty.argmax()) + 1} of the table has no {column}.")
    return table


def _listed(columns: Iterable[str]) -> str:
    return printable(", ".join(columns))[:1000]


def _key_names(columns: Iterable[str]) -> dict[str, str]:
    """Columns such as ``Model`` by the names that are known, where no other has that name."""
    columns = list(columns)
    lowered = [column.lower() for column in columns]
    pairs = zip(columns, lowered, strict=True)
    return {column: key for column, key in pairs if key in _KEYS and lowered.count(key) == 1}


def _tidy(table: pd.DataFrame, file: str | Path) -> pd.DataFrame:
    """One row per score, whichever way the file has it."""
    if "functionality" not in table:
        names = [column for column in table.columns if column not in _KEYS]
        if not names:
            raise InputError(f"{file} has no column of a functionality beside {_listed(table.columns)}.")
        keys = [key for key in ("model", "layer", "deleted", "items") if key in table]
        table = table.melt(keys, names, "functionality", "value").dropna(subset=["value"])
    elif "value" not in table:
        raise InputError(f"{file} has a column 'functionality' and none called 'value'.")
    defaults: dict[str, Any] = {"layer": None, "deleted": 0, "items": None}
    table = table.assign(**{key: value for key, value in defaults.items() if key not in table})
    values = pd.to_numeric(table["value"], errors="coerce").replace([np.inf, -np.inf], np.nan)
    deleted = pd.to_numeric(table["deleted"].fillna(0), errors="coerce")
    items = pd.to_numeric(table["items"], errors="coerce")
    wrong = {
        "value": values.isna(),
        "deleted": ~((deleted >= 0) & (deleted % 1 == 0) & (deleted < _MOST)),
        "items": table["items"].notna() & ~((items >= 0) & (items % 1 == 0) & (items < _MOST)),
    }
    for column, is_wrong in wrong.items():
        if is_wrong.any():
            bad = table.loc[is_wrong].iloc[0]
            what = f"{bad['functionality']!r} of model {bad['model']!r}"
            if column == "value":
                raise InputError(f"{file}: {what} is {str(bad['value'])!r}, not a finite number.")
            noun = "components deleted" if column == "deleted" else "test items"
            raise InputError(f"{file}: {what} has {str(bad[column])!r} {noun}, not a whole number.")
    counts = [None if np.isnan(count) else int(count) for count in items.astype(float)]
    return table.assign(value=values, deleted=deleted, items=pd.Series(counts, table.index, dtype=object))


def _directions(tidy: pd.DataFrame, file: str | Path) -> tuple[pd.DataFrame, frozenset[str]]:
    """The table with names of functionalities alone, and those of which less is better."""
    names: dict[str, str] = {}
    lower_is_better = set()
    for name in tidy["functionality"].unique():
        remark = _REMARK.fullmatch(name.strip())
        names[name] = name if remark is None else remark[1]
        if remark is None:
            continue
        direction = _DIRECTIONS.get(re.sub(r"[\s_-]+", " ", remark[2]).strip().lower())
        if direction is None or not names[name]:
            raise InputError(f"{file}: {name!r} is not understood. Write 'NAME (lower is better)', or the name alone.")
        if direction:
            lower_is_better.add(names[name])
    for name, other in combinations(names, 2):
        if names[name] == names[other]:
            raise InputError(f"{file} has both {name!r} and {other!r}. Call it the same everywhere.")
    return tidy.assign(functionality=tidy["functionality"].map(names)), frozenset(lower_is_better)
