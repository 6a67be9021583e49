"""What reads each kind of file, and the whole folders and archives around it."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
from craft import IDS, ROWS, Read, make_body, make_tar

from similitude.benchmark.results import load_grading
from similitude.errors import SimilitudeError
from similitude.representations import ModelRecord, PopulationWriter, Score, open_population
from similitude.representations.pickles import load_plain
from similitude.suites.own.predictions import read_predictions
from similitude.suites.own.scores import read_scores
from similitude.suites.published.archive import open_archive
from similitude.suites.published.distances import read_distances
from similitude.suites.published.layout import SUBTASKS
from similitude.suites.published.scores import read_scores as read_published

SCORES_OF = "scores/layer_exp/scores.pkl"


def read_file_of_archive(path: Path) -> None:
    """Read all that an archive holds; the first error is raised when all is read."""
    with open_archive(path) as archive:
        errors = []
        for name in archive.parts:
            try:
                if name.endswith(".npy"):
                    archive.array(name)
                else:
                    subtask = SUBTASKS[name.split("/")[1]]
                    (read_published if name.startswith("scores/") else read_distances)(archive, subtask)
            except SimilitudeError as error:
                errors.append(error)
    if errors:
        raise errors[0]


def write_whole_archive(path: Path) -> None:
    body = make_body(ROWS.astype(np.float32))
    scores = {task: {1: {k: {0: [0.5], 1: [0.25]} for k in range(3)}} for task in ("SST-2 probe", "QNLI probe")}
    table = (
        "architecture1,seed1,step1,layer1,architecture2,seed2,step2,layer2,CKA\nbase,1,2000000,0,base,2,2000000,0,0.5\n"
    )
    make_tar(
        ("r/embeddings/mnli_matched_100/base/1/2000000/0/rep.npy", {}, body),
        (f"r/{SCORES_OF}", {}, pickle.dumps(scores)),
        ("r/scores/feather/scores.csv", {}, b"Overall accuracy\n0.5\n0.75\n"),
        ("r/dists/layer_exp/dists.csv", {"pax_headers": {"comment": "x"}}, table.encode()),
    )(path)


def write_population(path: Path) -> Path:
    writer = PopulationWriter(path, "nets", ["a"], list(IDS))
    for k in range(3):
        writer.write(ModelRecord(f"net{k}", {"a": ROWS + k * ROWS**2}, {"seed": k}, [Score("accuracy", k / 4)]))
    return path


def within_population(folder: Path, name: str, path: Path) -> Path:
    """Folder of a population in which one file is that of the case."""
    target = write_population(folder) / name
    target.write_bytes(path.read_bytes())
    return folder


def read_file_of_population(name: str) -> Read:
    def read(path: Path) -> None:
        population = open_population(within_population(path.parent / "nets", name, path))
        for model in population.models:
            population.representation(model, "a")

    return read


def read_file_of_scores(path: Path) -> object:
    folder = path.parent / "nets"
    return read_scores(path, open_population(write_population(folder)))


def read_file_of_predictions(path: Path) -> object:
    folder = path.parent / "predictions"
    folder.mkdir(exist_ok=True)
    np.savez(folder / "labels.npz", test=np.arange(8) % 2)
    for name in ("other", "third"):
        np.savez(folder / f"{name}.npz", test=np.tile([0.25, 0.75], (8, 1)))
    (folder / "net.npz").write_bytes(path.read_bytes())
    return read_predictions(folder, ("net", "other", "third"))


def read_file_of_plain(path: Path) -> object:
    return load_plain(path.read_bytes(), str(path))


def copied(name: str, read: Callable[[Path], object]) -> Read:
    def read_copy(path: Path) -> object:
        (path.parent / name).write_bytes(path.read_bytes())
        return read(path.parent / name if read is load_grading else path.parent)

    return read_copy


def write_whole_results(path: Path) -> None:
    rows = [{"subtask": "s", "functionality": "f", "measure": "cka", "statistic": "spearman", "estimate": 0.5}]
    path.write_text(json.dumps({"provenance": {"scale": "quick"}, "results": rows}))
