"""Two ways to grade: as the published code does, and corrected. Every difference has a name.

For a functionality F and a reference layer, the reference is the best model; the dissimilarities between it and the
others are rank-correlated with the absolute differences of F. The published code departs from this in the ways that
`Quirk` lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from similitude.benchmark.protocols import CORRECTED, Protocol
from similitude.suites.published.distances import exchanged
from similitude.suites.published.layout import KEYS, SUBTASKS, Model, PublishedSubtask
from similitude.suites.published.scores import Scores

__all__ = [
    "AS_CORRECTED",
    "AS_PUBLISHED",
    "CONVENTIONS",
    "ArchiveProtocol",
    "KeyedPairs",
    "Quirk",
    "keyed_pairs",
    "reference_layers",
    "stored_orientation",
]


class Quirk(Enum):
    """A way in which the published numbers differ from what the benchmark means to compute."""

    OFF_BY_ONE_REFERENCE = (
        ("pretrain_finetune",),
        "the best pair of seeds is found counting from 0 and looked up in columns that count from 1, so that the "
        "reference is the model of seeds (p-1, f-1) and not the best one (p, f); where p or f is 1, nothing is "
        "selected",
        "the reference is the best model",
    )
    TRUNCATED_REFERENCE = (
        ("pca_deletion",),
        "half of the rows compare another model in full with the reference truncated",
        "only rows whose full side is the reference",
    )
    STORED_ORIENTATION = (
        ("layer_exp", "feather", "pretrain_finetune"),
        "an asymmetric measure (PWCCA) takes its weights from the side that is stored first, which is now the "
        "reference and now the other",
        "the reference is always the first side; stored distances do not have this value where the reference is second",
    )
    REFERENCE_WITH_ITSELF = (
        tuple(SUBTASKS),
        "the reference's pair with itself, which is always concordant, is counted: with 10, 40, 100 models that do "
        "nothing alike it lifts the mean rho from 0 to .27, .07, .03",
        "that pair is left out",
    )
    UNROUNDED = (
        tuple(SUBTASKS),
        "values are ranked as computed, so that rounding decides between equal ones; in pca_deletion the pairs "
        "(best, B, nothing deleted) and (B, best, nothing deleted) are one pair to a symmetric measure",
        "dissimilarities and differences are rounded to 12 digits before they are ranked",
    )

    def __init__(self, subtasks: tuple[str, ...], as_published: str, corrected: str) -> None:
        self.subtasks = subtasks
        self.as_published = as_published
        self.corrected = corrected


CONVENTIONS = (
    "PWCCA weights are normalised over all directions of the first side; a direction that is lost counts as rho = 0.",
    "Deleting principal components means keeping the coordinates of the leading ones of the centred second side.",
    "Canonical correlations are published without a rank tolerance; recomputed ones have a relative one. They agree on "
    "representations of full rank.",
    "Layers count from 1 in the score files (0 is the embedding), from 0 in distances and embeddings.",
    "Differences of pretrain_finetune are joined by seeds; the published code relies on the order of rows.",
    "In pca_deletion only seeds 1-7 take part, and the difference is that between the reference with nothing deleted "
    "and the other with components deleted.",
    "CSA is taken to be a dissimilarity, mean_cca_corr and mean_sq_cca_corr are similarities, in every subtask; the "
    "published code turns them in feather only.",
    "p is one-sided, and rho, tau and p are averages over the reference layers.",
)
"""What both protocols share and a reader might stumble over."""


@dataclass(frozen=True)
class ArchiveProtocol(Protocol):
    """Rules of a grade, with the quirks of the published code that are kept."""

    quirks: frozenset[Quirk] = frozenset()

    @classmethod
    def keeping(cls, name: str, quirks: frozenset[Quirk]) -> ArchiveProtocol:
        """Corrected protocol but for some quirks."""
        unrounded = Quirk.UNROUNDED in quirks
        return cls(
            name,
            itself=Quirk.REFERENCE_WITH_ITSELF in quirks,
            digits=None if unrounded else CORRECTED.digits,
            passes_over_failures=not unrounded,
            quirks=quirks,
        )


AS_PUBLISHED = ArchiveProtocol.keeping("as_published", frozenset(Quirk))
AS_CORRECTED = ArchiveProtocol.keeping(CORRECTED.name, frozenset())


@dataclass(frozen=True)
class KeyedPairs:
    """What is correlated for one functionality and one reference layer.

    Parameters
    ----------
    layer
        Reference layer, from 0.
    reference
        The model that stands as reference.
    pairs
        Array (pairs, 7) of the numbers `KEYS`: the ordered pairs whose dissimilarities are needed.
    difference
        Array (pairs,) of absolute differences in functionality.
    models
        Number of models that take part.
    faults
        What had to be left out.
    note
        Why there are no pairs, if there are none.
    """

    layer: int
    reference: Model | None = None
    pairs: np.ndarray = field(default_factory=lambda: np.empty((0, len(KEYS)), dtype=np.int64))
    difference: np.ndarray = field(default_factory=lambda: np.empty(0))
    models: int = 0
    faults: tuple[str, ...] = ()
    note: str = ""


def reference_layers(subtask: PublishedSubtask, layers: list[int]) -> tuple[list[int], str]:
    """Layers whose best model is a reference, and a note where the archive lacks the published ones.

    A smaller archive is graded on as many of its last layers as the published rule takes.
    """
    published = subtask.reference_layers
    if published is None or set(published) <= set(layers):
        return list(published or layers), ""
    last = layers[-len(published) :]
    return last, (
        f"{subtask.name}: the published reference layers are {_span(published)}; this archive has layers "
        f"{_span(layers)}, so its last, {_span(last)}, are used"
    )


def _span(numbers: Sequence[int]) -> str:
    return f"{numbers[0]}-{numbers[-1]}" if len(numbers) > 1 else str(numbers[0])


def keyed_pairs(
    scores: Scores, functionality: str, layers: list[int], protocol: ArchiveProtocol
) -> Iterator[KeyedPairs]:
    """What is correlated for each reference layer.

    Parameters
    ----------
    scores
        What the models can do.
    functionality
        A column of the scores.
    layers
        Reference layers, as `reference_layers` gives them.
    protocol
        Which quirks are kept.
    """
    for layer in layers:
        yield _keyed_pairs(scores, functionality, layer, protocol)


def _keyed_pairs(scores: Scores, functionality: str, layer: int, protocol: ArchiveProtocol) -> KeyedPairs:
    subtask, quirks = scores.subtask, protocol.quirks
    models = [m for m in scores.models if subtask.reference_seeds is None or m.seed in subtask.reference_seeds]
    # Sides are arrays (n, 4) of seed, step, layer, dims_deleted: what may be the reference, and what is compared.
    layers = scores.layers if subtask.name == "layer_exp" else [layer]
    full = _sides(models, [layer], [0])
    others = _sides(models, layers, scores.levels)
    full_score, score = scores.of(functionality, full), scores.of(functionality, others)
    faults = _missing(subtask, functionality, others[np.isnan(score)])
    full, full_score = full[~np.isnan(full_score)], full_score[~np.isnan(full_score)]
    others, score = others[~np.isnan(score)], score[~np.isnan(score)]
    if not len(full):
        note = f"no model has a score of {functionality} in layer {layer} with nothing deleted"
        return KeyedPairs(layer, faults=(*faults, f"{subtask.scores_file}: {note}"), note=note)
    reference, note = _reference(subtask, [Model(*side[:2]) for side in full.tolist()], full_score, quirks)
    if note:
        return KeyedPairs(layer, reference, models=len(full), faults=faults, note=note)
    chosen = (full[:, :2] == reference).all(axis=1)
    pairs, difference = _paired(full[chosen], full_score[chosen], others, score)
    if Quirk.TRUNCATED_REFERENCE in quirks and subtask.truncated:
        of_reference = (others[:, :2] == reference).all(axis=1)
        more, more_difference = _paired(full[~chosen], full_score[~chosen], others[of_reference], score[of_reference])
        pairs, difference = np.concatenate([pairs, more]), np.concatenate([difference, more_difference])
    if not protocol.itself:
        itself = (pairs[:, :3] == pairs[:, 3:6]).all(axis=1) & (pairs[:, 6] == 0)
        pairs, difference = pairs[~itself], difference[~itself]
    if Quirk.STORED_ORIENTATION in quirks and not subtask.truncated:
        pairs = stored_orientation(pairs)
    return KeyedPairs(layer, reference, pairs, difference, len(full), faults)


def _sides(models: list[Model], layers: list[int], levels: list[int]) -> np.ndarray:
    return np.array([(*m, layer, k) for m in models for layer in layers for k in levels], dtype=np.int64).reshape(-1, 4)


def _paired(
    first: np.ndarray, first_score: np.ndarray, second: np.ndarray, second_score: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Every first side, in full, with every second side, and the differences of their scores."""
    i, j = (index.ravel() for index in np.indices((len(first), len(second))))
    return np.hstack([first[i, :3], second[j]]), np.abs(first_score[i] - second_score[j])


def _missing(subtask: PublishedSubtask, functionality: str, sides: np.ndarray) -> tuple[str, ...]:
    faults = []
    for model in sorted({Model(*side[:2]) for side in sides.tolist()}):
        of_model = sides[(sides[:, :2] == model).all(axis=1)]
        layers = ", ".join(str(layer) for layer in sorted(set(of_model[:, 2].tolist())))
        faults.append(
            f"{subtask.scores_file}: {functionality} lacks {len(of_model)} score(s) of seed {model.seed}, "
            f"layer(s) {layers}"
        )
    return tuple(faults)


def _reference(
    subtask: PublishedSubtask, models: list[Model], score: np.ndarray, quirks: frozenset[Quirk]
) -> tuple[Model, str]:
    """The reference, and why nothing is compared with it, if nothing is."""
    if subtask.name != "pretrain_finetune" or Quirk.OFF_BY_ONE_REFERENCE not in quirks:
        return models[int(np.argmax(score))], ""
    best = models[int(np.argsort(score)[-1])]  # the published choice among equals
    reference = Model(best.seed - 1, best.step - 1)
    if reference in models:
        return reference, ""
    return reference, (
        f"the best model has seeds ({best.seed}, {best.step}); the published rule looks up "
        f"({reference.seed}, {reference.step}), which selects nothing"
    )


def stored_orientation(pairs: np.ndarray) -> np.ndarray:
    """The pairs with the side of the smaller (seed, step, layer) first, as in the archive's distance files."""
    turned = np.array([key[:3] > key[3:6] for key in pairs.tolist()], dtype=bool)
    return np.where(turned[:, None], exchanged(pairs), pairs)
