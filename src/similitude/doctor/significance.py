"""Is a value more than chance? What it would be for the same data with the inputs of one side shuffled."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pandas as pd
from array_api_compat import is_torch_array

from similitude.doctor.nulls import closed_nulls, null_moments, sampled_null, shuffle_values
from similitude.errors import InputError
from similitude.factors.pair import Pair, Side
from similitude.factors.shuffled import draw_orders
from similitude.linalg.threads import limit_threads
from similitude.measures.base import Measure
from similitude.measures.evaluation import evaluate, tell_failures
from similitude.measures.null import Null, Shuffles, check_inputs
from similitude.measures.parse import get_measures
from similitude.representations.frames import on_one_index
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

    Chance is what the value would be if the inputs of one side were in random order (the rows of features, rows and
    columns of an RDM together), which keeps both spectra and destroys the correspondence of inputs. For CKA, distance
    correlation and RSA, but for Kendall's tau, mean, variance and skewness over all orders have a closed form, and p is
    that of the Pearson type III distribution with these moments (Kazi-Aoual et al. 1995,
    doi:10.1016/0167-9473(94)00064-2). For other measures inputs are shuffled; factors are reordered rather than
    computed again.

    Parameters
    ----------
    x, y
        Arrays or tensors of shape (n, d_x) and (n, d_y), Representations or RDMs. Rows of two DataFrames are matched by
        their index.
    measures
        Ids; by default the measures of Ding et al. 2021, or rsa where a side is an RDM.
    permutations
        Number of shuffles for measures without a closed form; their smallest p-value is 1 / (permutations + 1).
    seed
        Of the shuffles.

    Returns
    -------
    SignificanceTable
        Data frame of one row per measure: ``measure``, ``kind``, ``value``, ``chance`` (the mean under shuffling; for
        distance correlation, the root mean square), ``sd`` under shuffling, ``z`` (standard deviations by which the
        value, for distance correlation its square, is *more alike* than chance; NaN for a measure that shuffling does
        not change), one-sided ``p``, and ``null``: ``"exact"`` or ``"permutation"``. A measure that failed has
        NaN in its row, and its reason in ``.failures``.

    Raises
    ------
    InputError
        Fewer than four inputs.
    SimilitudeError
        No measure could be computed: the reason of the first.

    Warns
    -----
    SimilitudeWarning
        A measure failed.

    Examples
    --------
    >>> import numpy as np
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
    pair = Pair(*sides)
    check_inputs(pair.n)
    with limit_threads(), ThreadPoolExecutor() as executor:

        def each(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
            return list(executor.map(work, items))

        found = evaluate(pair, [*chosen, *null_moments(chosen)], each)
        found, moments = found[: len(chosen)], found[len(chosen) :]
        nulls: dict[Measure, Any] = dict(closed_nulls(chosen, moments, pair.n))
        kept = [measure for measure, value in zip(chosen, found, strict=True) if not isinstance(value, Exception)]
        permuted = [measure for measure in kept if measure not in nulls]
        if permuted:
            values = shuffle_values([pair], permuted, draw_orders(pair.n, permutations, seed), each)
            of_measures = zip(*(of_pair for (of_pair,) in values), strict=True)
            nulls |= {m: sampled_null(m, list(v)) for m, v in zip(permuted, of_measures, strict=True)}
    for position, measure in enumerate(chosen):
        if isinstance(nulls.get(measure), Exception) and not isinstance(found[position], Exception):
            found[position] = nulls[measure]
    reasons = tell_failures(chosen, found, stacklevel=2)
    rows = [
        {"measure": str(measure), "kind": measure.properties().kind}
        | ({} if str(measure) in reasons else _row(float(value), nulls[measure]))
        for measure, value in zip(chosen, found, strict=True)
    ]
    table = SignificanceTable(rows, columns=["measure", "kind", "value", "chance", "sd", "z", "p", "null"])
    table.attrs["failures"] = reasons
    return table


def _side(data: Any, name: str) -> Side:
    """Side without gradients, which a significance has none of."""
    return Side.of(Representation(data, model=name) if is_torch_array(data) else data, name)


def _row(value: float, null: Null | Shuffles) -> dict[str, Any]:
    return {
        "value": value,
        "chance": null.chance,
        "sd": null.spread if null.varies else 0.0,
        "z": null.z(value),
        "p": null.p(value),
        "null": null.label,
    }
