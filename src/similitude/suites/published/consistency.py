"""Whether the parts of the archive fit each other."""

from __future__ import annotations

import numpy as np
import pandas as pd

from similitude.errors import FileError
from similitude.suites.published.archive import Archive
from similitude.suites.published.distances import MEASURE_OF, Distances, as_dissimilarity, read_table
from similitude.suites.published.layout import KEYS, Model, PublishedSubtask
from similitude.suites.published.scores import Scores

__all__ = ["check_coverage", "check_joined_table", "check_levels"]

_TOLERANCE = 1e-6
"""Apart by more than single precision: scores may be kept in it."""


def check_coverage(scores: Scores, models: list[Model], layers: list[int], where: str) -> list[str]:
    """Models of the scores that have nothing to compare, models to compare that have no scores, and gaps in layers.

    Parameters
    ----------
    scores
        Of a subtask.
    models, layers
        Those that the distances or the embeddings have.
    where
        What has them, as messages say it.
    """
    subtask = scores.subtask
    takes_part = [m for m in scores.models if subtask.reference_seeds is None or m.seed in subtask.reference_seeds]
    faults = []
    if absent := sorted(set(takes_part) - set(models)):
        faults.append(f"{subtask.name}: {where} lack {_names(subtask, absent)}, which {subtask.scores_file} has")
    if unscored := sorted(set(models) - set(scores.models)):
        faults.append(f"{subtask.name}: {subtask.scores_file} lacks {_names(subtask, unscored)}, which {where} have")
    if gaps := sorted(set(range(max(layers, default=0))) - set(layers)) if not scores.per_layer else []:
        faults.append(f"{subtask.name}: {where} lack layer(s) {', '.join(map(str, gaps))}")
    return faults


def check_levels(scores: Scores, distances: Distances) -> list[str]:
    """Deletion levels of the distances for which there are no scores."""
    unscored = sorted(set(distances.keys[:, 6].tolist()) - set(scores.levels))
    if not unscored:
        return []
    levels = ", ".join(map(str, unscored))
    return [f"{scores.subtask.name}: {scores.subtask.scores_file} has no scores with {levels} components deleted"]


def _names(subtask: PublishedSubtask, models: list[Model]) -> str:
    names = [f"({m.seed}, {m.step})" if subtask.step is None else str(m.seed) for m in models]
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return f"seed{'s' if len(names) > 1 else ''} {shown}"


def check_joined_table(archive: Archive, scores: Scores, distances: Distances) -> list[str]:
    """Whether `full_dfs` says what the distances and the scores say, where it is there."""
    subtask = scores.subtask
    name = subtask.distance_files[-1]
    if name not in archive:
        return []
    try:
        joined, faults = read_table(archive, subtask, name)
    except FileError as error:
        return [str(error)]
    keys = joined[list(KEYS)].to_numpy()
    for functionality in map(str, scores.table.columns):
        column = f"{functionality}_diff"
        if column in joined.columns:
            expected = scores.differences(functionality, keys)
            faults += _differences(name, column, joined[column].to_numpy(), expected, subtask.scores_file)
    rows = distances.rows(keys)
    if lost := int((rows < 0).sum()):
        faults.append(f"{name}: {lost} row(s) are not in the distances")
    there = rows >= 0
    for column, measure in MEASURE_OF.items():
        if column in joined.columns and measure in distances.values.columns:
            stored = joined[column].to_numpy()[there]
            expected = distances.values[measure].to_numpy()[rows[there]]
            faults += _differences(name, column, as_dissimilarity(column, stored), expected, "the distances")
    return faults


def _differences(name: str, column: str, found: np.ndarray, expected: np.ndarray, source: str) -> list[str]:
    numbers = pd.to_numeric(pd.Series(found), errors="coerce").to_numpy()
    apart = ~np.isclose(numbers, expected, rtol=0, atol=_TOLERANCE, equal_nan=True) & ~np.isnan(expected)
    return [f"{name}: {int(apart.sum())} value(s) of {column} do not match {source}"] if apart.any() else []
