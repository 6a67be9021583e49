"""Which inputs decide a value: what it is without each of them, exactly, and without the most outlying ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from similitude.errors import SimilitudeWarning
from similitude.factors.pair import Pair, Side
from similitude.measures.base import Measure
from similitude.measures.evaluation import FAILURES, evaluate, tell_failures
from similitude.measures.parse import get_measures
from similitude.representations.frames import on_one_index
from similitude.result import ResultFrame

__all__ = ["LeaveOneOutTable", "check_outliers", "leave_one_out"]

_OF_FEATURES, _OF_PAIRS = ("cka",), ("distance_correlation", "rsa(rdm=euclidean,compare=pearson)")
"""What the doctor looks at: always, and where matrices of all pairs of inputs are small."""

_SMALL = 2_000
"""Inputs of which a matrix of all pairs is small."""

_NOTABLE = 0.05
"""Change of a value that one input must not make."""

_TIMES = 30
"""As a multiple of the median change: each of few inputs changes much, the largest of normal data seldom by this."""

_NOTABLE_OF_MANY = 0.2
"""Change of CKA that a tenth of the inputs must not make."""

_SHARES = (0.01, 0.05, 0.1)
_SHOWN = 5


class LeaveOneOutTable(ResultFrame):
    """Data frame of one row per input and one column per measure that `leave_one_out` returns."""

    @property
    def whole(self) -> dict[str, float]:
        """Measure id to the value on all inputs."""
        return self.attrs["whole"]

    def changes(self) -> pd.DataFrame:
        """Return by how much leaving out each input changes each value, the largest changes first."""
        change = self.to_frame() - pd.Series(self.whole)
        return change.loc[change.abs().max(axis=1).sort_values(ascending=False, kind="stable").index]


def leave_one_out(x: Any, y: Any, measures: str | Measure | Iterable[str | Measure] = "cka") -> LeaveOneOutTable:
    """Compute values without each input in turn, in closed form: all n of them for the price of about one.

    Parameters
    ----------
    x, y
        Arrays or tensors of shape (n, d_x) and (n, d_y), Representations or RDMs. Rows of two DataFrames are matched by
        their index.
    measures
        Ids of `cka` (of any kernel, biased or not; a Gaussian one keeps its width), `distance_correlation`, or `rsa`
        with ``compare`` pearson, cosine or whitened_cosine. Others have no closed form.

    Returns
    -------
    LeaveOneOutTable
        Data frame of one row per input, named by its id or position, and one column per measure: the value without
        that input, NaN where nothing is left. ``.whole`` has the values on all inputs and ``.changes()`` the
        differences, the largest first; a measure without a closed form is in ``.failures`` with the reason.

    Raises
    ------
    SimilitudeError
        No measure could be computed: the reason of the first.

    Warns
    -----
    SimilitudeWarning
        A measure failed.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 4))
    >>> Y = X + 0.1 * rng.normal(size=X.shape)
    >>> Y[7] += 1000
    >>> table = leave_one_out(X, Y)
    >>> table.changes().index[0].item(), round(float(table.whole["cka"]), 1), round(float(table["cka"][7]), 1)
    (7, 0.0, 1.0)
    """
    chosen = get_measures(measures, (x, y))
    x, y = on_one_index(x, y)
    pair = Pair(Side.of(x, "first"), Side.of(y, "second"))
    values = evaluate(pair, chosen)
    found = [
        value if isinstance(value, Exception) else _attempt(measure, pair)
        for measure, value in zip(chosen, values, strict=True)
    ]
    failures = tell_failures(chosen, found, stacklevel=2)
    ids = next((r.ids for side in (pair.x, pair.y) if (r := side.representation) and r.ids is not None), None)
    kept = {str(m): without for m, without in zip(chosen, found, strict=True) if str(m) not in failures}
    table = LeaveOneOutTable(kept, index=pd.Index(range(pair.n) if ids is None else ids, name="input"))
    whole = {str(m): float(value) for m, value in zip(chosen, values, strict=True) if str(m) in kept}
    table.attrs.update(whole=whole, failures=failures)
    return table


def _attempt(measure: Measure, pair: Pair) -> np.ndarray | Exception:
    try:
        return measure.without_each(pair)
    except FAILURES as error:
        return error


def check_outliers(x: np.ndarray, y: np.ndarray, tell: Callable[..., None]) -> None:
    """Report inputs that decide what measures give.

    Parameters
    ----------
    x, y
        Centred arrays of shape (n, d_x) and (n, d_y).
    tell
        Function of severity, check, text and numbers that keeps a finding.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SimilitudeWarning)
        try:
            table = leave_one_out(x, y, [*_OF_FEATURES, *_OF_PAIRS * (len(x) <= _SMALL)])
        except FAILURES:  # on too few inputs, say, of which other checks tell
            return
    moved = [name for name in table if _tell_of_one(str(name), table, tell)]
    if not moved:
        _tell_of_many(x, y, tell)


def _tell_of_one(name: str, table: LeaveOneOutTable, tell: Callable[..., None]) -> bool:
    """Report the inputs of which each changes a value notably, and return whether there are any."""
    without, whole = table[name].to_numpy(), table.whole[name]
    change = np.abs(np.nan_to_num(without) - whole)
    notable = max(_NOTABLE, _TIMES * float(np.median(change)))
    rows = np.argsort(-change, kind="stable")[: np.count_nonzero(change > notable)]
    if not rows.size:
        return False
    row = int(rows[0])
    left = "undefined" if np.isnan(without[row]) else f"{without[row]:.3f}"
    others = f" Rows {', '.join(map(str, rows[1:_SHOWN]))}{', ...' * (rows.size > _SHOWN)} do so too." * (rows.size > 1)
    tell(
        "warning",
        "outliers",
        f"{name} is {whole:.3f}, and {left} without row {row}: one input decides it.{others} Look at it, or use a "
        "measure of ranks or neighbours.",
        **{name: whole, "row": row, f"{name}_without": float(np.nan_to_num(without[row])), "rows": rows.tolist()},
    )
    return True


def _tell_of_many(x: np.ndarray, y: np.ndarray, tell: Callable[..., None]) -> None:
    """Report outliers that hide behind each other: leaving out one leaves the rest."""
    (cka,) = get_measures("cka")
    share = np.maximum(*(np.vecdot(v, v) / np.vdot(v, v) for v in (x, y)))
    outermost = np.argsort(-share, kind="stable")
    try:
        whole = float(cka(x, y))
        for part in _SHARES:
            rows, left = np.split(outermost, [round(part * len(x))])
            without = float(cka(x[left], y[left])) if rows.size else whole
            if abs(without - whole) > _NOTABLE_OF_MANY:
                tell(
                    "note",
                    "outliers",
                    f"cka is {whole:.3f}, and {without:.3f} without {part:.0%} of the rows, those of most variance: "
                    "outliers, or a small group of inputs, decide it. Look at them, or use a measure of ranks or "
                    "neighbours.",
                    cka=whole,
                    cka_without=without,
                    rows=np.sort(rows).tolist(),
                )
                return
    except FAILURES:  # nothing varies without them
        return
