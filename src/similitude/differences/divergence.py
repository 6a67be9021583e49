"""At which layer do two builds of one network first differ, and is it more than noise?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from similitude.differences.layers import Layer, Layers
from similitude.doctor.chance import chance_of_cka
from similitude.engine.compute import score_pairs
from similitude.measures import Measure, get_measures
from similitude.result import RecordedResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ASSUMED", "FACTOR", "Divergence", "judge", "tabulate", "tolerance_of"]

FACTOR = 4.0
"""Tolerance in units of the measured noise: two ways to round differ by up to twice what either does, and some more."""

_FLOOR = 4.0
"""Least tolerance where noise is measured, in units of the machine epsilon."""

ASSUMED = {2.0**-52: 1e-7, 2.0**-23: 1.3e-6, 2.0**-10: 1e-3, 2.0**-7: 1.6e-2}
"""Tolerance of each machine epsilon where no noise is measured: the relative ones of ``torch.testing.assert_close``."""

Verdict = Literal["equal", "same", "diverged"]


@dataclass(frozen=True, repr=False)
class Divergence(RecordedResult):
    """Where two networks differ, as `similitude.diff` finds it.

    Parameters
    ----------
    layers
        One row per pair of layers, in the order of the first network: ``layer``, ``other``, ``equal`` (every entry),
        ``largest`` (absolute difference), ``relative`` (norm of the difference relative to that of the first; NaN where
        shapes differ), ``sqnr`` (dB), ``cka``, ``procrustes``, ``chance`` (CKA of unrelated data with these spectra),
        ``noise`` (relative error between the first and itself), ``tolerance`` and ``beyond`` (whether it is exceeded).
        What a measure is not defined for is NaN.
    n
        Number of inputs; 0 if weights alone are compared.
    names
        Of the two networks.
    first
        First layer beyond tolerance, or the first parameter where weights alone are compared; None if all agree. It may
        be within tolerance as a whole, where a module in it is not and adds little to it.
    matched_by
        ``"name"``, ``"order"`` or ``"alignment"``.
    noise_from
        What noise is measured from; empty if tolerances are assumed or stated.
    inside
        First module beyond tolerance, up to `first`; None if none is looked at, or none is.
    agrees
        Last module or layer before it that is within tolerance.
    weights
        See `similitude.differences.weights.compare_weights`; one row per parameter.
    settings
        One row per module that prints other settings, or is in another mode: ``module``, ``first``, ``second``.
    only
        Layers of either network without a partner.
    left_out
        Layers that cannot be compared, with the reason.
    notes
        What a reader should know besides, such as a network that is random.
    sources
        ``network/layer`` to what is known of its representation: hash, n, d, dtype, reduction, axes.
    """

    layers: pd.DataFrame
    n: int
    names: tuple[str, str]
    first: str | None
    matched_by: str = "name"
    noise_from: tuple[str, ...] = ()
    inside: str | None = None
    agrees: str | None = None
    weights: pd.DataFrame = field(default_factory=pd.DataFrame)
    settings: pd.DataFrame = field(default_factory=pd.DataFrame)
    only: tuple[list[str], list[str]] = ((), ())  # type: ignore[assignment]
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def measures(self) -> list[Measure]:
        """The measures of the table; none if weights alone are compared."""
        return get_measures(["cka", "procrustes"]) if self.n else []

    @property
    def verdict(self) -> Verdict:
        """``"equal"`` to the last bit, ``"same"`` within tolerance, or ``"diverged"``."""
        if self.first is not None:
            return "diverged"
        return "equal" if not len(self.layers) or bool(self.layers["equal"].all()) else "same"

    @property
    def same(self) -> bool:
        """Whether the networks agree within tolerance."""
        return self.verdict != "diverged"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per pair of layers; see the attribute ``layers``."""
        return self.layers.copy()

    def plot(self) -> Figure:
        """Draw relative error and tolerance over depth, and CKA with its chance below."""
        return self._draw()

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON; what is not finite becomes None."""
        return {
            "verdict": self.verdict,
            "first": self.first,
            "inside": self.inside,
            "agrees": self.agrees,
            "names": list(self.names),
            "n": self.n,
            "matched_by": self.matched_by,
            "noise_from": list(self.noise_from),
            "layers": _records(self.layers),
            "weights": _records(self.weights),
            "settings": _records(self.settings),
            "only": {"first": list(self.only[0]), "second": list(self.only[1])},
            "left_out": dict(self.left_out),
            "notes": list(self.notes),
        }


def tolerance_of(layer: Layer, fail_above: float | None) -> float:
    """Return the relative error up to which a layer counts as the same.

    It is `FACTOR` times the measured noise, some machine epsilons at least; where no noise is measured, that of
    `ASSUMED`; and `fail_above` in place of both.
    """
    if fail_above is not None:
        return fail_above
    if layer.noise is None:
        return next((bound for eps, bound in ASSUMED.items() if layer.precision <= eps), 1.6e-2)
    return max(FACTOR * layer.noise, _FLOOR * layer.precision)


def judge(layer: Layer, fail_above: float | None) -> bool:
    """Whether a layer is beyond tolerance; one of another shape is."""
    return not layer.gap.relative <= tolerance_of(layer, fail_above)


def tabulate(found: Layers, fail_above: float | None, memory: int) -> pd.DataFrame:
    """Return one row per pair of layers; see `Divergence`."""
    values = _values(found.layers, memory)
    rows = []
    for layer in found.layers:
        cka, procrustes, chance = values.get(_contents(layer), (math.nan,) * 3)
        rows.append(
            {
                "layer": layer.name,
                "other": layer.other,
                "equal": layer.gap.equal,
                "largest": math.nan if layer.gap.shapes else layer.gap.largest,
                "relative": layer.gap.relative,
                "sqnr": layer.gap.sqnr,
                "cka": cka,
                "procrustes": procrustes,
                "chance": chance,
                "noise": math.nan if layer.noise is None else layer.noise,
                "tolerance": tolerance_of(layer, fail_above),
                "beyond": judge(layer, fail_above),
            }
        )
    return pd.DataFrame(rows)


def _contents(layer: Layer) -> tuple[str, str] | None:
    if layer.first is None or layer.second is None:
        return None
    return layer.first.content_hash, layer.second.content_hash


def _values(layers: Sequence[Layer], memory: int) -> dict[tuple[str, str] | None, tuple[float, float, float]]:
    """CKA, Procrustes distance and chance, once per pair of contents: many modules hand on what they are given."""
    pairs = {
        contents: (layer.first, layer.second)
        for layer in layers
        if (contents := _contents(layer)) is not None and layer.first is not None and layer.second is not None
    }
    apart = [contents for contents in pairs if contents[0] != contents[1]]
    scored = score_pairs([pairs[key] for key in apart], get_measures(["cka", "procrustes"]), memory=memory)
    scores = dict(zip(apart, scored.values, strict=True))
    values: dict[tuple[str, str] | None, tuple[float, float, float]] = {}
    for contents, (first, second) in pairs.items():
        cka, procrustes = scores.get(contents, (1.0, 0.0))
        values[contents] = float(cka), float(procrustes), chance_of_cka(first.values, second.values)
    return values


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): _plain(value) for key, value in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, tuple):
        return [int(length) for length in value]
    return bool(value) if isinstance(value, np.bool_) else value
