"""The alignment that a measure rests on, fitted on some inputs and applied to others."""

from __future__ import annotations

from typing import Any

import numpy as np

from similitude.errors import InputError, MeasureError
from similitude.factors.inputs import check_same_inputs
from similitude.factors.pair import Pair, Side
from similitude.measures import BUILT_IN, Measure, get_measure
from similitude.measures.maps import Maps
from similitude.representations.arrays import as_array
from similitude.representations.frames import on_one_index
from similitude.representations.representation import Representation, as_floats

__all__ = ["Alignment", "align"]

_FAR = 200
"""Exponent of two beyond which values are refused; fourth powers are safe up to there."""


class Alignment:
    """Linear maps that bring two representations together as a measure does, for the inputs fitted and for others.

    Each side has its offset subtracted and is multiplied by its matrix; `score` compares what results. On the inputs
    fitted it is the value of the measure (of ridge_regression, which holds out inputs itself, an in-sample one).

    Parameters
    ----------
    measure
        A measure that rests on an alignment, or its id: the Procrustes family, shape_metric, linear_regression,
        ridge_regression, the CCA family, hard_correlation_match, soft_correlation_match, soft_matching,
        permutation_procrustes.

    Attributes
    ----------
    measure
        The measure.

    Raises
    ------
    MeasureError
        The measure rests on no alignment.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 5))
    >>> Y = X @ np.linalg.qr(rng.normal(size=(5, 5)))[0] + 3
    >>> fitted = Alignment("procrustes").fit(X[:100], Y[:100])
    >>> round(fitted.score(X[100:], Y[100:]), 12)
    0.0
    >>> bool(np.allclose(fitted.predict(Y[100:]), X[100:]))
    True
    """

    def __init__(self, measure: str | Measure) -> None:
        self.measure = get_measure(measure)
        if not self.measure.aligns:
            known = ", ".join(name for name in BUILT_IN if get_measure(name).aligns)
            raise MeasureError(f"{self.measure} rests on no alignment of features. Measures that do: {known}.")
        self._maps: Maps | None = None

    def fit(self, x: Any, y: Any) -> Alignment:
        """Find the alignment.

        Parameters
        ----------
        x, y
            Arrays or tensors of shape (n, d_x) and (n, d_y), or Representations.

        Returns
        -------
        Alignment
            This one.

        Raises
        ------
        InputError
            See `Measure.__call__`.
        MeasureError
            The measure is not defined on these data, such as regression on as many features as inputs.

        Warns
        -----
        SimilitudeWarning
            The inputs leave a rotation undetermined in some dimensions.
        """
        x, y = on_one_index(x, y)
        pair = Pair(_side(x, "X"), _side(y, "Y"))
        self.measure.check(pair)
        self._maps = self.measure.maps(pair)
        return self

    def transform(self, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Map both sides into the space where they are compared.

        Parameters
        ----------
        x, y
            Responses to m inputs, fitted or not, of shape (m, d_x) and (m, d_y).

        Returns
        -------
        tuple of ndarray
            Both of shape (m, k): features of the first side and the rotated second, canonical variates, or matched
            features, column by column.
        """
        x, y = on_one_index(x, y)
        if isinstance(x, Representation) and isinstance(y, Representation):
            check_same_inputs(Side.of(x), Side.of(y))
        first, second = self._mapped(0, x), self._mapped(1, y)
        if len(first) != len(second):
            raise InputError(f"X has {len(first)} inputs and Y has {len(second)}; give the same inputs to both.")
        return first, second

    def score(self, x: Any, y: Any) -> float:
        """Value of the measure with the alignment as fitted.

        The mean and the alignment are those of the inputs fitted; the size of each side, and correlations, are those of
        these inputs. Where no held-out structure is shared, a score can lie beyond the bounds of the measure:
        similarities below 0, `procrustes` up to 4, angles up to pi.

        Parameters
        ----------
        x, y
            See `transform`.

        Raises
        ------
        MeasureError
            A side does not differ from its mean on these inputs.
        """
        first, second = self.transform(x, y)
        for side, name in ((first, "X"), (second, "Y")):
            if not side.any() and self._fitted.matches is None:
                raise MeasureError(f"{name} equals the mean of the inputs fitted throughout; give inputs that vary.")
        return self._fitted.value(first, second)

    def predict(self, y: Any) -> np.ndarray:
        """Predict the first side from the second, in its own features and units.

        Parameters
        ----------
        y
            Responses of the second side, of shape (m, d_y).

        Returns
        -------
        ndarray
            Of shape (m, d_x).

        Raises
        ------
        MeasureError
            The measure maps neither side to the features of the other: CCA, whitening and matching.
        """
        if self._fitted.predicts is None:
            raise MeasureError(f"{self.measure} predicts neither side from the other; use transform.")
        origin_x, origin_y = self._fitted.offsets
        return origin_x + (_rows(y, "Y", len(origin_y)) - origin_y) @ self._fitted.predicts

    @property
    def matrices(self) -> tuple[np.ndarray, np.ndarray]:
        """Matrices of shape (d_x, k) and (d_y, k) by which the two sides are multiplied."""
        return self._fitted.matrices

    @property
    def offsets(self) -> tuple[np.ndarray, np.ndarray]:
        """What is subtracted of the features of the two sides first, of lengths d_x and d_y."""
        return self._fitted.offsets

    @property
    def scale(self) -> float:
        """Factor by which `predict` brings the second side to the size of the first; 1 where sizes count."""
        return self._fitted.scale

    @property
    def matches(self) -> np.ndarray:
        """Positions of matched features, first and second side, of shape (matches, 2)."""
        if self._fitted.matches is None:
            raise MeasureError(f"{self.measure} matches no features with each other; see matrices.")
        return self._fitted.matches

    @property
    def masses(self) -> np.ndarray:
        """Weight of each column of what `transform` returns; all alike unless the measure weights them."""
        masses, columns = self._fitted.masses, self._fitted.matrices[0].shape[1]
        return np.full(columns, 1.0 / columns) if masses is None else masses

    def __repr__(self) -> str:
        return f"Alignment({str(self.measure)!r}, {'not fitted' if self._maps is None else 'fitted'})"

    @property
    def _fitted(self) -> Maps:
        if self._maps is None:
            raise InputError(f"The alignment for {self.measure} is not fitted; call fit(X, Y) first.")
        return self._maps

    def _mapped(self, side: int, rows: Any) -> np.ndarray:
        matrix, origin = self._fitted.matrices[side], self._fitted.offsets[side]
        return (_rows(rows, "XY"[side], len(origin)) - origin) @ matrix


def align(x: Any, y: Any, measure: str | Measure = "procrustes") -> Alignment:
    """Fit the alignment that a measure rests on.

    Parameters
    ----------
    x, y
        Arrays or tensors of shape (n, d_x) and (n, d_y), or Representations.
    measure
        See `Alignment`.

    Returns
    -------
    Alignment
        With ``score`` and ``transform`` for held-out inputs, and the maps themselves.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(100, 4))
    >>> align(X, X[:, [2, 0, 3, 1]], "hard_correlation_match").matches.tolist()
    [[0, 1], [1, 3], [2, 0], [3, 2]]
    """
    return Alignment(measure).fit(x, y)


def _side(data: Any, name: str) -> Side:
    """Side as arrays of NumPy, since an alignment passes on no gradients, in the unit of the data."""
    given = data if isinstance(data, Representation) else Representation(data, model=name)
    if given.root is not given:
        return _side(given.root, name).leading(given.kept or given.d, given)
    if abs(given.exponent) > _FAR:
        raise InputError(
            f"{given.key or name} has values of about 2^{given.exponent}, whose products are beyond what numbers can "
            "hold. Scale it, and held-out inputs with it."
        )
    if not given.has_features:
        return Side.of(given, name)
    return Side(given.values, given.precision, representation=given, name=name)


def _rows(data: Any, name: str, width: int) -> np.ndarray:
    """Responses in double precision, any number of them."""
    if isinstance(data, Representation):
        if not data.has_features:
            raise InputError(f"{name} is an RDM; an alignment is of features.")
        rows = data.values
    else:
        rows = as_floats(as_array(data, name).array, name)
    if rows.ndim != 2 or rows.shape[1] != width or not len(rows):
        raise InputError(f"{name} has shape {rows.shape}; the alignment was fitted to inputs x {width} features.")
    if not np.isfinite(rows).all():
        raise InputError(f"{name} has NaN or infinite values. Remove those inputs from both sides.")
    return rows.astype(np.float64, copy=False)
