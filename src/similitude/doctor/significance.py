"""Is a value more than chance? What it would be for the same data with the inputs of one side shuffled."""

from __future__ import annotations

import importlib
import math
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from array_api_compat import is_torch_array

from similitude.errors import InputError
from similitude.factors.base import Factor
from similitude.factors.linear import CovarianceNorm, SquaredRowNorms
from similitude.factors.pair import Pair, Side
from similitude.linalg.threads import limit_threads
from similitude.measures.base import Measure
from similitude.measures.cka import CKA
from similitude.measures.evaluation import evaluate, tell_failures
from similitude.measures.parse import get_measures
from similitude.representations.frames import on_one_index
from similitude.representations.rdm import RDM
from similitude.representations.representation import Representation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SignificanceTable", "significance"]


class SignificanceTable(pd.DataFrame):
    """Data frame of one row per measure that `significance` returns; ``.plot()`` draws values beside their chance."""

    def to_frame(self) -> pd.DataFrame:
        """Return a plain data frame."""
        return pd.DataFrame(self)

    @property
    def failures(self) -> dict[str, str]:
        """Measure id to the reason, for those that failed."""
        return self.attrs.get("failures", {})

    def plot(self) -> Figure:  # type: ignore[override]  # of a result, as of `compare`, not of any columns
        """Draw each value beside its chance level, with two standard deviations of what shuffled inputs give."""
        return importlib.import_module("similitude.report.figures_results").draw_significance(self)


def significance(
    x: Any,
    y: Any,
    measures: str | Measure | Iterable[str | Measure] | None = None,
    permutations: int = 200,
    seed: int = 0,
) -> SignificanceTable:
    """Compute the chance level and p-value of each measure for these data.

    The inputs of the second side are shuffled (the rows of features, rows and columns of an RDM together), which keeps
    both spectra and destroys the correspondence of inputs. Factors are reordered rather than computed again.

    Parameters
    ----------
    x, y
        Arrays or tensors of shape (n, d_x) and (n, d_y), Representations or RDMs. Rows of two DataFrames are matched by
        their index.
    measures
        Ids; by default the measures of Ding et al. 2021, or rsa where a side is an RDM.
    permutations
        Number of shuffles; the smallest p-value is 1 / (permutations + 1).
    seed
        Of the shuffles.

    Returns
    -------
    SignificanceTable
        Data frame of one row per measure: ``measure``, ``kind``, ``value``, ``chance`` (the mean under shuffling,
        exact for linear CKA), ``sd`` under shuffling, ``z`` (standard deviations by which the value is *more alike*
        than chance; NaN for a measure that shuffling does not change) and one-sided ``p``. A measure that failed has
        NaN in its row, and its reason in ``.failures``.

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
    >>> frame = significance(rng.normal(size=(40, 30)), rng.normal(size=(40, 30)), "cka", permutations=50)
    >>> bool(frame["value"][0] > 0.4), bool(frame["p"][0] > 0.05)
    (True, True)
    """
    if permutations < 1:
        raise InputError(f"permutations must be at least 1, not {permutations}.")
    chosen = get_measures(measures, (x, y))
    x, y = on_one_index(x, y)
    sides = _side(x, "first"), _side(y, "second")
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(sides[1].n) for _ in range(permutations)]
    with limit_threads(), ThreadPoolExecutor() as executor:
        observed = evaluate(Pair(*sides), chosen, lambda work, items: list(executor.map(work, items)))
        kept = [measure for measure, value in zip(chosen, observed, strict=True) if not isinstance(value, Exception)]
        nulls = executor.map(lambda order: evaluate(Pair(sides[0], _shuffle(sides[1], order)), kept), orders)
        shuffled = dict(zip(map(str, kept), zip(*nulls, strict=True), strict=True))
    found = []  # of each measure its value, unless it failed on these data or on shuffled ones
    for measure, value in zip(chosen, observed, strict=True):
        found.append(next((v for v in shuffled.get(str(measure), ()) if isinstance(v, Exception)), value))
    reasons = tell_failures(chosen, found, stacklevel=2)
    rows = [
        {"measure": str(measure), "kind": measure.properties().kind}
        | ({} if str(measure) in reasons else _row(measure, float(value), np.array(shuffled[str(measure)]), sides))
        for measure, value in zip(chosen, found, strict=True)
    ]
    table = SignificanceTable(rows, columns=["measure", "kind", "value", "chance", "sd", "z", "p"])
    table.attrs["failures"] = reasons
    return table


class _Shuffled(Side):
    """A side whose inputs are in another order; its factors are those of the original, reordered."""

    def __init__(self, source: Side, order: np.ndarray) -> None:
        given = source.representation
        if isinstance(given, RDM):
            super().__init__(
                *(None, source.precision),
                representation=given.reordered(order),
                inputs=source.n,
                exponent=source.exponent,
            )
        else:
            values = source.stored[order]
            representation = Representation(values) if isinstance(values, np.ndarray) else None
            super().__init__(values, source.precision, representation=representation, exponent=source.exponent)
        self._source = source
        self._order = order

    def __getitem__(self, factor: Factor) -> Any:
        if factor not in self._factors:
            value = factor.permuted(self._source[factor], self._order)
            self._factors[factor] = factor(self) if value is NotImplemented else value
        return self._factors[factor]

    def take(self, factor: Factor) -> Any:
        return self[factor].copy()

    def prepare(self, factors: Collection[Factor], memory: float = math.inf) -> None:
        """Leave factors to those who ask for them: reordering is cheap."""


def _side(data: Any, name: str) -> Side:
    """Side without gradients, which a significance has none of."""
    return Side.of(Representation(data, model=name) if is_torch_array(data) else data, name)


def _shuffle(side: Side, order: np.ndarray) -> Side:
    if side.parent is None:
        return _Shuffled(side, order)
    return _Shuffled(side.parent, order).leading(side.d)


def _row(measure: Measure, value: float, null: np.ndarray, sides: tuple[Side, Side]) -> dict[str, Any]:
    sd = float(null.std(ddof=1)) if null.size > 1 else float("nan")
    # A measure that shuffling does not change varies by rounding alone.
    varies = sd > 1e-9 * max(1e-300, float(np.abs(null).max()))
    exact = _exact_mean(measure, sides)
    chance = float(null.mean()) if exact is None else exact
    closeness, threshold = -measure.dissimilarity(null), -measure.dissimilarity(value)
    extreme = np.count_nonzero(closeness >= threshold) if varies else null.size
    return {
        "value": value,
        "chance": chance,
        "sd": sd if varies else 0.0,
        "z": float(measure.dissimilarity(chance) - measure.dissimilarity(value)) / sd if varies else float("nan"),
        "p": (1 + extreme) / (1 + null.size),
    }


def _exact_mean(measure: Measure, sides: tuple[Side, Side]) -> float | None:
    """Mean over all permutations, where it has a closed form: tr K tr L / ((n - 1) ||K|| ||L||) for linear CKA."""
    if not isinstance(measure, CKA):
        return None
    if measure.debiased:
        return 0.0
    if measure.kernel != "linear":
        return None
    ratios = [float(side[SquaredRowNorms()].sum() / side[CovarianceNorm()]) for side in sides]
    return ratios[0] * ratios[1] / (sides[0].n - 1)
