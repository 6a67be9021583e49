"""What a computation returns to its caller: prints as a table, and becomes a frame, a file or a figure."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from similitude.representations.tables import write_csv

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["RecordedResult", "Result", "ResultFrame"]

_RECORDS = "similitude.runs.record"
"""How results are written down; it knows every kind of result."""

_VIEWS = "similitude.report.results"
"""How results look; loaded when one is looked at, since it draws with matplotlib."""


class ResultFrame(pd.DataFrame):
    """A result that is a data frame, with the reasons why values are missing."""

    def to_frame(self) -> pd.DataFrame:
        """Return a plain data frame."""
        return pd.DataFrame(self)

    @property
    def failures(self) -> dict[str, str]:
        """Measure id to the reason, for those that failed."""
        return self.attrs.get("failures", {})


class Result(ABC):
    """A result that prints as a table, in a terminal and in a notebook."""

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """Return the result as a data frame."""

    def to_csv(self, path: str | Path) -> None:
        """Write the frame as a CSV file; a text that a spreadsheet would take for a formula gets a ``'`` before it."""
        frame = self.to_frame()
        named = any(name is not None for name in frame.index.names)
        write_csv(frame.reset_index() if named else frame, path)

    def __repr__(self) -> str:
        return importlib.import_module(_VIEWS).as_text(self)

    def _repr_html_(self) -> str:
        return importlib.import_module(_VIEWS).as_html(self)

    def _draw(self, **options: Any) -> Figure:
        return importlib.import_module(_VIEWS).draw(self, **options)


class RecordedResult(Result):
    """A result that knows what it was computed from.

    Attributes
    ----------
    sources
        ``model/layer`` to what is known of each representation; see `similitude.representations.about.about`.
    """

    sources: Mapping[str, Mapping[str, Any]]

    def to_recipe(self, path: str | Path) -> None:
        """Write what was compared, by which measures and software, the values, and a paragraph for a methods section.

        ``similitude replay PATH FILE...`` computes the values again from files of the same arrays.

        Raises
        ------
        InputError
            Nothing is known of what was compared, such as of tensors with gradients.
        """
        importlib.import_module(_RECORDS).record(self).write(Path(path))
