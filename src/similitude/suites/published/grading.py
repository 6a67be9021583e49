"""From questions and dissimilarities to the rows of the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from similitude.benchmark.statistics.correlation import rank_correlation
from similitude.suites.published.distances import Distances
from similitude.suites.published.layout import KEYS, PublishedSubtask
from similitude.suites.published.protocols import Protocol, Question, Quirk

__all__ = ["Grade", "grade", "pairs_table"]

_UNDEFINED = (np.nan, np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class Grade:
    """A measure's grade, averaged over the reference layers.

    Parameters
    ----------
    spearman, spearman_p, kendall, kendall_p
        Rank correlations and their one-sided p; NaN where undefined, for the reason in `note`.
    pairs, failed
        Number of pairs correlated, and of those that could not be for want of a value.
    note
        Why something is undefined.
    faults
        What is missing from the archive.
    """

    spearman: float
    spearman_p: float
    kendall: float
    kendall_p: float
    pairs: int
    failed: int
    note: str = ""
    faults: tuple[str, ...] = ()


def grade(
    subtask: PublishedSubtask,
    asked: Sequence[Question],
    distances: Distances,
    measure: str,
    protocol: Protocol,
    *,
    symmetric: bool,
) -> Grade:
    """Grade one measure on one functionality.

    Parameters
    ----------
    subtask, asked
        The questions, one per reference layer.
    distances
        Where the dissimilarities are looked up.
    measure
        A column of theirs.
    protocol
        The one by which the questions were put.
    symmetric
        Whether the measure may be looked up with the sides exchanged.
    """
    notes, faults, grades = [], [], []
    used = failed = 0
    for question in asked:
        if question.note:
            notes.append(question.note)
            continue
        rows = find_rows(subtask, question, distances, protocol, symmetric)
        there = rows >= 0
        if not there.all():
            if (
                not symmetric
                and not subtask.truncated
                and (distances.rows_either_way(question.pairs[~there]) >= 0).any()
            ):
                note = f"not available: some stored values of {measure} have the reference as second side"
                return Grade(*_UNDEFINED, 0, 0, note)
            faults.append(_missing(subtask, question, there))
            if not there.any():
                continue
        values = distances.values[measure].to_numpy(dtype=np.float64)[rows[there]]
        difference = question.difference[there]
        defined = ~np.isnan(values)
        failed += int((~defined).sum())
        used += int(defined.sum())
        if Quirk.UNROUNDED in protocol.quirks:
            found = rank_correlation(values, difference, "published")
        else:
            found = rank_correlation(values[defined], difference[defined], "corrected")
        if np.isnan(found).any():
            why = f"{int((~defined).sum())} value(s) are missing" if not defined.all() else "one side does not vary"
            notes.append(f"undefined in layer {question.layer}: {why}")
        grades.append(found)
    rho, rho_p, tau, tau_p = np.mean(grades, axis=0) if grades else _UNDEFINED
    note = "; ".join(dict.fromkeys(notes))
    return Grade(float(rho), float(rho_p), float(tau), float(tau_p), used, failed, note, tuple(faults))


def find_rows(
    subtask: PublishedSubtask, question: Question, distances: Distances, protocol: Protocol, symmetric: bool
) -> np.ndarray:
    """Where the question's pairs are found, -1 if nowhere; a truncated side cannot be exchanged for a full one."""
    if not subtask.truncated and (symmetric or Quirk.STORED_ORIENTATION in protocol.quirks):
        return distances.rows_either_way(question.pairs)
    return distances.rows(question.pairs)


def _missing(subtask: PublishedSubtask, question: Question, there: np.ndarray) -> str:
    seed1, step1, layer1, seed2, step2, layer2, deleted = question.pairs[~there][0].tolist()
    return (
        f"{subtask.name}: {int((~there).sum())} of the {len(there)} pairs of reference layer {question.layer} "
        f"are missing, e.g. seed {seed1}, step {step1}, layer {layer1} with seed {seed2}, step {step2}, layer {layer2}"
        + (f", {deleted} deleted" if subtask.truncated else "")
    )


def pairs_table(
    subtask: PublishedSubtask, question: Question, distances: Distances, protocol: Protocol, symmetric: dict[str, bool]
) -> pd.DataFrame:
    """The pairs of a question with their dissimilarities, from which its correlations can be computed again."""
    frame = pd.DataFrame(question.pairs, columns=list(KEYS)).assign(difference=question.difference)
    frame.insert(0, "reference_layer", question.layer)
    for measure in distances.measures:
        rows = find_rows(subtask, question, distances, protocol, symmetric[measure])
        values = np.append(distances.values[measure].to_numpy(dtype=np.float64), np.nan)  # row -1 is NaN
        frame[measure] = values[rows]
    return frame
