"""Dissimilarities that are given instead of features, as they come from behaviour or from brains."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.spatial.distance import squareform

from similitude.errors import InputError
from similitude.linalg.scale import exponent_of, largest_of
from similitude.representations.arrays import as_array
from similitude.representations.representation import Representation, as_floats, row_blocks

__all__ = ["RDM"]


class RDM(Representation):
    """A representational dissimilarity matrix of n inputs, which takes the place of features in a comparison.

    Measures that compare dissimilarities take it as it is, and against features compute those of the other side:
    `rsa`, whatever its parameters, and, for Euclidean distances, `distance_correlation` and `rsm_norm_difference`.
    Other measures need features, and refuse it.

    Parameters
    ----------
    values
        Symmetric n x n matrix with a zero diagonal, or its upper triangle row by row, a vector of n (n - 1) / 2
        entries as of `scipy.spatial.distance.pdist`. Entries may be below 0, as cross-validated distances are. Where
        the two triangles differ by rounding, the upper one counts.
    model, layer
        Where it comes from; both appear in tables and on axes.
    ids
        n names of the inputs; see `Representation`.

    Attributes
    ----------
    values
        The upper triangle row by row, n (n - 1) / 2 entries.

    Raises
    ------
    InputError
        Another shape; not symmetric; a diagonal that is not zero; missing or infinite entries; or the number of ids is
        not n.

    Examples
    --------
    >>> from scipy.spatial.distance import pdist
    >>> X = np.random.default_rng(0).normal(size=(20, 5))
    >>> rdm = RDM(pdist(X, "correlation"), model="V4")
    >>> rdm
    RDM(V4, n=20)
    >>> from similitude import compare
    >>> compare(rdm, X, "rsa")["rsa"].__round__(12)
    1.0
    """

    has_features = False

    def __init__(self, values: Any, *, model: str = "", layer: str = "", ids: Sequence[str] | None = None) -> None:
        self.model = model
        self.layer = layer
        self.reduction = ""
        self.axes = ""
        self.ids = None if ids is None else tuple(str(i) for i in ids)
        name = self.key or "RDM"
        array, self.precision = as_array(values, name)
        self.values = _condensed(as_floats(array, name), self.precision, name)
        self.values.flags.writeable = False
        self.exponent = exponent_of(largest_of(self.values), self.values.itemsize)
        if self.ids is not None and len(self.ids) != self.n:
            raise InputError(f"{name}: {len(self.ids)} input ids for {self.n} inputs.")

    @property
    def n(self) -> int:
        """Number of inputs."""
        return _inputs_of(self.values.size)

    @property
    def d(self) -> int:
        """Number of columns of the matrix, n."""
        return self.n

    @property
    def matrix(self) -> np.ndarray:
        """The n x n matrix."""
        return squareform(self.values, checks=False)

    @functools.cached_property
    def content_hash(self) -> str:
        """Hash of the entries and ids, different from that of features with the same bytes."""
        return f"rdm-{super().content_hash}"

    def reordered(self, order: np.ndarray) -> RDM:
        """Some or all of the inputs, in another order: rows and columns together.

        Parameters
        ----------
        order
            Input i of the result is input ``order[i]`` of this one.
        """
        ids = None if self.ids is None else [self.ids[i] for i in order]
        entries = squareform(self.matrix[np.ix_(order, order)], checks=False)
        return RDM(entries, model=self.model, layer=self.layer, ids=ids)

    def truncate(self, kept: int) -> Representation:
        """Refuse: dissimilarities have no principal components to remove."""
        raise InputError(f"{self.key or 'RDM'}: principal components are those of features, and an RDM has none.")

    def __repr__(self) -> str:
        return f"RDM({self.key or 'unnamed'}, n={self.n})"


def _condensed(array: np.ndarray, precision: float, name: str) -> np.ndarray:
    """Upper triangle of a matrix that has been checked; a vector as it is."""
    if array.ndim == 2 and array.shape[0] == array.shape[1]:
        _check_matrix(array, precision, name)
        return squareform(array, checks=False)
    if array.ndim == 1 and array.size and (n := _inputs_of(array.size)) * (n - 1) // 2 == array.size:
        _check_finite(array, name)
        return array.copy()
    hint = ""
    if array.ndim == 1:
        n = _inputs_of(array.size)
        hint = f" A vector of {n * (n - 1) // 2} or {n * (n + 1) // 2} entries would fit {n} or {n + 1} inputs."
    elif array.ndim == 2:
        hint = " Of several RDMs give one at a time; for features, use Representation."
    raise InputError(
        f"{name}: shape {array.shape} is no RDM. Give a square n x n matrix, or its upper triangle as a vector of "
        f"n (n - 1) / 2 entries.{hint}"
    )


def _inputs_of(entries: int) -> int:
    """Number of inputs whose pairs are so many, rounded down."""
    return (1 + math.isqrt(1 + 8 * entries)) // 2


def _check_finite(array: np.ndarray, name: str) -> None:
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        where = ", ".join(str(int(i)) for i in np.unravel_index(bad[0], array.shape))
        raise InputError(
            f"{name}: {bad.size} NaN or infinite dissimilarities, the first at {where}. "
            "Leave out those inputs on both sides."
        )


def _check_matrix(array: np.ndarray, precision: float, name: str) -> None:
    if len(array) < 2:
        raise InputError(f"{name}: one input only; similarity needs at least two.")
    _check_finite(array, name)
    diagonal, largest = np.diagonal(array), float(np.abs(array).max())
    # The root of rounding errors: what a distance computed from products leaves on the diagonal.
    tolerance = min(precision**0.5, 1e-3) * largest
    if (np.abs(diagonal) > tolerance).any():
        alike = diagonal.min() >= largest - tolerance
        cure = "These look like similarities; pass 1 - values." if alike else "Set it to 0 if it is meant to be."
        raise InputError(f"{name}: the diagonal of an RDM is zero; here it reaches {diagonal.max():.4g}. {cure}")
    for start, rows in row_blocks(array):
        gaps = np.abs(rows - array[:, start : start + len(rows)].T)
        if gaps.max() > tolerance:
            i, j = (int(k) for k in np.unravel_index(gaps.argmax(), gaps.shape))
            raise InputError(
                f"{name}: an RDM is symmetric, and entries ({start + i}, {j}) and ({j}, {start + i}) are "
                f"{array[start + i, j]:.4g} and {array[j, start + i]:.4g}. Pass (D + D.T) / 2 if their mean is meant."
            )
