"""What a subtask asks of a dissimilarity, and with which statistic the answer is judged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from similitude.errors import UnknownName, suggestion

__all__ = ["TESTS", "Monotonicity", "Question", "RankCorrelation", "Separation", "named_tests"]

TESTS = {
    "probes": "what linear probes read off layers, whole or with components removed",
    "accuracy": "difference in accuracy",
    "outputs": "difference in what networks answer",
    "labels_own": "shares of random labels, drawn for each network",
    "labels_shared": "shares of random labels, the same for all networks",
    "shortcut": "strengths of a shortcut in the training data",
    "augmentation": "strengths of augmentation in training",
    "layers": "distance of layers in one network",
    "groups": "groups of one's own",
}
"""Tests that a subtask may belong to (`similitude.benchmark.Subtask.test`), in the order of tables."""


@dataclass(frozen=True)
class Question:
    """What is asked of a dissimilarity. Of every statistic, more is better and 0 is chance.

    Attributes
    ----------
    statistic
        Name of the statistic in results.
    symbol
        The same in tables and on axes.
    """

    statistic: ClassVar[str]
    symbol: ClassVar[str]


@dataclass(frozen=True)
class RankCorrelation(Question):
    """Does it follow the difference in each functionality? Spearman and Kendall correlations."""

    statistic: ClassVar[str] = "spearman"
    symbol: ClassVar[str] = "ρ"


@dataclass(frozen=True)
class Separation(Question):
    """Are models of one group less dissimilar than models of different groups? AUPRC, corrected for chance.

    Parameters
    ----------
    by
        Attribute of the population's models whose value names the group, such as ``"condition"``.
    label
        As in tables; by default the attribute.
    """

    statistic: ClassVar[str] = "separation"
    symbol: ClassVar[str] = "AUPRC above chance"
    by: str = "condition"
    label: str = ""

    def __str__(self) -> str:
        return self.label or f"groups by {self.by}"


@dataclass(frozen=True)
class Monotonicity(Question):
    """Are layers of one model the more dissimilar, the farther apart they are? Mean Spearman correlation per model."""

    statistic: ClassVar[str] = "monotonicity"
    symbol: ClassVar[str] = "ρ with layer distance"

    def __str__(self) -> str:
        return "distance of layers"


def named_tests(names: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Return the tests that some names stand for; ``labels`` is both ``labels_own`` and ``labels_shared``.

    Raises
    ------
    UnknownName
        A name is no test, nor the first word of one.
    """
    known = tuple(known)
    found: dict[str, None] = {}
    for name in names:
        meant = [test for test in known if test == name or test.startswith(f"{name}_")]
        if not meant:
            first_words = {test.partition("_")[0] for test in known}
            raise UnknownName(f"There is no test {name!r}. {suggestion(name, {*known, *first_words})}".rstrip())
        found |= dict.fromkeys(meant)
    return tuple(found)
