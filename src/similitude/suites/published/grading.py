"""From pairs and their dissimilarities to the rows of the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from similitude.benchmark.statistics.correlation import Grade, correlate
from similitude.suites.published.distances import Distances
from similitude.suites.published.layout import KEYS, PublishedSubtask
from similitude.suites.published.protocols import ArchiveProtocol, KeyedPairs, Quirk

__all__ = ["ArchiveGrade", "grade", "pairs_table"]


@dataclass(frozen=True)
class ArchiveGrade:
    """A measure's grade, averaged over the reference layers.

    Parameters
    ----------
    grade
        The grade; NaN where undefined, for the reason in `note`.
    note
        Why something is undefined.
    faults
        What is missing from the archive.
    """

    grade: Grade
    note: str = ""
    faults: tuple[str, ...] = ()


def grade(
    subtask: PublishedSubtask,
    asked: Sequence[KeyedPairs],
    distances: Distances,
    measure: str,
    protocol: ArchiveProtocol,
    *,
    symmetric: bool,
) -> ArchiveGrade:
    """Grade one measure on one functionality.

    Parameters
    ----------
    subtask, asked
        The pairs to correlate, one set per reference layer.
    distances
        Where the dissimilarities are looked up.
    measure
        A column of theirs.
    protocol
        Protocol by which the pairs were chosen.
    symmetric
        Whether the measure may be looked up with the sides exchanged.
    """
    notes, faults, grades = [], [], []
    for compared in asked:
        if compared.note:
            notes.append(compared.note)
            continue
        rows = find_rows(subtask, compared, distances, protocol, symmetric)
        there = rows >= 0
        if not there.all():
            if (
                not symmetric
                and not subtask.truncated
                and (distances.rows_either_way(compared.pairs[~there]) >= 0).any()
            ):
                return ArchiveGrade(
                    Grade(), f"not available: some stored values of {measure} have the reference as second side"
                )
            faults.append(_missing(subtask, compared, there))
            if not there.any():
                continue
        values = distances.values[measure].to_numpy(dtype=np.float64)[rows[there]]
        found = correlate(values, compared.difference[there], protocol)
        if np.isnan(found.rho):
            why = f"{found.failed} value(s) are missing" if found.failed else "one side does not vary"
            notes.append(f"undefined in layer {compared.layer}: {why}")
        grades.append(found)
    return ArchiveGrade(Grade.mean(grades), "; ".join(dict.fromkeys(notes)), tuple(faults))


def find_rows(
    subtask: PublishedSubtask, compared: KeyedPairs, distances: Distances, protocol: ArchiveProtocol, symmetric: bool
) -> np.ndarray:
    """Where pairs are found, -1 if nowhere; a truncated side cannot be exchanged for a full one."""
    if not subtask.truncated and (symmetric or Quirk.STORED_ORIENTATION in protocol.quirks):
        return distances.rows_either_way(compared.pairs)
    return distances.rows(compared.pairs)


def _missing(subtask: PublishedSubtask, compared: KeyedPairs, there: np.ndarray) -> str:
    seed1, step1, layer1, seed2, step2, layer2, deleted = compared.pairs[~there][0].tolist()
    return (
        f"{subtask.name}: {int((~there).sum())} of the {len(there)} pairs of reference layer {compared.layer} "
        f"are missing, e.g. seed {seed1}, step {step1}, layer {layer1} with seed {seed2}, step {step2}, layer {layer2}"
        + (f", {deleted} deleted" if subtask.truncated else "")
    )


def pairs_table(
    subtask: PublishedSubtask,
    compared: KeyedPairs,
    distances: Distances,
    protocol: ArchiveProtocol,
    symmetric: dict[str, bool],
) -> pd.DataFrame:
    """Pairs with their dissimilarities, from which its correlations can be computed again."""
    frame = pd.DataFrame(compared.pairs, columns=list(KEYS)).assign(difference=compared.difference)
    frame.insert(0, "reference_layer", compared.layer)
    for measure in distances.measures:
        rows = find_rows(subtask, compared, distances, protocol, symmetric[measure])
        values = np.append(distances.values[measure].to_numpy(dtype=np.float64), np.nan)  # row -1 is NaN
        frame[measure] = values[rows]
    return frame
