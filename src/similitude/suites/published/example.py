"""A small synthetic archive in the layout of the released one, for tests and docs.

Networks are made up: all read one latent signal, each in its own basis and with noise of its own. The noisier a
network, the further its representations lie from the others' and the worse its scores, so that every measure has
something to find.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from similitude.errors import InputError
from similitude.suites.base import BuildProgress
from similitude.suites.published.archive import open_archive
from similitude.suites.published.distances import JOINED_NAMES, MEASURE_OF, all_pairs, write_distances
from similitude.suites.published.layout import KEYS, SUBTASKS, Model, PublishedSubtask
from similitude.suites.published.pwcca import published_measures
from similitude.suites.published.recompute import Embeddings, recompute
from similitude.suites.published.scores import FEATHER_COLUMNS, Scores, read_scores

__all__ = ["ExampleSize", "make_example"]

_DATASET = "mnli_matched_100"
_EXAMPLES_A_SET = 200


@dataclass(frozen=True)
class ExampleSize:
    """How large an example archive is.

    Parameters
    ----------
    width, tokens
        Shape of every representation; more tokens than features, or CCA is not defined.
    layers, medium_layers
        Layers of the base and feather models, and of those of pretrain_finetune.
    base, feather
        Number of base seeds (from 1) and of feather models (from 0).
    pretraining, finetuning
        Numbers of seeds of pretrain_finetune (both from 1).
    deleted
        Numbers of deleted principal components; by default a grid over the width.
    """

    width: int = 16
    tokens: int = 96
    layers: int = 12
    medium_layers: int = 8
    base: int = 8
    feather: int = 12
    pretraining: int = 3
    finetuning: int = 3
    deleted: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Check that such an archive can be graded."""
        sizes = (
            self.width,
            self.layers,
            self.medium_layers,
            self.base,
            self.feather,
            self.pretraining,
            self.finetuning,
        )
        if min(sizes) < 1:
            raise InputError("Every size of an example archive must be at least 1.")
        if self.tokens < self.width + 2:
            raise InputError(
                f"{self.tokens} tokens are too few for width {self.width}; give at least {self.width + 2}."
            )
        if bad := [k for k in self.deleted if not 0 <= k < self.width]:
            raise InputError(f"{bad[0]} of {self.width} components cannot be deleted; 0 to {self.width - 1} can.")
        if self.deleted and 0 not in self.deleted:
            raise InputError("The deletion grid must hold 0: the reference has nothing deleted.")

    @property
    def levels(self) -> tuple[int, ...]:
        """The deletion grid, ascending."""
        default = (0, self.width // 4, self.width // 2, 3 * self.width // 4, self.width - 1)
        return tuple(sorted(set(self.deleted or default)))


def make_example(
    folder: str | Path,
    size: ExampleSize | None = None,
    *,
    seed: int = 0,
    distances: bool = True,
    progress: BuildProgress | None = None,
) -> Path:
    """Write an example archive.

    Parameters
    ----------
    folder
        Where; must be new or empty.
    size
        How large.
    seed
        The same seed gives the same archive.
    distances
        Whether to compute and write the distance files and joined tables as well.
    progress
        Called with what is computed, the number of pairs finished, and the number of pairs in all.

    Returns
    -------
    Path
        The folder.
    """
    folder, size = Path(folder), size or ExampleSize()
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty. Name a new folder for the example archive.")
    rng = np.random.default_rng(seed)
    world = _World(rng, size)
    base = {Model(s + 1, SUBTASKS["layer_exp"].step or 0): q for s, q in enumerate(_qualities(rng, size.base))}
    feather = {Model(s, 0): q for s, q in enumerate(_qualities(rng, size.feather))}
    crossed = [Model(p + 1, f + 1) for p in range(size.pretraining) for f in range(size.finetuning)]
    # The last model is the best: were it one whose seed is 1, the published rule would select nothing.
    medium = dict(zip(crossed, np.sort(_qualities(rng, len(crossed))), strict=True))
    for architecture, models, layers in (
        ("base", base, size.layers),
        ("feather", feather, size.layers),
        ("medium_finetuned", medium, size.medium_layers),
    ):
        for model, quality in models.items():
            for layer in range(layers):
                file = folder / f"embeddings/{_DATASET}/{architecture}/{model.seed}/{model.step}/{layer}/rep.npy"
                file.parent.mkdir(parents=True)
                np.save(file, world.representation(quality, layer))
    _write_probes(folder, rng, base, size)
    _write_feather(folder, rng, feather)
    _write_stress(folder, rng, medium)
    if distances:
        for subtask in SUBTASKS.values():
            _write_distances(folder, subtask, progress)
    return folder


def _qualities(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.permutation(np.linspace(0.1, 0.9, count)) if count > 1 else np.array([0.5])


class _World:
    """The latent signal, and what becomes of it layer by layer."""

    def __init__(self, rng: np.random.Generator, size: ExampleSize) -> None:
        self._rng = rng
        spectrum = np.linspace(1.0, 0.2, size.width)
        self._signals = [rng.normal(size=(size.width, size.tokens)) * spectrum[:, None]]
        for _ in range(max(size.layers, size.medium_layers) - 1):
            mix = np.eye(size.width) + 0.3 * rng.normal(size=(size.width, size.width)) / np.sqrt(size.width)
            self._signals.append(np.tanh(mix @ self._signals[-1]))

    def representation(self, quality: float, layer: int) -> np.ndarray:
        """Features x tokens, in a basis of its own."""
        signal = self._signals[layer]
        noise = self._rng.normal(size=signal.shape) * signal.std() * (1 - quality)
        basis = np.linalg.qr(self._rng.normal(size=(len(signal), len(signal))))[0]
        return basis @ (signal + noise)


def _accuracies(rng: np.random.Generator, chance: float, runs: int, items: int = 872) -> list[float]:
    """Accuracies of a few runs of a probe, each a share of its test items."""
    expected = float(np.clip(chance + 0.01 * rng.normal(), 0.01, 0.99))
    return [int(rng.binomial(items, expected)) / items for _ in range(runs)]


def _write_probes(folder: Path, rng: np.random.Generator, models: dict[Model, float], size: ExampleSize) -> None:
    def expected(quality: float, layer: int) -> float:
        return 0.55 + 0.15 * quality + 0.2 * (layer + 1) / size.layers

    layer_exp = {
        task: {
            m.seed: {k + 1: {0: {0: _accuracies(rng, expected(q, k), 3)}} for k in range(size.layers)}
            for m, q in models.items()
        }
        for task in SUBTASKS["layer_exp"].functionalities
    }
    deletion = {
        "SST-2": {
            m.seed: {
                k + 1: {
                    deleted: _accuracies(rng, expected(q, k) - 0.3 * (deleted / size.width) ** 2, 3)
                    for deleted in size.levels
                }
                for k in range(size.layers)
            }
            for m, q in models.items()
        }
    }
    _dump(folder / SUBTASKS["layer_exp"].scores_file, layer_exp)
    _dump(folder / SUBTASKS["pca_deletion"].scores_file, deletion)


def _write_feather(folder: Path, rng: np.random.Generator, models: dict[Model, float]) -> None:
    frame = pd.DataFrame({"Model": [f"bert_{m.seed:02d}" for m in models]})
    for column in FEATHER_COLUMNS:
        spread = 0.5 if column == "Lexical (nonent)" else 0.05
        frame[column] = [round(0.4 + spread * q + 0.01 * rng.normal(), 4) for q in models.values()]
    file = folder / SUBTASKS["feather"].scores_file
    file.parent.mkdir(parents=True)
    frame.to_csv(file, index=False)


def _write_stress(folder: Path, rng: np.random.Generator, models: dict[Model, float]) -> None:
    examples = [
        {"guid": f"{name}-{i}", "heuristic": heuristic, "label": label}
        for name, heuristic, label in (
            ("STRESS_ANTONYMY", "", "contradiction"),
            ("STRESS_NUMERICAL", "", "neutral"),
            ("HANS", "lexical_overlap", "non-entailment"),
            ("HANS", "constituent", "entailment"),
        )
        for i in range(_EXAMPLES_A_SET)
    ]
    correct: dict[int, dict[int, np.ndarray]] = {}
    for model, quality in models.items():
        answers = (rng.random(len(examples)) < 0.3 + 0.6 * quality).astype(np.int64)
        correct.setdefault(model.seed, {})[model.step] = answers
    _dump(folder / SUBTASKS["pretrain_finetune"].scores_file, (correct, examples))


def _dump(file: Path, content: Any) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(pickle.dumps(content))


def _write_distances(folder: Path, subtask: PublishedSubtask, progress: BuildProgress | None) -> None:
    with open_archive(folder) as archive:
        embeddings, scores = Embeddings(archive, subtask), read_scores(archive, subtask)
        pairs = all_pairs(subtask, embeddings.models, embeddings.layers, scores.levels)
        computed = recompute(embeddings, subtask, pairs, published_measures(MEASURE_OF.values()), progress)
    file = folder / subtask.distance_files[0]
    write_distances(file, subtask, embeddings.dataset, computed.widths, computed.distances)
    frame = pd.read_csv(file)
    _join(frame, scores).to_csv(_new(folder / subtask.distance_files[-1]))


def _join(frame: pd.DataFrame, scores: Scores) -> pd.DataFrame:
    """The distance rows with a difference in each functionality."""
    keys = frame.assign(dims_deleted=frame.get("dims_deleted", 0))[list(KEYS)].to_numpy()
    for functionality in map(str, scores.table.columns):
        frame[f"{functionality}_diff"] = scores.differences(functionality, keys)
    if scores.subtask.step is None:
        return frame.rename(columns=JOINED_NAMES)
    return frame


def _new(file: Path) -> Path:
    file.parent.mkdir(parents=True)
    return file
