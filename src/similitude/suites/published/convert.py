"""From the archive to population folders, so that its networks are a suite like any other.

A population a subtask, because the subtasks take different seeds and layers of the same networks. Whole-model scores
come with results per test item where the archive has them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from similitude.errors import FileError
from similitude.representations import ModelRecord, PopulationWriter, Score
from similitude.representations.folder import read_json, write_json
from similitude.suites.base import BuildProgress
from similitude.suites.published.archive import Archive, open_archive
from similitude.suites.published.causes import by_cause, causes
from similitude.suites.published.consistency import check_coverage
from similitude.suites.published.layout import Model, PublishedSubtask, parse_subtasks
from similitude.suites.published.protocols import reference_layers
from similitude.suites.published.recompute import Embeddings
from similitude.suites.published.scores import Scores, read_scores

__all__ = ["import_archive", "is_imported"]

_MARK = "imported.json"


def is_imported(folder: Path) -> bool:
    """Whether a population folder was imported to the end."""
    return (folder / _MARK).is_file() and isinstance(read_json(folder / _MARK), dict)


def import_archive(
    path: str | Path,
    folder_of: Callable[[PublishedSubtask], Path],
    subtasks: list[str] | None = None,
    *,
    progress: BuildProgress | None = None,
) -> dict[str, list[str]]:
    """Write a population folder per subtask; resumes model by model.

    Parameters
    ----------
    path
        Folder, ``.tar`` or ``.tar.gz``.
    folder_of
        Where the population of a subtask goes.
    subtasks
        Names in the archive; by default all four.
    progress
        Called with the subtask, the number of models written, and the number of models in all.

    Returns
    -------
    dict
        Subtask to what is missing or wrong; an empty list where all is there.

    Raises
    ------
    FileError
        Nothing could be imported.
    """
    chosen = [subtask for subtask, _ in parse_subtasks(subtasks)]
    folders = {f"scores/{s.name}/" for s in chosen} | {f"/{s.architecture}/" for s in chosen}
    faults: dict[str, list[str]] = {}
    failed: list[tuple[str, str]] = []
    with open_archive(path, lambda part: any(name in part for name in folders)) as archive:
        for subtask in chosen:
            try:
                faults[subtask.name] = _import(archive, subtask, folder_of(subtask), progress)
            except FileError as error:
                faults[subtask.name] = [f"{subtask.name} cannot be imported: {error}"]
                failed.append((subtask.name, str(error)))
        if archive.faults and chosen:
            faults[chosen[0].name] += archive.faults
    if len(failed) == len(chosen):
        causes = [*by_cause(failed, "cannot be imported"), *archive.faults]
        raise FileError(f"Nothing in {path} could be imported: {' '.join(causes)}")
    return faults


def _import(archive: Archive, subtask: PublishedSubtask, folder: Path, progress: BuildProgress | None) -> list[str]:
    scores, embeddings = read_scores(archive, subtask), Embeddings(archive, subtask)
    faults = [*scores.faults, *check_coverage(scores, embeddings.models, embeddings.layers, "the embeddings")]
    scores = scores.only(embeddings.models)
    layers = scores.layers or embeddings.layers
    if subtask.truncated:
        layers, note = reference_layers(subtask, layers)
        faults += [note] if note else []
    writer = PopulationWriter(
        folder,
        folder.name,
        [str(layer) for layer in layers],
        [f"token-{i}" for i in range(embeddings.n)],
        description=f"The released networks of Ding et al. 2021, {subtask.name}.",
        reduction="tokens",
    )
    done = writer.done
    models = [m for m in scores.models if subtask.reference_seeds is None or m.seed in subtask.reference_seeds]
    failed: list[tuple[str, str]] = []
    for count, model in enumerate(models, start=1):
        try:
            if _name(subtask, model) not in done:
                writer.write(_record(subtask, model, layers, scores, embeddings))
        except FileError as error:
            failed.append((f"seed {model.seed}, step {model.step}", str(error)))
        if progress:
            progress(subtask.name, count, len(models))
    if not writer.done:
        unusable = " ".join(message for _, message in causes(failed))
        raise FileError(f"none of its networks is usable. {unusable}" if failed else "; ".join(faults))
    faults += [f"{subtask.name}: {line}" for line in by_cause(failed, "left out", named=1)]
    write_json(folder / _MARK, {"archive": archive.path.name, "faults": faults})
    return faults


def _name(subtask: PublishedSubtask, model: Model) -> str:
    return f"seed-{model.seed:03d}" + (f"-{model.step:03d}" if subtask.step is None else "")


def _record(
    subtask: PublishedSubtask, model: Model, layers: list[int], scores: Scores, embeddings: Embeddings
) -> ModelRecord:
    representations = {str(layer): embeddings.representation(model, layer).values for layer in layers}
    items = {name: of_model[model] for name, of_model in (scores.items or {}).items() if model in of_model}
    found = []
    for functionality in map(str, scores.table.columns):
        for layer, deleted in [(la, k) for la in layers for k in scores.levels] if scores.per_layer else [(0, 0)]:
            value = float(scores.of(functionality, np.array([[*model, layer, deleted]]))[0])
            if np.isnan(value):
                if functionality in subtask.functionalities:
                    raise FileError(f"it has no score of {functionality} in layer {layer}")
                continue
            count = len(items[functionality]) if functionality in items else None
            found.append(Score(functionality, value, str(layer) if scores.per_layer else None, deleted, count))
    return ModelRecord(_name(subtask, model), representations, model._asdict(), found, items)
