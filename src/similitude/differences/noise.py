"""How far a network is from itself: in another precision, batch by batch of another size, with other threads."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from similitude.differences.gaps import Gap
from similitude.errors import InputError, NetworkError, SimilitudeWarning, foreign
from similitude.extraction.batch import Batch
from similitude.extraction.outputs import Observer, Output

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["DTYPES", "SOURCES", "Noise", "check_sources", "gaps_between", "in_precision", "measure_noise"]

SOURCES = ("dtype", "batch", "threads")
"""What may change without changing the network: the precision (to the next finer one), the number of inputs per batch,
the number of threads."""

DTYPES = ("float64", "float32", "bfloat16", "float16")
"""Precisions that may be named instead of ``dtype``."""


@dataclass
class Noise:
    """Relative errors between a network and itself.

    Parameters
    ----------
    layers
        Layer to the largest relative error over all sources.
    random
        The first layer that gives other values each time it is run, by more than rounding; None if there is none.
    missing
        Source to the reason for which it could not be measured.
    """

    layers: dict[str, float] = field(default_factory=dict)
    random: str | None = None
    missing: dict[str, str] = field(default_factory=dict)


def check_sources(sources: Iterable[str]) -> tuple[str, ...]:
    """Return the sources in a tuple, or refuse unknown ones."""
    chosen = tuple(dict.fromkeys(sources))
    for source in chosen:
        if source not in (*SOURCES, *DTYPES):
            raise InputError(
                f"Noise cannot be measured from {source!r}. Name some of {', '.join((*SOURCES, *DTYPES))}; where saved "
                "arrays are compared, a file of another run of the first."
            )
    return chosen


def gaps_between(first: dict[str, Output], second: dict[str, Output], pairs: Iterable[tuple[str, str]]) -> list[Gap]:
    """Gap of each pair of layers in two looks at the same inputs."""
    gaps = []
    for name, other in pairs:
        x, y, gap = first[name], second[other], Gap()
        shape = np.broadcast_shapes(x.values.shape, y.values.shape) if x.is_shared != y.is_shared else None
        values, others = (side.values if shape is None else np.broadcast_to(side.values, shape) for side in (x, y))
        gap.add(values, others, y.real if x.is_shared else x.real)
        gaps.append(gap)
    return gaps


def measure_noise(
    observer: Observer,
    batch: Batch,
    expected: dict[str, Output],
    sources: Sequence[str] = (),
    clones: Mapping[str, Module] = MappingProxyType({}),
    repeat: bool = True,
) -> Noise:
    """Compare what the layers of a network give for a batch with what they give under other conditions.

    Parameters
    ----------
    observer
        The network, and what listens to it.
    batch
        A few inputs.
    expected
        What its layers gave for them.
    sources
        Some of `SOURCES` and `DTYPES`.
    clones
        The network in other precisions, by source; see `in_precision`.
    repeat
        Whether to test that the same run, made again, gives the same.
    """
    found = Noise()
    # A difference of this size is no rounding: the network draws random numbers, or mixes the inputs of a batch.
    limit = {name: output.precision**0.5 for name, output in expected.items()}

    def note(source: str, seen: dict[str, Output], capped: bool = True) -> None:
        shared = [name for name in expected if name in seen]
        for name, gap in zip(shared, gaps_between(expected, seen, [(n, n) for n in shared]), strict=True):
            if capped and not gap.relative <= limit[name]:
                found.missing.setdefault(source, f"layer {name} differs by {gap.relative:.2g}, more than by rounding")
                found.random = found.random or (name if source == "repeat" else None)
            else:
                found.layers[name] = max(found.layers.get(name, 0.0), gap.relative)

    if repeat:
        note("repeat", observer.look(batch))
    for source in sources:
        try:
            if source == "batch":
                note(source, _one_by_one(observer, batch))
            elif source == "threads":
                with _other_threads():
                    note(source, observer.look(batch))
            elif source in clones:
                note(source, observer.of(clones[source]).look(batch), capped=source == "dtype")
        except (NetworkError, InputError) as error:
            found.missing[source] = str(error)
    for source, reason in found.missing.items():
        if source != "repeat" and found.random is None:
            warnings.warn(f"The noise from {source} is not measured: {reason}", SimilitudeWarning, stacklevel=2)
    return found


def in_precision(model: Module, source: str) -> Module:
    """Copy of a network in another precision.

    Parameters
    ----------
    model
        The network.
    source
        One of `DTYPES`, or ``"dtype"`` for the next finer precision: single of half, double of single.

    Raises
    ------
    InputError
        The network computes in the finest precision.
    NetworkError
        It cannot be copied or converted.
    """
    import torch

    name = source
    if source == "dtype":
        kinds = [p.dtype for p in model.parameters() if p.is_floating_point()]
        size = min((kind.itemsize for kind in kinds), default=4)
        if size >= 8:
            raise InputError("the network computes in double precision, and there is no finer one.")
        name = "float32" if size < 4 else "float64"
    with foreign(f"Converting {type(model).__name__} to {name}"):
        return copy.deepcopy(model).to(getattr(torch, name))


def _one_by_one(observer: Observer, batch: Batch) -> dict[str, Output]:
    """As one look at the batch, put together from looks at single inputs."""
    looks = [observer.look(batch.cut([row])) for row in range(batch.size)]
    found: dict[str, Output] = {}
    for name, first in looks[0].items():
        outputs = [look[name] for look in looks if name in look]
        if len(outputs) == len(looks) and first.part is not None:
            values = np.concatenate([output.values for output in outputs])
            found[name] = Output(values, first.real, first.precision, first.part)
    return found


@contextmanager
def _other_threads() -> Iterator[None]:
    import torch

    usual = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if usual > 1 else 2)
        yield
    finally:
        torch.set_num_threads(usual)
