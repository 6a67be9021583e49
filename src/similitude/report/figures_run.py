"""Every figure of grades that a finished run can be drawn as, from its files alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from similitude.benchmark.grading import GradingData
from similitude.benchmark.results import Results, answering
from similitude.benchmark.statistics.agreement import agreement
from similitude.errors import SimilitudeError
from similitude.measures import Measure, get_measure
from similitude.report import figures_grading
from similitude.report.evidence import read_grades
from similitude.report.figures_networks import mds_map
from similitude.report.figures_overview import overview
from similitude.report.style import save
from similitude.report.written import replace_written

__all__ = ["draw_grades", "draw_overview"]

_OTHER = {"separation": "AUPRC", "monotonicity": ""}
"""Statistic to what its second estimate is; of functionalities, it is that with the best model as the reference."""


def draw_grades(
    results: Results,
    grading: Mapping[tuple[str, str], GradingData],
    folder: Path,
) -> list[Path]:
    """Draw an overview, and forest, ranks, agreement and map of networks for every subtask and functionality.

    Forest and ranks need the statistics of the corrected protocol. Agreement needs two measures that vary; it is drawn
    once where functionalities share their dissimilarities, and names them. The map needs a measure that is a metric,
    and a subtask that compares the same layer of all networks. Figures that an earlier call left in the folder and that
    are not drawn again are removed.

    Parameters
    ----------
    results
        The grades.
    grading
        (subtask, functionality) to what they were computed from.
    folder
        Where the figures go, PNG and PDF.

    Returns
    -------
    list of Path
        What was written.
    """
    written = draw_overview(results, folder)
    answers = answering(results.frame)
    graded = {(row.subtask, row.functionality): row for row in read_grades(results).rows}
    labels = {key: row.label for key, row in graded.items()}
    sharing = _sharing(grading)
    for (subtask, functionality), data in grading.items():
        models = len(data.models)
        title = f"{subtask}, {labels.get((subtask, functionality), functionality)}: {models} models"
        stem = f"{subtask}-{functionality}".replace("/", "-")
        table = answers[(answers["subtask"] == subtask) & (answers["functionality"] == functionality)]
        row = graded.get((subtask, functionality))
        if row is not None and "rank" in table and table["ci_low"].notna().any():
            figure = figures_grading.forest(table, title=title, statistic=row.symbol, other=_OTHER.get(row.statistic))
            written += save(figure, folder / f"{stem}-forest")
            if table["rank_low"].notna().any():
                written += save(figures_grading.ranks(table, title=title), folder / f"{stem}-ranks")
        shared = sharing.get((subtask, functionality), [])
        if shared and len(matrix := _varying(agreement(data))) > 1:
            by_subtask = groupby(shared, key=lambda key: key[0])
            named = " and ".join(f"{name}: {'; '.join(labels.get(k, k[1]) for k in keys)}" for name, keys in by_subtask)
            same = title if len(shared) == 1 else f"{models} models, the same pairs for {named}"
            figure = figures_grading.agreement(matrix, title=same)
            whole = {key for key in grading if key[0] == subtask} <= set(shared)
            written += save(figure, folder / f"{subtask.replace('/', '-') if whole else stem}-agreement")
        metric = _metric(data)
        if metric is not None and data.score.shape[2] == 1:
            figure = mds_map(
                data.dissimilarity[str(metric)][-1, :, :, 0],
                metric,
                data.models,
                data.score[-1, :, 0].tolist(),
                title=f"{subtask}, {data.layers[-1]}: {models} models",
                functionality=data.quality or functionality,
            )
            written += save(figure, folder / f"{stem}-map")
    replace_written(folder, written, "report")
    return written


def draw_overview(results: Results, folder: Path) -> list[Path]:
    """Draw all grades in one figure, ``overview``; see `similitude.report.evidence.read_grades`."""
    if results.frame.empty:
        return []
    return save(overview(read_grades(results)), folder / "overview")


def _sharing(grading: Mapping[tuple[str, str], GradingData]) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """The first of all functionalities that share their dissimilarities, to these."""
    by_digest: dict[str, list[tuple[str, str]]] = {}
    for key, data in grading.items():
        by_digest.setdefault(_digest(data), []).append(key)
    return {keys[0]: keys for keys in by_digest.values()}


def _digest(data: GradingData) -> str:
    """Whether two functionalities share their dissimilarities."""
    digest = hashlib.blake2b(digest_size=16)
    for name, values in data.dissimilarity.items():
        digest.update(f"{name}{values.shape}".encode())
        digest.update(values.tobytes())
    digest.update(data.same.tobytes())
    return digest.hexdigest()


def _varying(matrix: pd.DataFrame) -> pd.DataFrame:
    kept = ~np.isnan(np.diag(matrix.to_numpy()))
    return matrix.loc[kept, kept]


def _metric(data: GradingData) -> Measure | None:
    """The first measure that is a metric, saw every network, and is no baseline."""
    for name, values in data.dissimilarity.items():
        try:
            measure = get_measure(name)
        except SimilitudeError:  # a measure of whoever made the run, not installed here
            continue
        if measure.properties().is_metric and measure.name != "norm_difference" and np.isfinite(values[-1]).all():
            return measure
    return None
