"""The published table from the archive: as published, corrected, and what is missing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from similitude.benchmark.results import COLUMNS, Results
from similitude.errors import FileError, UnknownName
from similitude.measures import Measure
from similitude.measures.parse import split_ids
from similitude.representations.tables import write_csv
from similitude.suites.base import BuildProgress
from similitude.suites.published.archive import Archive, open_archive
from similitude.suites.published.causes import by_cause
from similitude.suites.published.consistency import check_coverage, check_joined_table, check_levels
from similitude.suites.published.distances import (
    MEASURE_OF,
    Distances,
    all_pairs,
    is_symmetric,
    read_distances,
    write_distances,
)
from similitude.suites.published.grading import grade, pairs_table
from similitude.suites.published.layout import PublishedSubtask, parse_subtasks
from similitude.suites.published.protocols import (
    AS_CORRECTED,
    AS_PUBLISHED,
    ArchiveProtocol,
    KeyedPairs,
    keyed_pairs,
    reference_layers,
    stored_orientation,
)
from similitude.suites.published.pwcca import published_measures
from similitude.suites.published.recompute import Embeddings, Recomputed, recompute
from similitude.suites.published.scores import Scores, read_scores

__all__ = ["PARTIAL_EXIT_CODE", "Reproduction", "reproduce"]

PARTIAL_EXIT_CODE = 1
"""Exit code of a command that could do only part of what was asked."""


@dataclass(frozen=True)
class Reproduction:
    """The published table, computed again.

    Parameters
    ----------
    results
        The columns of `similitude.benchmark.results.COLUMNS`, and `protocol` and `note`.
    pairs
        Every pair that was correlated: protocol, subtask, functionality, reference_layer, `KEYS`, difference, and the
        dissimilarity by each measure.
    recomputed
        Subtask to the values computed from embeddings.
    faults
        What is missing, damaged or inconsistent.
    notes
        What a reader should know.
    """

    results: Results
    pairs: pd.DataFrame
    recomputed: dict[PublishedSubtask, tuple[str, Recomputed]]
    faults: tuple[str, ...]
    notes: tuple[str, ...]

    def write(self, folder: Path) -> None:
        """Write results, pairs, and recomputed distances in the layout of the archive.

        Pairs that an asymmetric measure needs the other way round lie in ``dists_reference_first.csv``.
        """
        self.results.write(folder)
        write_csv(self.pairs, folder / "pairs.csv")
        for subtask, (dataset, computed) in self.recomputed.items():
            keys = computed.distances.keys
            kept = np.full(len(keys), subtask.truncated) | (stored_orientation(keys) == keys).all(axis=1)
            for name, rows in (("dists_self_computed", kept), ("dists_reference_first", ~kept)):
                if rows.any():
                    distances = Distances(keys[rows], computed.distances.values[rows].reset_index(drop=True))
                    file = folder / "dists" / subtask.name / f"{name}.csv"
                    write_distances(file, subtask, dataset, computed.widths[rows], distances)


def reproduce(
    path: str | Path,
    subtasks: list[str] | None = None,
    measures: Sequence[str] | None = None,
    *,
    from_embeddings: bool = False,
    every_pair: bool = False,
    progress: BuildProgress | None = None,
    version: str = "",
    provenance: dict[str, Any] | None = None,
) -> Reproduction:
    """Grade measures on the published archive, as published and corrected.

    Parameters
    ----------
    path
        Folder, ``.tar`` or ``.tar.gz``.
    subtasks
        See `similitude.suites.published.layout.parse_subtasks`.
    measures
        Ids, or names of columns of the archive. By default those of the distance files, or with `from_embeddings` the
        five that the released files hold.
    from_embeddings
        Compute dissimilarities from the embeddings instead of reading them.
    every_pair
        Compute all pairs that the released distance files hold, not only those that are correlated.
    progress
        Called with what is computed, the number of pairs finished, and the number of pairs in all.
    version, provenance
        Kept with the results.

    Raises
    ------
    FileError
        Nothing could be graded. What is missing besides is in the faults of the result.
    """
    chosen = parse_subtasks(subtasks)
    names = None if measures is None else [MEASURE_OF.get(m, m) for entry in measures for m in split_ids(entry)]
    computed_measures = published_measures(names or MEASURE_OF.values()) if from_embeddings else None
    run = _Run(names, computed_measures, every_pair, progress, version)
    failed: list[tuple[str, str]] = []
    with open_archive(path, _wanted([subtask for subtask, _ in chosen], from_embeddings)) as archive:
        run.faults += archive.faults
        for subtask, functionalities in chosen:
            try:
                run.grade(archive, subtask, functionalities)
            except FileError as error:
                failed.append((subtask.name, str(error)))
    run.faults += by_cause(failed, "cannot be graded")
    faults = tuple(dict.fromkeys(run.faults))
    if not run.rows:
        raise FileError(f"Nothing in {path} could be graded: {'; '.join(faults)}")
    frame = pd.DataFrame(run.rows, columns=[*COLUMNS, "protocol", "note"])
    results = Results(frame, {"faults": list(faults), "notes": run.notes, **(provenance or {})})
    pairs = pd.concat(run.tables, ignore_index=True)
    return Reproduction(results, pairs, run.recomputed, faults, tuple(dict.fromkeys(run.notes)))


def _wanted(subtasks: list[PublishedSubtask], from_embeddings: bool) -> Callable[[str], bool]:
    """Which parts must be unpacked from a compressed archive."""

    def wanted(part: str) -> bool:
        top, *folders = part.split("/")
        if top == "embeddings":
            return from_embeddings and folders[1] in {subtask.architecture for subtask in subtasks}
        return (top == "scores" or not from_embeddings) and folders[0] in {subtask.name for subtask in subtasks}

    return wanted


class _Run:
    """What one call of `reproduce` gathers."""

    def __init__(
        self,
        names: list[str] | None,
        computed_measures: list[Measure] | None,
        every_pair: bool,
        progress: BuildProgress | None,
        version: str,
    ) -> None:
        self._names = names
        self._measures = computed_measures
        self._every_pair = every_pair
        self._progress = progress
        self._version = version
        self.rows: list[dict[str, Any]] = []
        self.tables: list[pd.DataFrame] = []
        self.recomputed: dict[PublishedSubtask, tuple[str, Recomputed]] = {}
        self.faults: list[str] = []
        self.notes: list[str] = []

    def grade(self, archive: Archive, subtask: PublishedSubtask, functionalities: Sequence[str]) -> None:
        """Grade all measures on a subtask; raises FileError if it cannot be graded at all."""
        scores = read_scores(archive, subtask)
        self.faults += scores.faults
        if self._measures is None:
            self._grade_stored(archive, scores, functionalities)
        else:
            self._grade_recomputed(archive, scores, functionalities, self._measures)

    def _grade_stored(self, archive: Archive, scores: Scores, functionalities: Sequence[str]) -> None:
        subtask = scores.subtask
        distances = read_distances(archive, subtask)
        self.faults += distances.faults
        self.faults += check_coverage(scores, distances.models, distances.layers, "the distances")
        self.faults += [*check_levels(scores, distances), *check_joined_table(archive, scores, distances)]
        asked = self._ask(scores.only(distances.models), functionalities, distances.layers)
        wanted = distances.measures if self._names is None else self._names
        if absent := [measure for measure in wanted if measure not in distances.measures]:
            self.faults.append(
                f"{subtask.name}: no stored distances of {', '.join(absent)}; there are "
                f"{', '.join(distances.measures)}. --recompute computes any measure from the embeddings"
            )
        kept = [measure for measure in wanted if measure in distances.measures]
        distances = Distances(distances.keys, distances.values[kept])
        file = next(name for name in subtask.distance_files if name in archive)
        digest = archive.digest([subtask.scores_file, file])
        self._collect(subtask, asked, distances, {m: is_symmetric(m) for m in kept}, {}, digest)

    def _grade_recomputed(
        self, archive: Archive, scores: Scores, functionalities: Sequence[str], measures: list[Measure]
    ) -> None:
        subtask = scores.subtask
        embeddings = Embeddings(archive, subtask)
        self.faults += check_coverage(scores, embeddings.models, embeddings.layers, "the embeddings")
        scores = scores.only(embeddings.models)
        asked = self._ask(scores, functionalities, embeddings.layers)
        needed = [compared.pairs for of_functionality in asked.values() for compared in of_functionality]
        if self._every_pair:
            needed.append(all_pairs(subtask, embeddings.models, embeddings.layers, scores.levels))
        if not needed:
            return
        computed = recompute(embeddings, subtask, np.concatenate(needed), measures, self._progress)
        self.faults += computed.distances.faults
        self.recomputed[subtask] = embeddings.dataset, computed
        digest = hashlib.blake2b(
            (archive.digest([subtask.scores_file]) + computed.data_hash).encode(), digest_size=16
        ).hexdigest()
        symmetric = {str(measure): measure.properties().symmetric for measure in measures}
        self._collect(subtask, asked, computed.distances, symmetric, computed.seconds, digest)

    def _ask(
        self, scores: Scores, functionalities: Sequence[str], source_layers: list[int]
    ) -> dict[tuple[str, ArchiveProtocol], list[KeyedPairs]]:
        """What is correlated for each functionality under each protocol."""
        if not scores.models:
            raise FileError(f"{scores.subtask.scores_file} has no model in common with what is to be compared.")
        layers, note = reference_layers(scores.subtask, scores.layers or source_layers)
        if note:
            self.notes.append(note)
        asked: dict[tuple[str, ArchiveProtocol], list[KeyedPairs]] = {}
        for functionality in functionalities:
            for protocol in (AS_PUBLISHED, AS_CORRECTED):
                try:
                    asked[functionality, protocol] = list(keyed_pairs(scores, functionality, layers, protocol))
                except UnknownName as error:
                    self.faults.append(f"{scores.subtask.name}: {error}")
                    break
        self.faults += [f for of_one in asked.values() for compared in of_one for f in compared.faults]
        return asked

    def _collect(
        self,
        subtask: PublishedSubtask,
        asked: dict[tuple[str, ArchiveProtocol], list[KeyedPairs]],
        distances: Distances,
        symmetric: dict[str, bool],
        seconds: dict[str, float],
        digest: str,
    ) -> None:
        for (functionality, protocol), of_one in asked.items():
            for measure in distances.measures:
                found = grade(subtask, of_one, distances, measure, protocol, symmetric=symmetric[measure])
                self.faults += found.faults
                labels = {
                    "suite": "published",
                    "subtask": subtask.name,
                    "functionality": functionality,
                    "measure": measure,
                    "n_models": max(compared.models for compared in of_one),
                    "seconds": seconds.get(measure, np.nan),
                    "version": self._version,
                    "data_hash": digest,
                    "protocol": protocol.name,
                    "note": found.note,
                }
                self.rows += [labels | record for record in found.grade.records()]
            for compared in of_one:
                table = pairs_table(subtask, compared, distances, protocol, symmetric)
                names = {"protocol": protocol.name, "subtask": subtask.name, "functionality": functionality}
                for position, (column, value) in enumerate(names.items()):
                    table.insert(position, column, value)
                self.tables.append(table)
