"""Similarity to references over training steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from similitude.errors import InputError
from similitude.measures import Measure, get_measure
from similitude.result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Trajectory"]


@dataclass(frozen=True, repr=False)
class Trajectory(Result):
    """Similarity of layers to references over training, as `SimilarityMonitor` and `compare_checkpoints` find it.

    Parameters
    ----------
    frame
        One row per value: ``step``, ``layer``, ``reference``, ``measure`` and ``value``; with intervals, their ends
        ``low`` and ``high``; of checkpoints, ``checkpoint``. A value that failed is NaN.
    measures
        The measures.
    n
        Number of inputs.
    counted
        What steps count, for the axis of figures.
    left_out
        Layers and checkpoints that cannot be compared, with the reason.
    failures
        Reasons why values are missing, by layer, reference and measure.
    """

    frame: pd.DataFrame
    measures: tuple[Measure, ...]
    n: int
    counted: str = "training step"
    left_out: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[tuple[str, str, str], str] = field(default_factory=dict)

    @property
    def references(self) -> tuple[str, ...]:
        """Names of the references."""
        return tuple(self.frame["reference"].unique())

    @property
    def compared(self) -> list[tuple[Measure, str]]:
        """Every measure with every reference."""
        return [(measure, reference) for measure in self.measures for reference in self.references]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per value; see the attribute ``frame``."""
        return self.frame.copy()

    def table(
        self, measure: str | Measure | None = None, reference: str | None = None, what: str = "value"
    ) -> pd.DataFrame:
        """Return the values of one measure, training steps as rows and layers as columns.

        Parameters
        ----------
        measure, reference
            Id and name; either may be left out where there is one.
        what
            ``"value"``, or, where there are intervals, ``"low"`` or ``"high"``.
        """
        name = _chosen("measure", None if measure is None else str(get_measure(measure)), [*map(str, self.measures)])
        compared = _chosen("reference", reference, self.references)
        if what not in self.frame:
            raise InputError(f"There is no {what!r} of values here. Known: value, and with intervals low and high.")
        rows = self.frame[(self.frame["measure"] == name) & (self.frame["reference"] == compared)]
        return rows.pivot(index="step", columns="layer", values=what)[list(rows["layer"].unique())]

    def plot(self) -> Figure:
        """Draw similarity over training steps: one panel per measure and reference, one line per layer."""
        return self._draw()


def _chosen(kind: str, asked: str | None, known: Sequence[str]) -> str:
    if not known:
        raise InputError("Nothing was compared yet.")
    name = known[0] if asked is None and len(known) == 1 else asked
    if name is None or name not in known:
        raise InputError(f"Name one {kind}: {', '.join(known)}.")
    return name
