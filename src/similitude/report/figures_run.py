"""Every figure of grades that a finished run can be drawn as, from its files alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from similitude.benchmark.agreement import agreement
from similitude.benchmark.results import Results
from similitude.benchmark.subtask import GradingData
from similitude.errors import SimilitudeError
from similitude.measures import Measure, get_measure
from similitude.report import figures_grading
from similitude.report.figures_networks import mds_map
from similitude.report.style import save

__all__ = ["draw_grades"]


def draw_grades(results: Results, grading: Mapping[tuple[str, str], GradingData], folder: Path) -> list[Path]:
    """Draw forest, ranks, agreement and map of networks for every subtask and functionality.

    Forest and ranks need the statistics of the corrected protocol; agreement needs two measures that vary; the map
    needs a measure that is a metric, and a subtask that compares the same layer of all networks.

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
    written: list[Path] = []
    spearman = results.frame[results.frame["statistic"] == "spearman"]
    for (subtask, functionality), data in grading.items():
        models = len(data.models)
        title = f"{subtask}, {functionality}: {models} models"
        stem = f"{subtask}-{functionality}".replace("/", "-")
        table = spearman[(spearman["subtask"] == subtask) & (spearman["functionality"] == functionality)]
        if "rank" in table and table["ci_low"].notna().any():
            written += save(figures_grading.forest(table, title=title), folder / f"{stem}-forest")
            written += save(figures_grading.ranks(table, title=title), folder / f"{stem}-ranks")
        matrix = _varying(agreement(data))
        if len(matrix) > 1:
            written += save(
                figures_grading.agreement(matrix, title=f"{subtask}: {models} models"), folder / f"{stem}-agreement"
            )
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
    return written


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
