"""Values of several measures for one pair."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pandas as pd
from array_api_compat import is_torch_array

from similitude.errors import SimilitudeError, UnknownName
from similitude.measures import Measure, get_measure
from similitude.result import RecordedResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PairValues"]


class PairValues(RecordedResult, dict[str, float]):
    """Values of measures for one pair: a dict of measure id to value that prints with ranges and directions.

    A value is looked up by any spelling of its measure's id. One that is not defined for the pair is NaN.

    Parameters
    ----------
    measures
        The measures, in order.
    values
        Their values.
    failures
        Measure id to the reason, where there is no value.
    n
        Number of inputs.
    widths
        Numbers of features of the two sides.
    chance
        What each value is by chance, if that was asked for: a frame indexed by measure, with columns value, chance,
        sd, z, p, calibrated and null; see `similitude.pairwise`.
    sources
        What is known of the two sides, ``first`` and ``second``: hash, n, d, dtype, reduction, axes.
    """

    def __init__(
        self,
        measures: Sequence[Measure],
        values: Iterable[Any],
        failures: Mapping[str, str],
        n: int,
        widths: tuple[int, int],
        chance: pd.DataFrame | None = None,
        sources: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    ) -> None:
        super().__init__(zip(map(str, measures), values, strict=True))
        self.measures = tuple(measures)
        self.failures = dict(failures)
        self.n = n
        self.widths = widths
        self.chance = chance
        self.sources = sources

    def __missing__(self, key: str | Measure) -> Any:
        name = str(get_measure(key))
        if not super().__contains__(name):
            raise UnknownName(f"{name} was not computed; there are {', '.join(self)}.")
        return self[name]

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or super().__contains__(_canonical(key))

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value of a measure, or `default` where it was not asked for."""
        try:
            return self[key]
        except SimilitudeError:
            return default

    def to_frame(self) -> pd.DataFrame:
        """Return one row per measure.

        Returns
        -------
        pandas.DataFrame
            Indexed by measure: ``value``, ``kind`` (similarity or dissimilarity), ``similar`` (whether a ``"large"``
            or a ``"small"`` value means similar), ``low`` and ``high`` (the measure's range), and ``failure``, the
            reason where there is no value. Where chance was asked for, the columns of ``.chance`` too.
        """
        declared = [measure.properties() for measure in self.measures]
        frame = pd.DataFrame(
            {
                "value": [float(value.detach() if is_torch_array(value) else value) for value in self.values()],
                "kind": [properties.kind for properties in declared],
                "similar": ["large" if properties.kind == "similarity" else "small" for properties in declared],
                "low": [properties.bounds[0] for properties in declared],
                "high": [properties.bounds[1] for properties in declared],
                "failure": [self.failures.get(name, "") for name in self],
            },
            index=pd.Index(list(self), name="measure"),
        )
        return frame if self.chance is None else frame.join(self.chance.drop(columns="value"))

    def plot(self) -> Figure:
        """Draw each value within its measure's range, one line per measure; similar is to the right on every line."""
        return self._draw()


def _canonical(key: object) -> str | None:
    try:
        return str(get_measure(key)) if isinstance(key, str | Measure) else None
    except SimilitudeError:
        return None
