"""Dissimilarities of the archive's representations, computed by the engine for the pairs that are asked for."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from similitude.engine import score_pairs
from similitude.errors import FileError, InputError
from similitude.measures import Measure
from similitude.representations import Representation
from similitude.suites.base import BuildProgress
from similitude.suites.published.archive import Archive
from similitude.suites.published.distances import Distances
from similitude.suites.published.layout import KEYS, Model, PublishedSubtask
from similitude.suites.published.lookup import KeyIndex

__all__ = ["Embeddings", "Recomputed", "recompute"]

_DATASET = "mnli_matched_100"


class Embeddings:
    """The representations of one architecture of the archive, loaded when asked for.

    Parameters
    ----------
    archive
        Where they lie.
    subtask
        Whose models.

    Raises
    ------
    FileError
        There are none.
    """

    def __init__(self, archive: Archive, subtask: PublishedSubtask) -> None:
        found: dict[str, dict[tuple[int, int, int], str]] = {}
        for name in archive.parts:
            top, *folders = name.split("/")
            if top == "embeddings" and folders[1] == subtask.architecture:
                seed, step, layer = (int(number) for number in folders[2:5])
                found.setdefault(folders[0], {})[seed, step, layer] = name
        if not found:
            raise FileError(f"{archive.path} has no embeddings of architecture {subtask.architecture!r}.")
        self.dataset = _DATASET if _DATASET in found else min(found)
        self._archive = archive
        self._files: dict[tuple[Model, int], str] = {}
        steps = Counter(step for _, step, _ in found[self.dataset])
        only_step = subtask.step if subtask.step in steps else steps.most_common(1)[0][0]
        for (seed, step, layer), name in found[self.dataset].items():
            if subtask.step is None or step == only_step:
                self._files[subtask.model(seed, step), layer] = name
        self._n: int | None = None

    @property
    def models(self) -> list[Model]:
        """Models that have any."""
        return sorted({model for model, _ in self._files})

    @property
    def layers(self) -> list[int]:
        """Layers that any model has."""
        return sorted({layer for _, layer in self._files})

    def representation(self, model: Model, layer: int) -> Representation:
        """Representation of a layer, n tokens x d features, memory-mapped.

        Raises
        ------
        FileError
            It is missing, truncated, not a matrix, has NaN, or not the number of tokens that the others have.
        """
        name = self._files.get((model, layer))
        if name is None:
            raise FileError(f"the embedding of seed {model.seed}, step {model.step}, layer {layer} is missing")
        features_by_tokens = self._archive.array(name)
        if features_by_tokens.ndim != 2:
            raise FileError(f"{name} has shape {features_by_tokens.shape}; it should be features x tokens.")
        if features_by_tokens.shape[1] != self.n:
            raise FileError(f"{name} has {features_by_tokens.shape[1]:,} tokens (columns) where most have {self.n:,}.")
        try:
            return Representation(features_by_tokens.T, model=f"{model.seed}-{model.step}", layer=str(layer))
        except InputError as error:
            raise FileError(f"{name}: {str(error).partition(': ')[2]}") from None

    @property
    def n(self) -> int:
        """Number of tokens that most representations have."""
        if self._n is None:
            lengths: Counter[int] = Counter()
            for name in self._files.values():
                try:
                    lengths.update(self._archive.array(name).shape[1:2])
                except FileError:
                    continue
            self._n = lengths.most_common(1)[0][0] if lengths else 0
        return self._n


@dataclass(frozen=True)
class Recomputed:
    """Dissimilarities that were computed.

    Parameters
    ----------
    distances
        The pairs that could be compared.
    widths
        Width of the second side of each, before deletion.
    seconds
        Measure id to time spent.
    data_hash
        Digest of the representations that were read.
    """

    distances: Distances
    widths: np.ndarray
    seconds: dict[str, float]
    data_hash: str


def recompute(
    embeddings: Embeddings,
    subtask: PublishedSubtask,
    pairs: np.ndarray,
    measures: Sequence[Measure],
    progress: BuildProgress | None = None,
) -> Recomputed:
    """Compute measures for pairs.

    Parameters
    ----------
    embeddings
        The representations.
    subtask
        Whose pairs.
    pairs
        Array (pairs, 7) of the numbers `KEYS`; each pair is computed once, however often it is named.
    measures
        What to compute.
    progress
        Called as pairs are finished.
    """
    pairs = np.array(list(dict.fromkeys(map(tuple, pairs.tolist()))), dtype=np.int64).reshape(-1, len(KEYS))
    # Pairs share a layer except in layer_exp, so that one layer's representations at a time need be held.
    layers = np.zeros(len(pairs), dtype=np.int64) if subtask.name == "layer_exp" else pairs[:, 2]
    groups = [np.flatnonzero(layers == layer) for layer in np.unique(layers)]
    parts: list[Recomputed] = []
    done = 0
    for group in groups:

        def report(finished: int, total: int, start: int = done, size: int = len(group)) -> None:
            if progress:
                progress(subtask.name, start + round(size * finished / max(total, 1)), len(pairs))

        parts.append(_compute(embeddings, subtask, pairs[group], measures, report))
        done += len(group)
    seconds: Counter[str] = Counter()
    for part in parts:
        seconds.update(part.seconds)
    keys = np.concatenate([part.distances.keys for part in parts])
    order = np.argsort(KeyIndex(pairs).rows(keys))
    values = pd.concat([part.distances.values for part in parts], ignore_index=True).iloc[order].reset_index(drop=True)
    faults = _counted(fault for part in parts for fault in part.distances.faults)
    digest = hashlib.blake2b("".join(part.data_hash for part in parts).encode(), digest_size=16).hexdigest()
    widths = np.concatenate([part.widths for part in parts])[order]
    return Recomputed(Distances(keys[order], values, faults), widths, dict(seconds), digest)


def _compute(
    embeddings: Embeddings,
    subtask: PublishedSubtask,
    pairs: np.ndarray,
    measures: Sequence[Measure],
    progress: Callable[[int, int], None],
) -> Recomputed:
    held: dict[tuple[Model, int], Representation | None] = {}
    faults: list[str] = []

    def representation(seed: int, step: int, layer: int) -> Representation | None:
        key = Model(seed, step), layer
        if key not in held:
            try:
                held[key] = embeddings.representation(*key)
            except FileError as error:
                held[key] = None
                faults.append(f"{subtask.name}: {error}")
        return held[key]

    kept, sides, widths = [], [], []
    for row, (seed1, step1, layer1, seed2, step2, layer2, deleted) in enumerate(pairs.tolist()):
        x, y = representation(seed1, step1, layer1), representation(seed2, step2, layer2)
        if x is None or y is None:
            continue
        if deleted >= y.d:
            faults.append(f"{subtask.name}: {deleted} components cannot be deleted from {y.d}")
            continue
        kept.append(row)
        widths.append(y.d)
        sides.append((x, y.truncate(y.d - deleted) if deleted else y))
    scored = score_pairs(sides, measures, progress=progress)
    faults += [f"{subtask.name}: {measure} failed: {reason}" for _, measure, reason in scored.failures]
    values = {str(measure): measure.dissimilarity(scored.values[:, j]) for j, measure in enumerate(measures)}
    digest = "".join(sorted(r.content_hash for r in held.values() if r is not None))
    distances = Distances(pairs[kept], pd.DataFrame(values), tuple(faults))
    return Recomputed(distances, np.array(widths, dtype=np.int64), scored.seconds, digest)


def _counted(faults: Iterable[str]) -> tuple[str, ...]:
    """Each fault once, with how often it was met."""
    return tuple(f"{fault} ({count} times)" if count > 1 else fault for fault, count in Counter(faults).items())
