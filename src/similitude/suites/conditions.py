"""Networks that differ by design: how each group was trained, and what that must have done to its networks.

A condition that left no trace in a network groups it by name only. Every condition therefore has gates, figures that
each of its networks must reach, and a population holds no network that failed one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from similitude.benchmark import Pairing, Separation, Subtask
from similitude.errors import DegeneratePopulation
from similitude.representations import ModelRecord, Population

__all__ = ["Condition", "Design", "Gate", "hints", "label_designs", "training_labels"]

_LABELS, _HINTS = 17, 19  # random streams apart from those that training draws from


@dataclass(frozen=True)
class Gate:
    """A figure that a network must reach, or its condition had no effect on it.

    Parameters
    ----------
    score
        Name of a score of the whole network, e.g. ``"accuracy/training"``.
    claim
        What reaching it shows, e.g. ``"has memorised its labels"``.
    least, most
        Bounds of the score, themselves allowed; None for no bound.
    """

    score: str
    claim: str
    least: float | None = None
    most: float | None = None

    @property
    def required(self) -> str:
        """The bounds in words: ``"at least 0.9"``."""
        bounds = (("at least", self.least), ("at most", self.most))
        return " and ".join(f"{words} {bound:g}" for words, bound in bounds if bound is not None)

    def is_passed(self, value: float) -> bool:
        """Return whether a value lies within the bounds; NaN never does."""
        return (
            not np.isnan(value)
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
        )


@dataclass(frozen=True)
class Condition:
    """How the networks of one group are trained.

    Parameters
    ----------
    name
        Name of the group.
    strength
        How much of what the design varies: a share, a probability, or a standard deviation.
    gates
        What each network must show.
    """

    name: str
    strength: float
    gates: tuple[Gate, ...] = ()

    def model(self, seed: int) -> str:
        """Return the name of a network of the group; names sort by strength, then by seed."""
        return f"{self.strength:.2f}-seed{seed:03}"

    def check(self, record: ModelRecord) -> None:
        """Make sure that a network passes the gates.

        Raises
        ------
        DegeneratePopulation
            It does not; the network and the figure are named.
        """
        values = {score.functionality: score.value for score in record.scores if score.layer is None}
        for gate in self.gates:
            value = values.get(gate.score, float("nan"))
            if not gate.is_passed(value):
                raise DegeneratePopulation(
                    f"Network {record.model!r} of the group {self.name!r} has {gate.score} {value:.3f}; "
                    f"{gate.required} is required, which shows that it {gate.claim}. Train for longer, or change the "
                    "condition."
                )


@dataclass(frozen=True)
class Design:
    """Groups of networks that differ in one thing.

    Parameters
    ----------
    test
        Which of `similitude.benchmark.questions.TESTS` it is; also the last part of the subtask's id.
    varies
        What differs between the groups.
    asks
        What is asked of a measure, for people.
    conditions
        One per group.
    """

    test: str
    varies: str
    asks: str
    conditions: tuple[Condition, ...]

    def subtask(self, name: str, population: str, modality: str) -> Subtask:
        """Return the subtask on a population made by this design: separation of the groups in the last layer."""
        return Subtask(
            id=name,
            test=self.test,
            population=population,
            varies=self.varies,
            functionalities=(),
            pairing=Pairing("models", ("last",)),
            question=Separation("condition", self.varies),
            modality=modality,
            description=self.asks,
        )

    def figures(self, population: Population) -> pd.DataFrame:
        """Return the figures that the gates rest on.

        Returns
        -------
        pandas.DataFrame
            One row per gate of a group, with the columns group, figure, required, networks, redrawn (how many
            networks have another seed, because the first failed), mean, min, max.
        """
        scores, groups = population.scores, population.attributes["condition"]
        again = population.attributes.get("redrawn", pd.Series(0, groups.index)).fillna(0) > 0
        scores = scores[scores["layer"].isna()]
        rows = []
        for condition in self.conditions:
            of_group = scores[scores["model"].isin(groups.index[groups == condition.name])]
            for gate in condition.gates:
                values = of_group.loc[of_group["functionality"] == gate.score, "value"]
                found = {
                    "networks": len(values),
                    "redrawn": int(again[groups == condition.name].sum()),
                    **{"mean": values.mean(), "min": values.min(), "max": values.max()},
                }
                rows.append({"group": condition.name, "figure": gate.score, "required": gate.required, **found})
        return pd.DataFrame(rows)


def label_designs(conditions: tuple[Condition, ...]) -> tuple[Design, Design]:
    """Return the designs of random labels: every network with its own, and all networks of a group with the same.

    Strength is the share of the items that draw a new label, uniformly over all classes, the true one included.
    """
    return (
        Design(
            "labels_own",
            "share of random labels, drawn for each network",
            "Does it tell apart networks that memorised fewer and more random labels, each network its own?",
            conditions,
        ),
        Design(
            "labels_shared",
            "share of random labels, the same for all networks",
            "Does it tell apart networks that memorised fewer and more random labels, all networks the same ones?",
            conditions,
        ),
    )


def training_labels(
    design: Design, condition: Condition, labels: np.ndarray, classes: int, *, seed: int, draw: int
) -> np.ndarray:
    """Return the labels that a network is trained on; the true ones unless the design is about labels.

    Parameters
    ----------
    design, condition
        How the network is trained.
    labels
        True labels, integers from 0, shape (n,).
    classes
        Number of classes.
    seed, draw
        Seed of the network, which decides its own labels, and the draw of seeds, which decides shared ones.
    """
    if design.test not in ("labels_own", "labels_shared"):
        return labels
    rng = np.random.default_rng([_LABELS, 1, seed] if design.test == "labels_own" else [_LABELS, 0, draw])
    random = rng.random(len(labels)) < condition.strength
    return np.where(random, rng.integers(0, classes, len(labels)), labels)


def hints(labels: np.ndarray, classes: int, right: float, seed: Sequence[int]) -> np.ndarray:
    """Return the class that a shortcut points to, for each item.

    Parameters
    ----------
    labels
        True labels, integers from 0, shape (n,).
    classes
        Number of classes.
    right
        Probability that the shortcut is right; a wrong one is uniform over the other classes, so that 1 / classes
        leaves it without information.
    seed
        Seed of the draw.
    """
    rng = np.random.default_rng([_HINTS, *seed])
    wrong = rng.random(len(labels)) >= right
    return (labels + wrong * rng.integers(1, classes, len(labels))) % classes
