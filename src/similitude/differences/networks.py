"""Two networks on the same inputs, layer by layer, with what is needed to say where they part."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from similitude.differences.gaps import Gap
from similitude.differences.layers import Layer, Layers, aligned
from similitude.differences.matching import Match, match_names, match_order
from similitude.differences.noise import Noise, gaps_between, in_precision, measure_noise
from similitude.errors import InputError, NetworkError, ShapeMismatch, SimilitudeWarning
from similitude.extraction.axes import AxesLike
from similitude.extraction.batch import Batch
from similitude.extraction.extract import as_representations
from similitude.extraction.forward import evaluating
from similitude.extraction.inputs import Batches
from similitude.extraction.outputs import Observer, Output, pieces
from similitude.extraction.rows import FolderRows, MemoryRows, Part, Rows
from similitude.extraction.taps import WHOLE, LayersLike, blocks_of, stages_of
from similitude.representations.representation import Representation

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["Found", "Networks", "check_inputs", "running"]

_FEW = 8
"""Number of inputs on which noise is measured, and on which all modules are looked at."""


class Found(NamedTuple):
    """A module beyond tolerance, and the last one before it that is not (None if it is the first that runs)."""

    module: str
    agrees: str | None


@dataclass(frozen=True)
class _Detail:
    """All modules on a few inputs, in the order in which they run in the first network; and what is random."""

    modules: list[Layer]
    shared: frozenset[str]
    blocks: frozenset[str]
    noise: Noise
    random: tuple[str | None, str | None]

    def first(self, judge: Callable[[Layer], bool], last: str | None) -> Found | None:
        """First module beyond tolerance, up to the last.

        A module whose output all inputs share, such as an embedding of positions, counts only if something made of it
        is beyond tolerance too, before a block agrees: attention to relative positions does not notice a shift.
        """
        agrees, before = None, None
        for module in self.modules:
            if judge(module):
                if module.name not in self.shared:
                    return before or Found(module.name, agrees)
                before = before or Found(module.name, agrees)
                continue
            agrees = module.name
            if module.name in self.blocks:
                before = None
            if module.name == last:
                break
        return None


@dataclass
class Networks:
    """Two networks, and how they are looked at.

    Parameters
    ----------
    first, second
        The networks.
    inputs
        Inputs of each.
    layers
        Layers of each; None for all that cover the network.
    names
        Of the networks, for tables.
    match
        How layers are matched.
    noise_from
        See `similitude.differences.noise.SOURCES`.
    axes
        See `similitude.extract`.
    memory
        Bytes, about: half for representations, a quarter for the outputs of a batch.
    progress
        Called with the number of batches done and in all.
    """

    first: Module
    second: Module
    inputs: tuple[Batches, Batches]
    layers: tuple[LayersLike | None, LayersLike | None]
    names: tuple[str, str]
    match: Match
    noise_from: Sequence[str]
    axes: AxesLike
    memory: int
    progress: Callable[[int, int | None], None] | None = None
    _clones: dict[str, Module] = field(default_factory=dict)
    _missing: set[str] = field(default_factory=set)
    _detail: _Detail | None = None
    _steady: Sequence[bool] = (False, False)
    _n: int = 0

    def compare(self, spool: Path) -> Layers:
        """Run both networks on all inputs, and compare the layers that match.

        Parameters
        ----------
        spool
            Folder where representations go that do not fit in memory.
        """
        observers = [self._observer(side) for side in (0, 1)]
        with running(self.first, self.second):
            few, looks, is_divisible = self._glance(observers)
            self._steady = [observer.steady for observer in observers]
            held = sum(map(_bytes_per_input, looks))
            limit = int(max(1, self.memory // 4 // max(1, held))) if is_divisible else few[0].size
            names = [list(look) for look in looks]
            found = match_order(names[0], names[1], self.match)
            if found is None:
                _, sides = self._stream(observers, [], names, limit, spool / "all")
                found = "alignment", aligned(sides[0], sides[1], self.memory // 2)
            matched_by, pairs = found
            wanted = [name for name, _ in pairs], [other for _, other in pairs]
            gaps, sides = self._stream(observers, pairs, wanted, limit, spool)
            self._detail = self._look_closely(few, limit)
            noise = self._detail.noise
        layers = [
            Layer(
                *(name, other, gap, noise.layers.get(name), looks[0][name].precision),
                *(sides[0].get(name), sides[1].get(other)),
            )
            for (name, other), gap in zip(pairs, gaps, strict=True)
        ]
        left_out = {
            f"{name}/{layer}": reason
            for name, observer in zip(self.names, observers, strict=True)
            for layer, reason in observer.left_out.items()
        }
        only = [[name for name in side if name not in kept] for side, kept in zip(names, wanted, strict=True)]
        return Layers(layers, matched_by, (only[0], only[1]), self._n, self._detail.random, left_out)

    def locate(self, layers: Sequence[Layer], judge: Callable[[Layer], bool]) -> Found | None:
        """Find the first module beyond tolerance, up to the first layer that is.

        Parameters
        ----------
        layers
            Those that were compared.
        judge
            Whether a layer is beyond tolerance.
        """
        assert self._detail is not None
        position = next((i for i, layer in enumerate(layers) if judge(layer)), None)
        last = None if position is None else layers[position].name
        found = self._detail.first(judge, last)
        if found is None and position is not None:  # the first inputs do not show it
            worst = [_worst(batches, layers[position].gap.of_inputs) for batches in self.inputs]
            with running(self.first, self.second):
                found = self._look_closely(worst, _FEW).first(judge, last)
        return found

    def _look_closely(self, few: Sequence[Batch], most: int) -> _Detail:
        """All modules on a few inputs, as many as fit."""
        observers = [self._observer(side, every=True) for side in (0, 1)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SimilitudeWarning)  # of modules that cannot be read
            glances = [observer.glance(batch) for observer, batch in zip(observers, few, strict=True)]
            if few[0].size <= most:
                held = 4 * _bytes_per_input(glances[0])
                rows = range(int(min(few[0].size, max(1, self.memory // 4 // max(1, held)))))
                few = [batch.cut(rows) for batch in few]
            looks = [observer.look(batch) for observer, batch in zip(observers, few, strict=True)]
        noise = self._noise(observers[0], few[0], looks[0])
        random = None if self._steady[1] else measure_noise(observers[1], few[1], looks[1]).random
        matched = match_order(list(looks[0]), list(looks[1]))
        pairs = [
            (name, other)
            for name, other in (matched[1] if matched is not None else [])
            if _comparable(looks[0][name], looks[1][other])
        ]
        return _Detail(
            [
                Layer(name, other, gap, noise.layers.get(name), looks[0][name].precision)
                for (name, other), gap in zip(pairs, gaps_between(looks[0], looks[1], pairs), strict=True)
            ],
            frozenset(name for name, other in pairs if looks[0][name].is_shared or looks[1][other].is_shared),
            frozenset(blocks_of(self.first)),
            noise,
            (noise.random, random),
        )

    def _noise(self, observer: Observer, batch: Batch, expected: dict[str, Output]) -> Noise:
        for source in self.noise_from:
            if source in ("batch", "threads") or source in self._clones or source in self._missing:
                continue
            try:
                self._clones[source] = in_precision(self.first, source)
            except (InputError, NetworkError) as error:
                self._missing.add(source)
                warnings.warn(f"The noise from {source} is not measured: {error}", SimilitudeWarning, stacklevel=2)
        return measure_noise(observer, batch, expected, self.noise_from, self._clones, repeat=not self._steady[0])

    def _observer(self, side: int, every: bool = False) -> Observer:
        network, layers = (self.first, self.second)[side], self.layers[side]
        if layers is not None:
            return Observer(network, layers, self.axes, every=every)
        stages = stages_of(self.first) if side == 0 else stages_like(self.first, self.second)
        return Observer(network, stages, self.axes, every=every, required=False)

    def _glance(self, observers: Sequence[Observer]) -> tuple[list[Batch], list[dict[str, Output]], bool]:
        """Glance at a few inputs, or at a whole batch if a network runs on nothing else."""
        first = [next(iter(batches)) for batches in self.inputs]
        few = [batch if batch.size <= _FEW else batch.cut(range(_FEW)) for batch in first]
        try:
            return few, [observer.glance(batch) for observer, batch in zip(observers, few, strict=True)], True
        except NetworkError:
            if few[0] is first[0]:
                raise
        return first, [observer.glance(batch) for observer, batch in zip(observers, first, strict=True)], False

    def _stream(
        self,
        observers: Sequence[Observer],
        pairs: Sequence[tuple[str, str]],
        wanted: Sequence[Sequence[str]],
        limit: int,
        spool: Path,
    ) -> tuple[list[Gap], list[dict[str, Representation]]]:
        """Gaps of pairs, and representations of the layers wanted of either side."""
        gaps, self._n = [Gap() for _ in pairs], 0
        rows: list[Rows] = []
        for done, batches in enumerate(_side_by_side(*self.inputs), 1):
            for cut in zip(*(pieces(batch, limit) for batch in batches), strict=True):
                looks = [observer.look(piece) for observer, (_, piece) in zip(observers, cut, strict=True)]
                for (name, other), gap in zip(pairs, gaps, strict=True):
                    if name in looks[0] and other in looks[1]:
                        gap.add(looks[0][name].values, looks[1][other].values, looks[0][name].real)
                parts = [
                    {name: part for name in names if name in look and (part := look[name].part) is not None}
                    for look, names in zip(looks, wanted, strict=True)
                ]
                rows = rows or self._rows(parts, batches[0].size // cut[0][1].size, spool)
                for side, of_side, batch, (places, _) in zip(rows, parts, batches, cut, strict=True):
                    side.add(of_side, None if batch.ids is None else batch.ids[places])
                self._n += cut[0][1].size
            if self.progress is not None:
                self.progress(done, self.inputs[0].count)
        left_out: dict[str, str] = {}  # such as constant layers, whose outputs can be compared all the same
        sides = [as_representations(side, name, False, left_out) for side, name in zip(rows, self.names, strict=True)]
        return gaps, sides

    def _rows(self, parts: Sequence[dict[str, Part]], pieces_per_batch: int, spool: Path) -> list[Rows]:
        """Where rows go: memory, or files if those of all batches may not fit."""
        width = sum(part.values.nbytes for of_side in parts for part in of_side.values())
        expected = width * max(1, pieces_per_batch) * (self.inputs[0].count or math.inf)
        if expected <= self.memory // 2:
            return [MemoryRows(), MemoryRows()]
        return [FolderRows(spool / letter, {}) for letter in "ab"]


@contextmanager
def running(first: Module, second: Module) -> Iterator[None]:
    """Evaluation mode and no gradients within a block, but for modules that train in one of the networks only.

    Such a module is a difference of the networks. Its running statistics come back afterwards.
    """
    sides = dict(first.named_modules()), dict(second.named_modules())
    pairs = [("", ""), *match_names(list(sides[0])[1:], list(sides[1])[1:])]
    odd = [
        module
        for name, other in pairs
        for module, partner in [(sides[0][name], sides[1][other]), (sides[1][other], sides[0][name])]
        if module.training and not partner.training
    ]
    with evaluating(first), evaluating(second):
        buffers = [(buffer, buffer.clone()) for module in odd for buffer in module.buffers(recurse=False)]
        for module in odd:
            module.training = True
        try:
            yield
        finally:
            for buffer, content in buffers:
                buffer.copy_(content)


def _bytes_per_input(look: dict[str, Output]) -> float:
    return sum(output.values.nbytes / len(output.values) for output in look.values())


def stages_like(first: Module, second: Module) -> list[str]:
    """Return the layers of a network that partner the stages of another, and its own stages besides.

    What counts as a repeated unit depends on what modules hold, and a quantised or adapted module may hold others: the
    second network is divided as the first is, if most stages have a namesake.
    """
    stages, own = stages_of(first), stages_of(second)
    sides = [[name for name, _ in network.named_modules() if name] for network in (first, second)]
    namesakes = dict(match_names(*sides)) | {WHOLE: WHOLE}
    partners = []
    for stage in stages:
        path, colon, place = stage.partition(":")
        if path in namesakes:
            partners.append(f"{namesakes[path]}{colon}{place}")
    if 2 * len(partners) < len(stages):
        return own
    held = [partner.partition(":")[0] for partner in partners]
    others = [
        stage
        for stage in own
        for path in [stage.partition(":")[0]]
        if not any(f"{path}.".startswith(f"{name}.") or f"{name}.".startswith(f"{path}.") for name in held)
    ]
    return list(dict.fromkeys([*partners, *others]))


def _comparable(first: Output, second: Output) -> bool:
    """Whether outputs have rows of inputs on both sides, or else one shape, but for what all inputs share."""
    shapes = first.values.shape, second.values.shape
    if first.is_shared == second.is_shared:
        return not first.is_shared or shapes[0] == shapes[1]
    shared, rows = shapes if first.is_shared else shapes[::-1]
    return rows[-len(shared) :] == shared or rows[1:] == shared[1:]


def check_inputs(*inputs: Batches) -> None:
    """Refuse inputs that cannot be shown twice in the same order."""
    for batches in inputs:
        if not batches.repeatable:
            raise InputError("Two networks cannot both read an iterator. Give a list of its batches, or a loader.")
        if batches.shuffled:
            raise InputError("The inputs come in another order each time. Use shuffle=False.")


def _side_by_side(first: Batches, second: Batches) -> Iterator[tuple[Batch, Batch]]:
    for x, y in zip_longest(first, second):
        if x is None or y is None or x.size != y.size:
            raise ShapeMismatch("The two networks are given different numbers of inputs. Give them the same.")
        if x.ids != y.ids:
            raise ShapeMismatch("The two networks are given inputs with different ids. Give them the same.")
        yield x, y


def _worst(batches: Batches, of_inputs: np.ndarray) -> Batch:
    """The inputs of one batch that differ most: of the batch that holds the one that differs most of all."""
    start, worst = 0, int(of_inputs.argmax()) if len(of_inputs) else 0
    for batch in batches:
        if worst < start + batch.size or not len(of_inputs):
            inside = of_inputs[start : start + batch.size]
            rows = np.argsort(-inside, kind="stable")[:_FEW].tolist() if len(inside) else range(min(_FEW, batch.size))
            return batch.cut(sorted(rows))
        start += batch.size
    raise AssertionError("every input is in a batch")
