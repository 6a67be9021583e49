"""Which layer is most like a target, and how alike it is on inputs that did not choose it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from similitude.engine.compute import Progress, score_pairs
from similitude.engine.intervals import FEWEST, Spread, find_spread
from similitude.errors import InputError, SimilitudeWarning
from similitude.factors.inputs import check_same_inputs
from similitude.factors.memory import MEMORY
from similitude.factors.pair import Side
from similitude.measures import Measure, get_measure
from similitude.representations.representation import Representation
from similitude.representations.tables import plain, plain_records
from similitude.result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LayerChoice", "choose_layer"]


@dataclass(frozen=True, repr=False)
class LayerChoice(Result):
    """The layer that is most like a target, as `similitude.choose_layer` finds it.

    Parameters
    ----------
    layers
        One row per layer, in the order given: ``layer``, ``value`` on all inputs, the ends ``low`` and ``high`` of its
        interval, its standard error ``se``, and ``chosen``, the share of halves of the inputs that choose it.
    layer
        The layer that all inputs together choose.
    target
        Name of what layers are compared with.
    measure
        The measure.
    n
        Number of inputs.
    value
        Mean value on the inputs that did not choose: the layer is chosen on one half, and its value taken on the other.
    low, high
        Ends of the interval of ``value``.
    selected
        Mean value of the same layers on the halves that chose them.
    halves
        One row per half: ``split``, ``layer`` (its choice), ``selected`` (the layer's value on this half) and
        ``held_out`` (on the other).
    level
        Nominal coverage of intervals.
    left_out
        Layers that cannot be compared, with the reason.
    """

    layers: pd.DataFrame
    layer: str
    target: str
    measure: Measure
    n: int
    value: float
    low: float
    high: float
    selected: float
    halves: pd.DataFrame
    level: float
    left_out: Mapping[str, str]

    @property
    def gap(self) -> float:
        """By how much a layer looks better on the inputs that chose it than on others."""
        better = 1 if self.measure.properties().kind == "similarity" else -1
        return better * (self.selected - self.value)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per layer; see the attribute ``layers``."""
        return self.layers.copy()

    def plot(self) -> Figure:
        """Draw the values of all layers with their intervals, and the value of the chosen one on other inputs."""
        return self._draw()

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON."""
        numbers = ("value", "low", "high", "selected", "gap")
        return {
            "layer": self.layer,
            "target": self.target,
            "measure": str(self.measure),
            "kind": self.measure.properties().kind,
            "n": self.n,
            "level": self.level,
            "held_out": {name: plain(getattr(self, name)) for name in numbers},
            "layers": plain_records(self.layers),
            "halves": plain_records(self.halves),
            "left_out": dict(self.left_out),
        }


def choose_layer(
    layers: Mapping[str, Any] | Sequence[Representation],
    target: Any,
    measure: str | Measure = "cka(debiased=true)",
    *,
    splits: int = 20,
    level: float = 0.95,
    resamples: int = 100,
    seed: int = 0,
    progress: Progress | None = None,
    memory: int = MEMORY,
    workers: int | None = None,
) -> LayerChoice:
    """Find the layer that is most like a target, and how alike they are on inputs that did not choose it.

    The best of many values is too good: it was chosen for its noise too. So the inputs are halved at random, one half
    chooses the layer and the other gives its value, and the other way round; the value that is reported is the mean
    over all splits. Its standard error is the mean of those of the chosen layers on all inputs (see
    `similitude.interval`), weighted by how often they are chosen, which is at most too large.

    Parameters
    ----------
    layers
        Layer name to representation or array (n, d_i), such as `extract` returns; or Representations.
    target
        Array (n, d) or Representation of the same inputs: a layer of another network, say.
    measure
        Id. By default CKA without bias: biased CKA grows with the width of layers where inputs are few, and would
        choose the widest.
    splits
        Number of random halvings.
    level
        Nominal coverage of intervals.
    resamples
        Number of replicates for intervals.
    seed
        Seed of halves and replicates.
    progress, memory, workers
        See `similitude.pairwise`.

    Raises
    ------
    InputError
        Fewer than 40 inputs, no layer that can be compared, fewer than 1 split, or a level outside of (0, 1).
    ShapeMismatch
        Different numbers of inputs, or other input ids.

    Warns
    -----
    SimilitudeWarning
        Layers are left out, because they are constant or the measure is not defined for them.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> target = rng.normal(size=(200, 8))
    >>> layers = {f"layer.{i}": target + noise * rng.normal(size=(200, 8)) for i, noise in enumerate([3, 1, 2])}
    >>> found = choose_layer(layers, target)
    >>> found.layer, found.low < found.value < found.high
    ('layer.1', True)
    """
    if splits < 1 or not 0 < level < 1:
        raise InputError(f"splits must be 1 or more, and level between 0 and 1; not {splits} and {level}.")
    chosen = get_measure(measure)
    side = target if isinstance(target, Representation) else Representation(target, model="target")
    left_out: dict[str, str] = {}
    named = _named(layers, left_out)
    for entry in named.values():
        check_same_inputs(Side.of(entry), Side.of(side))
    if side.n < 2 * FEWEST:
        raise InputError(f"Choosing on one half of the inputs needs at least {2 * FEWEST}; there are {side.n}.")
    options: dict[str, Any] = {"memory": memory, "workers": workers}
    found = find_spread(
        [(entry, side) for entry in named.values()], [chosen], resamples=resamples, seed=seed, **options
    )
    on_halves = _on_halves(list(named.values()), side, chosen, splits, seed, progress, options)
    unclear = np.isnan(on_halves).any(axis=(0, 1))
    reasons = dict.fromkeys(np.flatnonzero(unclear).tolist(), "It has no value on some halves of the inputs.")
    reasons |= {i: reason for (i, _), reason in found.failures.items()}
    left_out |= {name: reasons[i] for i, name in enumerate(named) if i in reasons}
    told = "; ".join(f"{name}: {reason}" for name, reason in list(left_out.items())[:1])
    if len(reasons) == len(named):
        raise InputError(f"No layer can be compared; {told}")
    if left_out:
        warnings.warn(f"{len(left_out)} layer(s) left out, the first: {told}", SimilitudeWarning, stacklevel=2)
    usable = [i for i in range(len(named)) if i not in reasons]
    names = [name for name in named if name not in left_out]
    return _choice(found, usable, names, on_halves[..., usable], side, chosen, level, left_out)


def _named(layers: Mapping[str, Any] | Sequence[Representation], left_out: dict[str, str]) -> dict[str, Representation]:
    """Layers by name; those that cannot be compared are noted in `left_out`."""
    given = layers.items() if isinstance(layers, Mapping) else [(entry.layer or entry.key, entry) for entry in layers]
    found = {}
    for name, entry in given:
        try:
            found[str(name)] = entry if isinstance(entry, Representation) else Representation(entry, layer=str(name))
        except InputError as error:
            left_out[str(name)] = str(error)
    if not found:
        raise InputError(f"There is no layer to choose. {next(iter(left_out.values()), '')}".rstrip())
    return found


def _on_halves(
    layers: Sequence[Representation],
    target: Representation,
    measure: Measure,
    splits: int,
    seed: int,
    progress: Progress | None,
    options: dict[str, Any],
) -> np.ndarray:
    """Values of all layers on both halves of each split, of shape (splits, 2, layers)."""
    rng = np.random.default_rng([seed, 1])  # not the numbers that choose replicates
    values = np.empty((splits, 2, len(layers)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SimilitudeWarning)  # said of all inputs already
        for split in range(splits):
            order = rng.permutation(target.n)
            for half, rows in enumerate((order[: target.n // 2], order[target.n // 2 :])):
                kept = np.sort(rows)
                part = target.reordered(kept)
                pairs = [(layer.reordered(kept), part) for layer in layers]
                values[split, half] = score_pairs(pairs, [measure], **options).values[:, 0]
            if progress is not None:
                progress(split + 1, splits)
    return values


def _choice(
    found: Spread,
    usable: Sequence[int],
    names: Sequence[str],
    on_halves: np.ndarray,
    target: Representation,
    measure: Measure,
    level: float,
    left_out: Mapping[str, str],
) -> LayerChoice:
    better = 1.0 if measure.properties().kind == "similarity" else -1.0
    best = np.argmax(better * on_halves, axis=2)[..., None]
    selected = np.take_along_axis(on_halves, best, axis=2)[..., 0]
    held_out = np.take_along_axis(on_halves[:, ::-1], best, axis=2)[..., 0]
    shares = np.bincount(best.ravel(), minlength=len(names)) / best.size
    low, high = (ends[usable, 0] for ends in found.ends(level))
    table = pd.DataFrame(
        {
            "layer": list(names),
            "value": found.values[usable, 0],
            "low": low,
            "high": high,
            "se": found.errors[usable, 0],
            "chosen": shares,
        }
    )
    halves = pd.DataFrame(
        {
            "split": np.repeat(np.arange(len(best)), 2),
            "layer": np.array(names, dtype=object)[best.ravel()],
            "selected": selected.ravel(),
            "held_out": held_out.ravel(),
        }
    )
    value = float(held_out.mean())
    # To first order the mean over both halves is the value on all inputs. How far layers vary together is not known, so
    # their errors are added: at most too wide.
    half = found.quantiles(level)[0] * float(shares @ table["se"])
    lowest, highest = measure.properties().bounds
    return LayerChoice(
        table,
        names[int(np.argmax(better * table["value"]))],
        target.key,
        measure,
        target.n,
        value,
        float(max(value - half, lowest)),
        float(min(value + half, highest)),
        float(selected.mean()),
        halves,
        level,
        dict(left_out),
    )
