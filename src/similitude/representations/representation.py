"""What is compared: the responses of one layer of one network to n inputs, as an n x d matrix."""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
from xxhash import xxh3_128

from similitude.errors import InputError
from similitude.linalg.principal import centre, frobenius, rounding, thin_svd
from similitude.linalg.scale import exponent_of, largest_of, scaled
from similitude.representations.arrays import as_array
from similitude.representations.names import readable

__all__ = ["Representation", "Truncated", "array_digest", "as_floats", "row_blocks", "validate"]

_ROUNDING = 16.0
"""Units in the last place by which a network's outputs for equal inputs have been seen to differ, and some more."""

_BLOCK = 16 << 20
"""Bytes of an array that are looked at together: it may be a file that memory cannot hold."""


def array_digest(array: np.ndarray) -> hashlib.blake2b:
    """BLAKE2 digest of type, shape and bytes, for what must not change with the hash that names contents."""
    digest = hashlib.blake2b(f"{array.dtype.str}{array.shape}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(array).data)
    return digest


def row_blocks(array: np.ndarray, nbytes: int = _BLOCK) -> Iterator[tuple[int, np.ndarray]]:
    """Consecutive rows of about so many bytes, each with the position of its first row."""
    height = max(1, nbytes // max(1, array[:1].nbytes))
    return ((start, array[start : start + height]) for start in range(0, len(array), height))


def validate(values: Any, name: str = "representation") -> np.ndarray:
    """Return `values` as an n x d array of floats that every measure can take, or say what is wrong with it.

    Parameters
    ----------
    values
        Array, tensor, data frame or nested list of shape (n inputs, d features); integers and half floats are upcast,
        float32 and float64 are kept.
    name
        How error messages call it: a file name, or a model and layer.

    Raises
    ------
    InputError
        Not numeric, not two-dimensional, sparse, empty, one input only, NaN, infinite, missing or masked entries, or
        all features constant but for rounding.
    """
    return _validated(*as_array(values, name), name)[0]


def as_floats(array: np.ndarray, name: str) -> np.ndarray:
    """Convert numbers of any type to float32 or float64; those that are either are not copied.

    Raises
    ------
    InputError
        Not numbers, or complex ones.
    """
    if array.dtype == object or array.dtype.kind not in "biuf":
        raise InputError(
            f"{name}: values of type {array.dtype} cannot be compared. Give a numeric array (n inputs x d features)."
        )
    if array.dtype.kind != "f":
        return array.astype(np.float64)
    if array.dtype.itemsize in (4, 8):
        return array
    return array.astype(np.float32 if array.dtype.itemsize < 4 else np.float64)


def _validated(array: np.ndarray, precision: float, name: str) -> tuple[np.ndarray, float]:
    """The array, and the largest magnitude in it."""
    array = as_floats(array, name)
    if array.ndim != 2:
        hint = "reduce maps to one row per input first" if array.ndim > 2 else "use X[:, None] for a single feature"
        raise InputError(
            f"{name}: shape {array.shape} has {array.ndim} dimension(s), not 2 (n inputs x d features); {hint}."
        )
    if array.size == 0:
        raise InputError(f"{name}: shape {array.shape} holds no values.")
    if array.shape[0] < 2:
        raise InputError(f"{name}: one input only; similarity needs at least two.")
    largest = float(np.max([largest_of(block) for _, block in row_blocks(array)]))
    if not math.isfinite(largest):
        bad = [(start, ~finite) for start, block in row_blocks(array) if not (finite := np.isfinite(block)).all()]
        row, column = (int(i) for i in np.argwhere(bad[0][1])[0])
        raise InputError(
            f"{name}: {sum(int(where.sum()) for _, where in bad)} NaN or infinite value(s), the first at row "
            f"{bad[0][0] + row}, column {column}. Remove or repair those inputs in every network, so that rows still "
            "match."
        )
    if _is_constant(array, precision):
        raise InputError(
            f"{name}: every feature is constant over the {array.shape[0]} inputs, but for rounding; there is nothing "
            "to compare."
        )
    return array, largest


def _is_constant(array: np.ndarray, precision: float) -> bool:
    """Whether rows differ from the first by rounding only.

    A network computes a feature to some units in the last place of it, or of what is typical of all, whichever is more.
    """
    first = np.abs(array[0].astype(np.float64))
    tolerance = _ROUNDING * precision * np.maximum(first, np.median(first))
    with np.errstate(over="ignore"):  # of a difference that is no rounding
        return all((np.abs(block - array[:1]) <= tolerance).all() for _, block in row_blocks(array, 1 << 18))


class Representation:
    """One layer's responses to n inputs: an immutable n x d matrix with the ids of its rows.

    Parameters
    ----------
    values
        Array, tensor, data frame or nested list of shape (n inputs, d features).
    model, layer
        Where it comes from; both appear in tables and on axes.
    ids
        n names of the inputs. Two representations with different ids are not compared. Without ids, rows are
        matched by position.
    reduction
        How the layer's output became n x d, e.g. ``"mean_pool"``.
    axes
        How the layer's output was read before that, and by what evidence, e.g. ``"nchw (Conv2d)"``.

    Attributes
    ----------
    precision
        Machine epsilon of the type in which the values were stored; it sets the tolerance for their rank.
    exponent
        Power of two by which measures divide the values, 0 unless they are far from 1; see
        `similitude.linalg.scale`.

    Raises
    ------
    InputError
        See `validate`; or the number of ids is not n.
    """

    has_features: ClassVar[bool] = True
    """Whether `values` are features; False for an `RDM`."""

    def __init__(
        self,
        values: Any,
        *,
        model: str = "",
        layer: str = "",
        ids: Sequence[str] | None = None,
        reduction: str = "",
        axes: str = "",
    ) -> None:
        self.model = readable(model)
        self.layer = readable(layer)
        self.reduction = reduction
        self.axes = axes
        self.ids = None if ids is None else tuple(str(i) for i in ids)
        array, self.precision = as_array(values, self.key or "representation")
        array, largest = _validated(array, self.precision, self.key or "representation")
        self.values = array.view()
        self.values.flags.writeable = False
        self.exponent = exponent_of(largest, array.itemsize)
        if self.ids is not None and len(self.ids) != self.n:
            raise InputError(f"{self.key}: {len(self.ids)} input ids for {self.n} rows.")

    @property
    def n(self) -> int:
        """Number of inputs (rows)."""
        return self.values.shape[0]

    @property
    def d(self) -> int:
        """Number of features (columns)."""
        return self.values.shape[1]

    @property
    def key(self) -> str:
        """``model/layer``, the label in tables and on axes."""
        return "/".join(part for part in (self.model, self.layer) if part)

    @property
    def root(self) -> Representation:
        """The representation that owns the values: itself, or the parent of a truncated view."""
        return self

    @property
    def kept(self) -> int | None:
        """Number of leading principal components kept; None if nothing was deleted."""
        return None

    @property
    def deleted(self) -> int:
        """Number of trailing principal components deleted."""
        return 0

    @functools.cached_property
    def content_hash(self) -> str:
        """XXH3 digest of type, shape, bytes and ids: the same data have the same hash wherever they lie."""
        digest = xxh3_128(f"{self.values.dtype.str}{self.values.shape}".encode())
        digest.update(np.ascontiguousarray(self.values).data)
        if self.ids is not None:
            digest.update("\x1f".join(self.ids).encode())
        return digest.hexdigest()

    def truncate(self, kept: int) -> Representation:
        """View of the `kept` leading principal components, coordinates U_k S_k of the centred data.

        A view shares the factors of its parent: a whole deletion curve costs one factorisation.

        Examples
        --------
        >>> import numpy as np
        >>> full = Representation(np.random.default_rng(0).normal(size=(20, 5)))
        >>> full.truncate(2).values.shape, full.truncate(2).deleted
        ((20, 2), 3)
        """
        return Truncated(self, kept)

    def reordered(self, order: np.ndarray) -> Representation:
        """Some or all of the inputs, in another order.

        Parameters
        ----------
        order
            Input i of the result is input ``order[i]`` of this one.
        """
        ids = None if self.ids is None else [self.ids[i] for i in order]
        labels = {"model": self.model, "layer": self.layer, "reduction": self.reduction, "axes": self.axes}
        found = Representation(self.values[order], ids=ids, **labels)
        found.precision = self.precision
        return found

    def __repr__(self) -> str:
        return f"Representation({self.key or 'unnamed'}, n={self.n}, d={self.d})"


class Truncated(Representation):
    """The leading principal components of another representation; made by `Representation.truncate`."""

    def __init__(self, parent: Representation, kept: int) -> None:
        if not 1 <= kept <= parent.d:
            raise InputError(
                f"{parent.key}: cannot keep {kept} of {parent.d} principal components; keep 1 to {parent.d}."
            )
        self._parent = parent.root
        self._kept = kept
        self.model = parent.model
        self.layer = parent.layer
        self.reduction = parent.reduction
        self.axes = parent.axes
        self.ids = parent.ids
        self.precision = parent.precision
        self.exponent = parent.exponent

    @functools.cached_property
    def values(self) -> np.ndarray:  # type: ignore[override]  # computed only if something asks for the matrix itself
        """The coordinates U_k S_k, of shape (n, at most kept); fewer columns where the rank is smaller."""
        whole = scaled(self._parent.values.astype(np.float64, copy=False), -self.exponent)
        # As in measures, so that signs and rank agree.
        u, s, _ = thin_svd(centre(whole, whole.mean(axis=0), np), np)
        rank = max(int((s > rounding(whole.shape, frobenius(whole, np).item(), self.precision)).sum()), 1)
        kept = min(self._kept, rank)
        values = scaled(u[:, :kept] * s[:kept], self.exponent)
        values.flags.writeable = False
        return values

    @property
    def n(self) -> int:
        """Number of inputs (rows)."""
        return self._parent.n

    @property
    def d(self) -> int:
        """Number of features kept."""
        return self._kept

    @property
    def key(self) -> str:
        """``model/layer[:kept]``, the label in tables and on axes."""
        return f"{super().key}[:{self._kept}]"

    @property
    def root(self) -> Representation:
        """The representation that was cut."""
        return self._parent

    @property
    def kept(self) -> int | None:
        """Number of leading principal components kept."""
        return self._kept

    @property
    def deleted(self) -> int:
        """Number of trailing principal components deleted."""
        return self._parent.d - self._kept

    @functools.cached_property
    def content_hash(self) -> str:
        """The parent's hash and the number of components kept."""
        return f"{self._parent.content_hash}:{self._kept}"

    def __repr__(self) -> str:
        return f"Truncated({self.key or 'unnamed'}, n={self.n}, kept={self._kept} of {self._parent.d})"
