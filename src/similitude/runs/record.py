"""Recipes of results in Python, and the same values again from the same arrays."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from similitude.differences.contributions import Contributions, contributions
from similitude.differences.divergence import Divergence
from similitude.engine.pairwise import PairTable, PairValues, compare, pairwise
from similitude.errors import FileError, InputError
from similitude.report.divergence import methods_of
from similitude.report.methods import methods_paragraph
from similitude.representations import Representation
from similitude.result import RecordedResult
from similitude.runs.provenance import software
from similitude.runs.recipe import Recipe, describe_measures

__all__ = ["COMMANDS", "recompute", "record"]

_NAMES: dict[type[RecordedResult], str] = {
    PairValues: "similitude.compare",
    PairTable: "similitude.pairwise",
    Contributions: "similitude.contributions",
    Divergence: "similitude.diff",
}

COMMANDS = tuple(name for kind, name in _NAMES.items() if kind is not Divergence)
"""What can be computed again from arrays: all but differences, which may need networks."""


def record(result: RecordedResult) -> Recipe:
    """Return the recipe of a result.

    Raises
    ------
    InputError
        Nothing is known of what was compared.
    """
    if not result.sources:
        raise InputError("It is not known what was compared: weights alone, or tensors with gradients (detach them).")
    versions = software()
    measures = [result.measure] if isinstance(result, Contributions) else list(getattr(result, "measures", ()))
    also = methods_of(result) if isinstance(result, Divergence) else []
    parameters = {}
    if isinstance(result, PairTable):
        parameters = {"rows": list(result.rows), "columns": list(result.columns)}
    return Recipe(
        command=_NAMES[type(result)],
        parameters=parameters,
        files={},
        representations={key: dict(known) for key, known in result.sources.items()},
        measures=describe_measures(measures),
        software=versions,
        result=_plain(result),
        methods=methods_paragraph(measures, result.sources, versions, also=also),
    )


def recompute(recipe: Recipe, representations: Iterable[Representation]) -> dict[str, Any]:
    """Compute the result of a recipe again.

    Parameters
    ----------
    recipe
        One of `COMMANDS`.
    representations
        Among them those of the recipe, which are known by the hash of their content.

    Raises
    ------
    FileError
        A representation of the recipe is not among them.
    """
    by_hash = {x.content_hash: x for x in representations}
    missing = [key for key, known in recipe.representations.items() if known["hash"] not in by_hash]
    if missing:
        raise FileError(
            f"No file has the content of {missing[0]!r}, which the recipe names{_others(missing)}. Give files of the "
            "arrays that were compared, with the same ids."
        )
    sides = {key: by_hash[known["hash"]] for key, known in recipe.representations.items()}
    measures = [known["id"] for known in recipe.measures]
    if recipe.command == "similitude.pairwise":
        first, second = ([_named(sides[key], key) for key in recipe.parameters[side]] for side in ("rows", "columns"))
        return _plain(pairwise(first, measures, others=second))
    if recipe.command == "similitude.compare":
        return _plain(compare(sides["first"], sides["second"], measures))
    return _plain(contributions(sides["first"], sides["second"], measures[0], permutations=0))


def _others(names: list[str]) -> str:
    return f" ({len(names) - 1} more are missing)" if len(names) > 1 else ""


def _named(representation: Representation, key: str) -> Representation:
    found = copy.copy(representation)
    found.model, found.layer = key, ""
    return found


def _plain(result: RecordedResult) -> dict[str, Any]:
    if isinstance(result, Divergence):
        return result.to_dict()
    if isinstance(result, PairTable):
        return {"values": _records(result.frame)}
    if isinstance(result, PairValues):
        return {"values": {name: _number(value) for name, value in result.to_frame()["value"].items()}}
    assert isinstance(result, Contributions)
    return {"value": result.value, "inputs": _records(result.inputs[["id", "contribution", "difference"]])}


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): _number(value) for key, value in row.items()} for row in frame.to_dict("records")]


def _number(value: Any) -> Any:
    if isinstance(value, Mapping | str | bool) or value is None:
        return value
    return value if isinstance(value, int) else float(value) if math.isfinite(value) else None
