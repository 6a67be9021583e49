"""Anyone's measure: a plain function of two arrays, made a measure by a decorator."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

import numpy as np

from similitude.errors import InputError, MeasureError
from similitude.factors.pair import Pair, as_numpy
from similitude.measures.base import Kind, Measure, Properties, invariant

__all__ = ["FunctionMeasure", "measure"]


@dataclass(frozen=True)
class FunctionMeasure(Measure):
    """A measure whose value a function computes from the two arrays; `measure` makes them.

    The function sees read-only float64 arrays of shape (n, d_x) and (n, d_y).
    """

    function: ClassVar[Callable[..., float]]

    def score(self, pair: Pair) -> float:
        """What the function returns, with whatever it raises turned into a MeasureError."""
        arrays = []
        for side in (pair.x, pair.y):
            view = as_numpy(side.stored).astype(np.float64, copy=False).view()
            view.flags.writeable = False
            arrays.append(view)
        parameters = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        try:
            value = type(self).function(*arrays, **parameters)
        except MeasureError:
            raise
        except Exception as error:  # a stranger's function may raise anything; a run must go on
            if isinstance(error, ValueError) and "read-only" in str(error):
                raise MeasureError(f"{self.id} writes to its input; let it work on a copy.") from error
            raise MeasureError(f"{self.id} raised {type(error).__name__}: {error}") from error
        if np.ndim(value) != 0:
            raise MeasureError(f"{self.id} returned an array of shape {np.shape(value)}; it must return one number.")
        if isinstance(value, complex | np.complexfloating | str | bytes) or not hasattr(value, "__float__"):
            raise MeasureError(f"{self.id} returned {value!r:.60}; it must return one real number.")
        return float(value)

    def renamed(self, name: str) -> FunctionMeasure:
        """The same measure under the name by which it is registered."""
        return _make(type(self).function, name, self.declares)()

    def __reduce__(self) -> tuple[Callable[[str], Measure], tuple[str]]:
        """Pickled by id, since its class is made at run time."""
        from similitude.measures import get_measure

        return get_measure, (self.id,)


def measure(
    *,
    kind: Kind,
    bounds: tuple[float, float] = (-inf, inf),
    symmetric: bool = True,
    is_metric: bool = False,
    invariances: str | tuple[str, str] = "",
    reference: str = "",
    formula: str = "",
    minimum_n: int = 2,
    needs: str = "",
    caution: str = "",
) -> Callable[[Callable[..., float]], FunctionMeasure]:
    """Make a function ``f(X, Y) -> float`` a measure, with what it declares of itself.

    X and Y are read-only float64 arrays of shape (n, d_x) and (n, d_y). Keyword arguments with defaults are
    the measure's parameters: ``f(k=5)`` in an id sets one. One annotated with a Literal takes those values only.

    Parameters
    ----------
    kind
        ``"similarity"`` if larger means more alike, else ``"dissimilarity"``.
    bounds
        Smallest and largest value.
    symmetric
        Whether f(X, Y) = f(Y, X).
    is_metric
        Whether the triangle inequality holds.
    invariances
        Letters of what leaves the value unchanged: P permutation of features, O orthogonal transformation, S
        scaling, T translation, L any invertible linear transformation; a pair of such texts if the two
        arguments differ.
    reference, formula, minimum_n, needs, caution
        See `Properties`.

    Returns
    -------
    decorator
        The decorated name stays callable and can be given wherever a measure is asked for. In text it is
        ``package.module:function`` or ``./file.py:function``.

    Examples
    --------
    >>> import numpy as np
    >>> @measure(kind="dissimilarity", bounds=(0, inf), invariances="OT")
    ... def spread_difference(X, Y):
    ...     return abs(X.std(axis=0).sum() - Y.std(axis=0).sum())
    >>> float(spread_difference(np.eye(3), np.eye(3)))
    0.0
    """
    if kind not in ("similarity", "dissimilarity"):
        raise InputError(f"kind must be 'similarity' or 'dissimilarity', not {kind!r}.")
    letters = (invariances, invariances) if isinstance(invariances, str) else invariances
    unknown = set("".join(letters)) - set("POSTL")
    if unknown:
        raise InputError(f"Invariances are letters among P, O, S, T, L, not {', '.join(sorted(unknown))}.")
    declares = Properties(
        kind=kind,
        bounds=bounds,
        symmetric=symmetric,
        is_metric=is_metric,
        invariances=invariant(*letters),
        reference=reference,
        formula=formula,
        minimum_n=minimum_n,
        needs=needs,
        caution=caution,
    )

    def decorate(function: Callable[..., float]) -> FunctionMeasure:
        return _make(function, f"{function.__module__}:{function.__qualname__}", declares)()

    return decorate


def _make(function: Callable[..., float], name: str, declares: Properties) -> type[FunctionMeasure]:
    """Subclass whose fields are the function's keyword arguments."""
    arguments = list(inspect.signature(function).parameters.values())
    positional = [
        a for a in arguments if a.default is a.empty and a.kind in (a.POSITIONAL_ONLY, a.POSITIONAL_OR_KEYWORD)
    ]
    if len(positional) != 2:
        raise InputError(
            f"{name} must take two arrays, and keyword arguments with defaults; it takes {len(positional)}."
        )
    fields = [
        (a.name, Any if a.annotation is a.empty else a.annotation, dataclasses.field(default=a.default))
        for a in arguments
        if a.default is not a.empty
    ]
    return dataclasses.make_dataclass(
        function.__name__,
        fields,
        bases=(FunctionMeasure,),
        namespace={
            "name": name,
            "declares": declares,
            "version": _hash_of_source(function),
            "function": staticmethod(function),
            "__doc__": function.__doc__ or "",
            "__module__": function.__module__,
        },
        frozen=True,
    )


def _hash_of_source(function: Callable[..., float]) -> str:
    """Changes with the function's text, so that stored values of an older one are not taken for it."""
    try:
        source = inspect.getsource(function).encode()
    except (OSError, TypeError):  # defined in a session without a file
        code = function.__code__
        source = code.co_code + repr(code.co_consts).encode()
    return hashlib.blake2b(source, digest_size=8).hexdigest()
