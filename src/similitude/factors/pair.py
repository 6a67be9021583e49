"""A pair of representations, and a store of all that is computed of it once: factors of a side, crosses of the two."""

from __future__ import annotations

import contextlib
import copy
import functools
import threading
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, is_torch_array

from similitude.errors import MeasureError, SimilitudeError
from similitude.factors.base import Cross, Factor, steps
from similitude.factors.inputs import check_same_inputs
from similitude.factors.linear import ThinSVD
from similitude.factors.memory import check_fits
from similitude.linalg.scale import exponent_of, scaled
from similitude.representations.arrays import tensor_in_double
from similitude.representations.representation import Representation, row_blocks

__all__ = ["Pair", "Side", "Units", "as_numpy"]

_COMPARED = 1 << 14
"""Bytes of rows that are compared at a time to tell two sides apart."""


class Side:
    """One side of a pair: values in double precision and the factors computed of them so far.

    Parameters
    ----------
    representation
        What the side holds; None for tensors that stay in their library.
    values
        Array of shape (n, d) in any array-API library.
    precision
        Machine epsilon of the type in which the data were stored.
    parent, kept
        For the leading `kept` principal components of another side.
    inputs
        Number of inputs, where `values` are fewer rows with the same inner products of features, already divided, or
        there are none.
    exponent
        Power of two by which values are divided before anything is computed of them. Factors and crosses are those of
        the divided values; see `Pair.units`.
    name
        Name used in error messages where there is no label.
    """

    def __init__(
        self,
        values: Any,
        precision: float,
        *,
        representation: Representation | None = None,
        parent: Side | None = None,
        kept: int | None = None,
        inputs: int | None = None,
        exponent: int = 0,
        name: str = "",
    ) -> None:
        self._inputs = inputs
        self._given = values
        self._values: Any = None
        self.exponent = exponent if parent is None else parent.exponent
        self._name = name
        self.precision = precision
        self.representation = representation
        self.parent = parent
        self.kept = kept
        self._factors: dict[Factor, Any] = {}
        self._prepared = False
        self._lock = threading.RLock()

    @classmethod
    def of(cls, data: Any, name: str = "") -> Side:
        """Side of an array, a tensor, or a Representation; checks that it can be compared."""
        if isinstance(data, Side):
            return data
        if isinstance(data, Representation):
            if data.root is not data:
                return cls.of(data.root).leading(data.kept or data.d, data)
            given = data.values if data.has_features else None
            inputs = None if data.has_features else data.n
            return cls(given, data.precision, representation=data, inputs=inputs, exponent=data.exponent, name=name)
        if is_torch_array(data) and (data.requires_grad or data.device.type != "cpu"):
            values, precision, largest = tensor_in_double(data, name)
            return cls(values, precision, exponent=exponent_of(largest), name=name)
        return cls.of(Representation(data, model=name))

    def leading(self, kept: int, representation: Representation | None = None) -> Side:
        """Side of the `kept` leading principal components; its factors are cut from this side's."""
        return Side(None, self.precision, representation=representation, parent=self, kept=kept)

    def __getitem__(self, factor: Factor) -> Any:
        with self._lock:
            if factor not in self._factors:
                self._factors[factor] = self._computed(factor)
            return self._factors[factor]

    def _computed(self, factor: Factor) -> Any:
        """Compute a factor, unless it is too large for this machine."""
        if not self.streamed:
            check_fits(factor, self.n, self.d)
        return factor(self)

    def __setitem__(self, factor: Factor, value: Any) -> None:
        """Keep the value of a factor that was computed elsewhere."""
        self._factors[factor] = value

    def holds(self, factor: Factor) -> bool:
        """Whether the factor is there already."""
        return factor in self._factors

    def take(self, factor: Factor) -> Any:
        """Return the value of a factor for the caller to overwrite: a copy only if others will read it."""
        with self._lock:
            return self._factors[factor].copy() if factor in self._factors else self._computed(factor)

    def prepare(self, factors: Collection[Factor]) -> None:
        """Compute factors once, each after those that it reads, then forget what was only a step to them.

        One that cannot be computed is left to the measure that asks for it, which fails with the reason.
        """
        with self._lock:
            if self._prepared or self.streamed:
                return
            for factor in steps(frozenset(factors)):
                with contextlib.suppress(SimilitudeError, np.linalg.LinAlgError, MemoryError):
                    self[factor]
            self._factors = {factor: value for factor, value in self._factors.items() if factor in factors}
            self._values = None
            self._prepared = True

    @property
    def busy(self) -> bool:
        """Whether another thread is computing a factor, so that whoever asks for one has to wait."""
        free = self._lock.acquire(blocking=False)
        if free:
            self._lock.release()
        return not free

    @property
    def nbytes(self) -> int:
        """Memory taken by the factors, and by the values where they had to be copied; views of a parent's take none."""
        parents = set() if self.parent is None else {id(array) for array in self.parent._arrays()}
        return sum(array.nbytes for array in self._arrays() if id(getattr(array, "base", None)) not in parents)

    def _arrays(self) -> list[Any]:
        factors = list(self._factors.values())
        held = [array for f in factors for array in (f if isinstance(f, tuple) else (f,))]
        if self._values is not self._given:
            held.append(self._values)
        return [array for array in held if hasattr(array, "nbytes")]

    @property
    def dissimilarities(self) -> np.ndarray | None:
        """Entries of the given RDM, in their own unit; None where features are given."""
        given = self.representation
        return None if given is None or given.has_features else given.values

    @property
    def stored_in_memory(self) -> np.ndarray | None:
        """What was given, where it is in NumPy's hands; None for tensors, and for values that stand for others."""
        if self.dissimilarities is not None:
            return self.dissimilarities
        return self._given if self._inputs is None and isinstance(self._given, np.ndarray) else None

    @property
    def stored(self) -> Any:
        """The n x d matrix as it was given, in its own precision and unit."""
        return scaled(self.values, self.exponent) if self._given is None else self._given

    @property
    def values(self) -> Any:
        """The n x d matrix in double precision, divided by 2^`exponent`.

        Raises
        ------
        MeasureError
            Dissimilarities are given, and no features.
        """
        if self._values is None:
            if self.dissimilarities is not None:
                raise MeasureError(f"{self.key or 'A side'} is an RDM, without the features that this needs.")
            if self._given is None:
                svd = self[ThinSVD()]  # of a view
                self._values = svd.u * svd.s
            elif self._inputs is not None or (self._given.dtype == self.xp.float64 and not self.exponent):
                self._values = self._given
            else:
                self._values = scaled(self.xp.astype(self._given, self.xp.float64), -self.exponent)
        return self._values

    @property
    def n(self) -> int:
        """Number of inputs."""
        if self.parent is not None:
            return self.parent.n
        return self._given.shape[0] if self._inputs is None else self._inputs

    @property
    def streamed(self) -> bool:
        """Whether the values are fewer rows that stand for all inputs."""
        return self._inputs is not None and self._given is not None

    @property
    def d(self) -> int:
        """Number of features."""
        if self.dissimilarities is not None:
            return self.n
        return self.kept if self.kept is not None else self._given.shape[1]

    @property
    def content_hash(self) -> str:
        """Hash of the data; see `Representation.content_hash`."""
        if self.representation is None:
            self.representation = Representation(self.stored.detach().cpu().numpy(), model=self._name)
        return self.representation.content_hash

    @property
    def key(self) -> str:
        """Label for error messages."""
        return (self.representation.key if self.representation is not None else "") or self._name

    @functools.cached_property
    def xp(self) -> Any:
        """Array-API namespace of the values."""
        if self.dissimilarities is not None:
            return array_namespace(self.dissimilarities)
        return array_namespace(self._given) if self.parent is None else self.parent.xp


def as_numpy(values: Any) -> np.ndarray:
    """Values of a side, or a factor, as a NumPy array, for measures that have no gradient.

    Raises
    ------
    MeasureError
        The values track gradients, which would be lost without a word.
    """
    if isinstance(values, np.ndarray):
        return values
    if values.requires_grad:
        raise MeasureError(
            "This measure has no gradient. Pass tensor.detach(), or use a measure of the linear family: cka."
        )
    return values.cpu().numpy()


class Units(NamedTuple):
    """What brings both sides of a pair to one unit."""

    x: float
    """divides what is proportional to the values of the first side"""
    y: float
    """divides what is proportional to those of the second"""
    exponent: int
    """of the unit, a power of two"""


class Pair:
    """Two sides of the same inputs, and the crosses computed of them so far.

    Whichever way round a pair is asked for, crosses that can be turned round are computed in one order of the sides,
    so that their values do not depend on what was asked for first.

    Parameters
    ----------
    x, y
        The two sides, in order: measures need not be symmetric.
    parent
        The pair of the untruncated sides, from which a truncated pair cuts its crosses.
    routes
        Crosses to compute in the place of others, where a plan has chosen between ways of computing them.

    Attributes
    ----------
    forward
        Whether the sides are in the order in which crosses are computed: the narrower first, of two equally wide ones
        that with the smaller first entry in which they differ.

    Raises
    ------
    ShapeMismatch
        The sides do not have the same inputs.
    """

    def __init__(
        self, x: Side, y: Side, parent: Pair | None = None, routes: Mapping[Cross, Cross] | None = None
    ) -> None:
        if parent is None:
            check_same_inputs(x, y)
            x, y = _in_one_library(x, y)
        if parent is None and (x.parent is not None or y.parent is not None):
            parent = Pair(x.parent or x, y.parent or y, routes=routes)
        self.x = x
        self.y = y
        self.parent = parent
        self._routes = routes or {}
        self._order = _order(x, y) if parent is None else parent._order or x.d - y.d
        # What belongs to the pair, and to the pair the other way round.
        self._crosses, self._crosses_swapped = dict[Cross, Any](), dict[Cross, Any]()
        self._lock = threading.RLock() if parent is None else parent._lock

    @property
    def n(self) -> int:
        """Number of inputs."""
        return self.x.n

    @property
    def xp(self) -> Any:
        """Array-API namespace of the values."""
        return self.x.xp

    @property
    def forward(self) -> bool:
        """Whether crosses are computed in this order of the sides, not the other."""
        return self._order <= 0

    @property
    def units(self) -> Units:
        """What brings both sides to the unit of the larger: divisors, one of which is 1, and the unit's exponent.

        For measures that depend on the scale of their arguments. A side smaller by 2^1000 counts as 0 either way.
        """
        unit = max(self.x.exponent, self.y.exponent)
        x, y = (2.0 ** min(unit - side.exponent, 1000) for side in (self.x, self.y))
        return Units(x, y, unit)

    def route(self, cross: Cross) -> Cross:
        """Return what is computed in the place of a cross."""
        routed = self._routes.get(cross) if self.parent is None else None
        return routed or cross.chosen(self.n, self.x.d, self.y.d, cut=self.parent is not None)

    def __getitem__(self, cross: Cross) -> Any:
        cross = self.route(cross)
        with self._lock:
            if cross not in self._crosses:
                turned = not self.forward and cross.when_swapped != "recomputed"
                self._crosses[cross] = cross.mirrored(self.swapped[cross]) if turned else cross(self)
            return self._crosses[cross]

    def holds(self, cross: Cross) -> bool:
        """Whether a cross, or that of the swapped pair, is there already."""
        return self.route(cross) in self._crosses or self.route(cross) in self._crosses_swapped

    def __setitem__(self, cross: Cross, value: Any) -> None:
        """Keep the value of a cross that was computed elsewhere."""
        cross = self.route(cross)
        if not self.forward and cross.when_swapped != "recomputed":
            self._crosses_swapped[cross] = cross.mirrored(value)
        else:
            self._crosses[cross] = value

    @property
    def swapped(self) -> Pair:
        """The pair the other way round; what one has computed, the other uses."""
        pair = copy.copy(self)
        pair.x, pair.y = self.y, self.x
        pair.parent = None if self.parent is None else self.parent.swapped
        pair._order = -self._order
        pair._crosses, pair._crosses_swapped = self._crosses_swapped, self._crosses
        return pair


def _order(x: Side, y: Side) -> int:
    """Negative if the first side comes first, positive if the second does, 0 if they hold the same."""
    sides = x.stored_in_memory, y.stored_in_memory
    if sides[0] is None or sides[1] is None:
        return 0
    if sides[0].shape != sides[1].shape:
        return sides[0].size - sides[1].size
    for start, rows in row_blocks(sides[0], _COMPARED):  # most differ in their first entry
        others = sides[1][start : start + len(rows)]
        different = rows != others
        if different.any():
            first = np.unravel_index(np.argmax(different), rows.shape)
            return -1 if rows[first] < others[first] else 1
    return 0


def _in_one_library(x: Side, y: Side) -> tuple[Side, Side]:
    """Where one side tracks gradients or lives on a device, make tensors there of the other too."""
    if x.xp is y.xp or x.dissimilarities is not None or y.dissimilarities is not None:
        return x, y
    like = x if is_torch_array((x.parent or x).stored) else y
    return (x, _as_tensor(y, like)) if like is x else (_as_tensor(x, like), y)


def _as_tensor(side: Side, like: Side) -> Side:
    import torch

    if side.parent is not None:
        return _as_tensor(side.parent, like).leading(side.d, side.representation)
    values = torch.tensor(side.stored, device=(like.parent or like).stored.device, dtype=torch.float64)
    return Side(values, side.precision, representation=side.representation, exponent=side.exponent)
